"""Images that wait for the message of their time."""

from threading import Condition
from typing import Any

from builtin_interfaces.msg import Time
from message_filters import Cache
from message_filters import SimpleFilter
from rclpy.duration import Duration
from rclpy.time import Time as RosTime

from jtn_ros.errors import JtnError
from jtn_ros.nodes.common.problem import ProblemError


class StampedImages:
    """Keeps the last images and finds the one that belongs to a stamp.

    What they belong to does not pass through: without them, it is tracked all the same.
    """

    def __init__(
        self,
        what: str,
        of: str,
        tolerance: float,
        patience: float,
        remedy: str,
        *,
        capacity: int = 10,
    ) -> None:
        """Start empty.

        Args:
            what: name of such an image, for people.
            of: name of what it belongs to.
            tolerance: seconds between its stamp and the one that it belongs to, at most.
            patience: seconds to wait for an image that has not come yet.
            remedy: what to do where no image is near.
            capacity: number of images that are kept.
        """
        self._what = what
        self._of = of
        self._remedy = remedy
        self._tolerance = Duration(seconds=tolerance)
        self._patience = patience
        self._changed = Condition()
        self._arrivals = SimpleFilter()
        self._cache = Cache(self._arrivals, capacity)
        self._missed = False

    @property
    def latest(self) -> Any | None:
        """Return the image with the latest stamp; None before the first."""
        return self._cache.getLast()

    def add(self, message: Any) -> None:
        """Take an image message; called by the executor."""
        if message.header.stamp.sec < 0:
            return  # ROS has no time for it, so it belongs to no image
        with self._changed:
            self._arrivals.signalMessage(message)
            self._changed.notify_all()

    def at(self, stamp: Time) -> Any:
        """Return the image nearest to a stamp.

        Raises:
            JtnError: if there is none within the tolerance.
        """
        if stamp.sec < 0:
            raise ProblemError(
                'negative stamp',
                f'the stamp of {self._of} is negative ({stamp.sec} s), so no {self._what} belongs '
                'to it; set it in the camera driver',
            )
        time = RosTime.from_msg(stamp)
        with self._changed:
            # Once one is missing, nothing waits until they come again.
            patience = 0.0 if self._missed else self._patience
            self._changed.wait_for(lambda: self._nearest(time) is not None, patience)
            found = self._nearest(time)
            self._missed = found is None
            if found is None:
                latest = self._cache.getLastestTime()
        if found is not None:
            return found
        if latest is None:
            raise JtnError(f'no {self._what} has come')
        offset = (time - latest).nanoseconds / 1e9
        raise ProblemError(
            f'no {self._what} near',
            f'no {self._what} is within {self._tolerance.nanoseconds / 1e9:g} s of {self._of}; '
            f'the latest is {offset:.3f} s older. {self._remedy}',
        )

    def _nearest(self, time: RosTime) -> Any | None:
        """Return the nearest image within the tolerance."""
        # There is no time before zero, which is the stamp of drivers that set none.
        earliest = max(0, time.nanoseconds - self._tolerance.nanoseconds)
        low = RosTime(nanoseconds=earliest, clock_type=time.clock_type)
        candidates = self._cache.getInterval(low, time + self._tolerance)
        return min(candidates, key=lambda m: _distance(m, time)) if candidates else None


def _distance(message: Any, time: RosTime) -> int:
    """Return the nanoseconds between a message and a time."""
    return abs((RosTime.from_msg(message.header.stamp) - time).nanoseconds)
