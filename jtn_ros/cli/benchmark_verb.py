"""Measure the time of every stage from image to tracks, for one or more configurations.

    jtn benchmark --size 1080x1920 --json benchmark.json
    jtn benchmark --backend openvino --against precision=bf16 --against backend=onnxruntime

--against adds a configuration that differs from the first in the given keys: model, backend,
precision, device, threads or batch, separated by commas. The configurations take turns frame by
frame. Ratios are medians over frames.

    jtn benchmark --node --frames 300

--node starts the tracker node instead, publishes the images to it at --rate from another process,
and measures until the tracks arrive. It needs ROS 2.
"""

import argparse
import itertools
import json
from collections.abc import Sequence
from dataclasses import fields
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from jtn_ros.cli.input_size import input_size
from jtn_ros.cli.setting_arguments import add_backend_argument
from jtn_ros.cli.setting_arguments import choices_of
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.evaluation.benchmark import Configuration
from jtn_ros.evaluation.benchmark import Measurement
from jtn_ros.evaluation.benchmark import machine
from jtn_ros.evaluation.benchmark import report
from jtn_ros.evaluation.benchmark import run_benchmark
from jtn_ros.files import written_atomically
from jtn_ros.inference.options import EngineOptions
from jtn_ros.media import open_frames
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.media.overwriting import require_files

NOISE_IMAGES = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument(
        '--model', help='exported model, or the name of a bundled one (default: the bundled one)'
    )
    add_backend_argument(parser)
    parser.add_argument(
        '--precision',
        choices=choices_of(EngineOptions, 'precision'),
        help="numeric precision of the network (default: the back end's)",
    )
    parser.add_argument('--device', help='inference device in the notation of the back end')
    parser.add_argument(
        '--threads', type=int, help='number of CPU threads (default: one per core)'
    )
    parser.add_argument('--batch', type=int, default=1, help='images per inference (default: 1)')
    parser.add_argument(
        '--size',
        type=input_size,
        default=(1080, 1920),
        metavar='HxW',
        help='size of the camera image (default: 1080x1920)',
    )
    parser.add_argument(
        '--input', help='use the images of a video, folder or bag instead of noise'
    )
    parser.add_argument('--frames', type=int, default=50, help='number of frames (default: 50)')
    parser.add_argument(
        '--against',
        action='append',
        default=[],
        metavar='KEY=VALUE,...',
        help='add a configuration to compare with; can be repeated',
    )
    parser.add_argument(
        '--node',
        action='store_true',
        help='measure the latency from publishing an image to its tracks, with the tracker node '
        'on ROS 2',
    )
    parser.add_argument(
        '--rate', type=float, default=30.0, help='images per second of --node (default: 30)'
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write the results as JSON')


def run(args: argparse.Namespace) -> int:
    """Measure, print a table, and write the JSON."""
    protect_inputs([args.json], (args.model, args.input))
    require_files([args.json])
    lines, result = _measure_node(args) if args.node else _measure(args)
    print('\n'.join(lines))
    if args.json:
        with written_atomically(args.json) as temporary:
            temporary.write_text(json.dumps(result, indent=2) + '\n')
    return 0


def _measure(args: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """Measure the stages; return the lines to print and the result for JSON."""
    names = [field.name for field in fields(Configuration)]
    first = Configuration(**{name: getattr(args, name) for name in names})
    others = [_changed(first, text) for text in args.against]
    images = _images(args)
    measurements = run_benchmark([first, *others], images, frames=args.frames)
    result = report(measurements, images[0].shape[:2])
    return _table(measurements, result), result


def _measure_node(args: argparse.Namespace) -> tuple[list[str], dict[str, Any]]:
    """Measure the node; return the lines to print and the result for JSON."""
    if args.against or args.batch != 1:
        raise UsageError('--node measures one configuration; remove --against and --batch')
    if args.frames < 1:
        raise UsageError(f'--frames {args.frames}: at least one is needed')
    if not 0 < args.rate <= 1000:
        raise UsageError(f'--rate {args.rate:g} is not between 0 and 1000')
    try:
        from jtn_ros.nodes.node_latency import measure_node
    except ImportError as error:
        raise JtnError(f'--node needs ROS 2 ({error}); source it, or use tools/run') from error
    names = ('model', 'backend', 'precision', 'device', 'threads')
    parameters = {name: value for name in names if (value := getattr(args, name)) is not None}
    images = _images(args)
    measured = measure_node(images, rate=args.rate, frames=args.frames, parameters=parameters)
    percentiles = {'median': 50, 'p95': 95, 'p99': 99, 'minimum': 0}
    parts = {
        part: {name: float(np.percentile(ms, share)) for name, share in percentiles.items()}
        for part, ms in measured.milliseconds.items()
    }
    height, width = images[0].shape[:2]
    lines = [
        f'{width}x{height} at {args.rate:g} Hz, {measured.engine}, {measured.middleware}',
        f'{measured.sent} images published, {measured.tracked} tracked, {measured.dropped} '
        f'dropped, {measured.sent - measured.tracked - measured.dropped} lost',
        f'{"milliseconds":24}' + ''.join(f'{name:>9}' for name in percentiles),
        *(
            f'{part:24}' + ''.join(f'{value:9.1f}' for value in values.values())
            for part, values in parts.items()
        ),
    ]
    result = {
        'machine': machine(),
        'image_size': [height, width],
        'rate': args.rate,
        'engine': measured.engine,
        'middleware': measured.middleware,
        'published': measured.sent,
        'tracked': measured.tracked,
        'dropped': measured.dropped,
        'milliseconds': parts,
    }
    return lines, result


def _changed(first: Configuration, text: str) -> Configuration:
    """Return the first configuration with what ``key=value,...`` changes.

    Raises:
        JtnError: if a key is unknown or a number is none.
    """
    changes: dict[str, Any] = {}
    for part in text.split(','):
        key, equals, value = part.partition('=')
        if not equals or key not in {field.name for field in fields(first)}:
            known = ', '.join(field.name for field in fields(first))
            raise JtnError(f'--against {text!r}: {part!r} is not KEY=VALUE; keys: {known}')
        changes[key] = int(value) if key in ('threads', 'batch') else value
    if 'backend' in changes and 'precision' not in changes:
        changes['precision'] = None  # what one back end calls its precision another may not have
    return replace(first, **changes)


def _images(args: argparse.Namespace) -> list[Any]:
    """Return the images that are timed."""
    if args.input is None:
        rng = np.random.default_rng(0)
        return [rng.integers(0, 256, (*args.size, 3), np.uint8) for _ in range(NOISE_IMAGES)]
    with open_frames(args.input) as source:
        return [frame.image.copy() for frame in itertools.islice(source, args.frames)]


def _table(measurements: Sequence[Measurement], result: dict[str, Any]) -> list[str]:
    """Return the lines of the table: median and 95th percentile in milliseconds."""
    stages = list(measurements[0].seconds)
    head = ['', *stages, 'images/s', 'peaks/s', 'MB', 'ratio']
    rows = [head]
    ratios = ['1', *(f'{entry["total"]:.2f}' for entry in result['ratios_to_first'])]
    for measured, summary, ratio in zip(measurements, result['results'], ratios, strict=True):
        cells = [
            f'{measured.milliseconds(stage):.1f} ({measured.milliseconds(stage, 95):.1f})'
            if stage in measured.seconds
            else ''
            for stage in stages
        ]
        height, width = measured.input_size
        label = f'{measured.model} {height}x{width}, {measured.engine}'
        if measured.configuration.batch > 1:
            label += f', batch {measured.configuration.batch}'
        speed = f'{summary["images_per_second"]:.1f}'
        peaks = f'{summary["peaks_per_second"]:.0f}'
        rows.append([label, *cells, speed, peaks, f'{measured.memory_mb:.0f}', ratio])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        '  '.join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    cpu = f'{result["machine"]["cpu"]}, {result["machine"]["cores"]} cores'
    return [f'milliseconds, median (95th percentile); {cpu}', *lines]
