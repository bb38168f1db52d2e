"""ONNX Runtime as a back end: any CPU, and CUDA where its GPU build is installed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.model_file import read_model
from jtn_ros.installing import install_command


class OnnxEngine(Engine):
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
            precision: only that of the file.
            threads: CPU threads; by default one per core.

        Raises:
            OSError: if the file cannot be read.
            JtnError: if it is not an exported model, the device or precision is not available, or
                ONNX Runtime is not installed.
        """
        content, info = read_model(path)
        with packages_for('this back end needs', 'onnxruntime'):
            import onnxruntime
        if precision not in (None, info.precision):
            raise JtnError(
                f'ONNX Runtime runs {path.name} as it is, in {info.precision}, not {precision!r}'
            )
        available = onnxruntime.get_available_providers()
        device = device or ('cuda' if 'CUDAExecutionProvider' in available else 'cpu')
        provider = {'cpu': 'CPUExecutionProvider', 'cuda': 'CUDAExecutionProvider'}.get(device)
        if provider not in available:
            raise JtnError(
                f'this ONNX Runtime cannot run on {device!r}; for CUDA: '
                f'{install_command("onnxruntime-gpu")}'
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
        # During a run, threads wait by spinning, which is fastest. Without this option, they would
        # keep spinning after it, and use nearly twice the processor time.
        options.add_session_config_entry('session.force_spinning_stop', '1')
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(content, options, providers=[provider])
        except Exception as error:  # its exceptions share no public base class
            raise JtnError(f'{path} is not a model that ONNX Runtime can run: {error}') from error
        self._outputs = [output.name for output in self._session.get_outputs()]
        super().__init__(info, f'ONNX Runtime {device.upper()} {info.precision}')

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs; see `Engine.infer`."""
        try:
            values: list[Any] = self._session.run(self._outputs, inputs)
        except Exception as error:  # its exceptions share no public base class
            raise RuntimeError(f'ONNX Runtime failed: {error}') from error
        return dict(zip(self._outputs, values, strict=True))
