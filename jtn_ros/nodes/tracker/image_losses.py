"""Counting of images that were published but did not arrive."""

from collections import deque
from threading import Lock
from time import monotonic

import numpy as np

from jtn_ros.nodes.common.middleware import loss_remedy
from jtn_ros.nodes.common.problem import Problem

_WINDOW_S = 10.0
# Shares of lost images above which there is a problem, and below which it is resolved.
_BAD, _GOOD = 0.1, 0.05
_FEWEST = 20
# Longest step between stamps that is used to estimate the period; longer ones are pauses. [ns]
_STEPS, _PAUSE_NS = 64, 1_000_000_000
# A step between sequence numbers that indicates another publisher.
_OTHER_PUBLISHER = 1000


class ImageLosses:
    """Counts images that a middleware lost. Thread-safe.

    Most middlewares number the messages of a publisher. For one that does not (CycloneDDS), the
    number is estimated from the stamps: the images of a camera with a steady rate are multiples of
    the period apart. In this case, the camera itself may have skipped some of them.
    """

    def __init__(self, middleware: str) -> None:
        """Start without images.

        Args:
            middleware: its identifier, as in ``RMW_IMPLEMENTATION``.
        """
        self._middleware = middleware
        self._lock = Lock()
        self._recent = deque[tuple[float, int, int]]()
        self._steps = deque[int](maxlen=_STEPS)
        self._last: tuple[int, int | None] | None = None
        self._rising = True
        self._lost = 0
        self._bad = False

    @property
    def lost(self) -> int:
        """Return the number of images lost since the start."""
        return self._lost

    def arrived(self, stamp_ns: int, sequence: int | None) -> None:
        """Count an image that arrived, and the lost images before it.

        Args:
            stamp_ns: of the image.
            sequence: its number among those of its publisher; None if the middleware has none.
        """
        with self._lock:
            last, self._last = self._last, (stamp_ns, sequence)
            missing = 0
            if last is not None and sequence is not None and last[1] is not None:
                missing = self._skipped(sequence - last[1])
            elif last is not None and 0 < stamp_ns - last[0] < _PAUSE_NS:
                missing = self._missing(stamp_ns - last[0])
            self._count(1, missing)

    def problem(self, topic: str) -> Problem | None:
        """Return the problem if many of the last images were lost; None if few were."""
        with self._lock:
            self._count(0, 0)
            came = sum(entry[1] for entry in self._recent)
            lost = sum(entry[2] for entry in self._recent)
        share = lost / (came + lost) if came + lost >= _FEWEST else 0.0
        self._bad = share > (_GOOD if self._bad else _BAD)
        if not self._bad:
            return None
        kind = f'the middleware {self._middleware} loses images of {topic}'
        if self._steps:
            kind = f'by their stamps, {topic} lacks images; the camera skips them, or '
            kind += f'{self._middleware} loses them'
        remedy = loss_remedy(self._middleware)
        return Problem(kind, f'{kind} ({share:.0%} of the last); {remedy}')

    def _count(self, came: int, lost: int) -> None:
        """Count, and remove entries older than the window."""
        now = monotonic()
        self._lost += lost
        self._recent.append((now, came, lost))
        while now - self._recent[0][0] > _WINDOW_S:
            self._recent.popleft()

    def _skipped(self, step: int) -> int:
        """Return the sequence numbers in a step, unless it leads to another publisher."""
        before, self._rising = self._rising, 0 < step < _OTHER_PUBLISHER
        return step - 1 if before and self._rising else 0

    def _missing(self, step_ns: int) -> int:
        """Return the number of images in a step, if all steps are multiples of the period."""
        self._steps.append(step_ns)
        if len(self._steps) < _FEWEST:
            return 0
        periods = np.array(self._steps) / np.quantile(self._steps, 0.1)
        if np.mean(np.abs(periods - periods.round()) < 0.2) < 0.8:
            return 0
        return round(periods[-1]) - 1
