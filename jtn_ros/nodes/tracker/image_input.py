"""The images of one camera, raw or compressed, and why they do not come."""

from collections.abc import Callable
from collections.abc import Mapping
from time import monotonic
from typing import Literal

from rclpy import get_rmw_implementation_identifier
from rclpy.node import Node
from rclpy.qos import QoSCompatibility
from rclpy.qos import QoSProfile
from rclpy.qos import qos_check_compatible
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.middleware import loss_remedy
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.nodes.tracker.image_losses import ImageLosses

Transport = Literal['auto', 'raw', 'compressed']
SILENCE_S = 3.0

_TYPE_NAMES = {
    Image: 'sensor_msgs/msg/Image',
    CompressedImage: 'sensor_msgs/msg/CompressedImage',
}

_VIDEO_TYPES = (
    'ffmpeg_image_transport_msgs/msg/FFMPEGPacket',
    'foxglove_msgs/msg/CompressedVideo',
)

type ImageMessage = Image | CompressedImage


class ImageInput:
    """Subscribes to an image topic while it is open.

    Where the transport is 'auto', it takes the raw images if they are published, else the
    compressed ones, and follows when that changes.
    """

    def __init__(
        self,
        node: Node,
        topic: str,
        transport: Transport,
        on_image: Callable[[ImageMessage], None],
    ) -> None:
        """Prepare, without subscribing.

        Args:
            node: the node that subscribes.
            topic: name before remapping; compressed images are looked for at ``/compressed``
                below the remapped name, and at that name itself.
            transport: the type of messages to take.
            on_image: called with every image.
        """
        self._node = node
        self._topic = node.resolve_topic_name(topic)
        self._compressed_topic = node.resolve_topic_name(f'{self._topic}/compressed')
        self._transport = transport
        self._on_image = on_image
        self._open = False
        self._subscription: Subscription | None = None
        self._refusal = ''
        self._last = 0.0
        self._published_since: float | None = None
        self._silence: Problem | None = None
        self._middleware: str = get_rmw_implementation_identifier()
        self._losses = ImageLosses(self._middleware)

    @property
    def is_open(self) -> bool:
        """Return whether it is subscribed, or trying to."""
        return self._open

    @property
    def topic(self) -> str:
        """Return the full name of the topic that is subscribed, or would be."""
        return self._subscription.topic_name if self._subscription else self._choose()[0]

    @property
    def lost(self) -> int:
        """Return how many images were published and did not arrive."""
        return self._losses.lost

    def open(self) -> None:
        """Subscribe; does nothing when open."""
        if not self._open:
            self._open = True
            self._last = monotonic()
            self._published_since = self._silence = None
            self._subscribe(*self._choose())

    def close(self) -> None:
        """Unsubscribe; does nothing when closed."""
        self._open = False
        self._unsubscribe()

    def destroy(self) -> None:
        """Let go of everything."""
        self.close()

    def check(self) -> Problem | None:
        """Follow what is published, and return why images do not come, with the remedy.

        None when they come, when nobody can say yet, and while it is closed.
        """
        if not self._open:
            return None
        topic, kind = self._choose()
        taken = self._subscription
        if taken is None or (topic, kind) != (taken.topic_name, taken.msg_type):
            self._unsubscribe()
            self._subscribe(topic, kind)
        if self._subscription is None:
            text = f'{topic} cannot be subscribed as {_TYPE_NAMES[kind]}: {self._refusal}'
            return Problem(text, text)
        publishers = self._node.get_publishers_info_by_topic(topic)
        fitting = [p for p in publishers if p.topic_type == _TYPE_NAMES[kind]]
        if not fitting:
            self._published_since = None
        elif self._published_since is None:
            self._published_since = monotonic()
        problem = _incompatibility(topic, fitting, self._subscription.qos_profile)
        if monotonic() - self._last < SILENCE_S:
            self._silence = None
        elif self._silent_s() >= SILENCE_S:
            reason = self._explain_silence(topic, kind, publishers, fitting)
            text = f'no image for {self._silent_s():.0f} s on {topic}{reason}'
            self._silence = Problem(reason, text)
        return problem or self._silence or self._losses.problem(topic)

    def _silent_s(self) -> float:
        """Return the seconds without an image, counted from when a publisher appeared."""
        return monotonic() - max(self._last, self._published_since or 0.0)

    def _choose(self) -> tuple[str, type]:
        """Return the topic and the type of message to take."""
        here = self._types_of(self._topic)
        compressed = _TYPE_NAMES[CompressedImage]
        if self._transport == 'raw' or (self._transport == 'auto' and _TYPE_NAMES[Image] in here):
            return self._topic, Image
        if compressed in here:
            return self._topic, CompressedImage
        if self._transport == 'compressed' or compressed in self._types_of(self._compressed_topic):
            return self._compressed_topic, CompressedImage
        return self._topic, Image

    def _types_of(self, topic: str) -> set[str]:
        """Return the types with which a topic is published."""
        return {info.topic_type for info in self._node.get_publishers_info_by_topic(topic)}

    def _subscribe(self, topic: str, kind: type) -> None:
        """Subscribe as sensor data, unless the parameters override that."""
        try:
            self._subscription = self._node.create_subscription(
                kind,
                topic,
                self._take,
                sensor_data(),
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        except RuntimeError as error:  # a middleware may know the topic with another type
            self._refusal = str(error)

    def _unsubscribe(self) -> None:
        """Let go of the subscription, if there is one."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _take(self, message: ImageMessage, info: Mapping[str, int | None]) -> None:
        """Pass an image on."""
        self._last = monotonic()
        sequence = info.get('publication_sequence_number')
        self._losses.arrived(stamp_to_ns(message.header.stamp), sequence)
        self._on_image(message)

    def _explain_silence(
        self,
        topic: str,
        kind: type,
        publishers: list[TopicEndpointInfo],
        fitting: list[TopicEndpointInfo],
    ) -> str:
        """Return the most probable reason why nothing comes on a topic, as the rest of a line."""
        if fitting:
            names = ', '.join(sorted({_full_name(p) for p in fitting}))
            return (
                f', although {names} publishes there; check that the camera runs. If the '
                f'middleware loses the images, {loss_remedy(self._middleware)}'
            )
        if publishers:
            types = ', '.join(sorted({p.topic_type for p in publishers}))
            remedy = 'remap to an image topic'
            if any(p.topic_type in _VIDEO_TYPES for p in publishers):
                remedy = 'republish the video as raw images (ros2 run image_transport republish)'
            return f': it carries {types}, not {_TYPE_NAMES[kind]}; {remedy}'
        known = sorted(
            name
            for name, types in self._node.get_topic_names_and_types()
            if _TYPE_NAMES[kind] in types
            and name != topic
            and self._node.count_publishers(name)
            and not name.startswith(self._node.get_fully_qualified_name())
        )
        remedy = f'images are on {", ".join(known)}' if known else 'start the camera'
        return f': nobody publishes it; {remedy}, or remap the topic (image:=...)'


def _incompatibility(
    topic: str, publishers: list[TopicEndpointInfo], qos: QoSProfile
) -> Problem | None:
    """Return which publisher does not fit a subscription and what to do, or None."""
    for publisher in publishers:
        compatibility, reason = qos_check_compatible(publisher.qos_profile, qos)
        if compatibility == QoSCompatibility.ERROR:
            text = (
                f'{_full_name(publisher)} publishes {topic} with a quality of service that does '
                f'not fit ({reason.strip(";: ")}); change it there, or set the parameters '
                f'qos_overrides.{topic}.subscription.* of this node'
            )
            return Problem(text, text)
    return None


def _full_name(endpoint: TopicEndpointInfo) -> str:
    """Return the name of an endpoint's node with its namespace."""
    return f'{endpoint.node_namespace.rstrip("/")}/{endpoint.node_name}'
