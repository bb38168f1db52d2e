"""Loading of a model into the best available back end."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal
from typing import get_args

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.files import what_came_instead
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.onnx_engine import OnnxEngine
from jtn_ros.inference.openvino_engine import OpenVinoEngine
from jtn_ros.inference.tensorrt_engine import TensorRtEngine
from jtn_ros.resources import resource_folder

logger = logging.getLogger(__name__)

DEFAULT_MODEL = 'jtn_people'

# In the order in which 'auto' tries them; TensorRT comes last where there is no GPU for it.
Backend = Literal['tensorrt', 'openvino', 'onnxruntime', 'torch']
BACKENDS: tuple[Backend, ...] = get_args(Backend)
_SUFFIXES = {
    'tensorrt': ('.plan', '.onnx'),
    'openvino': ('.onnx',),
    'onnxruntime': ('.onnx',),
    'torch': ('.safetensors', '.pth', '.pt', '.tar'),
}


def load_engine(
    model: str | Path | None = None,
    backend: str = 'auto',
    precision: str | None = None,
    *,
    device: str | None = None,
    threads: int | None = None,
) -> Engine:
    """Load a model into a back end.

    Args:
        model: exported file, checkpoint (PyTorch only), name of a bundled model, or None for the
            default bundled model.
        backend: 'openvino', 'onnxruntime', 'tensorrt' or 'torch'. 'auto' selects the fastest one
            that works, and logs why others were skipped.
        precision: 'f32', 'f16' or 'bf16', if the back end supports it; None for its default.
        device: device in the notation of the back end; None for its default.
        threads: number of CPU threads; None for one per core.

    Raises:
        OSError: if the file does not exist or cannot be read.
        JtnError: if there is no such model, or no installed back end can run it as requested.
    """
    if backend != 'auto' and backend not in BACKENDS:
        raise JtnError(f'unknown back end {backend!r}; known: auto, {", ".join(BACKENDS)}')
    if threads is not None and threads < 1:
        raise JtnError(
            f'{threads} threads are not possible; use 1 or more, or omit it for one per core'
        )
    path = find_model(model)
    fitting = [name for name, suffixes in _SUFFIXES.items() if path.suffix.lower() in suffixes]
    if not fitting:
        raise JtnError(
            f'{path} is neither an exported model (.onnx, .plan) nor a checkpoint (.safetensors, '
            '.pth)'
        )
    if (what := what_came_instead(path)) is not None:
        raise JtnError(f'{path} is {what}')
    if backend != 'auto':
        if backend not in fitting:
            raise JtnError(f'{backend} cannot run {path.name}; use {" or ".join(fitting)}')
        engine = _LOADERS[backend](path, device, precision, threads)
        engine.run(**random_inputs(engine.info))  # so that the first frame is as fast as the rest
        return engine
    if not has_nvidia_gpu():
        fitting.sort(key=lambda name: name == 'tensorrt')  # so what is advised first fits
    reasons = []
    for name in fitting:
        try:
            engine = _LOADERS[name](path, device, precision, threads)
            engine.run(**random_inputs(engine.info))
        except (JtnError, RuntimeError) as error:
            logger.info('not using %s: %s', name, error)
            reasons.append(f'{name}: {error}')
            continue
        return engine
    raise JtnError(f'no back end can run {path}: {"; ".join(reasons)}')


def find_model(model: str | Path | None = None) -> Path:
    """Return the path of a model file or of a bundled model.

    Raises:
        JtnError: if there is none; the message lists the bundled ones.
    """
    wanted = Path(DEFAULT_MODEL if model is None else model).expanduser()
    if wanted.is_file():
        return wanted
    bundled = {path.stem: path for path in _bundled_models()}
    if len(wanted.parts) == 1 and wanted.name.removesuffix('.onnx') in bundled:
        return bundled[wanted.name.removesuffix('.onnx')]
    known = ', '.join(sorted(bundled)) or 'none'
    raise JtnError(f'no model {str(wanted)!r}; specify a file or a bundled model ({known})')


def has_nvidia_gpu() -> bool:
    """Return whether the driver of an NVIDIA GPU is loaded, of a card or of a Jetson."""
    return any(Path(device).exists() for device in ('/dev/nvidiactl', '/dev/nvhost-gpu'))


def _bundled_models() -> list[Path]:
    try:
        return sorted(resource_folder('models').glob('*.onnx'))
    except JtnError:
        return []


def _load_tensorrt(
    path: Path, device: str | None, precision: str | None, threads: int | None
) -> Engine:
    del threads  # a GPU has none to choose
    return TensorRtEngine(path, device=device, precision=precision)


def _load_openvino(
    path: Path, device: str | None, precision: str | None, threads: int | None
) -> Engine:
    return OpenVinoEngine(path, device=device, precision=precision, threads=threads)


def _load_onnxruntime(
    path: Path, device: str | None, precision: str | None, threads: int | None
) -> Engine:
    return OnnxEngine(path, device=device, precision=precision, threads=threads)


def _load_torch(
    path: Path, device: str | None, precision: str | None, threads: int | None
) -> Engine:
    with packages_for('checkpoints need', 'torch', 'torchvision'):
        from jtn_ros.inference.torch_engine import load_torch_engine
    return load_torch_engine(path, device=device, precision=precision, threads=threads)


_LOADERS: dict[str, Callable[[Path, str | None, str | None, int | None], Engine]] = {
    'tensorrt': _load_tensorrt,
    'openvino': _load_openvino,
    'onnxruntime': _load_onnxruntime,
    'torch': _load_torch,
}
