"""`jtn track` for one input: from the opened source to the written results."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter

from jtn_ros.cli.counted import counted
from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.track_outputs import TrackOutputs
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.datasets.mot_challenge import read_detections
from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.errors import JtnError
from jtn_ros.inference import Engine
from jtn_ros.masking import mask
from jtn_ros.media import FrameSource
from jtn_ros.media import open_frames
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.labels import Labels
from jtn_ros.media.live.live_source import CameraStoppedError
from jtn_ros.media.read_ahead import WriteBehind
from jtn_ros.media.read_ahead import read_ahead
from jtn_ros.media.timeline import Timeline
from jtn_ros.media.window import Window
from jtn_ros.offline import FrameTracking
from jtn_ros.offline import StoredTracking
from jtn_ros.offline import TrackedFrame
from jtn_ros.offline import track_frames


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Summary of a tracked input.

    Attributes:
        name: of the source.
        frames: number of frames that were tracked.
        broken: number of frames that could not be read.
        dropped: number of pictures of a camera that were dropped.
        tracks: number of identities.
        rate: frames per second of the run.
        paths: what was written.
        stopped: why the camera ended prematurely.
    """

    name: str
    frames: int
    broken: int
    dropped: int
    tracks: int
    rate: float
    paths: tuple[Path, ...]
    stopped: CameraStoppedError | None = None

    @property
    def line(self) -> str:
        """Return the summary as text."""
        broken = f' ({self.broken} more could not be read)' if self.broken else ''
        left_out = f', {self.dropped} dropped to limit the latency' if self.dropped else ''
        found = f'{counted(self.tracks, "track")}, {self.rate:.1f} frames/s'
        return f'{self.name}: {counted(self.frames, "frame")}{broken}{left_out}, {found}'


def track_recording(
    args: argparse.Namespace,
    settings: OfflineSettings,
    load: Callable[[OfflineSettings], Engine],
) -> Summary:
    """Track the input and write the results.

    Args:
        args: of the verb, with the one `input`.
        settings: what decides the tracks.
        load: returns the engine.

    Raises:
        OSError, JtnError: if the input, the model or the output cannot be used.
    """
    with ExitStack() as stack:
        window = stack.enter_context(Window('jtn track')) if args.window else None
        live = is_camera(args.input) and not _is_recording(args.input)
        # A wrong path is reported at once; a camera is opened only after the engine is ready.
        source = None if live else stack.enter_context(_open_source(args, settings))
        tracking, labels = _make_tracking(args, settings, load)
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
    return Summary(
        name=source.name,
        frames=number,
        broken=source.broken,
        dropped=dropped,
        tracks=outputs.track_count,
        rate=rate,
        paths=tuple(outputs.paths),
        stopped=stopped,
    )


def _open_source(args: argparse.Namespace, settings: OfflineSettings) -> FrameSource:
    """Open the input; only its ``seqinfo.ini`` where no image is needed."""
    pictures = args.video or args.window or args.rerun or settings.has_areas
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
    args: argparse.Namespace,
    settings: OfflineSettings,
    load: Callable[[OfflineSettings], Engine],
) -> tuple[FrameTracking, Labels]:
    """Return the frame tracking, and the labels of the model."""
    if args.detections is None:
        engine = load(settings)
        info = engine.info
        labels = Labels(info.name, info.class_names, info.confident_score)
        return settings.track_with(engine), labels
    stored = {number - 1: found for number, found in read_detections(args.detections).items()}
    trusted = settings.tracker_settings(None).confident_score
    labels = Labels(args.detections.stem, ('person',), trusted)
    wanted = DetectionFilter(settings, labels.class_names)
    return StoredTracking(settings.make_tracker(None), stored, wanted), labels


def _is_recording(given: str) -> bool:
    return Path(given).is_file() or Path(given).is_dir()


def _inputs(args: argparse.Namespace) -> list[str]:
    """Return the identification of the inputs: their paths, and the time for a live source."""
    given = [Path(args.input), args.detections]
    if not _is_recording(args.input):
        return [f'{mask(args.input)} at {datetime.now(UTC).isoformat()}']
    return [str(path.resolve()) for path in given if path is not None]


def _count(source: FrameSource, args: argparse.Namespace) -> int | None:
    """Return the number of frames to track, if it is known."""
    if source.length is None:
        return None if args.end is None else args.end - args.start + 1
    return max(0, min(args.end or source.length, source.length) - args.start + 1)
