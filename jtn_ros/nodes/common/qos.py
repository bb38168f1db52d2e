"""The quality of service of several topics."""

from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy


def sensor_data() -> QoSProfile:
    """Return the profile of sensor data, best effort; a new one each time.

    rclpy writes overrides into the profile that it is given, so that the one that it has for
    everybody would take over the overrides of whoever came first.
    """
    return QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


def latched() -> QoSProfile:
    """Return the profile of a last message that also reaches later subscribers; a new one, too."""
    return QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
