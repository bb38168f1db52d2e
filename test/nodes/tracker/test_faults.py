"""Faults on robots: the node reports them, stays alive, and recovers."""

from collections.abc import Callable
from collections.abc import Mapping
from copy import copy
from functools import partial
from itertools import pairwise
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import onnx
import pytest
from builtin_interfaces.msg import Time
from hypothesis import HealthCheck
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.media.messages.track_messages import to_tracked_object_array
from jtn_ros.media.messages.track_messages import tracks_to_objects
from jtn_ros.nodes.common import cv_bridge_fallback
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.tracker.camera_worker import Arrival
from jtn_ros.nodes.tracker.camera_worker import CameraWorker
from jtn_ros.nodes.tracker.detection_tracking import DetectionTracking
from jtn_ros.nodes.tracker.foreign_detector import ClassRegistry
from jtn_ros.nodes.tracker.frame_tracking import ImageTracking
from jtn_ros.nodes.tracker.spatial_detection_tracking import SpatialDetectionTracking
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking.session import Session

from nodes.foreign_detections import boxes_message
from nodes.foreign_detections import objects_message
from nodes.harness import Harness
from nodes.hostile import compressed_images
from nodes.hostile import raw_images
from nodes.hostile import stamps
from nodes.scene import PERIOD
from nodes.scene import message

CASES = 2200
GOOD = message(0)


class NothingEngine(Engine):
    """Takes no time and sees nothing, so that thousands of images can be tried."""

    def __init__(self) -> None:
        info = ModelInfo(name='none', class_names=('x',), input_height=32, input_width=32, top_k=1)
        super().__init__(info, 'nothing')

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        count = len(inputs['images'])
        return {
            'scores': np.zeros((count, 1), np.float32),
            'class_ids': np.zeros((count, 1), np.int32),
            'centers': np.zeros((count, 1, 2), np.float32),
            'boxes': np.zeros((count, 1, 4), np.float32),
            'displacements': np.zeros((count, 1, 2), np.float32),
        }


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(images=st.lists(st.one_of(raw_images, compressed_images), min_size=1, max_size=2))
@example(images=[Image()])
@example(images=[Image(width=2**32 - 1, height=2**32 - 1, step=2**32 - 1, encoding='mono8')])
def test_any_image_is_tracked_or_reported_and_the_next_one_is_tracked(
    images: list[Image | CompressedImage],
) -> None:
    results: list[CameraFrame] = []
    errors: list[Exception] = []
    worker = CameraWorker(
        ImageTracking(TrackingPipeline(engine=NothingEngine())),
        Session(10**8),
        on_result=results.append,
        on_outdated=lambda: None,
        on_error=errors.append,
    )
    for item in [*images, GOOD]:
        # What the worker's thread does, in the order of the images: none is dropped.
        worker.process(Arrival(item, 0.0, 0))
    assert len(results) + len(errors) == len(images) + 1
    assert all(isinstance(error, JtnError) for error in errors), errors
    assert results[-1].header == GOOD.header
    for frame in results:
        to_tracked_object_array(
            new_message,
            frame.header,
            tracks_to_objects(new_message, frame.tracks, ()),
            session=frame.session,
            camera_name='',
            image_size=frame.image.shape[1::-1],
            model_name='',
            latencies={},
        )
    for before, after in pairwise(results):
        assert after.stamp_ns >= before.stamp_ns or after.session != before.session


def numbers(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.one_of(st.floats(), st.floats(0, 500)), min_size=count, max_size=count)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=st.lists(st.tuples(numbers(11), st.text(max_size=3)), max_size=3), stamp=stamps)
@example(rows=[([1e300, *[1e38] * 9, 1e300], 'a')] * 2, stamp=Time(sec=1))
@pytest.mark.parametrize('spatial', [False, True])
def test_any_detections_are_tracked_or_reported_and_the_next_ones_are_tracked(
    rows: list[tuple[list[float], str]], stamp: Time, spatial: bool
) -> None:
    results: list[CameraFrame] = []
    errors: list[Exception] = []
    tracker, names = Tracker(TrackerSettings()), ClassRegistry()
    worker = CameraWorker(
        SpatialDetectionTracking(tracker, names) if spatial else DetectionTracking(tracker, names),
        Session(10**8),
        on_result=results.append,
        on_outdated=lambda: None,
        on_error=errors.append,
    )
    make = objects_message if spatial else boxes_message
    width = 3 if spatial else 4
    bad = make(0, np.ones((len(rows), width)).cumsum(axis=1))
    for detection, (values, name) in zip(bad.detections, rows, strict=True):
        detection.results[-1].hypothesis.score = values[0]
        detection.results[-1].hypothesis.class_id = name
        center, box = detection.bbox.center, detection.bbox
        center.position.x, center.position.y = values[1:3]
        if spatial:
            center.position.z = values[3]
            turn = center.orientation
            turn.x, turn.y, turn.z, turn.w = values[4:8]
            box.size.x, box.size.y, box.size.z = values[8:]
            detection.results[0].pose.covariance = np.resize(values, 36)
        else:
            center.theta, box.size_x, box.size_y = values[3:6]
    bad.header.stamp = stamp
    good = [make(number, np.arange(width) * 20 + 10) for number in range(1, 4)]
    for item in [make(0, np.arange(width) * 20 + 10), bad, *good]:
        worker.process(Arrival(item, 0.0, 0))
    assert len(results) + len(errors) == 5
    assert all(isinstance(error, JtnError) for error in errors), errors
    # The stamp may be in the far future: then what follows begins a session.
    assert results[-1].header == good[-1].header
    tracks = results[-1].tracks
    assert len(tracks.ids)
    for value in (tracks.boxes, tracks.velocities, tracks.velocity_covariances):
        assert np.isfinite(value).all()
    if spatial:
        positions = results[-1].positions
        assert positions is not None
        assert positions.known.any()
        assert np.isfinite(positions.points[positions.known]).all()


class FailingEngine(Engine):
    """Runs another engine, but fails while failures are enabled."""

    def __init__(self, engine: Engine, failure: Exception) -> None:
        super().__init__(engine.info, engine.description)
        self.engine = engine
        self.failure = failure
        self.failing = False

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        if self.failing:
            # A copy: pytest keeps the original, whose traceback would keep the node.
            raise copy(self.failure)
        return self.engine.infer(inputs)


@pytest.mark.ros
@pytest.mark.parametrize(
    ('failure', 'reported'),
    [
        (
            RuntimeError('CUDA error: an illegal memory access was encountered'),
            'an image could not be tracked (RuntimeError: CUDA error: an illegal memory access',
        ),
        # Not the image's fault, although most of what is wrong with images is a ValueError too.
        (
            ValueError('operands could not be broadcast together'),
            'an image could not be tracked (ValueError: operands could not be broadcast together)',
        ),
    ],
)
def test_tracking_continues_after_temporary_failures_of_the_engine(
    make: Callable[..., Harness],
    block_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    reported: str,
) -> None:
    engine = FailingEngine(load_engine(block_model, 'onnxruntime'), failure)
    monkeypatch.setattr('jtn_ros.inference.options.load_engine', lambda *_, **__: engine)
    harness = make(model=str(block_model))
    harness.start()
    first = harness.track(message(0))
    engine.failing = True
    statistics = harness.tracker.cameras[0].statistics

    def failed(number: int) -> bool:
        return statistics.snapshot().errors == number

    for number in range(1, 4):
        harness.images.publish(message(number))
        harness.wait(partial(failed, number), 'the error')
    harness.wait_for_log(reported)
    engine.failing = False
    after = harness.track(message(4))
    assert after.session == first.session
    assert {o.id for o in after.objects} == {o.id for o in first.objects}
    assert harness.state == 'active'


@pytest.mark.ros
def test_images_without_stamps_are_tracked_by_their_arrival(active: Harness) -> None:
    outputs = [active.track(message(number, stamp_ns=0)) for number in range(12)]
    assert {(o.header.stamp.sec, o.header.stamp.nanosec) for o in outputs} == {(0, 0)}
    objects = outputs[-1].objects
    assert len(objects) == 2
    assert {o.age for o in objects} <= {11, 12}
    assert len({o.session.uuid.tobytes() for o in outputs}) == 1
    left, right = sorted(objects, key=lambda o: o.bbox.center.position.x)
    assert 0 < left.velocity[0] < np.inf
    assert -np.inf < right.velocity[0] < 0
    active.wait_for_log('an image has no stamp, so its arrival time is used')


@pytest.mark.ros
@pytest.mark.parametrize('bad_ns', [0, 86_400 * 10**9, 10**9])
def test_a_lone_bad_stamp_does_not_begin_a_session(active: Harness, bad_ns: int) -> None:
    start = 5_000 * 10**9
    stamps = [start + number * PERIOD for number in range(10)]
    stamps[5] = bad_ns if bad_ns < start else start + bad_ns

    def tracked(expected: int) -> bool:
        return len(active.outputs) == expected

    for number, stamp in enumerate(stamps):
        active.images.publish(message(number, stamp_ns=stamp))
        # The next image tells that the stamp is wrong, so this one waits for it.
        expected = number if number == 5 else number + 1
        if number == 5:
            sleep(0.2)  # the worker takes the image
        active.wait(partial(tracked, expected), f'{expected} outputs')
    assert [stamp_to_ns(output.header.stamp) for output in active.outputs] == stamps
    assert len({output.session.uuid.tobytes() for output in active.outputs}) == 1
    assert {o.id for output in active.outputs for o in output.objects} == {1, 2}


@pytest.mark.ros
def test_a_model_with_fewer_names_than_classes_gives_numbers(
    make: Callable[..., Harness], block_model: Path, tmp_path: Path
) -> None:
    model = onnx.load(block_model)
    # The graph numbers its class 0; now it says 3, and only one class has a name.
    (node,) = [n for n in model.graph.node if n.output == ['zeros']]
    shift = onnx.helper.make_node('Add', ['zeros_0', 'three'], ['zeros'])
    node.output[0] = 'zeros_0'
    model.graph.node.insert(list(model.graph.node).index(node) + 1, shift)
    three = onnx.numpy_helper.from_array(np.array(3, np.int64), 'three')
    model.graph.initializer.append(three)
    path = tmp_path / 'three.onnx'
    onnx.save(model, path)
    harness = make(model=str(path))
    harness.start()
    objects = harness.track(message(0)).objects
    assert [(o.class_id, o.class_name) for o in objects] == [(3, '3')] * 2


@pytest.mark.ros
@pytest.mark.parametrize(
    ('damage', 'reason'),
    [
        (lambda model: model.metadata_props.clear(), 'broken.onnx'),
        (lambda model: setattr(_metadata(model), 'value', '{"name": 3}'), 'metadata'),
        (lambda model: model.graph.output.pop(0), 'broken.onnx'),
    ],
)
def test_a_model_of_another_kind_is_refused_and_can_be_replaced(
    make: Callable[..., Harness],
    block_model: Path,
    tmp_path: Path,
    damage: Callable[[onnx.ModelProto], object],
    reason: str,
) -> None:
    model = onnx.load(block_model)
    damage(model)
    path = tmp_path / 'broken.onnx'
    onnx.save(model, path)
    harness = make(model=str(path))
    assert not harness.transit('configure')
    harness.wait_for_log(reason)
    assert harness.state == 'unconfigured'
    assert harness.set_parameter('model', str(block_model)).successful
    harness.start()
    assert len(harness.track(message(0)).objects) == 2


def _metadata(model: onnx.ModelProto) -> onnx.StringStringEntryProto:
    (entry,) = [entry for entry in model.metadata_props if entry.key == METADATA_KEY]
    return entry


@pytest.mark.ros
def test_a_truncated_model_is_refused(
    make: Callable[..., Harness], block_model: Path, tmp_path: Path
) -> None:
    content = block_model.read_bytes()
    path = tmp_path / 'cut.onnx'
    path.write_bytes(content[: len(content) // 2])
    harness = make(model=str(path))
    assert not harness.transit('configure')
    harness.wait_for_log('cut.onnx')


@pytest.mark.ros
def test_another_frame_id_begins_a_session(active: Harness) -> None:
    before = active.track(message(0))
    after = active.track(message(1, header=Header(stamp=message(1).header.stamp, frame_id='left')))
    assert after.session != before.session
    assert {o.age for o in after.objects} == {1}
    active.wait_for_log("the frame_id changed from 'lens' to 'left'")


@pytest.mark.ros
def test_simulated_time_is_the_time_of_the_node_and_may_stand_still(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), use_sim_time=True)
    clock = harness.user.create_publisher(Clock, '/clock', 10)
    harness.start()
    harness.wait(lambda: clock.get_subscription_count() >= 1, 'a listener to the clock')
    now = harness.tracker.get_clock().now

    def told() -> bool:
        clock.publish(Clock(clock=ns_to_stamp(77 * PERIOD)))
        return now().nanoseconds == 77 * PERIOD

    harness.wait(told, 'the simulated time')
    stamps = [harness.track(message(n, stamp_ns=(70 + n) * PERIOD)) for n in range(3)]
    assert [stamp_to_ns(o.header.stamp) for o in stamps] == [(70 + n) * PERIOD for n in range(3)]
    assert {o.age for o in stamps[-1].objects} == {3}
    # The checks of the node go on while the simulated time stands still.
    harness.wait_for_log('no image for')
    assert now().nanoseconds == 77 * PERIOD


BRIDGES = {
    'absent': (None, 'cv_bridge is not installed'),
    'of another NumPy': (
        'raise AttributeError("_ARRAY_API not found")',
        r'cv_bridge does not work beside NumPy .*: AttributeError: _ARRAY_API not found',
    ),
    'deadly': ('import os; os.abort()', 'it ends the process with exit code -6'),
}


@pytest.mark.parametrize('kind', BRIDGES)
def test_a_cv_bridge_that_does_not_work_is_named_and_does_no_harm(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, reason = BRIDGES[kind]
    if source is not None:
        (tmp_path / 'cv_bridge.py').write_text(source)
        monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=':')
    cv_bridge_fallback.cv_bridge_objection.cache_clear()
    worker, errors = one_worker()
    worker.process(Arrival(message(0, encoding='rgba32f'), 0.0, 0))
    cv_bridge_fallback.cv_bridge_objection.cache_clear()
    (error,) = errors
    assert isinstance(error, ValueError)
    with pytest.raises(ValueError, match=f"'rgba32f' is not supported; .*{reason}"):
        raise error


def test_encodings_that_are_not_known_are_left_to_a_cv_bridge_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Stands in for the real one, of which no build for this NumPy can be had.
    (tmp_path / 'cv_bridge.py').write_text(
        'import numpy\n'
        'from sensor_msgs.msg import Image\n'
        'class CvBridge:\n'
        '    def cv2_to_imgmsg(self, image, encoding):\n'
        '        return Image(height=2, width=2)\n'
        '    def imgmsg_to_cv2(self, message, encoding):\n'
        '        assert encoding == "bgr8"\n'
        '        if message.encoding == "broken":\n'
        '            raise RuntimeError("[broken] is not an encoding")\n'
        '        return numpy.full((message.height, message.width, 3), 7, numpy.uint8)\n'
    )
    monkeypatch.setenv('PYTHONPATH', str(tmp_path), prepend=':')
    monkeypatch.syspath_prepend(tmp_path)
    cv_bridge_fallback.cv_bridge_objection.cache_clear()
    results: list[Any] = []
    worker, errors = one_worker(results)
    worker.process(Arrival(message(0, encoding='rgba32f'), 0.0, 0))
    worker.process(Arrival(message(1, encoding='broken'), 0.0, 0))
    cv_bridge_fallback.cv_bridge_objection.cache_clear()
    assert [frame.image.tolist() for frame in results] == [np.full((192, 320, 3), 7).tolist()]
    assert 'cv_bridge cannot convert it: [broken] is not an encoding' in str(errors[0])


def one_worker(results: list[CameraFrame] | None = None) -> tuple[CameraWorker, list[Exception]]:
    errors: list[Exception] = []
    worker = CameraWorker(
        ImageTracking(TrackingPipeline(engine=NothingEngine())),
        Session(0),
        on_result=(results if results is not None else []).append,
        on_outdated=lambda: None,
        on_error=errors.append,
    )
    return worker, errors
