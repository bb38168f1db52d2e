"""The bond of a lifecycle node with its manager, by which Nav2 notices that a node has died."""

from typing import Any
from uuid import uuid4

from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.timer import Timer
from rosidl_runtime_py.utilities import get_message

from jtn_ros.installing import ros_install_command
from jtn_ros.nodes.common.conversions import is_installed
from jtn_ros.nodes.common.conversions import new_message

_STATUS = 'bond/msg/Status'
# The value that the nodes of Nav2 announce; a manager uses its own parameter bond_timeout. [s]
_HEARTBEAT_TIMEOUT_S = 4.0


class Bond:
    """Publishes heartbeats from `start` until `stop`, or until the manager breaks the bond.

    This is the side of the managed node in the protocol of the package bond; the id of the bond
    is the name of the node. As in Nav2, the node continues if the manager dies.
    """

    def __init__(self, node: Node, period: float) -> None:
        """Create publisher and subscription on the topic ``bond``.

        Args:
            node: the managed node.
            period: of the heartbeats, in seconds.
        """
        self._node = node
        self._period = period
        self._instance = ''
        self._timer: Timer | None = None
        kind = get_message(_STATUS)
        # Not a lifecycle publisher: the end is announced after the node was deactivated.
        self._publisher = node.create_publisher(kind, 'bond', 10)
        self._subscription = node.create_subscription(kind, 'bond', self._take, 100)

    @classmethod
    def wanted(cls, node: Node, period: float) -> 'Bond | None':
        """Return a bond; None, with a log message, if the package of its messages is missing.

        Args:
            node: the managed node.
            period: of the heartbeats, in seconds; 0 for no bond.
        """
        if not period:
            return None
        if not is_installed(_STATUS):
            node.get_logger().warning(
                'bond_heartbeat_period is set, but the package bond is not installed: '
                f'{ros_install_command("bond")}'
            )
            return None
        return cls(node, period)

    def start(self) -> None:
        """Start a new bond."""
        self._instance = str(uuid4())
        # Simulated time may be paused.
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        self._timer = self._node.create_timer(self._period, self._beat, clock=clock)
        self._beat()

    def stop(self) -> None:
        """Break the bond, unless it is broken."""
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None
            self._publish(active=False)

    def destroy(self) -> None:
        """Break the bond and remove everything from the node."""
        self.stop()
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_publisher(self._publisher)

    def _beat(self) -> None:
        """Publish a heartbeat."""
        self._publish(active=True)

    def _take(self, message: Any) -> None:
        """Respond when the manager breaks the bond; its other messages are ignored."""
        other_side = message.id == self._node.get_name() and message.instance_id != self._instance
        if other_side and not message.active:
            self.stop()

    def _publish(self, *, active: bool) -> None:
        """Publish the state of this side."""
        status = new_message(
            _STATUS,
            id=self._node.get_name(),
            instance_id=self._instance,
            active=active,
            heartbeat_timeout=_HEARTBEAT_TIMEOUT_S,
            heartbeat_period=self._period,
        )
        status.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(status)
