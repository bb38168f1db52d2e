"""TensorRT as a back end, for NVIDIA GPUs without PyTorch.

Written against the documented API of TensorRT 10 and 11 and of cuda-python, and imported with
their real bindings, but not yet run on a GPU.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.inference.cuda import Cuda
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.tensorrt_plan import MAXIMUM_BATCH
from jtn_ros.inference.tensorrt_plan import cached_plan
from jtn_ros.inference.tensorrt_plan import import_tensorrt
from jtn_ros.inference.tensorrt_plan import read_plan


class TensorRtEngine(Engine):
    """Runs a model as a TensorRT plan, which is built once for this GPU and kept."""

    def __init__(
        self, path: Path, *, device: str | None = None, precision: str | None = None
    ) -> None:
        """Load a plan, building it first from an exported file where there is none yet.

        Args:
            path: an exported ``.onnx`` file, or a ``.plan`` made from one.
            device: number of the GPU, '0' by default.
            precision: only that of the file.

        Raises:
            OSError: if the file cannot be read.
            JtnError: if there is no such GPU or precision, the file is not a model for it, or a
                package is missing.
        """
        # TensorRT crashes when it is used where there is no GPU, so CUDA is asked first.
        self._cuda = Cuda(device)
        trt = import_tensorrt()
        path = Path(path)
        if path.suffix == '.onnx':
            path = cached_plan(trt, path, self._cuda.name)
        info, plan = read_plan(path)
        if precision not in (None, info.precision):
            raise JtnError(
                f'{path.name} computes in {info.precision}, not {precision!r}: TensorRT uses the '
                f'precision from the file; create one with: jtn export --precision {precision}'
            )
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise JtnError(f'{path} is not a plan for this GPU and TensorRT {trt.__version__}')
        self._context = self._engine.create_execution_context()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._outputs = {
            name: np.dtype(trt.nptype(self._engine.get_tensor_dtype(name)))
            for name in names
            if self._engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT
        }
        self._lock = threading.Lock()
        super().__init__(info, f'TensorRT {trt.__version__} {self._cuda.name} {info.precision}')

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs; see `Engine.infer`."""
        batch = len(inputs['images'])
        if batch > MAXIMUM_BATCH:
            raise JtnError(f'a batch of {batch} exceeds {MAXIMUM_BATCH}, as built')
        with self._lock:
            return self._execute(inputs)

    def _execute(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        for name, array in inputs.items():
            self._context.set_input_shape(name, array.shape)
            self._context.set_tensor_address(name, self._cuda.upload(name, array))
        outputs = {}
        for name, dtype in self._outputs.items():
            outputs[name] = np.empty(tuple(self._context.get_tensor_shape(name)), dtype)
            address = self._cuda.reserve(name, outputs[name].nbytes)
            self._context.set_tensor_address(name, address)
        if not self._context.execute_async_v3(self._cuda.stream):
            raise RuntimeError('TensorRT did not run; see its log')
        for name, array in outputs.items():
            self._cuda.download(name, array)
        self._cuda.wait()
        return outputs
