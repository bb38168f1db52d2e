"""The trackers by name."""

from collections.abc import Callable

from jtn_ros.errors import JtnError
from jtn_ros.tracking.config import TrackerConfig
from jtn_ros.tracking.frame_tracker import FrameTracker
from jtn_ros.tracking.reference_tracker import ReferenceTracker
from jtn_ros.tracking.tracker import Tracker


def _reference(config: TrackerConfig) -> ReferenceTracker:
    """Return the published tracker, which has thresholds of its own."""
    del config
    return ReferenceTracker()


TRACKERS: dict[str, Callable[[TrackerConfig], FrameTracker]] = {
    'default': Tracker,
    'reference': _reference,
}


def make_tracker(name: str, config: TrackerConfig) -> FrameTracker:
    """Return a new tracker.

    Args:
        name: one of `TRACKERS`.
        config: its thresholds.

    Raises:
        JtnError: if there is none of that name.
    """
    if name not in TRACKERS:
        raise JtnError(f'unknown tracker {name!r}; known: {", ".join(TRACKERS)}')
    return TRACKERS[name](config)
