"""A tracker node and a user of it, in one process."""

import os
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.srv import GetState
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.tracker.tracker_node import TrackerNode

from nodes.graph import Graph

DEEP = QoSProfile(depth=50)


class Harness:
    """A tracker node and a node that feeds it and listens to it."""

    def __init__(
        self,
        graph: Graph,
        *,
        listening: bool = True,
        publishing: bool = True,
        namespace: str = '',
        **parameters: object,
    ) -> None:
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self._graph = graph
        self.tracker = graph.add(TrackerNode(parameter_overrides=overrides, namespace=namespace))
        self.user = graph.add(Node('user', namespace=namespace))
        if publishing:
            self.images = self.user.create_publisher(Image, 'image', DEEP)
        self.outputs: list[TrackedObjectArray] = []
        if listening:
            self.user.create_subscription(
                TrackedObjectArray, 'jtn_tracker/tracks', self.outputs.append, DEEP
            )
        self._change_state = self.user.create_client(ChangeState, 'jtn_tracker/change_state')
        self._get_state = self.user.create_client(GetState, 'jtn_tracker/get_state')
        self._set_parameters = self.user.create_client(SetParameters, 'jtn_tracker/set_parameters')

    @property
    def log(self) -> str:
        """Return everything that was logged since the test began, if `capfd` is in use.

        Standard error is the file of `capfd` then. Its own reading would empty the file, and lose
        what is written at that moment.
        """
        return os.pread(2, os.fstat(2).st_size, 0).decode(errors='replace')

    @property
    def state(self) -> str:
        label: str = self._graph.call(self._get_state, GetState.Request()).current_state.label
        return label

    def transit(self, *names: str) -> bool:
        """Request transitions; return whether the last one succeeded."""
        for name in names:
            request = ChangeState.Request(transition=Transition(label=name))
            success: bool = self._graph.call(self._change_state, request).success
        return success

    def start(self) -> None:
        assert self.transit('configure', 'activate')
        self.wait(lambda: self.images.get_subscription_count() == 1, 'the image subscription')

    def listen_to_camera(self, name: str) -> list[TrackedObjectArray]:
        """Return the list of messages from one of several cameras."""
        outputs: list[TrackedObjectArray] = []
        self.user.create_subscription(
            TrackedObjectArray, f'jtn_tracker/{name}/tracks', outputs.append, DEEP
        )
        return outputs

    def publisher(self, kind: type, topic: str, node: Node | None = None) -> Publisher:
        """Return a publisher of the user, or of another node, that the tracker listens to."""
        publisher = (node or self.user).create_publisher(kind, topic, DEEP)
        self.wait(lambda: publisher.get_subscription_count() == 1, f'the subscription of {topic}')
        return publisher

    def wait_for_reliability(self, topic: str, reliability: ReliabilityPolicy) -> None:
        """Wait until the graph says that of the one subscription of a topic."""

        # Nodes may be matched before the graph knows all of it.
        def known() -> bool:
            infos = self.user.get_subscriptions_info_by_topic(topic)
            own = [info for info in infos if info.node_name == 'jtn_tracker']
            return reliability in [info.qos_profile.reliability for info in own]

        self.wait(known, f'{reliability!r} of {topic}')

    def command(self, kind: Any, name: str, **fields: object) -> Any:
        client = self.user.create_client(kind, f'jtn_tracker/{name}')
        return self._graph.call(client, kind.Request(**fields))

    def set_parameter(self, name: str, value: object) -> SetParametersResult:
        parameter = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[parameter])
        return self._graph.call(self._set_parameters, request).results[0]

    def track(
        self, image: Image | CompressedImage, publisher: Publisher | None = None
    ) -> TrackedObjectArray:
        """Send one image and return the one message that comes of it."""
        before = len(self.outputs)
        (publisher or self.images).publish(image)
        self.wait(lambda: len(self.outputs) > before, 'the tracks of an image')
        assert len(self.outputs) == before + 1
        return self.outputs[-1]

    def listen(self, kind: type, topic: str) -> list[Any]:
        """Subscribe to a topic of the tracker and return the list of received messages."""
        received: list[Any] = []
        self.user.create_subscription(kind, f'jtn_tracker/{topic}', received.append, DEEP)
        name = f'{self.tracker.get_fully_qualified_name()}/{topic}'
        (publisher,) = [p for p in self.tracker.publishers if p.topic_name == name]
        self.wait(lambda: publisher.get_subscription_count() > 0, f'the subscription of {topic}')
        return received

    def wait(self, condition: Callable[[], object], what: str) -> None:
        self._graph.wait(condition, what=what)

    def wait_for_log(self, text: str, every: Callable[[], object] = lambda: None) -> None:
        """Wait until the node has logged the text; call `every` again and again meanwhile."""

        def logged() -> bool:
            every()
            return text in self.log

        self.wait(logged, f'the log {text!r}')
