"""OpenVINO as a back end: the fastest on CPUs, and the default there."""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.model_file import read_model

logger = logging.getLogger(__name__)

PRECISIONS = ('f32', 'bf16', 'f16')


def cpu_threads(threads: int) -> dict[str, Any]:
    """Return the settings of OpenVINO for a number of threads on the CPU.

    They are not pinned, because single threads of several processes would all run on the first
    core.
    """
    return {'INFERENCE_NUM_THREADS': threads, 'ENABLE_CPU_PINNING': False}


class OpenVinoEngine(Engine):
    """Runs an exported model in OpenVINO.

    A graph compiled for one fixed batch runs faster than a dynamic one, so every batch size is
    compiled when it first occurs.
    """

    def __init__(
        self,
        path: Path,
        *,
        device: str | None = None,
        precision: str | None = None,
        threads: int | None = None,
    ) -> None:
        """Load a model and compile it for single images.

        Args:
            path: the exported file.
            device: an OpenVINO device; 'CPU' by default.
            precision: 'f32' (default), or 'bf16' or 'f16' where the device has it. OpenVINO's own
                default would be bf16 wherever possible, which moves scores by some thousandths.
                Convolutions of an int8 file are int8 all the same.
            threads: CPU threads; by default one per core.

        Raises:
            OSError: if the file cannot be read.
            JtnError: if it is not an exported model, the device or precision is not available, or
                OpenVINO is not installed.
        """
        content, info = read_model(path)
        with packages_for('this back end needs', 'openvino'):
            import openvino
        self._device = device or 'CPU'
        self._precision = precision or 'f32'
        if self._precision not in PRECISIONS:
            raise JtnError(
                f'unknown precision {precision!r} for OpenVINO; known: {", ".join(PRECISIONS)}'
            )
        self._core = openvino.Core()
        self._core.add_extension(_deform_conv_extension())
        try:
            self._model = self._core.read_model(content, b'')
        except RuntimeError as error:
            raise JtnError(f'{path} is not a model that OpenVINO can run: {error}') from error
        capabilities = self._core.get_property(self._device, 'OPTIMIZATION_CAPABILITIES')
        wanted = {'f32': 'FP32', 'bf16': 'BF16', 'f16': 'FP16'}[self._precision]
        if wanted not in capabilities:
            raise JtnError(f'this {self._device} has no {self._precision}; use f32')
        self._settings: dict[str, Any] = {
            'INFERENCE_PRECISION_HINT': self._precision,
            'PERFORMANCE_HINT': 'LATENCY',
        }
        if self._device == 'CPU':
            self._settings |= cpu_threads(threads or len(os.sched_getaffinity(0)))
        self._requests: dict[int, Any] = {}
        self._lock = threading.Lock()  # cameras share the engine, a request serves one at a time
        quantized = '/int8' if info.precision == 'int8' else ''
        super().__init__(info, f'OpenVINO {self._device} {self._precision}{quantized}')
        self._request(1)

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs; see `Engine.infer`."""
        with self._lock:
            results = self._request(len(inputs['images'])).infer(inputs, share_inputs=True)
        return {output.get_any_name(): value for output, value in results.items()}

    def _request(self, batch: int) -> Any:
        """Return the inference request for a batch size, compiled on first use."""
        if batch not in self._requests:
            free = self._model.input('images').partial_shape[0]
            if free.is_static and free.get_length() != batch:
                raise JtnError(f'{self._info.name} accepts {free.get_length()} image at once')
            model = self._model.clone()
            model.reshape(
                {
                    item.get_any_name(): [batch, *list(item.partial_shape)[1:]]
                    for item in model.inputs
                }
            )
            compiled = self._core.compile_model(model, self._device, self._settings)
            self._requests[batch] = compiled.create_infer_request()
            logger.debug('compiled %s for a batch of %d', self._info.name, batch)
        return self._requests[batch]


def _deform_conv_extension() -> Any:
    """Return the translation that OpenVINO's ONNX front end lacks.

    ONNX pads samples outside the map with zeros bilinearly; OpenVINO does so only with an option.
    """
    from openvino import opset8
    from openvino.frontend.onnx import ConversionExtension

    def translate(node: Any) -> Any:
        data, weight, offset, bias, mask = (node.get_input(index) for index in range(5))
        pads = node.get_attribute('pads', [0, 0, 0, 0])
        convolved = opset8.deformable_convolution(
            data,
            offset,
            weight,
            strides=node.get_attribute('strides', [1, 1]),
            pads_begin=pads[:2],
            pads_end=pads[2:],
            dilations=node.get_attribute('dilations', [1, 1]),
            mask=mask,
            group=node.get_attribute('group', 1),
            deformable_group=node.get_attribute('offset_group', 1),
            bilinear_interpolation_pad=True,
        )
        shape = np.array([1, -1, 1, 1], np.int64)
        channels = opset8.reshape(bias, shape, special_zero=False)
        return opset8.add(convolved, channels).outputs()

    return ConversionExtension('DeformConv', translate)
