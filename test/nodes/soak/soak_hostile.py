"""Ten thousand hostile messages: the node stays active, tracks, and its memory is constant."""

import os
from functools import partial
from pathlib import Path
from time import monotonic
from time import sleep
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import Phase
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.parameters import ros_default
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.settings import settings_of

from nodes.graph import Graph
from nodes.hostile import badly_stamped_images
from nodes.hostile import camera_infos
from nodes.hostile import compressed_images
from nodes.hostile import raw_images
from nodes.scene import PERIOD
from nodes.scene import START
from nodes.scene import message
from nodes.soak.soak_rig import Holdings
from nodes.soak.soak_rig import growth
from nodes.soak.soak_rig import tracker_process

pytestmark = pytest.mark.ros

MESSAGES = int(os.environ.get('SOAK_MESSAGES', '10000'))
BATCH = 20
LEAK_MB = 8.0
QOS = QoSProfile(depth=2 * BATCH)
LIVE = [s for s in settings_of(TrackerNodeSettings) if s.constraints.live]
NUMBERS = [s for s in LIVE if s.kind in (int, float)]
FROZEN = [s for s in settings_of(TrackerNodeSettings) if not s.constraints.live]

valid_changes = st.sampled_from(NUMBERS).flatmap(
    lambda spec: st.sampled_from([spec.default, spec.constraints.low, spec.constraints.high]).map(
        lambda value: (Parameter(spec.name, value=spec.kind(value)), True)
    )
)
invalid_changes = st.one_of(
    st.sampled_from(NUMBERS).map(lambda spec: (Parameter(spec.name, value='much'), False)),
    st.sampled_from(NUMBERS).map(
        lambda spec: (
            Parameter(spec.name, value=spec.kind((spec.constraints.low or 0) - 1)),
            False,
        )
    ),
    st.sampled_from(FROZEN).map(
        lambda spec: (Parameter(spec.name, value=ros_default(spec)), False)
    ),
    st.text('abc_', min_size=1).map(lambda name: (Parameter(f'no_{name}', value=1), False)),
)
hostile = st.one_of(
    st.tuples(st.just('front/image'), st.one_of(raw_images, badly_stamped_images)),
    st.tuples(st.just('rear/image/compressed'), compressed_images),
    st.tuples(st.just('front/depth'), raw_images),
    st.tuples(st.just('front/camera_info'), camera_infos),
    st.tuples(st.just('parameter'), st.one_of(valid_changes, invalid_changes)),
)


def _is_heard(publisher: Publisher) -> bool:
    return bool(publisher.get_subscription_count() == 1)


class Attacker:
    """Sends hostile messages to a tracker node, good images in between, and takes its tracks."""

    def __init__(self, graph: Graph) -> None:
        node = graph.add(Node('attacker'))
        self._graph = graph
        self._publishers = {
            topic: node.create_publisher(kind, topic, QOS)
            for topic, kind in (
                ('front/image', Image),
                ('rear/image/compressed', CompressedImage),
                ('front/depth', Image),
                ('front/camera_info', CameraInfo),
            )
        }
        self._set = node.create_client(SetParameters, 'jtn_tracker/set_parameters')
        self._state = node.create_client(GetState, 'jtn_tracker/get_state')
        self._reset = node.create_client(Trigger, 'jtn_tracker/reset')
        self._tracked: dict[int, TrackedObjectArray] = {}
        self.sent = 0
        self.good = 0
        for camera in ('front', 'rear'):
            topic = f'jtn_tracker/{camera}/tracks'
            node.create_subscription(TrackedObjectArray, topic, self._take, QOS)

    def connect(self) -> None:
        """Wait until the node listens to everything."""
        for topic, publisher in self._publishers.items():
            heard = partial(_is_heard, publisher)
            self._graph.wait(heard, what=topic, timeout=60)

    def send(self, topic: str, content: Any) -> None:
        """Send one message, or change one parameter and check the answer."""
        self.sent += 1
        if topic == 'parameter':
            self.set(*content)
        else:
            self._publishers[topic].publish(content)

    def set(self, parameter: Parameter, accepted: bool) -> None:
        """Change a parameter."""
        request = SetParameters.Request(parameters=[parameter.to_parameter_msg()])
        (result,) = self._graph.call(self._set, request).results
        assert result.successful == accepted, (parameter.name, parameter.value, result.reason)

    def reset(self) -> None:
        """Let the node forget its tracks."""
        assert self._graph.call(self._reset, Trigger.Request()).success

    def check(self) -> TrackedObjectArray:
        """Send two valid images, and return the tracks in the second."""
        stamps = []
        for _ in range(2):
            self.good += 1
            # Where the stamps before were wild, the next image tells which of them to believe.
            stamps.append(START + self.good * PERIOD)
            self._publishers['front/image'].publish(message(self.good % 20, stamps[-1]))
            end = monotonic() + 0.3
            while stamps[-1] not in self._tracked and monotonic() < end:
                sleep(0.002)
        self._graph.wait(lambda: set(stamps) <= set(self._tracked), what='the good images')
        found = self._tracked[stamps[-1]]
        self._tracked.clear()
        return found

    @property
    def state(self) -> str:
        label: str = self._graph.call(self._state, GetState.Request()).current_state.label
        return label

    def _take(self, tracks: TrackedObjectArray) -> None:
        self._tracked[stamp_to_ns(tracks.header.stamp)] = tracks


def test_hostile_messages_leave_the_node_active_with_constant_memory(
    graph: Graph, block_model: Path
) -> None:
    attacker = Attacker(graph)
    held = []
    with tracker_process(
        model=block_model,
        backend='onnxruntime',
        cameras='[front, rear]',
        positions='depth',
        depth_timeout=0.001,
        **{'qos_overrides./front/image.subscription.reliability': 'reliable'},
    ) as process:
        attacker.connect()

        @settings(
            max_examples=MESSAGES // BATCH,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(batch=st.lists(hostile, min_size=BATCH, max_size=BATCH))
        def attack(batch: list[tuple[str, Any]]) -> None:
            for topic, content in batch:
                attacker.send(topic, content)
            attacker.check()
            held.append(Holdings.of(process))

        attack()
        for spec in NUMBERS:
            attacker.set(Parameter(spec.name, value=spec.default), True)
        attacker.check()
        assert attacker.state == 'active'
        # The blocks jump back every 20 images; what was lost then is a track for some seconds.
        attacker.reset()
        assert len(attacker.check().objects) == 2
    settled = held[len(held) // 4 :]
    print(f'\n{attacker.sent} hostile messages, {attacker.good} good images: {growth(settled)}')
    assert settled[-1].threads == settled[0].threads
    assert settled[-1].descriptors <= settled[0].descriptors
    assert settled[-1].resident_mb - settled[0].resident_mb < LEAK_MB
