"""Track the objects in a video, an image folder, a MOTChallenge sequence, a bag or a camera.

    jtn track street.mp4 --output results --video
    jtn track drive.mcap --topic /front/image --output results --bag
    jtn track 0 --output results --window --show heatmap,trails
    jtn track street.mp4 --output results --rerun street.rrd
    jtn track MOT17-02 --detections MOT17-02/det/det.txt --output results

Writes <name>.txt (MOTChallenge format: the confirmed tracks that were detected in each frame) and
<name>.jsonl (one line per frame: all live tracks with velocity and state). Frames count from 1.
Frames that cannot be read are reported and skipped. A new session starts where timestamps jump
back. For a camera, only the newest frame is processed; the JSON lines contain the number of
dropped frames.
"""

import argparse
from contextlib import ExitStack
from contextlib import closing
from datetime import UTC
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter

from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.track_outputs import TrackOutputs
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.cli.tracking_arguments import add_tracking_arguments
from jtn_ros.cli.tracking_arguments import read_settings
from jtn_ros.datasets.mot_challenge import read_detections
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.masking import mask
from jtn_ros.media import FrameSource
from jtn_ros.media import open_frames
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.labels import Labels
from jtn_ros.media.live.live_source import CameraStoppedError
from jtn_ros.media.read_ahead import WriteBehind
from jtn_ros.media.read_ahead import read_ahead
from jtn_ros.media.rerun_log import file_of
from jtn_ros.media.timeline import Timeline
from jtn_ros.media.window import Window
from jtn_ros.offline import FrameTracking
from jtn_ros.offline import StoredTracking
from jtn_ros.offline import TrackedFrame
from jtn_ros.offline import track_frames

_VIEWS = ('heatmap', 'displacement', 'embedding', 'trails')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument(
        'input',
        help='video, image folder, MOTChallenge sequence, bag, camera index or stream URL; '
        'env:VARIABLE or file:PATH reads the URL from there',
    )
    parser.add_argument('--output', type=Path, required=True, help='folder for the results')
    add_tracking_arguments(parser)
    parser.add_argument(
        '--detections',
        type=Path,
        metavar='FILE',
        help='track the detections of this file (MOTChallenge det.txt) instead of running the '
        'network',
    )
    parser.add_argument(
        '--video', action='store_true', help='write a video with the tracks, for browsers'
    )
    parser.add_argument(
        '--bag', action='store_true', help='write a copy of the bag with the tracks added'
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
    """Track the input and write the results."""
    _check_usage(args)
    settings = read_settings(args)
    with ExitStack() as stack:
        window = stack.enter_context(Window('jtn track')) if args.window else None
        live = is_camera(args.input) and not _is_recording(args.input)
        # A wrong path is told at once; a camera does not send before the engine is ready.
        source = None if live else stack.enter_context(_open_source(args, settings))
        tracking, labels = _make_tracking(args, settings)
        source = source or stack.enter_context(_open_source(args, settings))
        frames = source.read(args.start - 1, args.end)
        if not source.live:
            frames = stack.enter_context(closing(read_ahead(frames)))
        memory = settings.lost_time if source.live else None
        tracked = track_frames(frames, tracking, settings.backward_tolerance, memory)
        open_outputs = partial(
            TrackOutputs,
            args.output,
            source,
            inputs=_inputs(args),
            labels=labels,
            video=args.video,
            bag=args.bag,
            rerun=args.rerun,
            pictures=args.window,
            views=('trails',) if args.show is None else args.show,
        )
        number = dropped = 0
        began = perf_counter()
        stopped: CameraStoppedError | None = None
        with WriteBehind[TrackedFrame, TrackOutputs](open_outputs) as writer:
            outputs = writer.sink
            try:
                for item in show_progress(tracked, source.name, _count(source, args)):
                    writer.put(item)
                    number += 1
                    dropped += item.frame.dropped or 0
                    picture = outputs.picture if window else None
                    if window and picture is not None and not window.show(picture):
                        break
            except KeyboardInterrupt:
                if not source.live or number == 0:
                    raise  # a recording is incomplete, but a camera has no other end
            except CameraStoppedError as error:
                if number == 0:
                    raise
                stopped = error  # what was recorded until then is kept
            if number == 0:
                raise JtnError(
                    f'{mask(args.input)} has no readable frame from number {args.start} on'
                )
        rate = number / (perf_counter() - began)
    broken = f' ({source.broken} more could not be read)' if source.broken else ''
    left_out = f', {dropped} dropped to stay up to date' if dropped else ''
    tracks_found = f'{outputs.track_count} tracks, {rate:.1f} frames/s'
    print(f'{source.name}: {number} frames{broken}{left_out}, {tracks_found}')
    print(*outputs.paths, sep='\n', flush=True)
    if stopped is not None:
        raise stopped
    return 0


def _frame_number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'frames count from 1, not {number}')
    return number


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
    if args.reconnect and not is_camera(args.input):
        raise UsageError(f'--reconnect is for cameras; {args.input} is none')
    if args.show is not None and not (args.video or args.window or args.rerun):
        raise UsageError('--show needs --video, --window or --rerun to be seen in')
    if args.rerun is not None:
        file_of(args.rerun)


def _open_source(args: argparse.Namespace, settings: OfflineSettings) -> FrameSource:
    """Open the input; only its ``seqinfo.ini`` where no image is needed."""
    pictures = args.video or args.window or args.rerun
    if args.detections and not pictures and (Path(args.input) / 'seqinfo.ini').exists():
        return Timeline.of_sequence(Path(args.input), args.fps)
    return open_frames(
        args.input,
        frame_rate=args.fps,
        topic=args.topic,
        intensity_range=args.intensity_range or settings.intensity_range,
        reconnect=args.reconnect,
    )


def _make_tracking(
    args: argparse.Namespace, settings: OfflineSettings
) -> tuple[FrameTracking, Labels]:
    """Return what tracks a frame, and what is said about the model."""
    if args.detections is None:
        engine = settings.load()
        info = engine.info
        labels = Labels(info.name, info.class_names, info.confident_score)
        return settings.track_with(engine), labels
    stored = {number - 1: found for number, found in read_detections(args.detections).items()}
    trusted = settings.tracker_settings(None).confident_score
    labels = Labels(args.detections.stem, ('person',), trusted)
    return StoredTracking(settings.make_tracker(None), stored), labels


def _is_recording(given: str) -> bool:
    return Path(given).is_file() or Path(given).is_dir()


def _inputs(args: argparse.Namespace) -> list[str]:
    """Return what identifies the inputs: their paths, or for a live source also the time."""
    given = [Path(args.input), args.detections]
    if not _is_recording(args.input):
        return [f'{mask(args.input)} at {datetime.now(UTC).isoformat()}']
    return [str(path.resolve()) for path in given if path is not None]


def _count(source: FrameSource, args: argparse.Namespace) -> int | None:
    """Return how many frames will be tracked, where that is known."""
    if source.length is None:
        return None if args.end is None else args.end - args.start + 1
    return max(0, min(args.end or source.length, source.length) - args.start + 1)
