"""What the ONNX file of a detector contains: its inputs, its outputs and its weights."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.errors import one_line
from jtn_ros.files import what_came_instead
from jtn_ros.inference.detectors.graph import OLDEST_OPSET
from jtn_ros.inference.detectors.layouts import Layout
from jtn_ros.inference.detectors.layouts import Outputs
from jtn_ros.inference.detectors.layouts import Roles
from jtn_ros.inference.detectors.layouts import Size
from jtn_ros.inference.detectors.options import DetectorOptions
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import FilePrecision

_SIZES_INPUT = 'orig_target_sizes'  # of RT-DETR and its successors: width and height


@dataclass(frozen=True, kw_only=True)
class ImageInput:
    """The input of a detector that takes the image.

    Attributes:
        name: of the tensor.
        kind: element type, of `onnx.TensorProto`.
        size: height and width.
        channels_last: whether the channels are the last dimension.
        free_batch: whether it takes any number of images.
    """

    name: str
    kind: int
    size: Size
    channels_last: bool
    free_batch: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape for one image."""
        return (1, *self.size, 3) if self.channels_last else (1, 3, *self.size)


def load_detector(source: Path) -> Any:
    """Return the model in a file, with opset 11 or later.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is not an ONNX model, or one of this project.
    """
    import onnx
    import onnx.version_converter

    if (what := what_came_instead(source)) is not None:
        raise JtnError(f'{source} is {what}')
    try:
        model = onnx.load(source)
        opset = next(entry for entry in model.opset_import if entry.domain in ('', 'ai.onnx'))
        if opset.version < OLDEST_OPSET:
            model = onnx.version_converter.convert_version(model, OLDEST_OPSET)
    except OSError:
        raise
    except Exception as error:  # of protobuf, the converter and the checker
        raise JtnError(
            f'{source} is not an ONNX model that can be read: {one_line(error)}'
        ) from error
    if any(entry.key == METADATA_KEY for entry in model.metadata_props):
        raise JtnError(f'{source} is a model of jtn_ros already; use it as it is')
    return model


def image_input(model: Any, source: Path, options: DetectorOptions) -> ImageInput:
    """Return the input that takes the image.

    Raises:
        JtnError: if there is none, or the size is not known, or there are inputs beside it.
    """
    inputs = _inputs(model)
    shapes = {name: _dimensions(item) for name, item in inputs.items()}
    images = [name for name, shape in shapes.items() if len(shape) == 4 and 3 in shape[1::2]]
    others = [name for name in inputs if name not in images and name != _SIZES_INPUT]
    if len(images) != 1 or others:
        told = ', '.join(f'{name} {_shape(shape)}' for name, shape in shapes.items())
        raise JtnError(
            f'{source} has the inputs {told}; expected one image (B, 3, H, W) or (B, H, W, 3), '
            f'and optionally {_SIZES_INPUT}'
        )
    (name,) = images
    batch, *shape = shapes[name]
    channels_last = shape[0] != 3
    height, width = shape[:2] if channels_last else shape[1:]
    given = options.input_size or (None, None)
    size = height or given[0], width or given[1]
    if size[0] is None or size[1] is None:
        raise JtnError(f'{source} accepts images of any size; choose one with --input HxW')
    if options.input_size not in (None, size):
        raise JtnError(
            f'{source} accepts images of {size[0]}x{size[1]} only; remove --input, or export the '
            'detector for another size'
        )
    if batch not in (None, 1):
        raise JtnError(f'{source} accepts {batch} images at once; export it for one or any number')
    return ImageInput(
        name=name,
        kind=inputs[name].type.tensor_type.elem_type,
        size=(size[0], size[1]),
        channels_last=channels_last,
        free_batch=batch is None,
    )


def sizes_input(model: Any) -> Any:
    """Return the input for the sizes of the images; None where there is none."""
    return next((i for name, i in _inputs(model).items() if name.endswith(_SIZES_INPUT)), None)


def run_on_noise(model: Any, image: ImageInput, source: Path) -> Outputs:
    """Return what the detector makes of noise.

    Raises:
        JtnError: if ONNX Runtime cannot run it.
    """
    import onnxruntime
    from onnx import helper

    noise = np.random.default_rng(0).random(image.shape) * 255
    feed: dict[str, NDArray[Any]] = {
        image.name: noise.astype(helper.tensor_dtype_to_np_dtype(image.kind))
    }
    if (sizes := sizes_input(model)) is not None:
        kind = helper.tensor_dtype_to_np_dtype(sizes.type.tensor_type.elem_type)
        feed[sizes.name] = np.array([image.size[::-1]], kind)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    names = [output.name for output in model.graph.output]
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=['CPUExecutionProvider']
        )
        return dict(zip(names, session.run(names, feed), strict=True))
    except Exception as error:  # its exceptions share no public base class
        raise JtnError(f'ONNX Runtime cannot run {source}: {one_line(error)}') from error


def precision_of(model: Any) -> FilePrecision:
    """Return the precision of the weights."""
    import onnx

    if any('QuantizeLinear' in node.op_type for node in model.graph.node):
        return 'int8'
    kinds = {item.data_type for item in model.graph.initializer}
    return 'f16' if onnx.TensorProto.FLOAT16 in kinds else 'f32'


def number_of_rows(model: Any, layout: Layout, outputs: Outputs, roles: Roles) -> int | None:
    """Return how many boxes the detector returns for an image; None if that varies."""
    name = next(iter(roles.values()))
    (item,) = (output for output in model.graph.output if output.name == name)
    declared = _dimensions(item)
    varies = layout.overlap is None and (len(declared) < 2 or declared[-2] is None)
    return None if varies else outputs[name].shape[-2]


def shapes_text(outputs: Outputs) -> str:
    """Return names and shapes of outputs, for people."""
    return ', '.join(f'{name} {_shape(value.shape)}' for name, value in outputs.items())


def _inputs(model: Any) -> dict[str, Any]:
    """Return the inputs of a graph by name; old files list their constants among them."""
    constants = {item.name for item in model.graph.initializer}
    return {item.name: item for item in model.graph.input if item.name not in constants}


def _dimensions(item: Any) -> list[int | None]:
    """Return the shape of an input or output; None where a dimension is free."""
    return [dim.dim_value or None for dim in item.type.tensor_type.shape.dim]


def _shape(shape: Iterable[int | None]) -> str:
    """Return a shape, for people."""
    return f'({", ".join("any" if size is None else str(size) for size in shape)})'
