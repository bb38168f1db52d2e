"""QoS profiles that several topics share."""

from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy


def sensor_data() -> QoSProfile:
    """Return a new instance of the sensor data profile (best effort).

    rclpy writes overrides into the profile object, so a shared instance would apply the overrides
    of one subscription to all others.
    """
    return QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


def latched() -> QoSProfile:
    """Return a new instance of the profile for latched topics (reliable, transient local)."""
    return QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
