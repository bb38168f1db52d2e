"""One GPU's memory and a stream, through cuda-python rather than PyTorch."""

from typing import Any

from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for


class Cuda:
    """One GPU: named blocks of its memory, and a stream on which everything happens."""

    def __init__(self, device: str | None = None) -> None:
        """Take a GPU by its number, '0' by default.

        Raises:
            JtnError: if there is no such GPU, or cuda-python is not installed.
        """
        if device is not None and not device.isdecimal():
            raise JtnError(f'a GPU is specified by its number, not {device!r}')
        number = int(device or 0)
        with packages_for('GPUs need', 'cuda'):
            from cuda.bindings import runtime
        self._runtime = runtime
        status, count = runtime.cudaGetDeviceCount()
        if status != runtime.cudaError_t.cudaSuccess or number >= count:
            raise JtnError(f'no NVIDIA GPU {number} here: {self._message(status)}')
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
