"""The trackers by name."""

from collections.abc import Callable

from jtn_ros.tracking.frame_tracker import FrameTracker
from jtn_ros.tracking.reference_tracker import ReferenceTracker
from jtn_ros.tracking.settings import TrackerName
from jtn_ros.tracking.settings import TrackerSettings
from jtn_ros.tracking.tracker import Tracker


def _reference(config: TrackerSettings) -> ReferenceTracker:
    """Return the published tracker, which has thresholds of its own."""
    del config
    return ReferenceTracker()


TRACKERS: dict[TrackerName, Callable[[TrackerSettings], FrameTracker]] = {
    'default': Tracker,
    'reference': _reference,
}


def make_tracker(name: TrackerName, config: TrackerSettings) -> FrameTracker:
    """Return a new tracker.

    Args:
        name: one of `TRACKERS`.
        config: its thresholds.
    """
    return TRACKERS[name](config)
