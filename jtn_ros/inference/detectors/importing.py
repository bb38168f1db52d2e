"""Import an ONNX detector: its graph, with preprocessing before it and decoding after it.

The images are normalized before the detector, and its outputs are decoded after it, so that every
back end runs the file as it runs exported models. Boxes are in pixels of the input (stride 1).
"""

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

import numpy as np

from jtn_ros.class_names import COCO_CLASSES
from jtn_ros.class_names import COCO_NUMBERS
from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.files import written_atomically
from jtn_ros.inference.detectors.detector_file import ImageInput
from jtn_ros.inference.detectors.detector_file import image_input
from jtn_ros.inference.detectors.detector_file import load_detector
from jtn_ros.inference.detectors.detector_file import number_of_rows
from jtn_ros.inference.detectors.detector_file import precision_of
from jtn_ros.inference.detectors.detector_file import run_on_noise
from jtn_ros.inference.detectors.detector_file import shapes_text
from jtn_ros.inference.detectors.detector_file import sizes_input
from jtn_ros.inference.detectors.graph import GraphBuilder
from jtn_ros.inference.detectors.layouts import LAYOUTS
from jtn_ros.inference.detectors.layouts import Classes
from jtn_ros.inference.detectors.layouts import Family
from jtn_ros.inference.detectors.layouts import Head
from jtn_ros.inference.detectors.layouts import Layout
from jtn_ros.inference.detectors.layouts import Outputs
from jtn_ros.inference.detectors.layouts import Roles
from jtn_ros.inference.detectors.layouts import Size
from jtn_ros.inference.detectors.options import DetectorOptions
from jtn_ros.inference.detectors.options import Preparation
from jtn_ros.inference.detectors.wrapping import FLOAT
from jtn_ros.inference.detectors.wrapping import PREFIX
from jtn_ros.inference.detectors.wrapping import add_preparation
from jtn_ros.inference.detectors.wrapping import add_selection
from jtn_ros.inference.detectors.wrapping import rewire
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.onnx_engine import OnnxEngine

_FARTHEST = 100  # input sizes between the input and a box that is no nonsense


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
    model = load_detector(source)
    image = image_input(model, source, options)
    outputs = run_on_noise(model, image, source)
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
        precision=precision_of(model),
        training_data=options.training_data,
        licence=options.licence,
    )
    rows = number_of_rows(model, layout, outputs, roles)
    model = onnx.compose.add_prefix(model, PREFIX)
    before, after = GraphBuilder('jtn/before/'), GraphBuilder('jtn/after/')
    add_preparation(before, image, preparation, sizes_input(model))
    head = Head(
        graph=after,
        roles={role: after.cast(f'{PREFIX}{name}', FLOAT) for role, name in roles.items()},
        shapes={role: outputs[name].shape for role, name in roles.items()},
        size=image.size,
        classes=classes,
        coding=coding,
    )
    add_selection(after, layout.decode(head), rows, info, overlap)
    rewire(model, before, after, image, info)
    with written_atomically(output) as temporary:
        temporary.write_bytes(model.SerializeToString())
        _try(temporary, source)
    return ImportedDetector(
        info=info,
        outputs=shapes_text({name: outputs[name] for name in roles.values()}),
        preparation=preparation,
        left_out=0 if columns is None else columns - coding.first_class - len(classes.names),
    )


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
        f'{source} returns {shapes_text(outputs)} for an image of {size[0]}x{size[1]}; '
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
            f'{source} returns {what} without names; specify --classes, as A,B or coco or coco91'
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
        raise JtnError(f'{source} accepts images of 0 to 255 as they are; remove --mean and --std')
    plain = Preparation()
    usual = layout.preparation
    if integers:
        usual = replace(usual, mean=plain.mean, std=plain.std)
    return replace(usual, **given)


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
            f'the boxes of {source} lie far outside the image; specify --decoded if the detector '
            'decodes them itself (YOLOX with --decode_in_inference), or --box-units'
        )
