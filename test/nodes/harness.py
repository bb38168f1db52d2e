"""A tracker node and a user of it, in one process."""

from types import SimpleNamespace

import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.tracker_node import TrackerNode

from .graph import Graph


class Harness:
    """A tracker node and a node that feeds it and listens to it."""

    def __init__(
        self, graph: Graph, capture: pytest.CaptureFixture[str] | None, **parameters: object
    ) -> None:
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        self._graph = graph
        self.tracker = graph.add(TrackerNode(parameter_overrides=overrides))
        self.user = graph.add(Node('user'))
        self.images = self.user.create_publisher(Image, 'image', QoSProfile(depth=50))
        self.outputs: list[TrackedObjectArray] = []
        self._capture = capture
        self.log = ''
        self.user.create_subscription(
            TrackedObjectArray, '/jtn_tracker/tracks', self.outputs.append, QoSProfile(depth=50)
        )
        self._change_state = self.user.create_client(ChangeState, '/jtn_tracker/change_state')
        self._get_state = self.user.create_client(GetState, '/jtn_tracker/get_state')
        self._set_parameters = self.user.create_client(
            SetParameters, '/jtn_tracker/set_parameters'
        )

    @property
    def state(self) -> str:
        return self._graph.call(self._get_state, GetState.Request()).current_state.label

    def transit(self, *names: str) -> bool:
        """Request transitions; return whether the last one succeeded."""
        for name in names:
            request = ChangeState.Request(transition=Transition(label=name))
            success = self._graph.call(self._change_state, request).success
        return success

    def start(self) -> None:
        assert self.transit('configure', 'activate')
        self.wait(lambda: self.images.get_subscription_count() == 1, 'the image subscription')

    def command(self, kind: type, name: str, **fields: object) -> object:
        client = self.user.create_client(kind, f'/jtn_tracker/{name}')
        return self._graph.call(client, kind.Request(**fields))

    def set_parameter(self, name: str, value: object) -> SimpleNamespace:
        parameter = Parameter(name, value=value).to_parameter_msg()
        request = SetParameters.Request(parameters=[parameter])
        return self._graph.call(self._set_parameters, request).results[0]

    def track(self, image: Image) -> TrackedObjectArray:
        """Send one image and return the one message that comes of it."""
        before = len(self.outputs)
        self.images.publish(image)
        self.wait(lambda: len(self.outputs) > before, 'the tracks of an image')
        assert len(self.outputs) == before + 1
        return self.outputs[-1]

    def listen(self, kind: type, topic: str) -> list:
        """Subscribe to a topic of the tracker and return the list of what comes."""
        received: list = []
        self.user.create_subscription(
            kind, f'/jtn_tracker/{topic}', received.append, QoSProfile(depth=50)
        )
        name = f'/jtn_tracker/{topic}'
        (publisher,) = [p for p in self.tracker.publishers if p.topic_name == name]
        self.wait(lambda: publisher.get_subscription_count() > 0, f'the subscription of {topic}')
        return received

    def wait(self, condition, what: str) -> None:
        self._graph.wait(condition, what=what)

    def wait_for_log(self, text: str) -> None:
        """Wait until the node has logged the text; `log` holds everything logged so far."""

        def logged() -> bool:
            assert self._capture is not None
            self.log += self._capture.readouterr().err
            return text in self.log

        self.wait(logged, f'the log {text!r}')
