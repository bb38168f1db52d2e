"""Subscription to one topic, and the reasons if messages do not arrive."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from time import monotonic
from typing import Any
from typing import ClassVar

from rclpy.node import Node
from rclpy.qos import QoSCompatibility
from rclpy.qos import QoSProfile
from rclpy.qos import qos_check_compatible
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.nodes.tracker.intervals import Intervals

SILENCE_S = 3.0

type Publishers = Sequence[TopicEndpointInfo]
# Callback with a message or its bytes, and the message info of the middleware.
type Receiver = Callable[[Any, Mapping[str, int | None]], None]


class MessageInput(ABC):
    """Subscribes to a topic while it is open."""

    # Whether messages are received in serialized form.
    raw: ClassVar[bool] = False

    def __init__(
        self, node: Node, topic: str, what: str, on_message: Callable[[Any], None]
    ) -> None:
        """Prepare, without subscribing.

        Args:
            node: the node that subscribes.
            topic: name before remapping.
            what: name of one message, for log messages.
            on_message: called with every message.
        """
        self._node = node
        self._name = topic
        self._topic = node.resolve_topic_name(topic)
        self._what = what
        self._on_message = on_message
        self._open = False
        self._subscription: Subscription | None = None
        self._refusal = ''
        self._intervals = Intervals()
        self._published_since: float | None = None
        self._silence: Problem | None = None

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
        """Return the number of messages that were published but did not arrive, if known."""
        return 0

    def open(self) -> None:
        """Subscribe; does nothing when open."""
        if not self._open:
            self._open = True
            self._intervals = Intervals()
            self._published_since = self._silence = None
            self._subscribe(*self._choose())

    def close(self) -> None:
        """Unsubscribe; does nothing when closed."""
        self._open = False
        self._unsubscribe()

    def destroy(self) -> None:
        """Release all resources."""
        self.close()

    def check(self) -> Problem | None:
        """Check the publishers, and return why messages do not arrive, with the remedy.

        None if they arrive, if it is too early to decide, and while it is closed.
        """
        if not self._open:
            return None
        topic, kind = self._choose()
        taken = self._subscription
        if taken is None or (topic, kind) != (taken.topic_name, taken.msg_type):
            self._unsubscribe()
            self._subscribe(topic, kind)
        if self._subscription is None:
            text = f'{topic} cannot be subscribed as {type_name(kind)}: {self._refusal}'
            return Problem(text, text)
        publishers = self._node.get_publishers_info_by_topic(topic)
        fitting = [p for p in publishers if p.topic_type == type_name(kind)]
        if not fitting:
            self._published_since = None
        elif self._published_since is None:
            self._published_since = monotonic()
        problem = _incompatibility(topic, fitting, self._subscription.qos_profile)
        if not self._intervals.exceeded(SILENCE_S):
            self._silence = None
        elif self._silent_s() >= SILENCE_S:
            reason = self._explain_silence(topic, kind, publishers, fitting)
            text = f'no {self._what} for {self._silent_s():.0f} s on {topic}{reason}'
            self._silence = Problem(reason, text)
        return problem or self._silence or self._losses_on(topic)

    @abstractmethod
    def _choose(self) -> tuple[str, type]:
        """Return the topic and the message type to subscribe to."""

    @abstractmethod
    def _why_silent(self) -> str:
        """Return what to check if there is a publisher but no message arrives."""

    @abstractmethod
    def _remedy_for(self, publishers: Publishers) -> str:
        """Return the remedy if messages of other types are published."""

    @abstractmethod
    def _remedy_without(self, known: Sequence[str]) -> str:
        """Return the remedy if there is no publisher; `known` are topics of the same type."""

    def _arrived(self, message: Any, info: Mapping[str, int | None]) -> None:
        """Record the arrival of a message."""
        del message, info

    def _losses_on(self, topic: str) -> Problem | None:
        """Return the problem of lost messages; None if few were lost."""
        del topic
        return None

    def _silent_s(self) -> float:
        """Return the seconds without a message, counted from when a publisher appeared."""
        published_s = monotonic() - (self._published_since or 0.0)
        return min(self._intervals.elapsed_s, published_s)

    def _subscribe(self, topic: str, kind: type) -> None:
        """Subscribe with the sensor data profile, unless the parameters override it."""
        try:
            self._subscription = self._node.create_subscription(
                kind,
                topic,
                self._receiver(kind),
                sensor_data(),
                raw=self.raw,
                qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            )
        except RuntimeError as error:  # a middleware may know the topic with another type
            self._refusal = str(error)

    def _unsubscribe(self) -> None:
        """Destroy the subscription, if there is one."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def _receiver(self, kind: type) -> Receiver:
        """Return the callback for messages of a type."""
        del kind
        return self._take

    def _take(self, message: Any, info: Mapping[str, int | None]) -> None:
        """Pass a message on."""
        self._intervals.note()
        self._arrived(message, info)
        self._on_message(message)

    def _explain_silence(
        self, topic: str, kind: type, publishers: Publishers, fitting: Publishers
    ) -> str:
        """Return the most probable reason why no message arrives, as the rest of a line."""
        if fitting:
            names = ', '.join(sorted({_full_name(p) for p in fitting}))
            return f', although {names} publishes there; {self._why_silent()}'
        if publishers:
            types = ', '.join(sorted({p.topic_type for p in publishers}))
            return f': its type is {types}, not {type_name(kind)}; {self._remedy_for(publishers)}'
        known = sorted(
            name
            for name, types in self._node.get_topic_names_and_types()
            if type_name(kind) in types
            and name != topic
            and self._node.count_publishers(name)
            and not name.startswith(self._node.get_fully_qualified_name())
        )
        return (
            f': it has no publisher; {self._remedy_without(known)}, or remap the topic '
            f'({self._name}:=...)'
        )


def type_name(kind: type) -> str:
    """Return the name of a message type, such as ``sensor_msgs/msg/Image``."""
    return f'{kind.__module__.split(".")[0]}/msg/{kind.__name__}'


def _incompatibility(
    topic: str, publishers: list[TopicEndpointInfo], qos: QoSProfile
) -> Problem | None:
    """Return which publisher is incompatible with a subscription, with the remedy, or None."""
    for publisher in publishers:
        compatibility, reason = qos_check_compatible(publisher.qos_profile, qos)
        if compatibility == QoSCompatibility.ERROR:
            text = (
                f'{_full_name(publisher)} publishes {topic} with an incompatible QoS '
                f'({reason.strip(";: ")}); change it there, or set the parameters '
                f'qos_overrides.{topic}.subscription.* of this node'
            )
            return Problem(text, text)
    return None


def _full_name(endpoint: TopicEndpointInfo) -> str:
    """Return the name of an endpoint's node with its namespace."""
    return f'{endpoint.node_namespace.rstrip("/")}/{endpoint.node_name}'
