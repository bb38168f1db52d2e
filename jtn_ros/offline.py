"""Tracking of recordings: every frame, independent of the clock, with reproducible results."""

import logging
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Protocol

from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detections import Detections
from jtn_ros.media import Frame
from jtn_ros.pipeline import FrameResult
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import FrameTracker
from jtn_ros.tracking.session import FrameKey
from jtn_ros.tracking.session import Session
from jtn_ros.tracking.session import When

logger = logging.getLogger(__name__)

BACKWARD_TOLERANCE_S = 0.1
# Maximum number of new sessions of a recording that are logged.
REPORTED_SESSIONS = 20


@dataclass(frozen=True, kw_only=True)
class TrackedFrame:
    """One frame of a recording and its result.

    Attributes:
        frame: the frame.
        result: its result; ids are unique over all sessions of the recording.
        session: number of the tracking session, from 1.
    """

    frame: Frame
    result: FrameResult
    session: int


class FrameTracking(Protocol):
    """Tracks consecutive frames."""

    def process(self, frame: Frame, stamp_ns: int) -> FrameResult:
        """Process the next frame; `stamp_ns` never decreases."""
        ...

    def reset(self) -> None:
        """Remove all tracks."""
        ...


class NetworkTracking:
    """Tracks the detections of the network."""

    def __init__(self, pipeline: TrackingPipeline) -> None:
        """Start without tracks."""
        self._pipeline = pipeline

    def process(self, frame: Frame, stamp_ns: int) -> FrameResult:
        """Process the next frame."""
        return self._pipeline.process(frame.image, stamp_ns)

    def reset(self) -> None:
        """Remove all tracks."""
        self._pipeline.reset()


class StoredTracking:
    """Tracks existing detections.

    Args:
        tracker: the tracker.
        detections: by frame index, from 0; frames without detections may be omitted.
        detection_filter: removes detections that are not tracked.
    """

    def __init__(
        self,
        tracker: FrameTracker,
        detections: Mapping[int, Detections],
        detection_filter: DetectionFilter | None = None,
    ) -> None:
        self._tracker = tracker
        self._stored = detections
        self._filter = detection_filter

    def process(self, frame: Frame, stamp_ns: int) -> FrameResult:
        """Process the next frame."""
        detections = self._stored.get(frame.index, Detections.empty())
        if self._filter is not None:
            detections = self._filter.apply(detections, *frame.image.shape[:2])
        tracks = self._tracker.update(detections, stamp_ns)
        return FrameResult(tracks=tracks, detections=detections, camera_motion=None, latencies={})

    def reset(self) -> None:
        """Remove all tracks."""
        self._tracker.reset()


def track_frames(
    frames: Iterable[Frame],
    tracking: FrameTracking,
    backward_tolerance_s: float = BACKWARD_TOLERANCE_S,
    memory_s: float | None = None,
) -> Iterator[TrackedFrame]:
    """Yield every frame with its tracks.

    A new session starts if the stamps go back by more than the tolerance, if the image size
    changes, or if a gap is longer than the memory, as in the node. For a frame with a wrong stamp,
    the recording time is used, counted from the previous frame.
    """
    session, number = Session(round(backward_tolerance_s * 1e9)), 1
    session.memory_ns = None if memory_s is None else round(memory_s * 1e9)
    offset = highest = 0
    reported: set[str] = set()
    source = iter(frames)
    upcoming = next(source, None)
    while upcoming is not None:
        frame, upcoming = upcoming, None
        when, following = _times(frame), None
        if session.doubts(when) and (upcoming := next(source, None)) is not None:
            following = _times(upcoming)
        height, width = frame.image.shape[:2]
        stamp_ns, reason, distrust = session.admit(FrameKey(when, width, height, ''), following)
        if distrust is not None:
            frame = replace(frame, stamp_ns=stamp_ns)
            if distrust not in reported:
                reported.add(distrust)
                logger.warning(
                    'frame %d %s; the recording time is used for it and all similar frames',
                    frame.index + 1,
                    distrust,
                )
        if reason is not None:
            tracking.reset()
            number, offset = number + 1, highest
            _report_session(frame.index + 1, reason, number - 1)
        result = tracking.process(frame, stamp_ns)
        if offset:  # a tracker may start its ids at 1 again
            tracks = replace(result.tracks, ids=result.tracks.ids + offset)
            result = replace(result, tracks=tracks)
        highest = max(highest, int(result.tracks.ids.max(initial=0)))
        yield TrackedFrame(frame=frame, result=result, session=number)
        if upcoming is None:
            upcoming = next(source, None)


def _report_session(number: int, reason: str, count: int) -> None:
    """Log the start of a session, up to `REPORTED_SESSIONS` times.

    Args:
        number: number of its first frame, from 1.
        reason: reason for the new session.
        count: number of new sessions, including this one.
    """
    if count <= REPORTED_SESSIONS:
        more = '; further ones are not reported' if count == REPORTED_SESSIONS else ''
        logger.warning('frame %d: %s; a new session begins%s', number, reason, more)


def _times(frame: Frame) -> When:
    received_ns = frame.stamp_ns if frame.received_ns is None else frame.received_ns
    return When(frame.stamp_ns, received_ns)
