"""Conflicts: two nodes with one name, two publishers on one topic, two cameras on one topic."""

from pathlib import Path
from time import monotonic

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.tracker.camera_worker import Arrival
from jtn_ros.nodes.tracker.tracker_node import TrackerNode

from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import PERIOD
from nodes.scene import START
from nodes.scene import message
from nodes.scene import picture

pytestmark = pytest.mark.ros


def test_two_nodes_of_one_name_are_named(harness: Harness) -> None:
    messages: list[str] = []

    def take(array: DiagnosticArray) -> None:
        status = next(s for s in array.status if s.name == 'jtn_tracker: engine')
        messages.append(status.message if status.level == DiagnosticStatus.WARN else '')

    harness.user.create_subscription(DiagnosticArray, '/diagnostics', take, DEEP)
    harness.wait(lambda: messages == [''] * len(messages) != [], 'diagnostics without a warning')
    assert 'same name' not in harness.log
    twin = TrackerNode()
    try:
        text = '2 nodes have the same name, /jtn_tracker and /jtn_tracker, so'
        harness.wait_for_log(text)
        harness.wait(lambda: messages[-1].startswith(text), 'the warning in the diagnostics')
    finally:
        twin.destroy_node()
    harness.wait_for_log('each topic has a single publisher again')
    assert harness.log.count(text) == 1


def test_another_publisher_of_the_tracks_is_named(active: Harness) -> None:
    active.user.create_publisher(TrackedObjectArray, '/jtn_tracker/tracks', DEEP)
    active.wait_for_log(
        '/jtn_tracker and /user publish on the same topic, /jtn_tracker/tracks; stop'
    )


def test_two_publishers_of_the_images_are_named(active: Harness, outsider: Node) -> None:
    # The same camera again, of which the graph knows the publisher before yet.
    active.publisher(Image, 'image')
    active.wait_for_log('no image for')  # so that it was checked
    assert 'on the same topic' not in active.log
    other = outsider.create_publisher(Image, 'image', DEEP)
    active.wait_for_log(
        '/outsider and /user publish on the same topic, /image, and are tracked as one camera; '
        'stop one, or remap its topic'
    )
    assert len(active.track(message(0)).objects) == 2
    outsider.destroy_publisher(other)
    active.wait_for_log('each topic has a single publisher again')


def test_cameras_that_alternate_on_a_topic_do_not_flood_the_log(
    active: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('jtn_ros.nodes.tracker.camera_log._LOG_PERIOD_S', 0.5)
    sessions = set()

    def track(number: int) -> None:
        frame_id = ('left', 'right')[number % 2]
        header = Header(stamp=ns_to_stamp(START + number * PERIOD), frame_id=frame_id)
        output = active.track(array_to_image(picture(number % 8), header))
        sessions.add(bytes(output.session.uuid))

    numbers = iter(range(1000))
    began = monotonic()
    for _ in range(20):
        track(next(numbers))
    assert len(sessions) == 20
    active.wait_for_log('times so far; if several cameras share', lambda: track(next(numbers)))
    assert 2 <= active.log.count('a new session starts') <= 1 + (monotonic() - began) / 0.5
    assert "the frame_id changed from 'left' to 'right': a new session starts" in active.log


def test_an_image_after_ctrl_c_is_no_failure(
    block_model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    context = Context()
    rclpy.init(context=context)
    values = {'model': str(block_model), 'backend': 'onnxruntime', 'lazy': False}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    node = TrackerNode(context=context, parameter_overrides=overrides)
    try:
        assert node.start()
        camera = node.cameras[0]
        assert camera.worker is not None
        camera.worker.process(Arrival(message(0), 0.0, 0))
        context.try_shutdown()
        camera.worker.process(Arrival(message(1), 0.0, 0))
        assert camera.worker.processed == 2  # it was tracked, but there is no topic any more
        assert camera.statistics.snapshot().errors == 0
    finally:
        node.destroy_node()
    assert 'could not be tracked' not in capfd.readouterr().err
