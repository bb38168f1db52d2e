"""Convert a checkpoint to one ONNX file.

    jtn export runs/light/best.safetensors models/jtn_people.onnx
    jtn export mot17.pth mot17.onnx --input 384x672 --letterbox fit
    jtn export mot17.pth mot17_gpu.onnx --precision f16 --tensorrt
    jtn export mot17.pth mot17_cpu.onnx --int8 recordings/street.mp4 MOT17-02 people/train.json

The file takes camera images and returns peaks. It contains its own metadata and runs on every
back end. Its output is compared with PyTorch before the file is written.

--int8 quantizes the convolutions for CPUs. They are calibrated on up to 128 frames of the given
recordings (videos, folders, bags) and on up to 128 images of the given COCO .json and CrowdHuman
.odgt files, the same number per source. Use footage similar to that of the application. A table
and <output>.accuracy.json show the loss of accuracy: of the tracks of the recordings, and of the
detections in up to 512 images per file.
"""

import argparse
import json
import logging
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from jtn_ros.cli.input_size import input_size
from jtn_ros.datasets.readers import is_annotation_file
from jtn_ros.errors import UsageError
from jtn_ros.errors import packages_for
from jtn_ros.evaluation.quantization import Loss
from jtn_ros.evaluation.quantization import SamplingEngine
from jtn_ros.evaluation.quantization import StillsLoss
from jtn_ros.evaluation.quantization import compare_tracks
from jtn_ros.evaluation.quantization import look_twice
from jtn_ros.evaluation.quantization import track_recordings
from jtn_ros.evaluation.stills import read_stills
from jtn_ros.evaluation.stills import score
from jtn_ros.evaluation.stills import spread
from jtn_ros.files import written_atomically
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.quantize import quantize_onnx
from jtn_ros.inference.tensorrt_plan import tensorrt_plan
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.resources import find_checkpoint

if TYPE_CHECKING:
    from jtn_ros.network import JointTrackNet


CALIBRATION_FRAMES = 128
SCORED_IMAGES = 512
ACCURACY_SUFFIX = '.accuracy.json'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument(
        'checkpoint',
        type=Path,
        help='.safetensors or published .pth file, or a bundled one: jtn_people',
    )
    parser.add_argument('output', type=Path, help='.onnx file to write')
    parser.add_argument(
        '--input', metavar='HxW', type=input_size, help="input size (default: the checkpoint's)"
    )
    parser.add_argument('--top-k', type=int, metavar='K', help='number of peaks per image')
    parser.add_argument(
        '--letterbox',
        choices=('fit', 'published', 'fairmot'),
        help='how images are fitted into the input (default: as the checkpoint says)',
    )
    parser.add_argument('--name', help='model name in the metadata')
    parser.add_argument(
        '--confident-score',
        type=float,
        metavar='S',
        help='confidence threshold',
    )
    parser.add_argument(
        '--no-prior-heatmap',
        action='store_true',
        help='export without the input for the heat map of earlier tracks, as in the published '
        'evaluation',
    )
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument(
        '--precision',
        choices=('f32', 'f16'),
        default='f32',
        help='f16 halves the file size, for GPUs (default: f32)',
    )
    precision.add_argument(
        '--int8',
        nargs='+',
        metavar='FOOTAGE',
        help='quantize for CPUs; recordings and annotated images for the calibration',
    )
    parser.add_argument(
        '--tensorrt', action='store_true', help='also build the TensorRT plan for this GPU'
    )


def run(args: argparse.Namespace) -> int:
    """Export and report."""
    if args.output.suffix != '.onnx':
        raise UsageError(f'{args.output}: the name of the output must end in .onnx')
    with packages_for('exporting needs', 'torch', 'torchvision', 'onnx', 'onnxscript'):
        from jtn_ros.inference.export import export_onnx
        from jtn_ros.network import load_checkpoint
    checkpoint = find_checkpoint(args.checkpoint) or args.checkpoint
    protect_inputs(
        (args.output, args.output.with_suffix(ACCURACY_SUFFIX)),
        (checkpoint, *(args.int8 or ())),
    )
    for noisy in ('onnxscript', 'onnx_ir', 'torch.onnx'):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    changes: dict[str, Any] = {}
    if args.input:
        changes['input_height'], changes['input_width'] = args.input
    for name in ('top_k', 'letterbox', 'name', 'confident_score'):
        if (value := getattr(args, name)) is not None:
            changes[name] = value
    if args.no_prior_heatmap:
        changes['prior_heatmap'] = False
    network = load_checkpoint(checkpoint, **changes)
    if args.int8:
        info = _export_int8(network, args.output, args.int8)
    else:
        info = export_onnx(network, args.output, args.precision)
    size = args.output.stat().st_size / 1e6
    print(
        f'{args.output}: {info.name}, {info.input_height}x{info.input_width}, '
        f'{", ".join(info.class_names)}, {info.precision}, {size:.1f} MB, agrees with PyTorch'
        + (' before it was quantized' if args.int8 else '')
    )
    if args.tensorrt:
        print(f'TensorRT plan: {tensorrt_plan(args.output)}')
    return 0


def _export_int8(network: 'JointTrackNet', output: Path, sources: list[str]) -> ModelInfo:
    """Export, calibrate, quantize, and report the loss of accuracy."""
    from jtn_ros.inference.export import export_onnx

    files = [Path(source) for source in sources if is_annotation_file(Path(source))]
    recordings = [source for source in sources if Path(source) not in files]
    images = {path: read_stills(path, network.config.class_names) for path in files}
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / 'float.onnx'
        export_onnx(network, model)
        engine = load_engine(model)
        frames = SamplingEngine(engine, CALIBRATION_FRAMES // 2)
        tracks = track_recordings(frames, recordings)
        views = SamplingEngine(engine, 2 * CALIBRATION_FRAMES)  # keeps all
        everything = [still for stills in images.values() for still in stills]
        look_twice(views, spread(everything, CALIBRATION_FRAMES))
        quantized = Path(folder) / 'int8.onnx'
        info = quantize_onnx(model, quantized, frames.samples + views.samples)
        twin = load_engine(quantized)
        losses: list[Loss | StillsLoss] = [
            *compare_tracks(tracks, track_recordings(twin, recordings))
        ]
        for path, stills in images.items():
            some = spread(stills, SCORED_IMAGES)
            before, after = score(engine, some).mean, score(twin, some).mean
            losses.append(StillsLoss(source=path.name, before=before, after=after))
        with written_atomically(output) as temporary:
            temporary.write_bytes(quantized.read_bytes())
    with written_atomically(output.with_suffix(ACCURACY_SUFFIX)) as temporary:
        report = [asdict(loss) for loss in losses]
        temporary.write_text(json.dumps(report, indent=2) + '\n')
    print('\n'.join(_accuracy_table(losses)))
    return info


def _accuracy_table(losses: list[Loss | StillsLoss]) -> list[str]:
    """Return the lines of the report, in percent; a dash if there is no such score."""
    columns = {'HOTA': 'hota', 'MOTA': 'mota', 'IDF1': 'idf1', 'AP50': 'ap50'}
    width = max(len(loss.source) for loss in losses)
    lines = [f'{"":{width}}  {"":16}' + ''.join(f'  {name:>5}' for name in columns)]
    for loss in losses:
        for label, scores in loss.rows().items():
            values = [getattr(scores, key, None) for key in columns.values()]
            cells = [f'  {"-":>5}' if value is None else f'  {value:5.1f}' for value in values]
            lines.append(f'{loss.source:{width}}  {label:16}' + ''.join(cells))
    return lines
