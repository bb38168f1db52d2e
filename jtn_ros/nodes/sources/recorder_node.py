"""Record topics to a rosbag2 bag, without rosbag2.

The messages are written in serialized form. When every topic is connected, the node publishes a
message on ``~/ready`` (std_msgs/Empty, transient local).
"""

import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Literal

import rclpy
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.event_handler import QoSSubscriptionMatchedInfo
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from rosidl_runtime_py.utilities import get_message
from std_msgs.msg import Empty

from jtn_ros.errors import JtnError
from jtn_ros.interruption import STOP_SIGNALS
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.nodes.common import qos as quality
from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.common.process import run_process
from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class RecorderSettings(Settings):
    """The parameters of the node."""

    output: str = setting('', 'Folder of the bag to write; it must not exist.')
    topics: tuple[str, ...] = setting(
        (),
        'Topics to record. They are connected one after the other, so name the topic that '
        'starts everything last.',
    )
    storage: Literal['mcap', 'sqlite3'] = setting('mcap', 'Storage format of the bag.')


_DISCOVERY_PERIOD_S = 0.1


class RecorderNode(Node):
    """Subscribes to topics as they appear, and writes their messages to a bag."""

    def __init__(self, **kwargs: object) -> None:
        """Open the bag.

        Raises:
            JtnError: if a parameter is missing.
            OSError: if the bag cannot be written.
        """
        super().__init__('recorder', **kwargs)
        values = NodeParameters(self, RecorderSettings).values()
        if not values.output:
            raise JtnError('the parameter output is empty; set it to the bag to write')
        self._pending = [self.resolve_topic_name(topic) for topic in values.topics]
        if not self._pending:
            raise JtnError('the parameter topics is empty; name the topics to record')
        path = Path(values.output)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._bag = BagWriter(path, values.storage)
        self._path = path.absolute()
        self._counts = dict.fromkeys(self._pending, 0)
        self._ready = self.create_publisher(Empty, '~/ready', quality.latched())
        # By a clock of its own: simulated time may wait for this node to listen.
        self._timer = self.create_timer(
            _DISCOVERY_PERIOD_S, self._discover, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def drain(self) -> None:
        """Write the messages that have already arrived."""
        while True:
            before = sum(self._counts.values())
            for _ in self._counts:
                rclpy.spin_once(self, timeout_sec=0.05)
            if sum(self._counts.values()) == before:
                return

    def finish(self) -> None:
        """Complete the bag and log its content; without messages, no bag is written."""
        if not any(self._counts.values()):
            self._bag.discard()
            return
        self._bag.close()
        counts = ', '.join(f'{count} of {topic}' for topic, count in self._counts.items())
        self.get_logger().info(f'recorded {counts} in {self._path}')

    def expect_messages(self) -> None:
        """Check that something was recorded.

        Raises:
            JtnError: if no message has arrived.
        """
        if not any(self._counts.values()):
            raise JtnError(f'no message arrived on {", ".join(self._counts)}; no bag is written')

    def _discover(self) -> None:
        """Subscribe to the next topic as soon as it has a publisher and the clock is valid."""
        if not self.get_clock().now().nanoseconds:
            return  # simulated time has not begun, and a bag must not begin in 1970
        topic = self._pending[0]
        publishers = self.get_publishers_info_by_topic(topic)
        if not publishers:
            self.get_logger().info(
                f'waiting for a publisher of {topic}', throttle_duration_sec=5.0, skip_first=True
            )
            return
        type_name = publishers[0].topic_type
        offers = [publisher.qos_profile for publisher in publishers]
        reliable = all(o.reliability == ReliabilityPolicy.RELIABLE for o in offers)
        latched = all(o.durability == DurabilityPolicy.TRANSIENT_LOCAL for o in offers)
        self._timer.cancel()
        self.create_subscription(
            get_message(type_name),
            topic,
            partial(self._write, topic, type_name, latched),
            # Deep, so that a slow disk costs memory rather than messages.
            QoSProfile(
                depth=1000,
                reliability=ReliabilityPolicy.RELIABLE
                if reliable
                else ReliabilityPolicy.BEST_EFFORT,
                durability=DurabilityPolicy.TRANSIENT_LOCAL
                if latched
                else DurabilityPolicy.VOLATILE,
            ),
            raw=True,
            event_callbacks=SubscriptionEventCallbacks(matched=partial(self._matched, topic)),
        )

    def _matched(self, topic: str, event: QoSSubscriptionMatchedInfo) -> None:
        """Continue with the next topic after this one is connected."""
        if event.current_count == 0 or topic not in self._pending:
            return
        self._pending.remove(topic)
        self.get_logger().info(f'recording {topic}')
        if self._pending:
            self._timer.reset()
        else:
            self._ready.publish(Empty())

    def _write(self, topic: str, type_name: str, latched: bool, data: bytes) -> None:
        """Append one message to the bag."""
        now_ns = self.get_clock().now().nanoseconds
        self._bag.write(topic, type_name, now_ns, data, latched=latched)
        self._counts[topic] += 1


def main() -> int:
    """Record until a signal asks to stop; return 0 when the bag is complete, else 1."""
    # rclpy's handlers would interrupt the writing of a message.
    return run_process('recorder', _record, SignalHandlerOptions.NO)


def _record() -> None:
    """Record until a signal asks to stop, then write what has arrived by then."""
    stop = Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: stop.set())
    node = RecorderNode()
    try:
        while not stop.is_set():
            rclpy.spin_once(node, timeout_sec=0.1)
        node.drain()
    finally:
        node.finish()
    node.expect_messages()


if __name__ == '__main__':
    sys.exit(main())
