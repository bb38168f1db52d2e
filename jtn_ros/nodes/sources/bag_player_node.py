"""Playback of all topics of a bag with their timing and the clock, without rosbag2.

If the topic in `wait_for` contains video, its frames are published as raw images.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rosgraph_msgs.msg import Clock
from rosidl_runtime_py.utilities import get_message
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.media.bags.bag import BagMessage
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag_images import ImageDecoder
from jtn_ros.media.bags.bag_images import Images
from jtn_ros.media.bags.bag_images import frame_id_of
from jtn_ros.media.bags.bag_images import needs_decoding
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import is_installed
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.common.process import run_process
from jtn_ros.nodes.sources.playing import Pace
from jtn_ros.nodes.sources.playing import wait_for_ready
from jtn_ros.nodes.sources.playing import wait_for_subscribers
from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class BagPlayerSettings(Settings):
    """The parameters of the node."""

    input: str = setting('', 'Bag to play.')
    topics: tuple[str, ...] = setting((), 'Topics to play. Empty selects all topics of the bag.')
    exclude: tuple[str, ...] = setting((), 'Prefixes of topics that are not played.')
    rate: float = setting(1.0, 'Playback speed. 2 is twice as fast.', low=0.01, high=100.0)
    clock: bool = setting(True, 'Publish the time of the recording on /clock.')
    wait_for: str = setting(
        '',
        'Topic that must have a subscriber before playback starts. Empty does not wait.',
    )
    wait_for_ready: str = setting(
        '',
        'Topic (std_msgs/Empty) on which a recorder reports that all its topics are connected. '
        'Playback starts after this message. Empty does not wait for it.',
    )


class BagPlayerNode(Node):
    """Publishes the messages of a bag unchanged, at the times at which they were recorded."""

    def __init__(self, **kwargs: object) -> None:
        """Open the bag.

        Raises:
            JtnError: if the input is not set, or a topic is not in the bag or has no message.
            OSError: if it cannot be read.
        """
        super().__init__('bag_player', **kwargs)
        self._values = NodeParameters(self, BagPlayerSettings).values()
        if not self._values.input:
            raise JtnError('the parameter input is empty; set it to the bag to play')
        self._bag = BagReader(Path(self._values.input))
        wanted = list(self._values.topics) or list(self._bag.topics)
        if missing := [topic for topic in wanted if topic not in self._bag.topics]:
            raise JtnError(
                f'{self._values.input} has no topic {missing[0]}; '
                f'it has {", ".join(self._bag.topics)}'
            )
        excluded = self._values.exclude
        self._decoder: ImageDecoder | None = None
        self._outputs = {
            topic: publisher
            for topic in wanted
            # The recorded clock would contradict the clock of the playback.
            if topic != '/clock'
            and not topic.startswith(excluded)
            and (publisher := self._open(topic)) is not None
        }
        waited_for = self._values.wait_for
        if waited_for and waited_for not in self._outputs:
            raise JtnError(
                f'wait_for is {waited_for}, which is not played; choose one of '
                f'{", ".join(self._outputs)}'
            )
        if waited_for and not self._bag.counts[waited_for]:
            raise JtnError(f'{self._values.input} contains no message of {waited_for}')
        self._clock_output = self.create_publisher(Clock, '/clock', 10)

    def play(self) -> None:
        """Wait for the subscribers, publish everything, and wait until it has arrived."""
        number = 0
        pace = Pace(self, self._values.rate)
        for message in self._bag.messages(self._outputs):
            if not number:
                self._wait_for_listeners(message.received_ns)
            pace.wait_until(message.received_ns, self._tick)
            self._tick(message.received_ns)
            if self._decoder is not None and message.topic == self._values.wait_for:
                self._publish_images(message)
            else:
                self._outputs[message.topic].publish(message.data)
            number += 1
        if not number:
            raise JtnError(f'{self._values.input} contains no message that can be played')
        if self._decoder is not None:
            self._publish(self._decoder.flush())
        for publisher in self._outputs.values():
            publisher.wait_for_all_acked(Duration(seconds=5))
        self._bag.close()
        self.get_logger().info(f'played {number} messages of {self._values.input}')

    def _publish_images(self, message: BagMessage) -> None:
        """Decode a message, and publish the images that are ready."""
        assert self._decoder is not None
        stamp = ns_to_stamp(message.stamp_ns())
        self._headers.append(Header(stamp=stamp, frame_id=frame_id_of(message)))
        try:
            self._publish(self._decoder.decode(len(self._headers) - 1, message))
        except JtnError as error:
            self.get_logger().warning(f'an image is skipped: {error}', throttle_duration_sec=5.0)

    def _publish(self, images: Images) -> None:
        for index, image in images:
            message = array_to_image(image, self._headers[index])
            self._outputs[self._values.wait_for].publish(message)

    def _wait_for_listeners(self, start_ns: int) -> None:
        """Wait for the required subscribers; the published time does not advance."""

        def tick() -> None:
            self._tick(start_ns)

        if self._values.wait_for_ready:
            wait_for_ready(self, self._values.wait_for_ready, tick)
        if self._values.wait_for:
            wait_for_subscribers(self, self._outputs[self._values.wait_for], 1, tick)

    def _tick(self, time_ns: int) -> None:
        """Publish the time in the recording."""
        if self._values.clock:
            self._clock_output.publish(Clock(clock=ns_to_stamp(time_ns)))

    def _open(self, topic: str) -> Publisher | None:
        """Return a publisher of a topic; None, with a warning, if its type is not installed."""
        kind = self._bag.topics[topic]
        if (encoding := self._bag.encodings[topic]) != 'cdr':
            self.get_logger().warning(f'{topic} is skipped: it is serialized as {encoding}')
            return None
        if topic == self._values.wait_for and needs_decoding(self._bag, topic):
            self.get_logger().info(f'{topic} is decoded and played as raw images')
            self._decoder = ImageDecoder(IntensityRange())
            self._headers: list[Header] = []
            kind = 'sensor_msgs/msg/Image'
        if not is_installed(kind):
            self.get_logger().warning(f'{topic} is skipped: {kind} is not installed')
            return None
        # A message that is sent only once is also meant for later subscribers.
        latched = topic == '/tf_static' or self._bag.counts[topic] == 1
        durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
        return self.create_publisher(
            get_message(kind),
            topic,
            QoSProfile(depth=100 if latched else 10, durability=durability),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )


def main() -> int:
    """Play to the end; return 0, or 1 if the bag cannot be played."""
    return run_process('bag_player', lambda: BagPlayerNode().play())


if __name__ == '__main__':
    sys.exit(main())
