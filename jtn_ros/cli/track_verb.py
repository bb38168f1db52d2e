"""Track the objects in videos, image folders, MOTChallenge sequences, bags or a camera.

    jtn track street.mp4 --output results --video
    jtn track drive.mcap --topic /front/image --output results --bag
    jtn track 0 --output results --window --show heatmap,trails
    jtn track street.mp4 --output results --rerun street.rrd
    jtn track MOT17-02 --detections MOT17-02/det/det.txt --output results
    jtn track archive '2026-1*/*.mcap' --list more.txt --output results --jobs 8

Writes <name>.txt (MOTChallenge format: the confirmed tracks with reliable boxes) and
<name>.jsonl (one line per frame: all live tracks with velocity and state). Frame numbers start
at 1. Frames that cannot be read are reported and skipped. A new session starts where timestamps
jump back. For a camera, only the newest frame is processed; the JSON lines contain the number of
dropped frames.

If there are several inputs, or an input is a folder that is not a recording itself, all recordings
are tracked. The folders of the results below --output mirror those of the recordings below their
common parent folder. The same command continues after an interruption: only recordings that are
missing, have failed, or were tracked from other data or with other settings are tracked.
report.json contains the results of all recordings.
"""

import argparse
from glob import has_magic
from pathlib import Path

from jtn_ros.cli.job_arguments import add_job_arguments
from jtn_ros.cli.job_arguments import wants_jobs
from jtn_ros.cli.track_archive import track_archive
from jtn_ros.cli.track_recording import track_recording
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.cli.tracking_arguments import add_tracking_arguments
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.errors import UsageError
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.overwriting import require_folder
from jtn_ros.media.recordings import is_recording
from jtn_ros.media.recordings import read_list
from jtn_ros.media.rerun_log import file_of

_VIEWS = ('heatmap', 'displacement', 'embedding', 'trails')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument(
        'inputs',
        nargs='*',
        metavar='INPUT',
        help='video, image folder, MOTChallenge sequence, bag, folder of these, quoted pattern '
        '("*.mcap"), camera index or stream URL; env:VARIABLE or file:PATH reads the URL from '
        'there',
    )
    parser.add_argument(
        '--list',
        type=Path,
        metavar='FILE',
        help='file with one input per line; lines that begin with # are ignored',
    )
    parser.add_argument('--output', type=Path, required=True, help='folder for the results')
    add_job_arguments(parser)
    add_tracking_arguments(parser)
    parser.add_argument(
        '--detections',
        type=Path,
        metavar='FILE',
        help='track the detections of this file (MOTChallenge det.txt) instead of running the '
        'network',
    )
    parser.add_argument(
        '--video', action='store_true', help='write a video with the tracks that browsers can play'
    )
    parser.add_argument(
        '--bag',
        action='store_true',
        help='write a copy of the bag with the tracks added; for other inputs, a bag with the '
        'tracks alone',
    )
    parser.add_argument(
        '--rerun',
        metavar='TARGET',
        help='log images, tracks and latencies for the Rerun viewer: to a file (FILE.rrd), to a '
        'new viewer (live), or to a running one (rerun+http://HOST:9876/proxy)',
    )
    parser.add_argument('--window', action='store_true', help='show the tracks on the screen')
    parser.add_argument(
        '--show',
        type=_views,
        metavar='VIEW,...',
        help=f'what to draw in addition to the boxes: {", ".join(_VIEWS)} (default: trails)',
    )
    parser.add_argument('--start', type=_frame_number, default=1, help='first frame (default: 1)')
    parser.add_argument('--end', type=_frame_number, help='last frame (default: the last)')
    parser.add_argument('--fps', type=float, help='frame rate, if the input does not contain it')
    parser.add_argument(
        '--reconnect', action='store_true', help='open the camera again when it stops'
    )
    parser.add_argument('--topic', help='image topic, if the bag has several')
    parser.add_argument(
        '--intensity-range',
        type=float,
        nargs=2,
        metavar=('LOW', 'HIGH'),
        help='pixel values that map to black and white, for images with more than 8 bits '
        '(default: estimated from the images)',
    )


def run(args: argparse.Namespace) -> int:
    """Track the inputs and write the results."""
    given = args.inputs + ([] if args.list is None else read_list(args.list))
    if not all(given) or not given:
        raise UsageError('nothing to track; specify an INPUT or --list FILE')
    require_folder(args.output)
    for text in given:
        if Path(text).is_dir() and args.output.exists() and args.output.samefile(text):
            raise UsageError(f'the output {args.output} is the input; choose another --output')
    _check_usage(args)
    if len(given) > 1 or args.list is not None or wants_jobs(args) or _is_archive(given[0]):
        return track_archive(args, given)
    args.input = given[0]
    if args.reconnect and not is_camera(args.input):
        raise UsageError(f'--reconnect is for cameras; {args.input} is none')
    summary = track_recording(args, read_settings(args), OfflineSettings.load)
    print(summary.line)
    print(*summary.paths, sep='\n', flush=True)
    if summary.stopped is not None:
        raise summary.stopped
    return 0


def _is_archive(given: str) -> bool:
    """Return whether a single input is a pattern or a folder of recordings."""
    path = Path(given)
    if not path.exists():
        return not is_camera(given) and has_magic(given)
    return path.is_dir() and not is_recording(path)


def _frame_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f'{text!r} is not a frame number; frame numbers start at 1'
        )
    return int(text)


def _views(text: str) -> tuple[str, ...]:
    chosen = tuple(text.split(','))
    if unknown := set(chosen) - set(_VIEWS):
        raise argparse.ArgumentTypeError(
            f'unknown view {min(unknown)!r}; known: {", ".join(_VIEWS)}'
        )
    return chosen


def _check_usage(args: argparse.Namespace) -> None:
    if args.end is not None and args.end < args.start:
        raise UsageError(f'--end {args.end} lies before --start {args.start}')
    if args.show is not None and not (args.video or args.window or args.rerun):
        raise UsageError('--show requires --video, --window or --rerun')
    if args.rerun is not None:
        file_of(args.rerun)
