"""Detections of other nodes on a real graph: tracked in the image, and in space."""

from array import array
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import Detection3DArray
from vision_msgs.msg import LabelInfo

from jtn_msgs.msg import TrackedObject
from jtn_msgs.srv import SelectTarget
from jtn_ros.detections import Detections
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_iou
from jtn_ros.inference import load_engine
from jtn_ros.inference.decode import decode_peaks
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.tracker.foreign_detector import MOST_NEW_NAMES
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings

from inference.mean_color import BLUE
from inference.mean_color import RED
from inference.mean_color import write_mean_color
from nodes.foreign_detections import PERIOD_NS
from nodes.foreign_detections import DetectionRig
from nodes.foreign_detections import boxes_message
from nodes.foreign_detections import boxes_of
from nodes.foreign_detections import header
from nodes.foreign_detections import hypothesis
from nodes.foreign_detections import objects_message
from nodes.foreign_detections import stamp_of
from nodes.graph import Graph
from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.located_scene import CENTER
from nodes.located_scene import FOCAL
from nodes.located_scene import calibration
from nodes.located_scene import points_of

pytestmark = pytest.mark.ros

type Make = Callable[..., Harness]

SECOND = 1e9 / PERIOD_NS  # frames


def people(number: int) -> NDArray[np.float64]:
    """Return two boxes that move by 3 and -2 pixels a frame."""
    steps = np.array([[3, 0, 3, 0], [-2, 0, -2, 0]])
    return np.array([[100, 50, 140, 170], [400, 60, 450, 200]]) + number * steps


def test_boxes_become_tracks(make: Make) -> None:
    rig = DetectionRig(make(input='detections', camera_name='front'))
    infos: list[LabelInfo] = []
    rig.harness.user.create_subscription(
        LabelInfo,
        'jtn_tracker/label_info',
        infos.append,
        QoSProfile(depth=9, durability=DurabilityPolicy.TRANSIENT_LOCAL),
    )
    names = ['person', 'dog']
    for number in range(30):
        message = boxes_message(number, people(number)[:: 1 - 2 * (number % 2)],
                                names[:: 1 - 2 * (number % 2)])  # fmt: skip
        output = rig.track(message)
        assert output.header == message.header
        objects = sorted(output.objects, key=lambda o: o.id)
        assert [(o.id, o.class_name, o.age) for o in objects] == [
            (1, 'person', number + 1),
            (2, 'dog', number + 1),
        ]
        np.testing.assert_allclose(boxes_of(output), people(number), atol=2.5)
    assert (output.camera_name, output.model_name) == ('front', 'another detector')
    assert (output.image_width, output.image_height, output.pose_frame_id) == (0, 0, '')
    velocities = np.array([o.velocity for o in objects])
    np.testing.assert_allclose(velocities, [[3 * SECOND, 0], [-2 * SECOND, 0]], atol=3)
    assert {o.state for o in objects} == {TrackedObject.CONFIRMED}
    assert [stage.name for stage in output.latencies][-2:] == ['camera_motion', 'tracking']
    rig.harness.wait(lambda: len(infos) > 1, 'the names of the classes')
    assert [c.class_name for c in infos[-1].class_map] == ['person', 'dog']


def test_one_detection_confirms_a_track_only_if_the_other_detector_is_nearly_sure(
    make: Make,
) -> None:
    rig = DetectionRig(make(input='detections'))
    for number in range(4):
        output = rig.track(boxes_message(number, people(number), scores=[0.85, 0.93]))
        first = TrackedObject.CONFIRMED if number == 3 else TrackedObject.TENTATIVE
        assert [o.state for o in output.objects] == [first, TrackedObject.CONFIRMED]


def test_empty_arrays_step_the_tracks(make: Make) -> None:
    rig = DetectionRig(make(input='detections', coast_time=0.1, lost_time=0.3))
    for number in range(10):
        rig.track(boxes_message(number, people(number)))
    states = []
    for number in range(10, 20):
        output = rig.track(boxes_message(number, []))
        states.append([(o.state, o.predicted, o.hits) for o in output.objects])
        if number == 12:
            np.testing.assert_allclose(boxes_of(output), people(number), atol=5)
    assert states[0] == [(TrackedObject.CONFIRMED, True, 10)] * 2
    assert states[5] == [(TrackedObject.LOST, True, 10)] * 2
    assert states[-1] == []


def test_late_and_repeated_detections_are_reported_and_skipped(make: Make) -> None:
    rig = DetectionRig(make(input='detections', backward_tolerance=0.05))
    reports: list[DiagnosticArray] = []
    rig.harness.user.create_subscription(DiagnosticArray, '/diagnostics', reports.append, DEEP)
    for number in range(3):
        rig.track(boxes_message(number, people(number)))
    rig.detections.publish(boxes_message(2, people(2)))
    rig.harness.wait_for_log(
        'a message is skipped: the stamp 100.080 s is that of an earlier message'
    )

    def errors() -> list[str]:
        values = {v.key: v.value for r in reports[-1:] for s in r.status for v in s.values}
        return [values.get('errors', ''), values.get('last error', '')]

    rig.harness.wait(lambda: errors()[0] == '1', 'the error in the diagnostics')
    rig.detections.publish(boxes_message(1, people(1)))
    late = 'the stamp 100.040 s is 0.040 s older than an earlier one'
    rig.harness.wait(lambda: errors() == ['2', late], 'the second error in the diagnostics')
    rig.track(boxes_message(3, people(3)))
    output = rig.track(boxes_message(4, people(4)))
    assert [o.age for o in output.objects] == [5, 5]
    assert [round((stamp_to_ns(o.header.stamp) - stamp_of(0)) / PERIOD_NS) for o in
            rig.harness.outputs] == [0, 1, 2, 3, 4]  # fmt: skip
    assert len({o.session.uuid.tobytes() for o in rig.harness.outputs}) == 1


def test_time_that_jumps_back_begins_a_session(make: Make) -> None:
    rig = DetectionRig(make(input='detections'))
    for number in range(50, 53):
        before = rig.track(boxes_message(number, people(0)))
    after = rig.track(boxes_message(0, people(0)))
    assert before.session != after.session
    assert [o.age for o in after.objects] == [1, 1]


def test_invalid_boxes_are_skipped(make: Make) -> None:
    rig = DetectionRig(make(input='detections', class_names=['cat', 'bird']))
    message = boxes_message(0, np.repeat(people(0), 3, axis=0), ['1', 'x', 'y', 'bird', '7', '0'])
    message.detections[1].bbox.size_x = float('nan')
    message.detections[2].bbox.size_x = 0.0
    message.detections[3].bbox.center.theta = np.pi / 2
    message.detections[4].bbox.center.position.y = float('inf')
    message.detections[5].results = []
    output = rig.track(message)
    found = sorted(output.objects, key=lambda o: o.class_name)
    assert [(o.class_name, round(o.score, 2)) for o in found] == [
        ('', 1),
        ('bird', 0.9),
        ('bird', 0.9),
    ]
    assert {o.class_id for o in found if o.class_name == 'bird'} == {1}
    turned = [o for o in found if round(o.bbox.size_x) == 140]
    assert [(round(o.bbox.size_x), round(o.bbox.size_y)) for o in turned] == [(140, 50)]


@pytest.mark.parametrize('kind', [Detection2DArray, Detection3DArray])
def test_a_detector_that_invents_classes_does_not_fill_the_memory(make: Make, kind: type) -> None:
    flat = kind is Detection2DArray
    harness = make(input='detections' if flat else 'detections_3d', class_names=['person'])
    rig = DetectionRig(harness, kind)

    def seen(number: int, names: list[str], score: float) -> Detection2DArray | Detection3DArray:
        places = [[40 * k, 0, 0] for k in range(len(names))]
        if flat:
            boxes = [[x, 10, x + 20, 60] for x, _, _ in places]
            return boxes_message(number, boxes, names, [score] * len(names))
        message = objects_message(number, places)
        for detection, name in zip(message.detections, names, strict=True):
            detection.results = [hypothesis(name, score)]
        return message

    # Too doubtful to be tracked, but named.
    rig.track(seen(0, [f'object {k}' for k in range(MOST_NEW_NAMES)], 0.01))
    names = ['person', 'object 5', 'one too many', '0']
    output = rig.track(seen(1, names, 0.9))
    assert sorted(o.class_name for o in output.objects) == ['object 5', 'person', 'person']
    rig.harness.wait_for_log(
        f'{MOST_NEW_NAMES} class names have arrived, so detections of further classes, such '
        "as 'one too many', are skipped; publish the class as class_id in the detector"
    )
    rig.track(seen(2, ['another one'], 0.9))
    # A user may still ask for a class, which is not invented.
    assert harness.set_parameter('classes', ['another one']).successful
    output = rig.track(seen(3, ['another one', 'a third one'], 0.9))
    assert [o.class_name for o in output.objects if not o.predicted] == ['another one']
    assert harness.log.count('class names have arrived') == 1


def test_classes_and_regions_of_foreign_detections(make: Make) -> None:
    parameters = {'classes': ['cat'], 'class_scores': ['cat=0.6'], 'detection_images': True}
    rig = DetectionRig(make(input='detections', regions=['0,0 300,0 300,200 0,200'], **parameters))
    images = rig.harness.publisher(Image, 'image')
    picture = array_to_image(np.zeros((240, 640, 3), np.uint8), header(0, 'lens'))
    images.publish(picture)
    boxes = [[10, 20, 50, 90], [100, 20, 150, 90], [200, 20, 250, 90], [400, 20, 450, 90]]
    names, scores = ['dog', 'cat', 'cat', 'cat'], [0.9, 0.9, 0.55, 0.9]
    output = rig.track(boxes_message(0, boxes, names, scores))
    np.testing.assert_allclose(boxes_of(output), boxes[1:2], atol=1e-3)
    assert output.objects[0].class_name == 'cat'
    # Without an image, regions of it are undefined.
    rig.detections.publish(boxes_message(1, boxes, names, scores))
    rig.harness.wait_for_log('regions and masks need the size of the image; set detection_images')


def test_positions_on_the_ground(make: Make) -> None:
    harness = make(input='detections', positions='ground', camera_height=1.5)
    rig = DetectionRig(harness)
    info = harness.publisher(CameraInfo, 'camera_info')
    info.publish(calibration())
    locator = harness.tracker.cameras[0].locator
    assert locator is not None
    harness.wait(lambda: locator.calibration is not None, 'the calibration')
    for number in range(5):
        output = rig.track(boxes_message(number, [[200, 60, 220, 145.5]]))
    assert (output.image_width, output.image_height, output.pose_frame_id) == (320, 192, 'lens')
    distance = FOCAL * 1.5 / (145.5 - CENTER[1])
    aside = (210 - CENTER[0]) * distance / FOCAL
    np.testing.assert_allclose(points_of(output), [[aside, 1.5, distance]], atol=0.2)


def test_camera_motion_is_estimated_from_images_with_the_stamps_of_detections(
    make: Make,
) -> None:
    harness = make(input='detections', detection_images=True)
    rig = DetectionRig(harness)
    images = harness.publisher(Image, 'image')
    debug = harness.listen(Image, 'debug_image')
    noise = np.random.default_rng(0).integers(0, 255, (30, 80, 3), np.uint8)
    scene = cv2.resize(noise, (960, 360), interpolation=cv2.INTER_CUBIC)

    def view(number: int) -> NDArray[np.uint8]:
        """Return the image of a camera that starts to rotate at frame 10."""
        left = 12 * max(0, number - 10)
        return np.asarray(scene[:, left : left + 640], np.uint8)

    for number in range(16):
        images.publish(array_to_image(view(number), header(number, 'lens')))
        shown = number <= 10
        output = rig.track(boxes_message(number, [[300, 100, 340, 220]] if shown else []))
    # Unseen since the camera began to turn, it is thought to be where the image says.
    np.testing.assert_allclose(boxes_of(output), [[240, 100, 280, 220]], atol=4)
    assert (output.image_width, output.image_height) == (640, 360)
    harness.wait(lambda: len(debug) == 16, 'the debug images')
    rig.track(boxes_message(16, []))
    harness.wait_for_log(
        'no camera motion: no image is within 0 s of the detections; the latest is 0.040 s older. '
        'Publish detections with the stamps of their images'
    )


def test_a_separate_network_distinguishes_people_who_swap_positions(
    make: Make, tmp_path: Path
) -> None:
    network = write_mean_color(tmp_path / 'color.onnx')
    harness = make(
        input='detections',
        detection_images=True,
        appearance_model=str(network),
        appearance_mean=[0.0, 0.0, 0.0],
        appearance_std=[1.0, 1.0, 1.0],
    )
    rig = DetectionRig(harness)
    images = harness.publisher(Image, 'image')
    places = np.array([(200, 100, 240, 220), (300, 100, 340, 220)])
    for number in range(40):
        picture = np.zeros((360, 640, 3), np.uint8)
        exchanged = number >= 35
        for (left, top, right, bottom), color in zip(
            places[::-1] if exchanged else places, (RED, BLUE), strict=True
        ):
            picture[top:bottom, left:right] = color
        images.publish(array_to_image(picture, header(number, 'lens')))
        hidden = 15 <= number < 35
        output = rig.track(boxes_message(number, [] if hidden else places))
    np.testing.assert_allclose(boxes_of(output), places[::-1], atol=10)
    assert [o.id for o in sorted(output.objects, key=lambda o: o.id)] == [1, 2]
    assert 'appearance' in [stage.name for stage in output.latencies]
    assert 'appearance: color in' in harness.log


@pytest.mark.parametrize('tracker', ['default', 'reference'])
def test_detections_with_a_missing_image_are_tracked_without_appearance(
    make: Make, tmp_path: Path, tracker: str
) -> None:
    network = write_mean_color(tmp_path / 'color.onnx')
    harness = make(input='detections', detection_images=True, appearance_model=str(network),
                   tracker=tracker)  # fmt: skip
    rig = DetectionRig(harness)
    images = harness.publisher(Image, 'image')
    box = [[200, 100, 240, 220]]
    picture = np.full((360, 640, 3), RED, np.uint8)
    seen = []
    for number in range(9):
        if number != 4:
            images.publish(array_to_image(picture, header(number, 'lens')))
        seen.append([o.id for o in rig.track(boxes_message(number, box)).objects])
    assert len(seen[3]) == 1
    assert seen[5] == seen[8] != []


def test_an_appearance_model_needs_images(make: Make, tmp_path: Path) -> None:
    network = write_mean_color(tmp_path / 'color.onnx')
    harness = make(input='detections', appearance_model=str(network))
    assert not harness.transit('configure')
    assert 'appearance_model needs the images of the detections; set input' in harness.log


def test_wrong_types_and_silence_are_named(make: Make, outsider: Node) -> None:
    harness = make(input='detections')
    outsider.create_publisher(Detection3DArray, 'detections', DEEP)
    assert harness.transit('configure', 'activate')
    harness.wait_for_log(
        ' s on /detections: its type is vision_msgs/msg/Detection3DArray, not '
        'vision_msgs/msg/Detection2DArray; set input to detections_3d'
    )


def test_a_source_and_detections_exclude_each_other(make: Make) -> None:
    harness = make(input='detections', source='0')
    assert not harness.transit('configure')
    assert 'source is 0, so input must be images' in harness.log


def walkers(number: int) -> NDArray[np.float64]:
    """Return two people in the frame of a lidar, at 1.5 and -1 m/s."""
    seconds = number * PERIOD_NS / 1e9
    return np.array([[4 + 1.5 * seconds, 2, 0.1], [8, -1 - seconds, 0.2]])


def test_objects_are_tracked_in_a_fixed_frame(make: Make) -> None:
    harness = make(
        input='detections_3d', fixed_frame='map', transform_timeout=1.0, outputs=['detections_3d']
    )
    rig = DetectionRig(harness, Detection3DArray)
    located = harness.listen(Detection3DArray, 'detections_3d')
    place = TransformStamped(child_frame_id='lidar')
    place.header.frame_id = 'map'
    move, turn = place.transform.translation, place.transform.rotation
    move.x, move.z = 500_000.0, 1.0
    turn.z = turn.w = np.sqrt(0.5)  # to the left by a quarter
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    harness.user.create_publisher(TFMessage, '/tf_static', latched).publish(
        TFMessage(transforms=[place])
    )
    for number in range(40):
        message = objects_message(number, walkers(number)[:: 1 - 2 * (number % 2)])
        output = rig.track(message)
        assert output.header == message.header
    assert output.pose_frame_id == 'map'
    objects = sorted(output.objects, key=lambda o: -o.pose.pose.position.x)
    assert {o.age for o in objects} == {40}
    points = np.array([[o.pose.pose.position.x, o.pose.pose.position.y, o.pose.pose.position.z]
                       for o in objects])  # fmt: skip
    x, y, z = walkers(39).T
    expected = np.column_stack([500_000 - y, x, z + 1])
    order = np.argsort(-expected[:, 0])
    np.testing.assert_allclose(points, expected[order], atol=0.05)
    velocities = np.array([[o.twist.twist.linear.x, o.twist.twist.linear.y] for o in objects])
    np.testing.assert_allclose(velocities, np.array([[0, 1.5], [1, 0]])[order], atol=0.1)
    for tracked in objects:
        pose = np.reshape(tracked.pose.covariance, (6, 6))[:3, :3]
        assert np.linalg.eigvalsh(pose).min() > 0
        assert tracked.bbox.size_x == tracked.velocity[0] == 0
    harness.wait(lambda: len(located) > 30, 'the located objects')
    sizes = {(d.bbox.size.x, d.bbox.size.y, d.bbox.size.z) for d in located[-1].detections}
    np.testing.assert_allclose(sorted(sizes), [(0.6, 0.6, 1.8)], atol=1e-6)
    ids = [o.id for o in objects]
    for number in range(40, 45):
        output = rig.track(objects_message(number, []))
    unseen = sorted(output.objects, key=lambda o: ids.index(o.id))
    x, y, z = walkers(44).T
    expected = np.column_stack([500_000 - y, x, z + 1])[order]
    points = np.array([[o.pose.pose.position.x, o.pose.pose.position.y, o.pose.pose.position.z]
                       for o in unseen])  # fmt: skip
    np.testing.assert_allclose(points, expected, atol=0.1)
    assert all(o.predicted for o in unseen)


def test_objects_without_a_fixed_frame_and_with_covariances(make: Make) -> None:
    rig = DetectionRig(make(input='detections_3d'), Detection3DArray)
    for number in range(20):
        message = objects_message(number, walkers(number)[:1], size=(0.0, 0.0, 0.0))
        covariance = np.diag([0.04, 0.09, 0.01, 0, 0, 0]).ravel()
        message.detections[0].results[0].pose.covariance = covariance
        message.detections += objects_message(number, [[np.nan, 0, 0]]).detections
        output = rig.track(message)
        if number == 0:
            first = np.reshape(output.objects[0].pose.covariance, (6, 6))
            np.testing.assert_allclose(first[:3, :3], np.diag([0.04, 0.09, 0.01]), atol=1e-9)
    assert output.pose_frame_id == 'lidar'
    np.testing.assert_allclose(points_of(output), walkers(19)[:1], atol=0.05)


def test_the_best_hypothesis_says_how_certain_a_place_is(make: Make) -> None:
    rig = DetectionRig(make(input='detections_3d'), Detection3DArray)
    message = objects_message(0, [[3, 0, 0]])
    worse = hypothesis('car', 0.1)
    worse.pose.covariance = np.diag([9.0, 9, 9, 0, 0, 0]).ravel()
    better = message.detections[0].results[0]
    better.pose.covariance = np.diag([0.04, 0.09, 0.01, 0, 0, 0]).ravel()
    message.detections[0].results = [worse, better]
    (tracked,) = rig.track(message).objects
    covariance = np.reshape(tracked.pose.covariance, (6, 6))[:3, :3]
    np.testing.assert_allclose(covariance, np.diag([0.04, 0.09, 0.01]), atol=1e-9)


def test_the_nearest_object_is_that_to_the_sensor_and_none_is_the_largest(make: Make) -> None:
    rig = DetectionRig(
        make(input='detections_3d', fixed_frame='map', transform_timeout=1.0), Detection3DArray
    )
    place = TransformStamped(child_frame_id='lidar')
    place.header.frame_id = 'map'
    place.transform.translation.x = 10.0
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    rig.harness.user.create_publisher(TFMessage, '/tf_static', latched).publish(
        TFMessage(transforms=[place])
    )
    for number in range(5):
        output = rig.track(objects_message(number, [[1, 0, 0], [-8, 0, 0]]))
    (near,) = [o for o in output.objects if o.pose.pose.position.x > 5]

    def select(by: int) -> SelectTarget.Response:
        response = rig.harness.command(SelectTarget, 'select', by=by)
        assert isinstance(response, SelectTarget.Response)
        return response

    assert select(SelectTarget.Request.NEAREST).id == near.id
    assert 'so the largest cannot be selected' in select(SelectTarget.Request.LARGEST).message
    assert (
        'no visible confirmed track is at (0, 0)' in select(SelectTarget.Request.BY_POINT).message
    )


def test_objects_in_a_frame_without_a_name_are_a_problem(make: Make) -> None:
    rig = DetectionRig(make(input='detections_3d'), Detection3DArray)
    (tracked,) = rig.track(objects_message(0, [[3, 0, 0]], frame_id='')).objects
    assert tracked.has_3d
    rig.harness.wait_for_log('the messages have no frame_id, so only ~/tracks contains positions')


def test_the_images_of_detections_are_stretched_as_the_parameter_says(make: Make) -> None:
    harness = make(input='detections', detection_images=True, intensity_range=[0.0, 1000.0])
    rig = DetectionRig(harness)
    images = harness.publisher(Image, 'image')
    debug = harness.listen(Image, 'debug_image')
    picture = Image(header=header(0, 'lens'), height=4, width=4, encoding='mono16', step=8)
    picture.data = array('B', np.full(16, 500, '<u2').tobytes())
    images.publish(picture)
    rig.track(boxes_message(0, []))
    harness.wait(lambda: debug, 'the debug image')
    assert image_to_array(debug[0]).max() in (127, 128)


def test_classes_of_objects(make: Make) -> None:
    rig = DetectionRig(make(input='detections_3d', classes=['car']), Detection3DArray)
    message = objects_message(0, [[3, 0, 0]], name='car')
    message.detections += objects_message(0, [[5, 0, 0]]).detections
    message.detections += objects_message(0, [[9, 0, 0]], name='car').detections
    output = rig.track(message)
    np.testing.assert_allclose(points_of(output)[:, 0], [3, 9], atol=1e-6)


def test_messages_without_a_transform_are_skipped_with_the_frames_named(make: Make) -> None:
    rig = DetectionRig(make(input='detections_3d', fixed_frame='map'), Detection3DArray)
    rig.detections.publish(objects_message(0, walkers(0)))
    rig.harness.wait_for_log("a message is skipped: no transform from 'lidar' to 'map'")


class Detector(Node):
    """A node that publishes the detections of the bundled model in images."""

    def __init__(self) -> None:
        super().__init__('detector')
        self._engine = load_engine(backend='onnxruntime')
        self._publisher = self.create_publisher(Detection2DArray, 'detections', DEEP)
        self.create_subscription(Image, 'image', self.detect, DEEP)
        self.found: list[Detections] = []

    def detect(self, message: Image) -> None:
        info = self._engine.info
        image = image_to_array(message)
        fitted, letterbox = letterbox_image(image, info.input_height, info.input_width)
        peaks = self._engine.run(fitted[None], fitted[None], self._no_prior)
        found = decode_peaks(peaks, letterbox, stride=info.stride, threshold=0.2)
        self.found.append(found)
        names = [info.class_names[class_id] for class_id in found.class_ids.tolist()]
        detections = boxes_message(0, found.boxes, names, found.scores.tolist())
        detections.header = message.header
        self._publisher.publish(detections)

    @property
    def _no_prior(self) -> NDArray[np.float32] | None:
        info = self._engine.info
        if not info.prior_heatmap:
            return None
        return np.zeros((1, 1, info.input_height, info.input_width), np.float32)


def test_a_detector_between_camera_and_tracker(make: Make, graph: Graph) -> None:
    harness = make(input='detections', birth_score=0.4)
    detector = graph.add(Detector())
    assert harness.transit('configure', 'activate')
    images = harness.publisher(Image, 'image')
    harness.wait(lambda: detector.count_subscribers('/detections') == 1, 'the tracker')
    scene = Scene(
        SceneConfig(
            width=512, height=288, seed=2**31 + 74, people=(3, 4), occluders=(0, 0),
            vehicles=(0, 0), camera_motion='static', duration_s=1,
        )
    )  # fmt: skip
    tracker = Tracker(TrackerSettings(confident_score=0.4, birth_score=0.4))
    overlaps = []
    for number in range(12):
        image, truth = scene.render(number * PERIOD_NS)
        output = harness.track(array_to_image(image, header(number, 'lens')), images)
        assert output.header == header(number, 'lens')
        seen = detector.found[-1]
        bare = Detections(
            boxes=seen.boxes, scores=seen.scores, class_ids=seen.class_ids,
            centers=box_centers(seen.boxes).astype(np.float32),
        )  # fmt: skip
        tracks = tracker.update(bare, stamp_of(number))
        assert [o.id for o in output.objects] == tracks.ids.tolist()
        np.testing.assert_allclose(boxes_of(output), tracks.boxes, atol=1e-2)
        velocities = np.array([o.velocity for o in output.objects]).reshape(-1, 2)
        np.testing.assert_allclose(velocities, tracks.velocities, atol=0.1)
        visible = truth.boxes[truth.visibilities > 0.95].astype(float)
        overlaps.append(box_iou(visible, boxes_of(output)).max(axis=1, initial=0))
    assert len(output.objects) >= 2
    assert {o.class_name for o in output.objects} == {'person'}
    assert np.median(np.concatenate(overlaps[4:])) > 0.6
