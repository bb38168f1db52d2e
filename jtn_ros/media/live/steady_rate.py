"""Timestamps for a stream without a clock, estimated from the steady rate of its images."""

from collections import deque
from collections.abc import Sequence

# Maximum and minimum number of images from which the rate is estimated.
_WINDOW, _FEWEST = 64, 16
# As fractions of the period: distance of the best images from the line, and limit for late or
# early images.
_TOUCHING, _LATE, _EARLY = 1 / 8, 1 / 2, 1 / 4
# The rate has changed if only late, but not delayed, images arrived for this number of periods.
_PATIENCE = 5


class SteadyRate:
    """Estimates the times at which the images of a stream were sent, despite delayed arrivals.

    The capture times of a camera with a steady rate are a linear function of the image number.
    Arrivals are never early, so this line is the highest one below all arrivals. It is estimated
    continuously from the last few seconds. If the arrivals do not follow a line, because the rate
    varies, the arrival times are used.
    """

    def __init__(self) -> None:
        """Start before the first image."""
        self._number = 0
        self._arrivals = deque[tuple[int, int]](maxlen=_WINDOW)
        self._line: tuple[float, int, int] | None = None
        self._late_ns = 0.0

    def time_of(self, arrival_ns: int, waited_s: float) -> int:
        """Return the time at which the next image was sent, in nanoseconds of this machine.

        Args:
            arrival_ns: time of arrival.
            waited_s: seconds that reading it took; a delayed image is available immediately.
        """
        self._number += 1
        if self._line is not None:
            period_ns = self._line[0]
            due_ns = _at(self._line, self._number)
            delay_ns = arrival_ns - due_ns
            if delay_ns > _LATE * period_ns:
                waited_ns = min(waited_s * 1e9, 2 * period_ns)  # a pause alone is not evidence
                held_up = waited_ns < _LATE * period_ns
                self._late_ns = 0.0 if held_up else self._late_ns + waited_ns
                if self._late_ns < _PATIENCE * period_ns:
                    return due_ns
            if not -_EARLY * period_ns < delay_ns <= _LATE * period_ns:
                self._arrivals.clear()
        self._late_ns = 0.0
        self._arrivals.append((self._number, arrival_ns))
        self._line = _line_below(self._arrivals)
        return arrival_ns if self._line is None else _at(self._line, self._number)


def _at(line: tuple[float, int, int], number: int) -> int:
    """Return the time of an image on a line, given by its period and its first image."""
    period_ns, first, first_ns = line
    return first_ns + round((number - first) * period_ns)


def _line_below(arrivals: Sequence[tuple[int, int]]) -> tuple[float, int, int] | None:
    """Return the highest line below all arrivals; None if they do not follow a line.

    It is the edge of their lower convex hull that spans the middle. The arrivals follow it if some
    in each quarter are close to it.

    Args:
        arrivals: increasing numbers of images, and their times of arrival.
    """
    if len(arrivals) < _FEWEST:
        return None
    hull: list[tuple[int, int]] = []
    for number, time_ns in arrivals:
        while len(hull) > 1:
            (n1, t1), (n2, t2) = hull[-2:]
            if (t2 - t1) * (number - n2) < (time_ns - t2) * (n2 - n1):
                break
            hull.pop()
        hull.append((number, time_ns))
    middle = (arrivals[0][0] + arrivals[-1][0]) / 2
    end = next(index for index, point in enumerate(hull) if point[0] >= middle)
    (n1, t1), (n2, t2) = hull[end - 1 : end + 1]
    line = ((t2 - t1) / (n2 - n1), n1, t1)
    near = [time_ns - _at(line, number) < _TOUCHING * line[0] for number, time_ns in arrivals]
    size = -(-len(near) // 4)
    if all(any(near[start : start + size]) for start in range(0, len(near), size)):
        return line
    return None
