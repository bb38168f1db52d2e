"""ONNX Runtime as a back end: any CPU, and CUDA where its GPU build is installed."""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.engine import Peaks
from jtn_ros.inference.engine import check_inputs
from jtn_ros.inference.model_file import read_model


class OnnxEngine:
    """Runs an exported model in ONNX Runtime."""

    def __init__(
        self,
        path: Path,
        *,
        device: str | None = None,
        precision: str | None = None,
        threads: int | None = None,
    ) -> None:
        """Load a model.

        Args:
            path: the exported file.
            device: 'cpu' or 'cuda'; by default CUDA where this ONNX Runtime has it.
            precision: only 'f32', the precision of the file.
            threads: CPU threads; by default one per core.

        Raises:
            ImportError: if ONNX Runtime is not installed.
            OSError: if the file cannot be read.
            ValueError: if it is no exported model, or the device or precision is not to be had.
        """
        content, self._info = read_model(path)
        try:
            import onnxruntime
        except ImportError as error:
            raise ImportError('ONNX Runtime is missing: pip install onnxruntime') from error
        if precision not in (None, 'f32'):
            raise ValueError(f'ONNX Runtime runs the file as it is, in f32, not {precision!r}')
        available = onnxruntime.get_available_providers()
        self._device = device or ('cuda' if 'CUDAExecutionProvider' in available else 'cpu')
        provider = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}.get(
            self._device
        )
        if provider not in available:
            raise ValueError(
                f'this ONNX Runtime cannot run on {self._device!r}; for CUDA: '
                'pip install onnxruntime-gpu'
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=[provider])
        except Exception as error:  # its exceptions share no public base class
            raise ValueError(f'{path} is no model that ONNX Runtime can run: {error}') from error
        self._outputs = [output.name for output in self._session.get_outputs()]

    @property
    def info(self) -> ModelInfo:
        """Return what the model says about itself."""
        return self._info

    @property
    def description(self) -> str:
        """Return back end, device and precision."""
        return f'ONNX Runtime {self._device.upper()} f32'

    def run(
        self,
        images: NDArray[np.uint8],
        previous_images: NDArray[np.uint8] | None = None,
        prior_heatmaps: NDArray[np.float32] | None = None,
    ) -> Peaks:
        """Return the peaks of B images; see `jtn_ros.inference.engine.Engine.run`."""
        inputs = check_inputs(self._info, images, previous_images, prior_heatmaps)
        values: list[Any] = self._session.run(self._outputs, inputs)
        return Peaks(**dict(zip(self._outputs, values, strict=True)))
