"""Depth images that wait for the color image of their time."""

from threading import Condition

from builtin_interfaces.msg import Time
from message_filters import Cache
from message_filters import SimpleFilter
from rclpy.duration import Duration
from rclpy.time import Time as RosTime
from sensor_msgs.msg import Image

from jtn_ros.errors import JtnError
from jtn_ros.nodes.common.problem import ProblemError

_CAPACITY = 10


class DepthBuffer:
    """Keeps the last depth images and finds the one that belongs to a stamp.

    The color images do not pass through: without depth they are tracked all the same.
    """

    def __init__(self, tolerance: float, patience: float) -> None:
        """Start empty.

        Args:
            tolerance: seconds between the stamps of depth and color, at most.
            patience: seconds to wait for a depth image that has not come yet.
        """
        self._tolerance = Duration(seconds=tolerance)
        self._patience = patience
        self._changed = Condition()
        self._arrivals = SimpleFilter()
        self._cache = Cache(self._arrivals, _CAPACITY)
        self._missed = False

    @property
    def latest(self) -> Image | None:
        """Return the depth image with the latest stamp; None before the first."""
        return self._cache.getLast()

    def add(self, message: Image) -> None:
        """Take a depth image; called by the executor."""
        if message.header.stamp.sec < 0:
            return  # ROS has no time for it, so it belongs to no image
        with self._changed:
            self._arrivals.signalMessage(message)
            self._changed.notify_all()

    def at(self, stamp: Time) -> Image:
        """Return the depth image nearest to a stamp.

        Raises:
            JtnError: if there is none within the tolerance.
        """
        if stamp.sec < 0:
            raise ProblemError(
                'negative stamp',
                f'the stamp of the image is negative ({stamp.sec} s), so no depth image belongs '
                'to it; let the camera driver set it',
            )
        time = RosTime.from_msg(stamp)
        with self._changed:
            # Once depth is missing, the images do not wait for it until it comes again.
            patience = 0.0 if self._missed else self._patience
            self._changed.wait_for(lambda: self._nearest(time) is not None, patience)
            found = self._nearest(time)
            self._missed = found is None
            if found is None:
                latest = self._cache.getLastestTime()
        if found is not None:
            return found
        if latest is None:
            raise JtnError('no depth image has come')
        offset = (time - latest).nanoseconds / 1e9
        raise ProblemError(
            'no depth image near',
            f'no depth image is within {self._tolerance.nanoseconds / 1e9:g} s of the image; the '
            f'latest is {offset:.3f} s older. Synchronise the cameras, or set depth_tolerance',
        )

    def _nearest(self, time: RosTime) -> Image | None:
        """Return the nearest image within the tolerance."""
        # There is no time before zero, which is the stamp of drivers that set none.
        earliest = max(0, time.nanoseconds - self._tolerance.nanoseconds)
        low = RosTime(nanoseconds=earliest, clock_type=time.clock_type)
        candidates = self._cache.getInterval(low, time + self._tolerance)
        return min(candidates, key=lambda m: _distance(m, time)) if candidates else None


def _distance(message: Image, time: RosTime) -> int:
    """Return the nanoseconds between a message and a time."""
    return abs((RosTime.from_msg(message.header.stamp) - time).nanoseconds)
