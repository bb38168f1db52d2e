"""Several cameras on one engine, and nodes together in one process."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rclpy.executors import MultiThreadedExecutor
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from jtn_ros.nodes.common.conversions import stamp_to_ns

from nodes.graph import Graph
from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import message
from nodes.scene import middles

pytestmark = pytest.mark.ros

NAMES = ['front', 'rear', 'left']


class Rig:
    """A tracker with several cameras, and the messages from each."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.images = {
            name: harness.user.create_publisher(Image, f'{name}/image', DEEP) for name in NAMES
        }
        self.outputs = {name: harness.listen_to_camera(name) for name in NAMES}
        assert harness.transit('configure', 'activate')
        harness.wait(
            lambda: all(p.get_subscription_count() == 1 for p in self.images.values()),
            'the image subscriptions',
        )

    def expect(self, name: str, count: int) -> None:
        self.harness.wait(lambda: len(self.outputs[name]) == count, f'{count} messages of {name}')


@pytest.fixture
def rig(make: Callable[..., Harness], block_model: Path) -> Rig:
    return Rig(make(model=str(block_model), cameras=NAMES))


def test_every_camera_has_its_own_images_tracks_and_session(rig: Rig) -> None:
    for number in range(6):
        # Every camera sees another time of the scene, at the same time.
        for shift, name in enumerate(NAMES):
            rig.images[name].publish(message(5 * shift + number))
        for name in NAMES:
            rig.expect(name, number + 1)
    for shift, name in enumerate(NAMES):
        output = rig.outputs[name][-1]
        assert (output.camera_name, output.model_name) == (name, 'blocks')
        assert output.header == message(5 * shift + 5).header
        assert sorted(o.id for o in output.objects) == [1, 2]
        assert {o.age for o in output.objects} == {6}
        found = sorted(
            (o.bbox.center.position.x, o.bbox.center.position.y) for o in output.objects
        )
        np.testing.assert_allclose(found, sorted(middles(5 * shift + 5).tolist()), atol=1)
    sessions = {bytes(outputs[-1].session.uuid) for outputs in rig.outputs.values()}
    assert len(sessions) == len(NAMES)


def test_a_silent_and_a_faulty_camera_do_not_disturb_the_third(rig: Rig) -> None:
    for number in range(10):
        rig.images['rear'].publish(message(number, encoding='yuv911', step=number))
        rig.images['front'].publish(message(number))
        rig.expect('front', number + 1)
    assert [stamp_to_ns(o.header.stamp) for o in rig.outputs['front']] == [
        stamp_to_ns(message(number).header.stamp) for number in range(10)
    ]
    assert {o.age for o in rig.outputs['front'][-1].objects} == {10}
    assert rig.outputs['left'] == rig.outputs['rear'] == []
    rig.harness.wait_for_log("[jtn_tracker.rear]: an image is skipped: image encoding 'yuv911'")
    rig.images['rear'].publish(message(0))
    rig.expect('rear', 1)
    assert len(rig.outputs['rear'][0].objects) == 2


def test_a_reset_begins_a_session_of_every_camera(rig: Rig) -> None:
    for number in range(2):
        for name in NAMES:
            rig.images[name].publish(message(number))
            rig.expect(name, number + 1)
        if not number:
            assert rig.harness.command(Trigger, 'reset').success
    for outputs in rig.outputs.values():
        assert outputs[0].session != outputs[1].session
        assert {o.age for o in outputs[1].objects} == {1}


@pytest.mark.parametrize('names', [['front', 'front'], ['a b'], ['9th'], ['a/b'], ['front', '~']])
def test_camera_names_that_are_no_topic_names_are_refused(
    harness: Harness, names: list[str]
) -> None:
    result = harness.set_parameter('cameras', names)
    assert not result.successful
    assert 'items must differ' in result.reason


def test_nodes_together_in_one_process_do_not_mix(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harnesses = [make(model=str(block_model), namespace=namespace) for namespace in ('one', 'two')]
    for harness in harnesses:
        harness.start()
    for number in range(3):
        first, second = (
            harness.track(message(shift + number))
            for shift, harness in zip((0, 9), harnesses, strict=True)
        )
    for shift, output in ((0, first), (9, second)):
        found = sorted(
            (o.bbox.center.position.x, o.bbox.center.position.y) for o in output.objects
        )
        np.testing.assert_allclose(found, sorted(middles(shift + 2).tolist()), atol=1)
    assert harnesses[0].transit('deactivate', 'cleanup')
    assert harnesses[0].state == 'unconfigured'
    assert {o.age for o in harnesses[1].track(message(12)).objects} == {4}


def test_an_executor_with_several_threads_serves_the_node(
    ros: None, capfd: pytest.CaptureFixture[str], block_model: Path
) -> None:
    graph = Graph(MultiThreadedExecutor(num_threads=4))
    try:
        harness = Harness(graph, model=str(block_model), backend='onnxruntime')
        for _ in range(3):
            harness.start()
            for number in range(5):
                output = harness.track(message(number))
            assert {o.age for o in output.objects} == {5}
            assert harness.command(Trigger, 'reset').success
            assert {o.age for o in harness.track(message(5)).objects} == {1}
            assert harness.transit('deactivate', 'cleanup')
            harness.wait(lambda: harness.images.get_subscription_count() == 0, 'the end')
    finally:
        graph.close()
