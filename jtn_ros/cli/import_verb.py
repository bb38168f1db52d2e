"""Convert a published checkpoint to the format of this project.

    jtn import mot17_half.pth mot17.safetensors
    jtn import coco_tracking.pth coco.safetensors --input 512x512 --license 'research only'

Reads checkpoints of JointTrackNet, CenterTrack and FairMOT (DLA-34). Nothing in them is executed.
Use the result with `jtn export`, or as initial weights of `jtn train`. docs/models.md lists where
such checkpoints are published.
"""

import argparse
from pathlib import Path

from jtn_ros.cli.input_size import input_size
from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.media.overwriting import protect_inputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('checkpoint', type=Path, help='published file (.pth)')
    parser.add_argument('output', type=Path, help='file to write (.safetensors)')
    parser.add_argument('--name', help="model name (default: the checkpoint's file name)")
    parser.add_argument(
        '--classes',
        type=parse_classes,
        metavar='A,B',
        help='class names (default: those of the published model with the same number of classes)',
    )
    parser.add_argument(
        '--input',
        type=input_size,
        metavar='HxW',
        help='input size of the network, multiples of 32 (default: that of the published model)',
    )
    parser.add_argument(
        '--letterbox',
        choices=('fit', 'published', 'fairmot'),
        help="'fit' keeps the whole image, 'published' crops narrow images like the authors",
    )
    parser.add_argument(
        '--confident-score',
        type=float,
        metavar='S',
        help='confidence threshold',
    )
    parser.add_argument(
        '--no-prior-heatmap',
        dest='prior_heatmap',
        action='store_const',
        const=False,
        help="import without the stem of the prior heat map, as in JointTrackNet's evaluation",
    )
    parser.add_argument('--training-data', help='description of the training data')
    parser.add_argument('--license', dest='licence', metavar='TEXT', help='license of the weights')


def parse_classes(text: str) -> tuple[str, ...]:
    """Return the names of ``A,B``."""
    names = tuple(name.strip() for name in text.split(','))
    if not all(names):
        raise argparse.ArgumentTypeError(f'{text!r} is not a list of names such as person,car')
    return names


def run(args: argparse.Namespace) -> int:
    """Convert the checkpoint and say what it turned out to be."""
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
