"""Following one of the tracks on a real graph: services, topics, tf and rejected requests."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Point2D

from jtn_msgs.msg import Target
from jtn_msgs.msg import TrackedObject
from jtn_msgs.srv import SelectTarget
from jtn_ros.nodes.common.conversions import array_to_image

from inference.mean_color import BLUE
from inference.mean_color import RED
from inference.mean_color import write_mean_color
from nodes.foreign_detections import START_NS
from nodes.foreign_detections import DetectionRig
from nodes.foreign_detections import boxes_message
from nodes.foreign_detections import header
from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.located_scene import CENTER
from nodes.located_scene import FOCAL
from nodes.located_scene import Rig
from nodes.located_scene import calibration
from nodes.located_scene import publish_motion
from nodes.scene import message
from nodes.scene import middles
from nodes.scene import picture

pytestmark = pytest.mark.ros

By = SelectTarget.Request
GREEN = (0, 255, 0)


def select(harness: Harness, **fields: object) -> SelectTarget.Response:
    response = harness.command(SelectTarget, 'select', **fields)
    assert isinstance(response, SelectTarget.Response)
    return response


def release(harness: Harness) -> Trigger.Response:
    response = harness.command(Trigger, 'release')
    assert isinstance(response, Trigger.Response)
    return response


def at(number: int, block: int) -> Point2D:
    x, y = middles(number)[block]
    return Point2D(x=x, y=y)


def in_order(objects: list[TrackedObject]) -> list[TrackedObject]:
    """Return the objects of the two blocks, the left one first."""
    return sorted(objects, key=lambda tracked: tracked.bbox.center.position.x)


def test_the_target_goes_out_as_pose_state_and_transform(
    make: Callable[..., Harness], block_model: Path
) -> None:
    rig = Rig(make(model=str(block_model), positions='depth', depth_timeout=1.0, fixed_frame='map',
                   transform_timeout=1.0))  # fmt: skip
    harness = rig.harness
    publish_motion(harness)
    poses = harness.listen(PoseStamped, 'target')
    states = harness.listen(Target, 'target_state')
    transforms: list[TFMessage] = []
    harness.user.create_subscription(TFMessage, '/tf', transforms.append, DEEP)
    rig.first()
    rig.track(1)
    assert states == [], 'nothing is published before the first selection'
    response = select(harness, by=By.NEAREST)
    left, right = in_order(rig.track(2).objects)
    assert (response.success, response.id) == (True, left.id), 'the left block is the nearer one'
    assert response.message == f'track {left.id} is the target'
    harness.wait(lambda: len(states) == len(poses) == 1, 'the target')
    state, pose = states[0], poses[0]
    assert (state.state, state.selection, state.switches) == (Target.LOCKED, 1, 0)
    assert state.certain
    assert state.object == left
    assert state.header == message(2).header
    assert (state.pose_frame_id, state.camera_name) == ('map', 'camera')
    assert bytes(state.session.uuid) == bytes(harness.outputs[-1].session.uuid)
    assert np.isnan(state.distance), 'the model has no embeddings'
    assert (pose.header.stamp, pose.header.frame_id) == (message(2).header.stamp, 'map')
    assert pose.pose.position == left.pose.pose.position
    assert pose.pose.orientation.w == 1

    def target_transforms() -> list[TransformStamped]:
        sent = [t for packet in transforms for t in packet.transforms]
        return [t for t in sent if t.child_frame_id == 'target']

    harness.wait(lambda: len(target_transforms()) == 1, 'the transform')
    (found,) = target_transforms()
    assert found.header == pose.header
    moved = found.transform.translation
    assert (moved.x, moved.y, moved.z) == (
        pose.pose.position.x, pose.pose.position.y, pose.pose.position.z,
    )  # fmt: skip
    # Another one, by a point of the image.
    response = select(harness, by=By.BY_POINT, point=at(2, 1))
    assert (response.success, response.id) == (True, right.id)
    rig.track(3)
    harness.wait(lambda: len(states) == 2, 'the other target')
    assert (states[1].object.id, states[1].selection) == (right.id, 2)


def test_a_target_that_is_hidden_and_lost_says_so(active: Harness) -> None:
    states = active.listen(Target, 'target_state')
    poses = active.listen(PoseStamped, 'target')
    assert active.set_parameter('coast_time', 0.1).successful
    assert active.set_parameter('lost_time', 0.5).successful
    for number in range(3):
        objects = active.track(message(number)).objects
    left, right = in_order(objects)
    assert select(active, by=By.BY_ID, id=left.id).success
    empty = picture(0)
    empty[:] = 0
    for number in range(3, 21):
        active.track(array_to_image(empty, message(number).header))
    active.wait(lambda: len(states) == 18, 'the states')
    seen = [state.state for state in states]
    assert seen[0] == Target.LOCKED, 'for coast_time'
    assert seen[5] == Target.OCCLUDED
    assert seen[-1] == Target.LOST
    assert states[5].object.id == left.id
    assert states[-1].object.id == 0
    assert not states[-1].certain
    assert poses == [], 'positions are off'
    assert release(active).success
    active.track(message(21))
    active.wait(lambda: len(states) == 19, 'the last state')
    assert states[-1].state == Target.NONE
    assert right.id not in {state.object.id for state in states}


def test_the_largest_person_is_selected_and_images_are_tracked_during_the_selection(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), listening=False)
    assert harness.transit('configure', 'activate')
    states: list[Target] = []
    listener = harness.user.create_subscription(
        Target, 'jtn_tracker/target_state', states.append, DEEP
    )
    harness.wait(lambda: harness.images.get_subscription_count() == 1, 'the image subscription')
    camera = harness.tracker.cameras[0]

    def track(number: int) -> None:
        worker = camera.worker
        assert worker is not None
        before = worker.processed
        harness.images.publish(message(number))
        harness.wait(lambda: worker.processed > before, 'a tracked image')

    track(0)
    track(1)
    response = select(harness, by=By.LARGEST, class_name='block')
    assert response.success
    harness.user.destroy_subscription(listener)
    harness.wait(
        lambda: harness.tracker.count_subscribers('/jtn_tracker/target_state') == 0, 'end'
    )
    track(2)
    assert release(harness).success
    harness.wait(lambda: harness.images.get_subscription_count() == 0, 'the end of the images')


# Simulated time begins at 0.
@pytest.mark.parametrize('start_ns', [0, START_NS])
def test_the_target_is_found_again_by_its_looks_under_a_new_id(
    make: Callable[..., Harness], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_ns: int
) -> None:
    monkeypatch.setattr('nodes.foreign_detections.START_NS', start_ns)
    harness = make(
        input='detections',
        detection_images=True,
        appearance_model=str(write_mean_color(tmp_path / 'color.onnx')),
        appearance_mean=[0.0, 0.0, 0.0],
        appearance_std=[1.0, 1.0, 1.0],
        positions='ground',
        camera_height=1.5,
        coast_time=0.1,
        lost_time=0.3,
    )
    rig = DetectionRig(harness)
    images = harness.publisher(Image, 'image')
    calibrations = harness.publisher(CameraInfo, 'camera_info')
    calibrations.publish(calibration())
    locator = harness.tracker.cameras[0].locator
    assert locator is not None
    harness.wait(lambda: locator.calibration is not None, 'the calibration')
    states = harness.listen(Target, 'target_state')
    poses = harness.listen(PoseStamped, 'target')

    def show(number: int, *people: tuple[tuple[int, int, int], int]) -> dict[int, int]:
        """Show people of a color at a column; return their ids by the column."""
        picture_of = np.zeros((192, 320, 3), np.uint8)
        boxes = [[left, 60, left + 20, 145.5] for _, left in people]
        for color, left in people:
            picture_of[60:146, left : left + 20] = color
        images.publish(array_to_image(picture_of, header(number, 'lens')))
        objects = rig.track(boxes_message(number, boxes)).objects
        return {round(o.bbox.center.position.x - 10): o.id for o in objects if not o.predicted}

    for number in range(10):
        ids = show(number, (RED, 60), (BLUE, 200))
    target = ids[60]
    assert select(harness, by=By.BY_ID, id=target).success
    for number in range(10, 20):
        show(number, (RED, 60), (BLUE, 200))
    harness.wait(lambda: len(states) == len(poses) == 10, 'the target')
    assert {(state.state, state.object.id) for state in states} == {(Target.LOCKED, target)}
    for number in range(20, 30):
        show(number, (BLUE, 200))
    # Somebody else comes to where the target was.
    for number in range(30, 40):
        ids = show(number, (GREEN, 60), (BLUE, 200))
    stranger = ids[60]
    assert stranger not in (target, ids[200])
    harness.wait(lambda: len(states) == 30, 'the states')
    assert {state.state for state in states[20:]} == {Target.LOST}
    assert not any(state.certain or list(state.candidate_ids) for state in states[20:])
    known = len(poses)
    assert known < 20, 'none of somebody else'
    for number in range(40, 50):
        ids = show(number, (GREEN, 60), (RED, 130), (BLUE, 200))
    found = ids[130]
    assert found not in (target, stranger, ids[60], ids[200])
    harness.wait(lambda: len(states) == 40 and poses[-1].header == header(49, 'lens'), 'the end')
    last = states[-1]
    assert (last.state, last.object.id, last.certain) == (Target.LOCKED, found, True)
    assert (last.switches, last.selection) == (1, 1)
    assert last.distance == pytest.approx(0, abs=1e-3)
    harness.wait_for_log(f'the target was recognized as track {found}')
    distance = FOCAL * 1.5 / (145.5 - CENTER[1])
    place = poses[-1].pose.position
    truth = ((140 - CENTER[0]) * distance / FOCAL, 1.5, distance)
    np.testing.assert_allclose((place.x, place.y, place.z), truth, atol=0.2)


def test_the_id_of_an_ended_track_cannot_be_selected(active: Harness) -> None:
    states = active.listen(Target, 'target_state')
    for number in range(3):
        objects = active.track(message(number)).objects
    assert active.command(Trigger, 'reset').success
    response = select(active, by=By.BY_ID, id=objects[0].id)
    assert not response.success
    assert response.message.startswith('no image has been tracked in this session')
    for number in range(3, 6):
        objects = active.track(message(number)).objects
    assert select(active, by=By.BY_ID, id=objects[0].id).success
    active.track(message(6))
    active.wait(lambda: len(states) == 1, 'the state')
    assert (states[0].state, states[0].object.id) == (Target.LOCKED, objects[0].id)


def test_invalid_selections_are_rejected_with_a_reason(active: Harness) -> None:
    def refused(reason: str, **fields: object) -> None:
        response = select(active, **fields)
        assert not response.success
        assert response.id == 0
        assert reason in response.message, response.message

    refused('no image has been tracked in this session; activate the node', by=By.LARGEST)
    assert active.set_parameter('certain_score', 1.0).successful
    assert active.set_parameter('confirmation_hits', 2).successful
    active.track(message(0))
    refused('nothing can be selected', by=By.LARGEST)  # tentative tracks only
    ids = sorted(o.id for o in active.track(message(1)).objects)
    live = ', '.join(map(str, ids))
    refused(f'no track has the id 99; the ids of the live tracks: {live}', by=By.BY_ID, id=99)
    refused('no visible confirmed track is at (5, 6)', by=By.BY_POINT, point=Point2D(x=5.0, y=6.0))
    refused('set the parameter positions to depth or ground', by=By.NEAREST)
    refused(
        "class_name is 'blok' (did you mean block?); the classes of the model: block",
        by=By.LARGEST,
        class_name='blok',
    )
    refused('by is 9; choose BY_ID (0), BY_POINT (1), LARGEST (2) or NEAREST (3)', by=9)
    response = release(active)
    assert (response.success, response.message) == (
        False, 'no target is selected',
    )  # fmt: skip
    active.wait_for_log('nothing is selected: no track has the id 99')


def test_every_camera_follows_its_own_target(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), cameras=['front', 'rear'], publishing=False,
                   listening=False)  # fmt: skip
    assert harness.transit('configure', 'activate')
    states: list[Target] = []
    harness.user.create_subscription(Target, 'jtn_tracker/front/target_state', states.append, DEEP)
    images = harness.publisher(type(message(0)), 'front/image')
    worker = harness.tracker.cameras[0].worker
    assert worker is not None

    def processed(count: int) -> bool:
        return worker.processed == count

    for number in range(3):
        images.publish(message(number))
        harness.wait(partial(processed, number + 1), 'a tracked image')
    assert harness.command(SelectTarget, 'front/select', by=By.LARGEST).success
    refused = harness.command(SelectTarget, 'rear/select', by=By.LARGEST)
    assert refused.message.startswith('no image has been tracked')
    images.publish(message(3))
    harness.wait(lambda: len(states) == 1, 'the target')
    assert states[0].camera_name == 'front'
    assert harness.transit('deactivate', 'cleanup')
