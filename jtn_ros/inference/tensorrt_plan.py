"""TensorRT plans: built once for a model, a GPU and a TensorRT, then kept in a cache.

Written against the documented API of TensorRT 10 and 11, but not yet run on a GPU.
"""

import hashlib
import json
import logging
import struct
from pathlib import Path
from typing import Any

from jtn_ros.errors import JtnError
from jtn_ros.files import cache_folder
from jtn_ros.files import written_atomically
from jtn_ros.inference.cuda import Cuda
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.model_file import read_model
from jtn_ros.installing import install_command

logger = logging.getLogger(__name__)

PLAN_MAGIC = b'JTNPLAN1'
MAXIMUM_BATCH = 8
WORKSPACE_BYTES = 1 << 30


def tensorrt_plan(model: Path, device: str | None = None) -> Path:
    """Return the plan of an exported file for a GPU, built on first use.

    Args:
        model: the ``.onnx`` file; the types in it are those that the plan computes with.
        device: number of the GPU, '0' by default.

    Raises:
        OSError: if a file cannot be read or written.
        JtnError: if there is no such GPU, TensorRT cannot build the model, or it is missing.
    """
    # TensorRT crashes when it is used where there is no GPU, so CUDA is asked first.
    gpu = Cuda(device).name
    return cached_plan(import_tensorrt(), model, gpu)


def cached_plan(trt: Any, model: Path, gpu: str) -> Path:
    """Return the plan of an exported file for a GPU by name; see `tensorrt_plan`."""
    content, info = read_model(model)
    if info.precision == 'int8':
        raise JtnError(f'{model} is quantized for CPUs; export it with --precision f16')
    plan = plan_path(model.stem, content, trt.__version__, gpu)
    if not plan.exists():
        logger.info('building a TensorRT plan for %s, which takes minutes', gpu)
        write_plan(plan, info, build_plan(trt, content, info))
    return plan


def plan_path(name: str, content: bytes, version: str, gpu: str) -> Path:
    """Return where a plan is kept.

    The file's name is made of everything that the plan depends on, so that a stale one is never
    loaded: the model with its precision and image size, the batch sizes, TensorRT and the GPU.
    """
    parts = [hashlib.sha256(content).hexdigest(), version, gpu, MAXIMUM_BATCH]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
    return cache_folder('tensorrt') / f'{name}-{key}.plan'


def build_plan(trt: Any, content: bytes, info: ModelInfo) -> bytes:
    """Build a plan for batches of 1 to `MAXIMUM_BATCH` images.

    Raises:
        JtnError: if this TensorRT cannot build it.
    """
    if not hasattr(trt, 'Builder') or not hasattr(trt, 'OnnxParser'):
        raise JtnError(
            f'this TensorRT only runs plans; to build one: {install_command("tensorrt")}'
        )
    builder = trt.Builder(trt.Logger(trt.Logger.WARNING))
    # TensorRT 10 must be told to keep the types of the file; TensorRT 11 knows nothing else.
    typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(typed)
    parser = trt.OnnxParser(network, trt.Logger(trt.Logger.WARNING))
    if not parser.parse(content):
        reasons = '; '.join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise JtnError(f'TensorRT cannot read the model: {reasons}')
    config = builder.create_builder_config()
    config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, WORKSPACE_BYTES)
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
        raise JtnError('TensorRT could not build the plan; see its log')
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
        JtnError: if it is not such a file, or incomplete.
    """
    content = path.read_bytes()
    start = len(PLAN_MAGIC) + 4
    if not content.startswith(PLAN_MAGIC) or len(content) < start:
        raise JtnError(f'{path} is not a plan of jtn_ros; load the .onnx file to build one')
    (length,) = struct.unpack_from('<I', content, len(PLAN_MAGIC))
    if len(content) <= start + length:
        raise JtnError(f'{path} is incomplete; delete it and load the .onnx file again')
    try:
        info = ModelInfo.from_json(content[start : start + length].decode(errors='replace'))
    except JtnError as error:
        raise JtnError(f'{path}: {error}') from error
    return info, content[start + length :]


def import_tensorrt() -> Any:
    """Return TensorRT, or its small edition that only runs plans.

    Raises:
        JtnError: if neither is installed.
    """
    try:
        import tensorrt

        return tensorrt
    except ImportError:
        pass
    try:
        import tensorrt_lean

        return tensorrt_lean
    except ImportError as error:
        raise JtnError(f'TensorRT is missing: {install_command("tensorrt")}') from error
