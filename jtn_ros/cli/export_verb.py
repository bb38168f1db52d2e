"""Turn a checkpoint into one ONNX file, from camera images to peaks.

    jtn export runs/light/best.safetensors models/jtn_light.onnx
    jtn export mot17.pth mot17.onnx --input 384x672 --letterbox fit

The file carries its own metadata and runs on every back end. It is compared with PyTorch before
it is put in place.
"""

import argparse
import logging
from pathlib import Path
from typing import Any

SUMMARY = 'turn a checkpoint into one ONNX file'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('checkpoint', type=Path, help='.safetensors or published .pth file')
    parser.add_argument('output', type=Path, help='the .onnx file to write')
    parser.add_argument(
        '--input', metavar='HxW', type=input_size, help="input size (the checkpoint's own)"
    )
    parser.add_argument('--top-k', type=int, metavar='K', help='peaks per image')
    parser.add_argument('--letterbox', choices=('fit', 'published', 'fairmot'))
    parser.add_argument('--name', help='model name in the metadata')
    parser.add_argument(
        '--no-prior-heatmap',
        action='store_true',
        help='leave out the heat map of earlier tracks, as the published evaluation does',
    )
    parser.add_argument(
        '--half-weights', action='store_true', help='store weights as float16: half the file size'
    )


def input_size(text: str) -> tuple[int, int]:
    """Read ``HxW``."""
    height, _, width = text.lower().partition('x')
    if not (height.isdecimal() and width.isdecimal()):
        raise argparse.ArgumentTypeError(f'{text!r} is no size; write height x width: 544x960')
    return int(height), int(width)


def run(args: argparse.Namespace) -> int:
    """Export and report."""
    try:
        from jtn_ros.inference.export import export_onnx
        from jtn_ros.network import load_checkpoint
    except ImportError as error:
        raise ImportError(
            f'{error}; exporting needs PyTorch: pip install torch torchvision onnx onnxscript'
        ) from error
    for noisy in ('onnxscript', 'onnx_ir', 'torch.onnx'):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    changes: dict[str, Any] = {}
    if args.input:
        changes['input_height'], changes['input_width'] = args.input
    for name in ('top_k', 'letterbox', 'name'):
        if (value := getattr(args, name)) is not None:
            changes[name] = value
    if args.no_prior_heatmap:
        changes['prior_heatmap'] = False
    network = load_checkpoint(args.checkpoint, **changes)
    info = export_onnx(network, args.output, half_weights=args.half_weights)
    size = args.output.stat().st_size / 1e6
    print(
        f'{args.output}: {info.name}, {info.input_height}x{info.input_width}, '
        f'{", ".join(info.class_names)}, {size:.1f} MB, agrees with PyTorch'
    )
    return 0
