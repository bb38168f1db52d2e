"""The tracker node on a real graph, with a model whose detections are exactly known."""

import gc
import re
from collections.abc import Callable
from pathlib import Path
from threading import active_count
from time import sleep
from typing import Any

import numpy as np
import pytest
from rclpy.qos import ReliabilityPolicy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import MarkerArray

from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns

from nodes.harness import Harness
from nodes.scene import BLOCKS
from nodes.scene import PERIOD
from nodes.scene import SECOND
from nodes.scene import SIZE
from nodes.scene import START
from nodes.scene import message
from nodes.scene import picture
from nodes.scene import truth

pytestmark = pytest.mark.ros


def test_lifecycle_repeats_and_leaves_nothing_behind(harness: Harness) -> None:
    assert harness.state == 'unconfigured'
    threads, endpoints = None, None
    for _ in range(5):
        assert harness.transit('configure')
        assert harness.state == 'inactive'
        assert harness.transit('activate')
        assert harness.state == 'active'
        harness.wait(lambda: harness.images.get_subscription_count() == 1, 'the subscription')
        assert len(harness.track(message(0)).objects) == 2
        assert harness.transit('deactivate')
        harness.wait(lambda: harness.images.get_subscription_count() == 0, 'its end')
        assert harness.transit('activate', 'deactivate', 'cleanup')
        assert harness.state == 'unconfigured'
        left = len(list(harness.tracker.publishers)), len(list(harness.tracker.services))
        assert endpoints in (None, left)
        assert threads in (None, active_count())
        threads, endpoints = active_count(), left
    assert harness.transit('shutdown')
    assert harness.state == 'finalized'


def test_shutdown_of_an_active_node_releases_everything(active: Harness) -> None:
    threads = active_count()
    assert active.transit('shutdown')
    assert active.state == 'finalized'
    assert active_count() == threads - 1
    active.wait(lambda: active.images.get_subscription_count() == 0, 'the end of listening')


def test_model_that_is_missing_can_be_replaced(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model='/no/such/model.onnx')
    assert not harness.transit('configure')
    assert harness.state == 'unconfigured'
    harness.wait_for_log("no model '/no/such/model.onnx'")
    assert harness.set_parameter('model', str(block_model)).successful
    harness.start()
    assert len(harness.track(message(0)).objects) == 2


@pytest.mark.parametrize('content', [b'', b'not a model', b'\x08\x07\x12\x04junk'])
def test_damaged_model_is_reported(
    make: Callable[..., Harness], tmp_path: Path, content: bytes
) -> None:
    (tmp_path / 'damaged.onnx').write_bytes(content)
    harness = make(model=str(tmp_path / 'damaged.onnx'))
    assert not harness.transit('configure')
    assert harness.state == 'unconfigured'
    harness.wait_for_log('damaged.onnx')


def test_every_image_gives_one_message_with_its_header(active: Harness) -> None:
    for number in range(10):
        sent = message(number)
        output = active.track(sent)
        assert output.header == sent.header
        assert (output.image_width, output.image_height) == (320, 192)
        assert (output.camera_name, output.model_name) == ('camera', 'blocks')
        assert output.session == active.outputs[0].session
        names = [stage.name for stage in output.latencies]
        assert names == [
            'queue',
            'conversion',
            'preprocess',
            'inference',
            'decode',
            'camera_motion',
            'tracking',
        ]
        assert all(0 <= stage.duration < 5 for stage in output.latencies)
    assert any(output.session.uuid)
    sleep(0.3)
    assert len(active.outputs) == 10


def test_ids_boxes_and_velocities_are_true(active: Harness) -> None:
    for number in range(20):
        objects = sorted(active.track(message(number)).objects, key=lambda o: o.bbox.size_x)
        assert len(objects) == 2
        found = {o.id: o for o in objects}
        if number == 0:
            left, right = sorted(objects, key=lambda o: o.bbox.center.position.x)
        for expected, track in zip(truth(number), (found[left.id], found[right.id]), strict=True):
            center, size = track.bbox.center.position, (track.bbox.size_x, track.bbox.size_y)
            assert [center.x, center.y] == pytest.approx((expected[:2] + expected[2:]) / 2, abs=1)
            assert size == pytest.approx(SIZE, abs=1)
            assert (track.class_name, track.predicted, track.age) == ('block', False, number + 1)
            assert track.state == track.CONFIRMED, 'their scores are certain'
    for (_, step), key in zip(BLOCKS, (left.id, right.id), strict=True):
        np.testing.assert_allclose(found[key].velocity, np.multiply(step, 25), rtol=0.02, atol=1)
        assert found[key].velocity_covariance[0] > 0


def test_messages_are_made_where_the_middleware_has_another_format(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('jtn_ros.nodes.outputs.serialization.is_known', lambda: False)
    harness.start()
    for number in range(3):
        output = harness.track(message(number))
    left = min(output.objects, key=lambda o: o.bbox.center.position.x)
    expected = min(truth(2), key=lambda box: box[0])
    center = left.bbox.center.position
    assert [center.x, center.y] == pytest.approx((expected[:2] + expected[2:]) / 2, abs=1)
    assert (left.class_name, left.age) == ('block', 3)
    assert output.header == message(2).header


def test_velocity_comes_from_the_stamps_not_the_rate(active: Harness) -> None:
    for number in range(12):
        output = active.track(message(number, START + number * 10 * PERIOD))
    speeds = sorted(o.velocity[0] for o in output.objects)
    assert speeds == pytest.approx([-4 * 2.5, 3 * 2.5], rel=0.02)


def test_frames_without_objects_age_the_tracks(active: Harness) -> None:
    active.track(message(0))
    active.track(message(1))
    empty = message(2)
    empty.data = array_to_image(np.zeros((192, 320, 3), np.uint8), empty.header).data
    predicted = active.track(empty).objects
    assert [o.predicted for o in predicted] == [True, True]
    assert [o.time_since_observation.nanosec for o in predicted] == [PERIOD, PERIOD]
    empty.header.stamp = ns_to_stamp(START + 10 * SECOND)
    assert active.track(empty).objects == []


def test_detections_name_classes_and_ids(active: Harness) -> None:
    detections = active.listen(Detection2DArray, 'detections')
    assert active.set_parameter('certain_score', 1.0).successful
    tracks = [active.track(message(number)) for number in range(4)][-1]
    active.wait(lambda: len(detections) == 4, 'four messages of detections')
    *early, last = detections
    assert all(not d.detections for d in early)  # four observations confirm a track
    assert last.header == tracks.header
    assert {d.id for d in last.detections} == {str(o.id) for o in tracks.objects}
    for detection, track in zip(last.detections, tracks.objects, strict=True):
        assert detection.bbox == track.bbox
        assert detection.results[0].hypothesis.class_id == 'block'
        assert detection.results[0].hypothesis.score == pytest.approx(track.score)


def test_markers_and_debug_image_show_the_tracks(active: Harness) -> None:
    markers = active.listen(MarkerArray, 'markers')
    drawings = active.listen(Image, 'debug_image')
    sent = [message(number) for number in range(3)]
    tracks = [active.track(image) for image in sent][-1]
    active.wait(lambda: len(markers) == len(drawings) == 3, 'three markers and drawings')
    texts = {m.text for m in markers[-1].markers if m.ns == 'ids'}
    assert texts == {f'{o.id}' for o in tracks.objects}
    assert {m.ns for m in markers[-1].markers} >= {'image', 'boxes', 'ids', 'trails', 'velocities'}
    assert drawings[-1].header == sent[-1].header
    drawn, plain = image_to_array(drawings[-1]), image_to_array(sent[-1])
    assert drawn.shape == plain.shape
    changed = np.argwhere((drawn != plain).any(axis=2))
    assert 100 < len(changed) < plain[..., 0].size / 4


def test_image_subscription_suits_sensor_data(active: Harness) -> None:
    active.wait_for_reliability('/image', ReliabilityPolicy.BEST_EFFORT)
    best_effort = active.user.create_publisher(Image, 'image', qos_profile_sensor_data)
    active.wait(lambda: best_effort.get_subscription_count() == 1, 'a best-effort match')


def test_quality_of_service_can_be_overridden(
    make: Callable[..., Harness], block_model: Path
) -> None:
    override = {'qos_overrides./image.subscription.reliability': 'reliable'}
    harness = make(model=str(block_model), **override)
    for _ in range(2):  # the override holds for every activation
        harness.start()
        harness.wait_for_reliability('/image', ReliabilityPolicy.RELIABLE)
        harness.transit('deactivate', 'cleanup')
        harness.wait(lambda: harness.user.count_subscribers('/image') == 0, 'the end')


def test_reset_begins_a_session_without_old_tracks(active: Harness) -> None:
    first = [active.track(message(number)) for number in range(3)][-1]
    response = active.command(Trigger, 'reset')
    assert response.success
    second = active.track(message(3))
    assert second.session != first.session
    assert {o.age for o in second.objects} == {1}
    assert len(second.objects) == 2


def test_disabled_node_ignores_images(active: Harness) -> None:
    first = active.track(message(0))
    assert active.command(SetBool, 'enable', data=False).success
    active.images.publish(message(1))
    sleep(0.3)
    assert len(active.outputs) == 1
    assert active.command(SetBool, 'enable', data=True).success
    third = active.track(message(2))
    assert third.session == first.session
    assert {o.id for o in third.objects} == {o.id for o in first.objects}


def test_jump_back_in_time_begins_a_session(active: Harness) -> None:
    before = [active.track(message(number)) for number in range(6)][-1]
    after = active.track(message(0))
    active.wait_for_log('the image stamps went back by 0.200 s')
    assert after.session != before.session
    assert {o.age for o in after.objects} == {1}
    assert after.header.stamp == message(0).header.stamp


def test_jitter_of_the_stamps_is_tolerated(active: Harness) -> None:
    stamps = [START, START + PERIOD, START + PERIOD - SECOND // 100, START + 2 * PERIOD]
    outputs = [active.track(message(n, stamp)) for n, stamp in enumerate(stamps)]
    assert [stamp_to_ns(output.header.stamp) for output in outputs] == stamps
    assert len({bytes(output.session.uuid) for output in outputs}) == 1
    assert {o.age for o in outputs[-1].objects} == {4}


def test_another_image_size_begins_a_session(active: Harness) -> None:
    before = active.track(message(0))
    larger = array_to_image(picture(0, height=240), message(1).header)
    after = active.track(larger)
    assert after.session != before.session
    assert (after.image_width, after.image_height) == (320, 240)
    assert {o.age for o in after.objects} == {1}
    active.wait_for_log('the image size changed from 320x192 to 320x240')


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'encoding': 'yuv911'}, "image encoding 'yuv911' is not supported"),
        ({'step': 10}, 'step 10 is shorter than a row'),
        ({'height': 1000}, 'bytes are too few'),
        ({'width': 0, 'height': 0, 'step': 0}, 'is empty'),
    ],
)
def test_malformed_image_is_reported_and_skipped(
    active: Harness, changes: dict[str, Any], reason: str
) -> None:
    first = active.track(message(0))
    active.images.publish(message(1, **changes))
    active.wait_for_log(reason)
    after = active.track(message(2))
    assert len(active.outputs) == 2
    assert after.session == first.session
    assert {o.age for o in after.objects} == {2}


def test_thresholds_change_live_and_others_are_refused(active: Harness) -> None:
    assert len(active.track(message(0)).objects) == 2
    assert active.set_parameter('score_threshold', 1.0).successful
    assert {o.predicted for o in active.track(message(1)).objects} == {True}
    result = active.set_parameter('backend', 'openvino')
    assert not result.successful
    assert 'takes effect when the node is configured' in result.reason
    assert 'out of range' in active.set_parameter('score_threshold', 2.0).reason
    assert active.set_parameter('score_threshold', 0.0).successful
    assert {o.predicted for o in active.track(message(2)).objects} == {False}


def test_thresholds_of_the_tracker_change_while_tracks_go_on(active: Harness) -> None:
    assert active.set_parameter('certain_score', 1.0).successful
    active.track(message(0))
    assert active.set_parameter('confirmation_hits', 5).successful
    states = [{o.state for o in active.track(message(n)).objects} for n in range(1, 6)]
    assert states == [{0}, {0}, {0}, {1}, {1}]
    assert active.set_parameter('lost_time', 0.3).successful
    assert active.set_parameter('coast_time', 0.05).successful
    empty = message(6)
    empty.data = array_to_image(np.zeros((192, 320, 3), np.uint8), empty.header).data
    empty.header.stamp = ns_to_stamp(START + 5 * PERIOD + SECOND // 10)
    assert {o.state for o in active.track(empty).objects} == {2}  # lost, but kept
    empty.header.stamp = ns_to_stamp(START + 5 * PERIOD + SECOND)
    assert active.track(empty).objects == []
    assert active.set_parameter('backward_tolerance', 2.0).successful
    before = active.track(message(7, START + SECOND))
    assert active.track(message(8, START)).session == before.session
    result = active.set_parameter('lost_time', -1.0)
    assert 'out of range' in result.reason


def test_burst_is_tracked_or_counted_and_the_newest_comes_last(active: Harness) -> None:
    number = 50
    for index in range(number):
        active.images.publish(message(index % 20, START + index * PERIOD))
    newest = START + (number - 1) * PERIOD
    active.wait(
        lambda: newest in {stamp_to_ns(output.header.stamp) for output in active.outputs},
        'the tracks of the newest image',
    )
    stamps = [stamp_to_ns(output.header.stamp) for output in active.outputs]
    assert stamps == sorted(set(stamps))
    assert active.transit('deactivate')
    active.wait_for_log(f'{len(stamps)} images tracked, ')
    dropped = int(re.findall(r'images tracked, (\d+) dropped', active.log)[0])
    # The middleware may lose images of a burst, too, but never those that arrived.
    assert len(stamps) + dropped <= number


def test_the_callback_group_keeps_no_destroyed_entities(harness: Harness) -> None:
    counts = []
    for _ in range(6):
        assert harness.transit('configure', 'activate', 'deactivate', 'cleanup')
        gc.collect()
        counts.append(len(harness.tracker.default_callback_group.entities))
    # What is in use while it is destroyed goes with the next lifecycle. Each makes 22.
    assert max(counts[2:]) - counts[1] < 14
