"""Shared functions of the player nodes: waiting for subscribers, and timing."""

from collections.abc import Callable
from time import monotonic

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Empty

from jtn_ros.nodes.common.qos import latched

_LATE_S = 0.5
# A counted subscriber may not have discovered this publisher yet, and would miss the first frames.
_SETTLE_S = 0.5


def spin_for(node: Node, seconds: float) -> None:
    """Spin the node for a duration.

    Raises:
        ExternalShutdownException: if ROS is shut down before that.
    """
    end = monotonic() + seconds
    while (remaining := end - monotonic()) > 0:
        rclpy.spin_once(node, timeout_sec=remaining)
        if not node.context.ok():
            raise ExternalShutdownException


def wait_for_subscribers(
    node: Node, publisher: Publisher, number: int, meanwhile: Callable[[], None] = lambda: None
) -> None:
    """Spin the node until a publisher has enough subscribers, calling `meanwhile` repeatedly."""
    if publisher.get_subscription_count() < number:
        node.get_logger().info(f'waiting for {number} subscriber(s) of {publisher.topic_name}')
    while publisher.get_subscription_count() < number:
        meanwhile()
        spin_for(node, 0.05)
    spin_for(node, _SETTLE_S)


def wait_for_ready(node: Node, topic: str, meanwhile: Callable[[], None]) -> None:
    """Spin the node until a message has arrived, and call `meanwhile` repeatedly.

    Args:
        node: the node to spin.
        topic: of the message (std_msgs/Empty, transient local).
        meanwhile: called until then.
    """
    said: list[Empty] = []
    subscription = node.create_subscription(Empty, topic, said.append, latched())
    while not said:
        node.get_logger().info(
            f'waiting for {topic}: not all topics to record are connected',
            throttle_duration_sec=5.0,
        )
        meanwhile()
        spin_for(node, 0.05)
    node.destroy_subscription(subscription)


class Pace:
    """The times at which the messages of a recording are due."""

    def __init__(self, node: Node, rate: float) -> None:
        """Start with the next message.

        Args:
            node: the node to spin while a message is not due.
            rate: speed; 2 is twice as fast as the recording.
        """
        self._node = node
        self._rate = rate
        self._first: tuple[int, float] | None = None

    def wait_until(self, time_ns: int, tick: Callable[[int], None] | None = None) -> None:
        """Wait until a time of the recording, in nanoseconds; warn if playback is late.

        Args:
            time_ns: the time in the recording.
            tick: called repeatedly with the current time in the recording.
        """
        if self._first is None:
            self._first = time_ns, monotonic()
        first_ns, start = self._first
        due = start + (time_ns - first_ns) / 1e9 / self._rate
        if monotonic() - due > _LATE_S:
            self._node.get_logger().warning(
                f'{monotonic() - due:.1f} s late: this machine cannot play at this rate; '
                'lower the parameter rate',
                throttle_duration_sec=5.0,
            )
        while (remaining := due - monotonic()) > 0:
            spin_for(self._node, remaining if tick is None else min(remaining, 0.02))
            if tick is not None:
                reached = first_ns + round((monotonic() - start) * self._rate * 1e9)
                tick(min(reached, time_ns))
