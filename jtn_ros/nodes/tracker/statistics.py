"""Rates and latencies of the images of one camera, over the last seconds."""

from collections import deque
from threading import Lock
from time import monotonic

import numpy as np

from jtn_ros.nodes.outputs.camera_state import Snapshot

_WINDOW_S = 5.0
_PERCENTILES = (50, 95, 99)


class CameraStatistics:
    """Statistics of the images of one camera. Thread-safe."""

    def __init__(self) -> None:
        """Start without images."""
        self._lock = Lock()
        self._arrivals = deque[float]()
        self._tracked = deque[tuple[float, float]]()
        self._errors = 0
        self._last_error = ''
        self._error_time = -np.inf

    def arrived(self) -> None:
        """Count an image that arrived."""
        now = monotonic()
        with self._lock:
            self._arrivals.append(now)
            self._forget(now)

    def tracked(self, latency: float) -> None:
        """Count an image whose tracks were published this number of seconds after its arrival."""
        now = monotonic()
        with self._lock:
            self._tracked.append((now, latency))
            self._forget(now)

    def failed(self, error: Exception) -> None:
        """Count an image that could not be tracked."""
        with self._lock:
            self._errors += 1
            self._last_error = str(error) or type(error).__name__
            self._error_time = monotonic()

    def snapshot(self) -> Snapshot:
        """Return the current state."""
        now = monotonic()
        with self._lock:
            self._forget(now)
            latencies = [latency for _, latency in self._tracked] or [np.nan]
            middle, high, highest = np.percentile(latencies, _PERCENTILES).tolist()
            return Snapshot(
                input_rate=_rate(self._arrivals),
                output_rate=_rate([time for time, _ in self._tracked]),
                latencies=(middle, high, highest),
                errors=self._errors,
                last_error=self._last_error,
                error_age=now - self._error_time,
            )

    def _forget(self, now: float) -> None:
        """Remove entries older than the window."""
        while self._arrivals and now - self._arrivals[0] > _WINDOW_S:
            self._arrivals.popleft()
        while self._tracked and now - self._tracked[0][0] > _WINDOW_S:
            self._tracked.popleft()


def _rate(times: 'deque[float] | list[float]') -> float:
    """Return events per second; 0 for fewer than two."""
    if len(times) < 2 or times[-1] <= times[0]:
        return 0.0
    return (len(times) - 1) / (times[-1] - times[0])
