"""Intervals between the images of a camera, to detect when it stops sending images."""

from collections.abc import Callable
from statistics import median_low
from time import monotonic

# The usual interval is the median of this number of intervals: a single pause does not change it.
_RECENT = 5
# A camera is silent after this number of usual intervals.
_SILENT_INTERVALS = 3.0


class Intervals:
    """Detects silence relative to the usual interval of a camera, which may be minutes."""

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """Start to wait for the first image.

        Args:
            now: the time in seconds; it may jump.
        """
        self._now = now
        self._last = now()
        self._began = False
        self._recent: tuple[float, ...] = ()

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since the last image, or since the beginning."""
        return abs(self._now() - self._last)

    def note(self) -> None:
        """Record the arrival of an image."""
        if self._began:
            self._recent = (*self._recent, self.elapsed_s)[-_RECENT:]
        self._last = self._now()
        self._began = True

    def exceeded(self, least_s: float) -> bool:
        """Return whether the camera is silent: for these seconds, and for several intervals."""
        usual_s = median_low(self._recent) if self._recent else 0.0
        return self.elapsed_s >= max(least_s, _SILENT_INTERVALS * usual_s)
