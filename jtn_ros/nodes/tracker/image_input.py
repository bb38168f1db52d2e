"""Subscription to the images of one camera, and the reasons if they do not arrive."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from typing import Literal

from rclpy import get_rmw_implementation_identifier
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from jtn_ros.errors import JtnError
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.middleware import loss_remedy
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.tracker.image_losses import ImageLosses
from jtn_ros.nodes.tracker.message_input import MessageInput
from jtn_ros.nodes.tracker.message_input import Publishers
from jtn_ros.nodes.tracker.message_input import Receiver
from jtn_ros.nodes.tracker.message_input import type_name
from jtn_ros.nodes.tracker.serialized_images import ImageMessage
from jtn_ros.nodes.tracker.serialized_images import read_message

Transport = Literal['auto', 'raw', 'compressed']

_VIDEO_TYPES = (
    'ffmpeg_image_transport_msgs/msg/FFMPEGPacket',
    'foxglove_msgs/msg/CompressedVideo',
)


class ImageInput(MessageInput):
    """Subscribes to an image topic while it is open.

    With the transport 'auto', it uses raw images if they are published, otherwise compressed ones,
    and switches when that changes. Messages are received in serialized form, so that the pixels
    are not copied.
    """

    raw = True

    def __init__(
        self,
        node: Node,
        topic: str,
        transport: Transport,
        on_image: Callable[[ImageMessage], None],
        on_error: Callable[[JtnError], None],
    ) -> None:
        """Prepare, without subscribing.

        Args:
            node: the node that subscribes.
            topic: name before remapping; compressed images are searched for at ``/compressed``
                below the remapped name, and at that name itself.
            transport: the type of messages to subscribe to.
            on_image: called with every image.
            on_error: called with the reason if an image cannot be read.
        """
        super().__init__(node, topic, 'image', on_image)
        self._compressed_topic = node.resolve_topic_name(f'{self._topic}/compressed')
        self._transport = transport
        self._on_error = on_error
        self._middleware: str = get_rmw_implementation_identifier()
        self._losses = ImageLosses(self._middleware)

    @property
    def lost(self) -> int:
        """Return the number of images that were published but did not arrive."""
        return self._losses.lost

    def _choose(self) -> tuple[str, type]:
        """Return the topic and the message type to subscribe to."""
        here = self._types_of(self._topic)
        compressed = type_name(CompressedImage)
        if self._transport == 'raw' or (self._transport == 'auto' and type_name(Image) in here):
            return self._topic, Image
        if compressed in here:
            return self._topic, CompressedImage
        if self._transport == 'compressed' or compressed in self._types_of(self._compressed_topic):
            return self._compressed_topic, CompressedImage
        return self._topic, Image

    def _types_of(self, topic: str) -> set[str]:
        """Return the types with which a topic is published."""
        return {info.topic_type for info in self._node.get_publishers_info_by_topic(topic)}

    def _receiver(self, kind: type[Image | CompressedImage]) -> Receiver:
        return partial(self._take_bytes, kind)

    def _take_bytes(
        self, kind: type[Image | CompressedImage], data: bytes, info: Mapping[str, int | None]
    ) -> None:
        """Read a message and pass it on."""
        try:
            image = read_message(data, kind)
        except JtnError as error:
            self._intervals.note()
            self._on_error(error)
        else:
            self._take(image, info)

    def _arrived(self, message: ImageMessage, info: Mapping[str, int | None]) -> None:
        sequence = info.get('publication_sequence_number')
        self._losses.arrived(stamp_to_ns(message.header.stamp), sequence)

    def _losses_on(self, topic: str) -> Problem | None:
        return self._losses.problem(topic)

    def _why_silent(self) -> str:
        return (
            'check that the camera runs. If the middleware loses the images, '
            f'{loss_remedy(self._middleware)}'
        )

    def _remedy_for(self, publishers: Publishers) -> str:
        if any(publisher.topic_type in _VIDEO_TYPES for publisher in publishers):
            return 'republish the video as raw images (ros2 run image_transport republish)'
        return 'remap to an image topic'

    def _remedy_without(self, known: Sequence[str]) -> str:
        return f'images are on {", ".join(known)}' if known else 'start the camera'
