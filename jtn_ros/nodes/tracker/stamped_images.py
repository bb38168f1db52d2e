"""Images that are matched with messages by timestamp."""

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
    """Stores the last images and finds the one for a stamp.

    Messages without a matching image are tracked without it.
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
            what: name of such an image, for messages.
            of: name of the messages that the images belong to.
            tolerance: largest difference between the stamps, in seconds.
            patience: longest wait for an image that has not arrived yet, in seconds.
            remedy: what to do if no image has a matching stamp.
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
        """Add an image message; called by the executor."""
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
            # After one is missing, do not wait until images arrive again.
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
