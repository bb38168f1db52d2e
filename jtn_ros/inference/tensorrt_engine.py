"""TensorRT as a back end, for NVIDIA GPUs without PyTorch.

Written against the documented API of TensorRT 10 and 11 and of cuda-python, and imported with
their real bindings, but not yet run on a GPU.
"""

import hashlib
import json
import logging
import os
import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.files import written_atomically
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.model_file import read_model

logger = logging.getLogger(__name__)

PLAN_MAGIC = b'JTNPLAN1'
MAXIMUM_BATCH = 8
WORKSPACE_BYTES = 1 << 30
PRECISIONS = ('f32', 'f16')


class TensorRtEngine(Engine):
    """Runs a model as a TensorRT plan, which is built once for this GPU and kept."""

    def __init__(
        self, path: Path, *, device: str | None = None, precision: str | None = None
    ) -> None:
        """Load a plan, building it first from an exported file where there is none yet.

        Args:
            path: an exported ``.onnx`` file, or a ``.plan`` made by this class.
            device: number of the GPU, '0' by default.
            precision: 'f32' (default) or 'f16', for plans that are built. TensorRT 11 and later
                take every type from the file, so they build f32 only.

        Raises:
            ImportError: if TensorRT or cuda-python is not installed.
            OSError: if the file cannot be read.
            ValueError: if there is no such GPU or precision, or the file is no model for it.
        """
        self._precision = precision or 'f32'
        if self._precision not in PRECISIONS:
            known = ', '.join(PRECISIONS)
            raise ValueError(f'unknown precision {precision!r} for TensorRT; known: {known}')
        # TensorRT crashes when it is used where there is no GPU, so CUDA is asked first.
        self._cuda = _Cuda(_device_number(device))
        trt = _import_tensorrt()
        path = Path(path)
        if path.suffix == '.onnx':
            path = cached_plan(trt, path, self._precision, self._cuda.name)
        info, plan = read_plan(path)
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.WARNING))
        self._engine = self._runtime.deserialize_cuda_engine(plan)
        if self._engine is None:
            raise ValueError(f'{path} is no plan for this GPU and TensorRT {trt.__version__}')
        self._context = self._engine.create_execution_context()
        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        self._outputs = {
            name: np.dtype(trt.nptype(self._engine.get_tensor_dtype(name)))
            for name in names
            if self._engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT
        }
        self._lock = threading.Lock()
        super().__init__(info, f'TensorRT {trt.__version__} {self._cuda.name} {self._precision}')

    def _infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        batch = len(inputs['images'])
        if batch > MAXIMUM_BATCH:
            raise ValueError(f'a batch of {batch} exceeds {MAXIMUM_BATCH}, as built')
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
            raise RuntimeError('TensorRT did not run; its log says why')
        for name, array in outputs.items():
            self._cuda.download(name, array)
        self._cuda.wait()
        return outputs


class _Cuda:
    """One GPU's memory and a stream, through cuda-python."""

    def __init__(self, number: int) -> None:
        try:
            from cuda.bindings import runtime
        except ImportError as error:
            raise ImportError('cuda-python is missing: pip install cuda-python') from error
        self._runtime = runtime
        status, count = runtime.cudaGetDeviceCount()
        if status != runtime.cudaError_t.cudaSuccess or number >= count:
            raise ValueError(f'no NVIDIA GPU {number} here: {self._message(status)}')
        self._call(runtime.cudaSetDevice(number))
        properties = self._call(runtime.cudaGetDeviceProperties(number))
        self.name = properties.name.decode().rstrip('\0')
        self._stream = self._call(runtime.cudaStreamCreate())
        self._memory: dict[str, tuple[int, int]] = {}

    @property
    def stream(self) -> int:
        """Return the stream's handle."""
        return int(self._stream)

    def reserve(self, name: str, size: int) -> int:
        """Return the address of a named block of at least `size` bytes."""
        address, reserved = self._memory.get(name, (0, -1))
        if reserved < size:
            if reserved >= 0:
                self._call(self._runtime.cudaFree(address))
            address = int(self._call(self._runtime.cudaMalloc(max(1, size))))
            self._memory[name] = (address, size)
        return address

    def upload(self, name: str, array: NDArray[Any]) -> int:
        """Copy an array to the named block and return its address."""
        address = self.reserve(name, array.nbytes)
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyHostToDevice
        self._copy(address, array.ctypes.data, array.nbytes, kind)
        return address

    def download(self, name: str, array: NDArray[Any]) -> None:
        """Copy the named block into an array; complete after `wait`."""
        kind = self._runtime.cudaMemcpyKind.cudaMemcpyDeviceToHost
        self._copy(array.ctypes.data, self._memory[name][0], array.nbytes, kind)

    def wait(self) -> None:
        """Wait for everything on the stream."""
        self._call(self._runtime.cudaStreamSynchronize(self._stream))

    def _copy(self, target: int, source: int, size: int, kind: Any) -> None:
        self._call(self._runtime.cudaMemcpyAsync(target, source, size, kind, self._stream))

    def _call(self, result: tuple[Any, ...]) -> Any:
        """Return the value of a runtime call, or raise what went wrong."""
        status, *values = result
        if status != self._runtime.cudaError_t.cudaSuccess:
            raise RuntimeError(f'CUDA: {self._message(status)}')
        return values[0] if values else None

    def _message(self, status: Any) -> str:
        _, text = self._runtime.cudaGetErrorString(status)
        return str(text.decode())


def cached_plan(trt: Any, path: Path, precision: str, gpu: str) -> Path:
    """Return the plan of an exported file, built on first use.

    Its name is made of everything that it depends on, so that a stale plan is never loaded.
    """
    content, info = read_model(path)
    parts = [hashlib.sha256(content).hexdigest(), trt.__version__, gpu, precision, MAXIMUM_BATCH]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
    root = Path(os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache')
    plan = root / 'jtn_ros' / 'tensorrt' / f'{path.stem}-{key}.plan'
    if not plan.exists():
        logger.info('building a TensorRT plan for %s, which takes minutes', gpu)
        write_plan(plan, info, build_plan(trt, content, info, precision))
    return plan


def build_plan(trt: Any, content: bytes, info: ModelInfo, precision: str) -> bytes:
    """Build a plan for batches of 1 to `MAXIMUM_BATCH` images.

    Raises:
        ValueError: if this TensorRT cannot build it.
    """
    if not hasattr(trt, 'Builder') or not hasattr(trt, 'OnnxParser'):
        raise ValueError('this TensorRT only runs plans; to build one: pip install tensorrt-cu13')
    builder = trt.Builder(trt.Logger(trt.Logger.WARNING))
    network = builder.create_network(0)
    parser = trt.OnnxParser(network, trt.Logger(trt.Logger.WARNING))
    if not parser.parse(content):
        reasons = '; '.join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise ValueError(f'TensorRT cannot read the model: {reasons}')
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
    if precision == 'f16':
        if not hasattr(trt.BuilderFlag, 'FP16'):
            raise ValueError(f'TensorRT {trt.__version__} builds f32 only from this file')
        config.set_flag(trt.BuilderFlag.FP16)
    profile = builder.create_optimization_profile()
    size = (info.input_height, info.input_width)
    shapes = {'images': (*size, 3)}
    if info.previous_image:
        shapes['previous_images'] = (*size, 3)
    if info.prior_heatmap:
        shapes['prior_heatmaps'] = (1, *size)
    for name, shape in shapes.items():
        profile.set_shape(name, (1, *shape), (1, *shape), (MAXIMUM_BATCH, *shape))
    config.add_optimization_profile(profile)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise ValueError('TensorRT could not build the plan; its log says why')
    return bytes(plan)


def write_plan(path: Path, info: ModelInfo, plan: bytes) -> None:
    """Write a plan with the model's metadata before it."""
    header = info.to_json().encode()
    with written_atomically(path) as temporary:
        temporary.write_bytes(PLAN_MAGIC + struct.pack('<I', len(header)) + header + plan)


def read_plan(path: Path) -> tuple[ModelInfo, bytes]:
    """Read what `write_plan` wrote.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is no such file, or incomplete.
    """
    content = path.read_bytes()
    start = len(PLAN_MAGIC) + 4
    if not content.startswith(PLAN_MAGIC) or len(content) < start:
        raise ValueError(f'{path} is no plan of jtn_ros; load the .onnx file to build one')
    (length,) = struct.unpack_from('<I', content, len(PLAN_MAGIC))
    if len(content) <= start + length:
        raise ValueError(f'{path} is incomplete; delete it and load the .onnx file again')
    try:
        info = ModelInfo.from_json(content[start : start + length].decode(errors='replace'))
    except ValueError as error:
        raise ValueError(f'{path}: {error}') from error
    return info, content[start + length :]


def _device_number(device: str | None) -> int:
    if device is not None and not device.isdecimal():
        raise ValueError(f'a GPU is given by its number, not {device!r}')
    return int(device or 0)


def _import_tensorrt() -> Any:
    """Return TensorRT, or its small edition that only runs plans."""
    try:
        import tensorrt

        return tensorrt
    except ImportError:
        pass
    try:
        import tensorrt_lean

        return tensorrt_lean
    except ImportError as error:
        raise ImportError('TensorRT is missing: pip install tensorrt-cu13') from error
