"""Convert a published checkpoint or an ONNX detector to the format of this project.

    jtn import mot17_half.pth mot17.safetensors
    jtn import coco_tracking.pth coco.safetensors --input 512x512 --license 'research only'
    jtn import --detector yolox yolox_s.onnx yolox_s_jtn.onnx
    jtn import --detector detr dfine_s.onnx dfine.onnx --classes coco

Reads checkpoints of JointTrackNet, CenterTrack and FairMOT (DLA-34). Nothing in them is executed.
Use the result with `jtn export`, or as initial weights of `jtn train`. docs/models.md lists where
such checkpoints are published.

With --detector, it reads an ONNX file of a detector and writes an ONNX file that is used like an
exported model. The families are yolox, nanodet (NanoDet-Plus), ssd (boxes and scores, or a
DetectionOutput) and detr (RT-DETR, D-FINE, DEIM, RF-DETR).
"""

import argparse
from pathlib import Path
from typing import Any
from typing import get_args

from jtn_ros.cli.input_size import input_size
from jtn_ros.errors import JtnError
from jtn_ros.errors import MissingPackageError
from jtn_ros.errors import UsageError
from jtn_ros.errors import packages_for
from jtn_ros.geometry import Letterboxing
from jtn_ros.inference import load_engine
from jtn_ros.inference.detectors.importing import import_detector
from jtn_ros.inference.detectors.layouts import Family
from jtn_ros.inference.detectors.options import BoxFormat
from jtn_ros.inference.detectors.options import BoxUnits
from jtn_ros.inference.detectors.options import Channels
from jtn_ros.inference.detectors.options import DetectorOptions
from jtn_ros.media.overwriting import protect_inputs

_BACKENDS = ('openvino', 'onnxruntime')  # those of robots


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('checkpoint', type=Path, help='published file (.pth, or .onnx)')
    parser.add_argument('output', type=Path, help='file to write (.safetensors, or .onnx)')
    parser.add_argument(
        '--detector', choices=get_args(Family), help='family of the detector that is imported'
    )
    parser.add_argument('--name', help="model name (default: the file's name)")
    parser.add_argument(
        '--classes',
        type=parse_classes,
        metavar='A,B',
        help='class names (default: those of the published model with the same number of '
        'classes). coco and coco91 stand for the classes of COCO',
    )
    parser.add_argument(
        '--input',
        type=input_size,
        metavar='HxW',
        help='input size of the network (default: that of the published model or file)',
    )
    parser.add_argument(
        '--letterbox',
        choices=get_args(Letterboxing),
        help="'fit' keeps the whole image, 'published' crops narrow images like the authors, "
        "'corner' (YOLOX) keeps it in the top left corner, 'stretch' ignores its aspect ratio",
    )
    parser.add_argument(
        '--confident-score',
        type=float,
        metavar='S',
        help='confidence threshold',
    )
    parser.add_argument('--training-data', help='description of the training data')
    parser.add_argument('--license', dest='licence', metavar='TEXT', help='license of the weights')
    parser.add_argument(
        '--no-prior-heatmap',
        dest='prior_heatmap',
        action='store_const',
        const=False,
        help='checkpoints: import without the stem of the prior heat map, as in '
        "JointTrackNet's evaluation",
    )
    group = parser.add_argument_group('detectors', 'The defaults are those of the family.')
    group.add_argument(
        '--channels', choices=get_args(Channels), help='order of the color channels'
    )
    group.add_argument(
        '--mean', type=three_numbers, metavar='A,B,C', help='subtracted from values from 0 to 255'
    )
    group.add_argument(
        '--std', type=three_numbers, metavar='A,B,C', help='by which the result is divided'
    )
    group.add_argument(
        '--box-format', choices=get_args(BoxFormat), help='order of the numbers of a box'
    )
    group.add_argument(
        '--box-units',
        choices=get_args(BoxUnits),
        help='pixels of the input, or fractions of its size',
    )
    group.add_argument(
        '--decoded',
        action='store_const',
        const=True,
        help='YOLOX: the boxes are decoded in the file (--decode_in_inference)',
    )
    group.add_argument(
        '--first-class',
        type=int,
        metavar='N',
        help='column or label of the first class',
    )
    group.add_argument(
        '--overlap',
        type=float,
        metavar='IOU',
        help='intersection over union above which the box with the lower score is suppressed',
    )
    group.add_argument(
        '--top-k', type=int, metavar='K', help='detections per image (default: 100)'
    )


def parse_classes(text: str) -> tuple[str, ...]:
    """Return the names of ``A,B``."""
    names = tuple(name.strip() for name in text.split(','))
    if not all(names):
        raise argparse.ArgumentTypeError(f'{text!r} is not a list of names such as person,car')
    return names


def three_numbers(text: str) -> tuple[float, ...]:
    """Return the numbers of ``A,B,C``, or three times the number ``A``."""
    try:
        numbers = tuple(float(number) for number in text.split(','))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3):
        raise argparse.ArgumentTypeError(f'{text!r} is not three numbers such as 104,117,123')
    return numbers if len(numbers) == 3 else numbers * 3


def run(args: argparse.Namespace) -> int:
    """Convert the file and report what was recognized."""
    given = {name: value for name, value in vars(args).items() if value is not None}
    if args.detector:
        return _import_detector(args, given)
    foreign = sorted(_FOR_DETECTORS & set(given))
    if foreign:
        name = foreign[0].replace('_', '-')
        raise UsageError(f'--{name} is for detectors; specify --detector, or remove it')
    if args.checkpoint.suffix == '.onnx':
        raise UsageError(f'{args.checkpoint} is an ONNX file; specify the family with --detector')
    return _import_checkpoint(args)


def _import_detector(args: argparse.Namespace, given: dict[str, Any]) -> int:
    """Write a detector as a model, and report which back ends run it."""
    if args.output.suffix != '.onnx':
        raise UsageError(f'{args.output}: the name of the output must end in .onnx')
    if args.prior_heatmap is not None:
        raise UsageError('--no-prior-heatmap is for checkpoints; remove it')
    protect_inputs([args.output], [args.checkpoint])
    options = {
        'name': args.name,
        'class_names': args.classes,
        'input_size': args.input,
        'overlap': args.overlap,
        'top_k': args.top_k,
        'confident_score': args.confident_score,
        'training_data': args.training_data,
        'licence': args.licence,
        'preparation': _chosen(given, _PREPARATION),
        'coding': _chosen(given, _CODING),
    }
    known = {name: value for name, value in options.items() if value is not None}
    imported = import_detector(
        args.checkpoint, args.output, args.detector, DetectorOptions(**known)
    )
    info, prepared = imported.info, imported.preparation
    more = len(info.class_names) - _SHOWN_CLASSES
    rest = f' and {more} more' if more > 0 else ''
    left_out = f'; {imported.left_out} of the detector removed' if imported.left_out else ''
    print(f'{args.output}: {info.name}')
    print(f'  outputs    {imported.outputs}')
    print(f'  classes    {", ".join(info.class_names[:_SHOWN_CLASSES])}{rest}{left_out}')
    print(f'  input      {info.input_height}x{info.input_width}, letterbox {info.letterbox}')
    print(
        f'  colors     {prepared.channels}, mean {",".join(f"{v:g}" for v in prepared.mean)}, '
        f'std {",".join(f"{v:g}" for v in prepared.std)}'
    )
    for backend in _BACKENDS:
        try:
            print(f'  runs on    {load_engine(args.output, backend).description}')
        except MissingPackageError:
            continue
        except (JtnError, RuntimeError) as error:
            print(f'  not on     {backend}: {error}')
    return 0


def _chosen(given: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
    """Return the fields whose arguments were given."""
    return {field: given[name] for name, field in fields.items() if name in given}


# Names of arguments to fields.
_PREPARATION = {'letterbox': 'letterbox', 'channels': 'channels', 'mean': 'mean', 'std': 'std'}
_CODING = {
    'box_format': 'boxes',
    'box_units': 'units',
    'first_class': 'first_class',
    'decoded': 'decoded',
}
_FOR_DETECTORS = {'channels', 'mean', 'std', 'overlap', 'top_k', *_CODING}
_SHOWN_CLASSES = 5


def _import_checkpoint(args: argparse.Namespace) -> int:
    """Convert a checkpoint."""
    with packages_for('importing a checkpoint needs', 'torch'):
        from jtn_ros.network import load_checkpoint
        from jtn_ros.network import save_checkpoint
    if args.output.suffix != '.safetensors':
        raise JtnError(f'{args.output}: the name of the output must end in .safetensors')
    protect_inputs([args.output], [args.checkpoint])
    height, width = args.input or (None, None)
    settings = {
        'name': args.name,
        'class_names': args.classes,
        'input_height': height,
        'input_width': width,
        'letterbox': args.letterbox,
        'confident_score': args.confident_score,
        'prior_heatmap': args.prior_heatmap,
        'training_data': args.training_data,
        'licence': args.licence,
    }
    given = {name: value for name, value in settings.items() if value is not None}
    network = load_checkpoint(args.checkpoint, **given)
    save_checkpoint(args.output, network)

    config = network.config
    stems = {'previous image': config.previous_image, 'prior heat map': config.prior_heatmap}
    print(f'{args.output}: {config.name}')
    print(f'  classes    {", ".join(config.class_names)}')
    print(f'  input      {config.input_height}x{config.input_width}, letterbox {config.letterbox}')
    print(f'  stems      {", ".join(["image", *(name for name, has in stems.items() if has)])}')
    print(f'  heads      {", ".join(f"{name} {size}" for name, size in config.heads.items())}')
    print(f'  parameters {sum(value.numel() for value in network.parameters()) / 1e6:.1f} M')
    return 0
