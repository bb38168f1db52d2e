"""Track the objects in a video, an image folder, a MOTChallenge sequence, a bag or a camera.

    jtn track street.mp4 --output results --video
    jtn track drive.mcap --topic /front/image --output results
    jtn track MOT17-02 --detections MOT17-02/det/det.txt --output results

Writes <name>.txt (MOTChallenge: the confirmed tracks seen in each frame) and <name>.jsonl (one
line a frame with every live track, its velocity and state). Frames count from 1.
"""

import argparse
from collections.abc import Callable
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jtn_ros.media import Frame
    from jtn_ros.media import FrameSource
    from jtn_ros.tracking import Tracks

SUMMARY = 'track the objects in a video, image folder, bag or camera'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument(
        'input', help='video, image folder, sequence folder, bag, camera index or stream URL'
    )
    parser.add_argument('--output', type=Path, required=True, help='folder for the results')
    parser.add_argument('--model', help='exported model (default: the bundled one)')
    parser.add_argument('--backend', default='auto', help='what runs the network (default: auto)')
    parser.add_argument(
        '--detections',
        type=Path,
        metavar='FILE',
        help='track these (MOTChallenge det.txt) instead of running the network',
    )
    parser.add_argument(
        '--tracker',
        choices=('default', 'reference'),
        default='default',
        help='the reference tracker is the published algorithm',
    )
    parser.add_argument('--video', action='store_true', help='write <name>.mp4 with the tracks')
    parser.add_argument('--start', type=_frame_number, default=1, help='first frame (default: 1)')
    parser.add_argument('--end', type=_frame_number, help='last frame (default: the last)')
    parser.add_argument(
        '--fps', type=float, help='frames per second, where the input does not know them'
    )
    parser.add_argument('--topic', help='image topic, where a bag has several')


def run(args: argparse.Namespace) -> int:
    """Track the input and write the results."""
    from jtn_ros.cli.progress import show_progress
    from jtn_ros.media.drawing import Trails
    from jtn_ros.media.drawing import draw_tracks
    from jtn_ros.media.results import ResultFiles
    from jtn_ros.media.video_writer import VideoWriter

    if args.end is not None and args.end < args.start:
        raise ValueError(f'--end {args.end} lies before --start {args.start}')
    with ExitStack() as stack:
        source = stack.enter_context(_open_source(args))
        step, class_names = _make_step(args)
        results = stack.enter_context(ResultFiles(args.output, source.name, class_names))
        outputs = [results.text_path, results.json_path]
        video = None
        if args.video:
            outputs.append(args.output / f'{source.name}.mp4')
            video = stack.enter_context(VideoWriter(outputs[-1], source.frame_rate))
        trails = Trails()
        number, began = 0, perf_counter()
        frames = source.read(args.start - 1, args.end)
        try:
            for frame in show_progress(frames, source.name, _count(source, args)):
                tracks = step(frame)
                results.write(frame.index, frame.stamp_ns, tracks)
                if video is not None:
                    trails.update(tracks, frame.stamp_ns)
                    video.write(draw_tracks(frame.image, tracks, class_names, trails=trails))
                number += 1
        except KeyboardInterrupt:
            if source.length is not None:
                raise  # a recording is incomplete, but a camera has no other end
        if number == 0:
            raise ValueError(f'{args.input} has no readable frame from number {args.start} on')
        rate = number / (perf_counter() - began)
    broken = f' ({source.broken} more could not be read)' if source.broken else ''
    tracks_found = f'{results.track_count} tracks, {rate:.1f} frames/s'
    print(f'{source.name}: {number} frames{broken}, {tracks_found}')
    print(*outputs, sep='\n')
    return 0


def _frame_number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f'frames count from 1, not {number}')
    return number


def _open_source(args: argparse.Namespace) -> 'FrameSource':
    """Open the input; only its ``seqinfo.ini`` where no image is needed."""
    from jtn_ros.media import open_frames
    from jtn_ros.media.timeline import Timeline

    if args.detections and not args.video and (Path(args.input) / 'seqinfo.ini').exists():
        return Timeline.of_sequence(Path(args.input), args.fps)
    return open_frames(args.input, frame_rate=args.fps, topic=args.topic)


def _make_step(
    args: argparse.Namespace,
) -> tuple[Callable[['Frame'], 'Tracks'], Sequence[str]]:
    """Return what turns each frame into tracks, and the names of their classes."""
    from jtn_ros.datasets.mot_challenge import read_detections
    from jtn_ros.detections import Detections
    from jtn_ros.tracking import ReferenceTracker
    from jtn_ros.tracking import Tracker

    reference = ReferenceTracker() if args.tracker == 'reference' else None
    if args.detections is None:
        from jtn_ros.pipeline import TrackingPipeline

        pipeline = TrackingPipeline(args.model, args.backend, reference)
        names = pipeline.engine.info.class_names
        return lambda frame: pipeline.step(frame.image, frame.stamp_ns), names
    tracker = reference or Tracker()
    detections = read_detections(args.detections)

    def track_stored(frame: 'Frame') -> 'Tracks':
        found = detections.get(frame.index + 1, Detections.empty())
        return tracker.step(found, frame.stamp_ns)

    return track_stored, ('person',)


def _count(source: 'FrameSource', args: argparse.Namespace) -> int | None:
    """Return how many frames will be tracked, where that is known."""
    if source.length is None:
        return None if args.end is None else args.end - args.start + 1
    return max(0, min(args.end or source.length, source.length) - args.start + 1)
