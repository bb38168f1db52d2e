"""Outputs in space, predicted to the current time with each image or at a fixed rate."""

from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rclpy.node import Node
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection3DArray

from jtn_msgs.msg import TrackedObjectArray
from jtn_msgs.srv import SelectTarget
from jtn_ros.detections import Detections
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.outputs.present import PresentOutputs
from jtn_ros.nodes.outputs.settings import OutputSettings

from nodes.graph import Graph
from nodes.harness import Harness
from nodes.located_scene import Rig
from nodes.scene import message
from tables import tracks_of

pytestmark = pytest.mark.ros

OLD_NS = 60_000_000  # age of the images
PITCH = 0.3
DOWN = np.array((0, np.cos(PITCH), np.sin(PITCH)))  # in the optical frame


def predicting(
    make: Callable[..., Harness], model: Path, **parameters: object
) -> tuple[Harness, list[Detection3DArray]]:
    """Return a tracker that has located its first image, and what it publishes of the present."""
    harness = make(
        model=str(model),
        positions='ground',
        camera_height=2.0,
        camera_pitch=PITCH,
        outputs=['detections_3d'],
        predict_to='now',
        **parameters,
    )
    rig = Rig(harness, depth=False)
    located: list[Detection3DArray] = harness.listen(Detection3DArray, 'detections_3d')
    rig.first()
    return harness, located


def track_now(harness: Harness, numbers: range) -> TrackedObjectArray:
    """Track images that were taken a moment ago, and return the tracks of the last one."""
    for number in numbers:
        now_ns = harness.user.get_clock().now().nanoseconds
        output = harness.track(message(number, stamp_ns=now_ns - OLD_NS))
        assert stamp_to_ns(output.header.stamp) == now_ns - OLD_NS, 'tracks are as the image'
        sleep(0.02)
    return output


def places(points: list[Any]) -> NDArray[np.float64]:
    return np.array([[point.x, point.y, point.z] for point in points])


def predicted(
    output: TrackedObjectArray, later: Detection3DArray
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return where the feet of an image should be later, where they are, and the seconds."""
    stamps = [stamp_to_ns(sent.header.stamp) for sent in (output, later)]
    seconds = (stamps[1] - stamps[0]) / 1e9
    found = {int(detection.id): detection for detection in later.detections}
    sent = [found[tracked.id] for tracked in output.objects]
    heights = np.array([[detection.bbox.size.y] for detection in sent])
    middles = places([detection.results[0].pose.pose.position for detection in sent])
    points = places([tracked.pose.pose.position for tracked in output.objects])
    velocities = places([tracked.twist.twist.linear for tracked in output.objects])
    return points + seconds * velocities, middles + heights / 2 * DOWN, seconds


def test_with_each_image_positions_are_predicted_to_now(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness, located = predicting(make, block_model)
    poses: list[PoseStamped] = harness.listen(PoseStamped, 'target')
    harness.wait_for_log('so its tracks are not predicted to the present; synchronize the clocks')
    assert located == []
    track_now(harness, range(1, 4))
    assert harness.command(SelectTarget, 'select', by=SelectTarget.Request.NEAREST).success
    output = track_now(harness, range(4, 7))
    harness.wait(lambda: len(located) == 6 and len(poses) == 3, 'a message for each image')
    expected, actual, seconds = predicted(output, located[-1])
    assert OLD_NS / 1e9 <= seconds < 1
    assert len(actual) == 2
    np.testing.assert_allclose(actual, expected, atol=1e-9)
    points = places([tracked.pose.pose.position for tracked in output.objects])
    assert np.abs(expected - points).max() > 0.001, 'they move'
    for tracked in output.objects:
        (detection,) = [d for d in located[-1].detections if int(d.id) == tracked.id]
        before = np.diag(np.reshape(tracked.pose.covariance, (6, 6)))[:3]
        after = np.diag(np.reshape(detection.results[0].pose.covariance, (6, 6)))[:3]
        assert (after > before).all(), 'less certain'
    assert poses[-1].header.stamp == located[-1].header.stamp
    target = places([poses[-1].pose.position])
    assert np.abs(actual - target).max(axis=1).min() < 1e-9


def test_at_a_rate_predictions_continue_between_images_for_up_to_one_second(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness, located = predicting(make, block_model, output_rate=50.0)
    output = track_now(harness, range(1, 6))
    image_ns = stamp_to_ns(output.header.stamp)
    before = len(located)
    harness.wait(lambda: len(located) > before + 5, 'predictions without images')
    # The timer may have published the image before.
    later = located[-1]
    expected, actual, _ = predicted(output, later)
    np.testing.assert_allclose(actual, expected, atol=1e-9)
    sleep(1.5)
    assert all(stamp_to_ns(sent.header.stamp) - image_ns <= 1e9 for sent in located)
    stamps = [stamp_to_ns(sent.header.stamp) for sent in located]
    assert stamps == sorted(set(stamps))
    assert harness.transit('deactivate', 'cleanup')


def test_images_that_are_ahead_of_time_are_not_repeated(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness, located = predicting(make, block_model, output_rate=50.0)
    ahead_ns = harness.user.get_clock().now().nanoseconds + 3_600_000_000_000
    for number in range(1, 4):
        output = harness.track(message(number, stamp_ns=ahead_ns + number * OLD_NS))
    assert all(tracked.has_3d for tracked in output.objects)
    sleep(0.3)
    assert located == []


def test_a_reset_ends_the_predictions_of_earlier_tracks(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness, located = predicting(make, block_model, output_rate=50.0)
    track_now(harness, range(1, 4))
    harness.wait(lambda: located, 'predictions')
    assert harness.command(Trigger, 'reset').success
    sleep(0.1)  # what was under way has come
    count = len(located)
    sleep(0.3)
    assert len(located) == count


def empty_frame(stamp_ns: int) -> CameraFrame:
    return CameraFrame(
        header=Header(),
        stamp_ns=stamp_ns,
        image=np.zeros((0, 0, 3), np.uint8),
        size=(0, 0),
        mask=None,
        detections=Detections.empty(),
        tracks=tracks_of([]),
        positions=None,
        session=uuid4(),
        new_session=None,
        distrust=None,
        arrival=0.0,
        latencies={},
    )


def test_an_error_at_a_rate_is_reported_and_the_timer_continues(graph: Graph) -> None:
    node = graph.add(Node('rated'))
    errors: list[Exception] = []

    def fail(_: CameraFrame) -> None:
        raise ValueError(len(errors))

    values = OutputSettings(predict_to='now', output_rate=50.0)
    outputs = PresentOutputs(node, values, fail, errors.append, node.get_logger())
    outputs.offer(empty_frame(node.get_clock().now().nanoseconds))
    graph.wait(lambda: len(errors) > 2, what='errors')
    outputs.destroy()
    assert str(errors[2]) == '2'


def test_a_rate_needs_predictions(make: Callable[..., Harness], block_model: Path) -> None:
    harness = make(model=str(block_model))
    result = harness.set_parameter('output_rate', 10.0)
    assert not result.successful
    assert result.reason.startswith('output_rate is 10, and predict_to stamp; set predict_to')
    assert harness.set_parameter('predict_to', 'now').successful
    assert harness.set_parameter('output_rate', 10.0).successful
