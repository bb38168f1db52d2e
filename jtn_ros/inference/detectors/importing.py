"""Import an ONNX detector: its graph, with preprocessing before it and decoding after it.

The images are normalized before the detector, and its outputs are decoded after it, so that every
back end runs the file as it runs exported models. Boxes are in pixels of the input (stride 1).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.class_names import COCO_CLASSES
from jtn_ros.class_names import COCO_NUMBERS
from jtn_ros.errors import JtnError
from jtn_ros.errors import one_line
from jtn_ros.errors import packages_for
from jtn_ros.files import what_came_instead
from jtn_ros.files import written_atomically
from jtn_ros.inference.detectors.graph import OLDEST_OPSET
from jtn_ros.inference.detectors.graph import GraphBuilder
from jtn_ros.inference.detectors.layouts import LAYOUTS
from jtn_ros.inference.detectors.layouts import Classes
from jtn_ros.inference.detectors.layouts import Family
from jtn_ros.inference.detectors.layouts import Found
from jtn_ros.inference.detectors.layouts import Head
from jtn_ros.inference.detectors.layouts import Layout
from jtn_ros.inference.detectors.layouts import Outputs
from jtn_ros.inference.detectors.layouts import Roles
from jtn_ros.inference.detectors.layouts import Size
from jtn_ros.inference.detectors.options import DetectorOptions
from jtn_ros.inference.detectors.options import Preparation
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import FilePrecision
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.onnx_engine import OnnxEngine

# Of onnx.TensorProto.
FLOAT, UINT8, INT32 = 1, 2, 6

_PREFIX = 'detector/'
_OLDEST_IR = 4  # constants need not be inputs
_SIZES_INPUT = 'orig_target_sizes'  # of RT-DETR and its successors: width and height
_CANDIDATES = 500  # boxes that suppression looks at
_LEAST_SCORE = 1e-3  # of a box that suppression looks at
_FARTHEST = 100  # input sizes between the input and a box that is no nonsense


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


@dataclass(frozen=True, kw_only=True)
class ImportedDetector:
    """What a file turned out to be.

    Attributes:
        info: the metadata in the new file.
        outputs: names and shapes of the detector's outputs that are used, for people.
        preparation: how images are prepared.
        left_out: classes of the detector that are not among those of the new file.
    """

    info: ModelInfo
    outputs: str
    preparation: Preparation
    left_out: int


def import_detector(
    source: Path, output: Path, family: Family, options: DetectorOptions | None = None
) -> ImportedDetector:
    """Write a detector as a model of this project.

    The file appears under its name only when ONNX Runtime has run it.

    Args:
        source: ONNX file of the detector.
        output: path of the new file.
        family: of the detector's outputs.
        options: what the file does not say.

    Raises:
        OSError: if a file cannot be read or written.
        JtnError: if the file is no such detector, something has to be given, or the packages onnx
            and onnxruntime are missing.
    """
    options = options or DetectorOptions()
    with packages_for('importing a detector needs', 'onnx', 'onnxruntime'):
        import onnx.compose
    model = _load(source)
    image = _image_input(model, source, options)
    outputs = _run(model, image, source)
    layout, roles = _recognize(outputs, image.size, family, source)
    coding = replace(layout.coding, **(options.coding or {}))
    columns = layout.columns(outputs, roles)
    classes = _classes(options.class_names, coding.first_class, columns, source)
    preparation = _preparation(layout, image, options, source)
    one_image = layout.one_image or outputs[next(iter(roles.values()))].ndim == 2
    image = replace(image, free_batch=image.free_batch and not one_image)
    overlap = layout.overlap if options.overlap is None else options.overlap
    info = ModelInfo(
        name=options.name or output.stem,
        class_names=classes.names,
        input_height=image.size[0],
        input_width=image.size[1],
        stride=1,
        top_k=options.top_k,
        previous_image=False,
        displacement=False,
        letterbox=preparation.letterbox,
        confident_score=options.confident_score,
        precision=_precision(model),
        training_data=options.training_data,
        licence=options.licence,
    )
    rows = _number_of_rows(model, layout, outputs, roles)
    model = onnx.compose.add_prefix(model, _PREFIX)
    before, after = GraphBuilder('jtn/before/'), GraphBuilder('jtn/after/')
    _prepare(before, image, preparation, _sizes_input(model))
    head = Head(
        graph=after,
        roles={role: after.cast(f'{_PREFIX}{name}', FLOAT) for role, name in roles.items()},
        shapes={role: outputs[name].shape for role, name in roles.items()},
        size=image.size,
        classes=classes,
        coding=coding,
    )
    _select(after, layout.decode(head), rows, info, overlap)
    _rewire(model, before, after, image, info)
    with written_atomically(output) as temporary:
        temporary.write_bytes(model.SerializeToString())
        _try(temporary, source)
    return ImportedDetector(
        info=info,
        outputs=_shapes({name: outputs[name] for name in roles.values()}),
        preparation=preparation,
        left_out=0 if columns is None else columns - coding.first_class - len(classes.names),
    )


def _load(source: Path) -> Any:
    """Return the model in a file, with opset 11 or later.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is no ONNX model, or one of this project.
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
        raise JtnError(f'{source} is no ONNX model that can be read: {one_line(error)}') from error
    if any(entry.key == METADATA_KEY for entry in model.metadata_props):
        raise JtnError(f'{source} is a model of jtn_ros already; use it as it is')
    return model


def _image_input(model: Any, source: Path, options: DetectorOptions) -> ImageInput:
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
            f'and {_SIZES_INPUT} at most beside it'
        )
    (name,) = images
    batch, *shape = shapes[name]
    channels_last = shape[0] != 3
    height, width = shape[:2] if channels_last else shape[1:]
    given = options.input_size or (None, None)
    size = height or given[0], width or given[1]
    if size[0] is None or size[1] is None:
        raise JtnError(f'{source} takes images of any size; choose one with --input HxW')
    if options.input_size not in (None, size):
        raise JtnError(
            f'{source} takes images of {size[0]}x{size[1]} only; leave --input out, or export the '
            'detector for another size'
        )
    if batch not in (None, 1):
        raise JtnError(f'{source} takes {batch} images at once; export it for one or any number')
    return ImageInput(
        name=name,
        kind=inputs[name].type.tensor_type.elem_type,
        size=(size[0], size[1]),
        channels_last=channels_last,
        free_batch=batch is None,
    )


def _inputs(model: Any) -> dict[str, Any]:
    """Return the inputs of a graph by name; old files list their constants among them."""
    constants = {item.name for item in model.graph.initializer}
    return {item.name: item for item in model.graph.input if item.name not in constants}


def _sizes_input(model: Any) -> Any:
    """Return the input for the sizes of the images; None where there is none."""
    return next((i for name, i in _inputs(model).items() if name.endswith(_SIZES_INPUT)), None)


def _dimensions(item: Any) -> list[int | None]:
    """Return the shape of an input or output; None where a dimension is free."""
    return [dim.dim_value or None for dim in item.type.tensor_type.shape.dim]


def _run(model: Any, image: ImageInput, source: Path) -> Outputs:
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
    if (sizes := _sizes_input(model)) is not None:
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


def _recognize(outputs: Outputs, size: Size, family: Family, source: Path) -> tuple[Layout, Roles]:
    """Return the layout of the outputs, and what each of them holds.

    Raises:
        JtnError: if the family has no such layout.
    """
    layouts = [layout for layout in LAYOUTS if layout.family == family]
    for layout in layouts:
        if (roles := layout.find(outputs, size)) is not None:
            return layout, roles
    expected = ', or '.join(layout.expected for layout in layouts)
    raise JtnError(
        f'{source} returns {_shapes(outputs)} for an image of {size[0]}x{size[1]}; '
        f'--detector {family} expects {expected}'
    )


def _classes(
    names: tuple[str, ...] | None, first: int, columns: int | None, source: Path
) -> Classes:
    """Return the classes, and where the detector has them.

    Raises:
        JtnError: if they are not given and cannot be told, or there are fewer.
    """
    if names is None and columns == 91:
        names = ('coco91',)
    elif names is None and columns is not None and columns - first == len(COCO_CLASSES):
        names = ('coco',)
    if names is None:
        what = 'labels' if columns is None else f'{columns - first} classes'
        raise JtnError(
            f'{source} returns {what} without names; give --classes, as A,B or coco or coco91'
        )
    if names == ('coco91',):
        classes = Classes(names=COCO_CLASSES, numbers=COCO_NUMBERS)
    else:
        names = COCO_CLASSES if names == ('coco',) else names
        classes = Classes(names=names, numbers=tuple(range(first, first + len(names))))
    if columns is not None and classes.numbers[-1] >= columns:
        raise JtnError(
            f'{source} has {columns} columns of classes; {len(classes.names)} classes from column '
            f'{first} on do not fit. Change --classes or --first-class'
        )
    return classes


def _preparation(
    layout: Layout, image: ImageInput, options: DetectorOptions, source: Path
) -> Preparation:
    """Return how images are prepared.

    Raises:
        JtnError: if a detector of integers shall be given something else.
    """
    import onnx

    given = options.preparation or {}
    integers = image.kind == onnx.TensorProto.UINT8
    if integers and not {'mean', 'std'}.isdisjoint(given):
        raise JtnError(
            f'{source} takes images of 0 to 255 as they are; leave out --mean and --std'
        )
    plain = Preparation()
    usual = layout.preparation
    if integers:
        usual = replace(usual, mean=plain.mean, std=plain.std)
    return replace(usual, **given)


def _precision(model: Any) -> FilePrecision:
    """Return the precision of the weights."""
    import onnx

    if any('QuantizeLinear' in node.op_type for node in model.graph.node):
        return 'int8'
    kinds = {item.data_type for item in model.graph.initializer}
    return 'f16' if onnx.TensorProto.FLOAT16 in kinds else 'f32'


def _number_of_rows(model: Any, layout: Layout, outputs: Outputs, roles: Roles) -> int | None:
    """Return how many boxes the detector returns for an image; None if that varies."""
    name = next(iter(roles.values()))
    (item,) = (output for output in model.graph.output if output.name == name)
    declared = _dimensions(item)
    varies = layout.overlap is None and (len(declared) < 2 or declared[-2] is None)
    return None if varies else outputs[name].shape[-2]


def _prepare(graph: GraphBuilder, image: ImageInput, preparation: Preparation, sizes: Any) -> None:
    """Add the nodes from uint8 images (B, H, W, 3) to the inputs of the detector."""
    tensor, axis = 'images', 3
    if not image.channels_last:
        tensor, axis = graph.add('Transpose', tensor, perm=[0, 3, 1, 2]), 1
    if preparation.channels == 'rgb':
        tensor = graph.add('Gather', tensor, [2, 1, 0], axis=axis)
    along_channels = (1, 1, 1, 3) if image.channels_last else (1, 3, 1, 1)
    mean, std = (
        np.array(values, np.float32).reshape(along_channels)
        for values in (preparation.mean, preparation.std)
    )
    if mean.any() or (std != 1).any():
        tensor = graph.add('Sub', graph.cast(tensor, FLOAT), mean)
        tensor = graph.add('Div', tensor, std)
    graph.cast(tensor, image.kind, output=f'{_PREFIX}{image.name}')
    if sizes is not None:
        batch = graph.add('Gather', graph.add('Shape', 'images'), [0], axis=0)
        shape = graph.add('Concat', batch, [2], axis=0)
        size = graph.add('Expand', np.array([image.size[::-1]], np.int64), shape)
        graph.cast(size, sizes.type.tensor_type.elem_type, output=sizes.name)


def _select(
    graph: GraphBuilder, found: Found, rows: int | None, info: ModelInfo, overlap: float | None
) -> None:
    """Add the nodes from all boxes to the K best ones, in the coordinates of peaks."""
    boxes, scores, class_ids = found.boxes, found.scores, found.class_ids
    if rows is None or rows < info.top_k:
        boxes = graph.add('Pad', boxes, [0, 0, 0, 0, info.top_k, 0])
        scores = graph.add('Pad', scores, [0, 0, 0, info.top_k])
        class_ids = graph.add('Pad', class_ids, [0, 0, 0, info.top_k])
    if overlap is not None:
        number = max(info.top_k, min(rows or 0, _CANDIDATES))
        scores, index = graph.best(scores, number)
        boxes = graph.rows(boxes, index, 4)
        class_ids = graph.add('GatherElements', class_ids, index, axis=1)
        # Boxes of other classes lie elsewhere, so that only those of one class compete.
        shift = np.float32(4 * max(info.input_height, info.input_width))
        shifts = graph.add('Mul', graph.reshape(graph.cast(class_ids, FLOAT), 0, -1, 1), shift)
        apart = graph.add('Add', boxes, shifts)
        scores = _suppress(graph, apart, graph.reshape(scores, 0, 1, -1), number, overlap)
    best, index = graph.best(scores, info.top_k)
    graph.add('Identity', best, output='scores')
    class_ids = graph.add('GatherElements', class_ids, index, axis=1)
    graph.cast(class_ids, INT32, output='class_ids')
    # Detectors count from the corner of the first pixel, peaks from its middle.
    boxes = graph.add('Sub', graph.rows(boxes, index, 4), np.float32(0.5), output='boxes')
    low, high = graph.slice(boxes, 0, 2, 2), graph.slice(boxes, 2, 4, 2)
    graph.add('Mul', graph.add('Add', low, high), np.float32(0.5), output='centers')


def _suppress(graph: GraphBuilder, boxes: str, scores: str, number: int, overlap: float) -> str:
    """Return the scores (B, N), 0 for boxes that overlap a better one too much.

    Args:
        graph: takes the nodes.
        boxes: (B, N, 4).
        scores: (B, 1, N).
        number: N.
        overlap: intersection over union that is too much.
    """
    kept = graph.add(
        'NonMaxSuppression',
        boxes,
        scores,
        [number],
        np.array([overlap], np.float32),
        np.array([_LEAST_SCORE], np.float32),
    )
    nothing = graph.add('Mul', scores, np.float32(0))
    remaining = graph.add('ScatterND', nothing, kept, graph.add('GatherND', scores, kept))
    return graph.reshape(remaining, 0, -1)


def _rewire(
    model: Any, before: GraphBuilder, after: GraphBuilder, image: ImageInput, info: ModelInfo
) -> None:
    """Put the new nodes around the detector, and the metadata into the file."""
    from onnx import helper

    graph = model.graph
    nodes = [*before.nodes, *graph.node, *after.nodes]
    for field in (graph.node, graph.input, graph.output):
        del field[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*before.constants, *after.constants])
    batch = 'B' if image.free_batch else 1
    number = info.top_k
    graph.input.append(helper.make_tensor_value_info('images', UINT8, [batch, *image.size, 3]))
    for name, kind, shape in (
        ('scores', FLOAT, [number]),
        ('class_ids', INT32, [number]),
        ('centers', FLOAT, [number, 2]),
        ('boxes', FLOAT, [number, 4]),
    ):
        graph.output.append(helper.make_tensor_value_info(name, kind, [batch, *shape]))
    model.ir_version = max(model.ir_version, _OLDEST_IR)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, info.to_json()


def _try(path: Path, source: Path) -> None:
    """Run the new file once.

    Raises:
        JtnError: if it cannot be run, or finds nonsense.
    """
    engine = OnnxEngine(path)
    peaks = engine.run(**random_inputs(engine.info))
    farthest = _FARTHEST * max(engine.info.input_height, engine.info.input_width)
    if not (np.abs(peaks.boxes[peaks.scores > 0]) < farthest).all():
        raise JtnError(
            f'the boxes of {source} lie far outside the image; give --decoded if the detector '
            'decodes them itself (YOLOX with --decode_in_inference), or --box-units'
        )


def _shapes(outputs: Outputs) -> str:
    """Return names and shapes of outputs, for people."""
    return ', '.join(f'{name} {_shape(value.shape)}' for name, value in outputs.items())


def _shape(shape: Iterable[int | None]) -> str:
    """Return a shape, for people."""
    return f'({", ".join("any" if size is None else str(size) for size in shape)})'
