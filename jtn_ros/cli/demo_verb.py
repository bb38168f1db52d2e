"""Track a clip through ROS 2 and show the results.

    jtn demo
    jtn demo --input street.mp4 --output street_demo

A player node publishes the input as camera images at its own frame rate, the tracker node tracks
them, and a recorder writes both to a bag. The command prints a table and leaves these files in the
output folder: bag/, a video, tracks.png, result.json, report.html (if the input has ground truth),
tracks/ (MOTChallenge text and JSON lines), ros2.log and ros2/ (the logs of the nodes). Without an
input, a clip with ground truth is rendered.
"""

import argparse
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from dataclasses import asdict
from fcntl import LOCK_EX
from fcntl import LOCK_NB
from fcntl import flock
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from jtn_ros.cli.demo_clip import write_clip
from jtn_ros.cli.ros_launch import first_error
from jtn_ros.cli.ros_launch import run_launch_file
from jtn_ros.cli.setting_arguments import add_backend_argument
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.media import open_frames
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.media.overwriting import require_folder
from jtn_ros.resources import resource_folder
from jtn_ros.tracking import TrackerSettings

if TYPE_CHECKING:
    from jtn_ros.cli.demo_report import Report

# Longest time for loading a model and starting the nodes. [s]
_STARTUP_S = 180
_LOG_LINES = 15
# The files of a demo in its output folder.
OURS = ('bag', 'clip', 'tracks', 'tracks.mp4', 'tracks.webm', 'tracks.png', 'result.json',
        'report.html', 'report.json', 'ros2.log', 'ros2')  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('--input', help='video, image folder, sequence folder or bag')
    parser.add_argument(
        '--output',
        type=Path,
        help=(
            'folder for the results; those of an earlier run are replaced (default: $JTN_OUTPUT, '
            'or demo_output, or a temporary folder if demo_output cannot be written)'
        ),
    )
    parser.add_argument('--model', default='', help='exported model (default: the bundled one)')
    add_backend_argument(parser)
    parser.add_argument(
        '--rate', type=float, default=1.0, help='playback speed; 2 is twice as fast (default: 1)'
    )


def run(args: argparse.Namespace) -> int:
    """Run the demo."""
    from jtn_ros.cli.demo_report import print_report  # needs rosbags, which help does not

    if args.rate <= 0:
        raise JtnError(f'--rate {args.rate} is not positive')
    output = output_folder(args.output)
    require_folder(output)
    with locked(output):
        report = _track(args, output)
    print_report(report)
    return 0


def _track(args: argparse.Namespace, output: Path) -> 'Report':
    """Track the input, and leave the files of the report in the folder."""
    from jtn_ros.cli.demo_report import make_report

    launch_file = resource_folder('launch') / 'demo.launch.py'
    protect_inputs((output / name for name in OURS), [args.input])
    source_path = output / 'clip' if args.input is None else Path(args.input).resolve()
    if args.input is not None:
        open_frames(source_path).close()  # a wrong input must not cost the results of before
    clear_output(output)
    if args.input is None:
        write_clip(source_path)
    with open_frames(source_path) as source:
        if source.length is None:
            raise JtnError(f'{args.input} has no known length; specify a recording')
        seconds = source.length / source.frame_rate / args.rate
        size = f'{source.width}x{source.height}'
        print(
            f'playing {source.name}: {source.length} frames of {size} at '
            f'{source.frame_rate * args.rate:.4g} Hz, {seconds:.0f} s ...',
            flush=True,
        )
        arguments = {
            'input': str(source_path),
            'output': str(output),
            'rate': str(args.rate),
            'model': str(model.resolve()) if (model := Path(args.model)).is_file() else args.model,
            'backend': args.backend,
        }
        log = output / 'ros2.log'
        try:
            run_launch_file(launch_file, arguments, log=log, timeout_s=_STARTUP_S + 3 * seconds)
            return make_report(source, source_path, output, _parameters(args))
        except JtnError as error:
            print(*complaints(log), sep='\n', file=sys.stderr)
            if (said := first_error(log)) and said not in str(error):
                raise JtnError(f'{error}; output of the nodes: {said}') from error
            raise


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    """Return the parameters of the tracker: its defaults, and the given arguments."""
    by_model = dict.fromkeys(('confident_score', 'birth_score', 'certain_score'), "the model's")
    return {'backend': args.backend, 'rate': args.rate} | asdict(TrackerSettings()) | by_model


def complaints(log: Path) -> list[str]:
    """Return the warnings and errors of a log, or its end when there are none."""
    lines = log.read_text('utf-8', 'replace').splitlines()
    found = [line for line in lines if re.search(r'\[(WARN|ERROR|FATAL)\]', line)]
    return found[:_LOG_LINES] or lines[-_LOG_LINES:]


def output_folder(wanted: Path | None) -> Path:
    """Return the folder for the results: as wanted, as the environment says, or one that can be.

    Args:
        wanted: the folder that the user gave, or None.
    """
    if wanted is None and (variable := os.environ.get('JTN_OUTPUT')):
        wanted = Path(variable).expanduser()
    if wanted is not None:
        return wanted.resolve()
    here = Path('demo_output').resolve()
    with suppress(OSError):  # a read-only folder, or one of another user
        here.mkdir(exist_ok=True)
        if os.access(here, os.W_OK):
            return here
    return Path(tempfile.mkdtemp(prefix='jtn_demo_'))


@contextmanager
def locked(output: Path) -> Iterator[None]:
    """Create the folder, and lock it for this process.

    The folder itself is locked, so that no stale lock file remains after the process has exited.

    Raises:
        UsageError: if another demo has locked it.
    """
    output.mkdir(parents=True, exist_ok=True)
    folder = os.open(output, os.O_RDONLY)
    try:
        try:
            flock(folder, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f'another demo is writing {output}; wait for it, or choose another --output'
            ) from None
        yield
    finally:
        os.close(folder)


def clear_output(output: Path) -> None:
    """Remove only the files of an earlier demo from the folder.

    Raises:
        JtnError: if the folder contains files that are not from a demo.
    """
    found = {path.name for path in output.iterdir()}
    if found and 'ros2.log' not in found and found & set(OURS):
        raise JtnError(
            f'{output} contains {", ".join(sorted(found & set(OURS)))} which a demo did not '
            'create; choose another --output'
        )
    for name in found & set(OURS):
        path = output / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
