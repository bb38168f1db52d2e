"""Tracks in the conventions of other stacks, on a real graph; values against the truth."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import sleep
from typing import Any
from uuid import UUID
from uuid import uuid4
from uuid import uuid5

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.node import Node
from rosidl_runtime_py.utilities import get_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import SetBool
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

from jtn_msgs.msg import Target
from jtn_msgs.srv import SelectTarget
from jtn_ros.media.messages.conventions import CONVENTIONS
from jtn_ros.media.messages.conventions import to_autoware_objects
from jtn_ros.media.messages.conventions import to_derived_objects
from jtn_ros.media.messages.conventions import to_people
from jtn_ros.media.messages.located_objects import LocatedObjects
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import new_message

from nodes.block_model import write_block_model
from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.located_scene import FOCAL
from nodes.located_scene import UPRIGHT
from nodes.located_scene import Rig
from nodes.located_scene import depth_of
from nodes.located_scene import points_of
from nodes.located_scene import publish_motion
from nodes.located_scene import truth_in_space
from nodes.scene import PERIOD
from nodes.scene import SIZE
from nodes.scene import message
from nodes.scene import picture
from nodes.scene import truth

pytestmark = pytest.mark.ros

FRAMES = 8
LAST = FRAMES - 1


@pytest.fixture(scope='module')
def people_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes white blocks for people."""
    path = tmp_path_factory.mktemp('model') / 'people.onnx'
    write_block_model(path, class_name='Person')
    return path


def newest_is(messages: list[Any], stamp: Time) -> bool:
    return bool(messages) and messages[-1].header.stamp == stamp


def publishers_are(user: Node, topic: str, count: int) -> bool:
    return bool(user.count_publishers(topic) == count)


class Received:
    """What came on the topics of the conventions after a few frames in the frame `map`."""

    def __init__(self, harness: Harness) -> None:
        rig = Rig(harness)
        publish_motion(harness)
        received = {
            name: harness.listen(get_message(convention.topic.type_name), name)
            for name, convention in CONVENTIONS.items()
        }
        rig.first()
        for number in range(1, FRAMES):
            self.output = rig.track(number)
        stamp = self.output.header.stamp
        for name, messages in received.items():
            harness.wait(partial(newest_is, messages, stamp), f'the last {name}')
        self.last = {name: messages[-1] for name, messages in received.items()}


@pytest.fixture
def received(make: Callable[..., Harness], people_model: Path) -> Received:
    return Received(
        make(
            model=str(people_model),
            positions='depth',
            fixed_frame='map',
            depth_timeout=1.0,
            transform_timeout=1.0,
            outputs=list(CONVENTIONS),
        )
    )


def places(points: list[Any]) -> NDArray[np.float64]:
    """Return points or vectors (N, 3)."""
    return np.array([[p.x, p.y, p.z] for p in points])


def test_every_convention_has_ids_frames_positions_sizes_and_covariances(
    received: Received,
) -> None:
    output, last = received.output, received.last
    stamp = message(LAST).header.stamp
    for sent in last.values():
        assert (sent.header.stamp, sent.header.frame_id) == (stamp, 'map')
    objects = output.objects
    ids, scores = [str(o.id) for o in objects], [o.score for o in objects]
    points = places([o.pose.pose.position for o in objects])
    velocities = places([o.twist.twist.linear for o in objects])
    # As close to the truth as those of ~/tracks.
    ahead = np.array((2 * LAST * PERIOD / 1e9, 0, 1.5))
    expected = truth_in_space(LAST) @ UPRIGHT.T + ahead
    order = np.argsort(points[:, 0])
    np.testing.assert_allclose(points[order], expected, atol=0.1)
    distances = np.empty(2)
    distances[order] = depth_of(LAST)
    sizes = np.array(SIZE)[[0, 0, 1]] * distances[:, None] / FOCAL
    uuids = [uuid5(UUID(bytes=bytes(output.session.uuid)), number).bytes for number in ids]

    detections = last['detections_3d'].detections
    assert [d.id for d in detections] == ids
    assert all(d.header == last['detections_3d'].header for d in detections)
    hypotheses = [d.results[0].hypothesis for d in detections]
    assert [(h.class_id, h.score) for h in hypotheses] == [
        ('person', pytest.approx(score)) for score in scores
    ]
    np.testing.assert_allclose(places([d.bbox.center.position for d in detections]), points)
    np.testing.assert_allclose(places([d.bbox.size for d in detections]), sizes, rtol=0.05)
    for detection, tracked in zip(detections, objects, strict=True):
        assert detection.results[0].pose == tracked.pose
        assert detection.bbox.center.orientation.w == 1

    people = last['people'].people
    assert [p.name for p in people] == ids
    assert [p.reliability for p in people] == pytest.approx(scores)
    np.testing.assert_allclose(places([p.position for p in people]), points)
    np.testing.assert_allclose(places([p.velocity for p in people]), velocities)

    obstacles = last['obstacles'].obstacles
    assert [bytes(o.uuid.uuid) for o in obstacles] == uuids
    assert [o.score for o in obstacles] == pytest.approx(scores)
    np.testing.assert_allclose(places([o.position for o in obstacles]), points)
    np.testing.assert_allclose(places([o.velocity for o in obstacles]), velocities)
    np.testing.assert_allclose(places([o.size for o in obstacles]), sizes, rtol=0.05)

    autoware = last['tracked_objects'].objects
    assert [bytes(o.object_id.uuid) for o in autoware] == uuids
    assert [o.existence_probability for o in autoware] == pytest.approx(scores)
    for sent, tracked, size in zip(autoware, objects, sizes, strict=True):
        (classification,) = sent.classification
        assert classification.label == type(classification).PEDESTRIAN
        assert classification.probability == pytest.approx(tracked.score)
        kinematics = sent.kinematics
        assert kinematics.pose_with_covariance == tracked.pose
        assert kinematics.twist_with_covariance == tracked.twist
        assert kinematics.orientation_availability == type(kinematics).UNAVAILABLE
        assert sent.shape.type == type(sent.shape).BOUNDING_BOX
        np.testing.assert_allclose(places([sent.shape.dimensions]), size[None], rtol=0.05)

    derived = last['objects'].objects
    assert [o.id for o in derived] == [o.id for o in objects]
    for sent, tracked, size in zip(derived, objects, sizes, strict=True):
        kind = type(sent)
        assert sent.header == last['objects'].header
        assert (sent.detection_level, sent.object_classified) == (kind.OBJECT_TRACKED, True)
        assert sent.classification == kind.CLASSIFICATION_PEDESTRIAN
        assert sent.classification_certainty == round(255 * tracked.score)
        assert sent.classification_age == tracked.hits == FRAMES
        assert (sent.pose, sent.twist) == (tracked.pose.pose, tracked.twist.twist)
        assert sent.shape.type == type(sent.shape).BOX
        np.testing.assert_allclose(sent.shape.dimensions, size, rtol=0.05)


def test_on_the_ground_the_middle_is_half_a_height_above_the_feet(
    make: Callable[..., Harness], people_model: Path
) -> None:
    harness = make(
        model=str(people_model),
        positions='ground',
        ground_frame='map',
        fixed_frame='map',
        transform_timeout=1.0,
        outputs=['detections_3d', 'people'],
    )
    rig = Rig(harness, depth=False)
    publish_motion(harness)
    received, people = (
        harness.listen(get_message(CONVENTIONS[name].topic.type_name), name)
        for name in ('detections_3d', 'people')
    )
    rig.first()
    output = rig.track(1)
    second = output.header.stamp
    harness.wait(lambda: received[-1].header.stamp == second, 'a located detection')
    harness.wait(lambda: people[-1].header.stamp == second, 'a located person')
    detection, person = received[-1].detections[0], people[-1].people[0]
    tracked = {str(o.id): o for o in output.objects}[detection.id]
    foot, middle = tracked.pose.pose.position, detection.bbox.center.position
    assert person.position == foot
    # The camera looks along x; the transform of the second frame is that of its stamp.
    distance = foot.x - 2 * PERIOD / 1e9
    height = tracked.bbox.size_y * distance / FOCAL
    assert (middle.x, middle.y) == (foot.x, foot.y)
    assert middle.z - foot.z == pytest.approx(height / 2, rel=1e-6)
    assert detection.bbox.size.z == pytest.approx(height, rel=1e-6)
    assert foot.z == pytest.approx(0, abs=1e-6)


def test_bodies_of_rep_155_have_regions_images_and_frames(
    make: Callable[..., Harness], people_model: Path
) -> None:
    harness = make(
        model=str(people_model), positions='depth', depth_timeout=1.0, outputs=['humans']
    )
    rig = Rig(harness)
    user = harness.user
    lists: list[Any] = []
    transforms: list[TFMessage] = []
    user.create_subscription(
        get_message('hri_msgs/msg/IdsList'), '/humans/bodies/tracked', lists.append, DEEP
    )
    user.create_subscription(TFMessage, '/tf', transforms.append, DEEP)
    rig.first()
    output = rig.track(1)
    session = bytes(output.session.uuid).hex()[:4]
    bodies = {f'b{session}_{tracked.id}': tracked for tracked in output.objects}
    harness.wait(lambda: lists and lists[-1].header == message(1).header, 'the bodies')
    assert sorted(lists[-1].ids) == sorted(bodies)
    regions: dict[str, list[Any]] = {body: [] for body in bodies}
    crops: dict[str, list[Image]] = {body: [] for body in bodies}
    roi = get_message('hri_msgs/msg/NormalizedRegionOfInterest2D')
    for body in bodies:
        topic = f'/humans/bodies/{body}'
        user.create_subscription(roi, f'{topic}/roi', regions[body].append, DEEP)
        user.create_subscription(Image, f'{topic}/cropped', crops[body].append, DEEP)
        harness.wait(partial(publishers_are, user, f'{topic}/roi', 1), f'{body}')
    number = 1

    def shown() -> bool:
        nonlocal number, output
        number += 1
        output = rig.track(number)
        return all(regions.values()) and all(crops.values())

    harness.wait(shown, 'regions and images')
    last = rig.track(number := number + 1)
    stamp = message(number).header.stamp
    for body in bodies:
        harness.wait(partial(newest_is, regions[body], stamp), 'the last region')
        harness.wait(partial(newest_is, crops[body], stamp), 'the last image')
    for body, tracked in ((f'b{session}_{o.id}', o) for o in last.objects):
        region = regions[body][-1]
        assert region.c == pytest.approx(tracked.score)
        edges = np.array([region.xmin, region.ymin, region.xmax, region.ymax])
        found = edges * (320, 192, 320, 192) - 0.5
        nearest = min(truth(number), key=lambda box: float(np.abs(box - found).max()))
        np.testing.assert_allclose(found, np.clip(nearest, -0.5, (319.5, 191.5) * 2), atol=1)
        x1, y1, x2, y2 = np.rint(found + 0.5).astype(int)
        np.testing.assert_array_equal(
            image_to_array(crops[body][-1]), picture(number)[y1:y2, x1:x2]
        )
    harness.wait(
        lambda: any(
            t.header.stamp == stamp and t.child_frame_id in {f'body_{b}' for b in bodies}
            for m in transforms
            for t in m.transforms
        ),
        'the transforms',
    )
    latest = {t.child_frame_id: t for m in transforms for t in m.transforms}
    for tracked in last.objects:
        sent = latest[f'body_b{session}_{tracked.id}']
        assert sent.header.frame_id == 'lens'
        move, turn = sent.transform.translation, sent.transform.rotation
        place = tracked.pose.pose.position
        assert (move.x, move.y, move.z) == (place.x, place.y, place.z)
        # z of the body points up, which is -y in an optical frame.
        assert (turn.x, turn.y, turn.z, turn.w) == (0.5, -0.5, 0.5, 0.5)
    np.testing.assert_allclose(
        np.sort(points_of(last), axis=0), np.sort(truth_in_space(number), axis=0), atol=0.1
    )
    assert harness.transit('deactivate')
    harness.wait(lambda: lists[-1].ids == [], 'a list without bodies')
    assert lists[-1].header == message(number).header
    for body in bodies:
        topic = f'/humans/bodies/{body}/roi'
        harness.wait(partial(publishers_are, user, topic, 0), 'the end of a body')


def test_bodies_of_a_slow_camera_stay_beside_a_fast_one_until_it_is_silent(
    make: Callable[..., Harness], people_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = 'jtn_ros.nodes.tracker.camera_worker.SILENCE_S'
    monkeypatch.setattr(silence, 6.0)
    harness = make(model=str(people_model), outputs=['humans'], cameras=['slow', 'fast'])
    user = harness.user
    lists: list[Any] = []
    user.create_subscription(
        get_message('hri_msgs/msg/IdsList'), '/humans/bodies/tracked', lists.append, DEEP
    )
    assert harness.transit('configure', 'activate')
    slow, fast = (harness.publisher(Image, f'{name}/image') for name in ('slow', 'fast'))
    slow.publish(message(0))
    harness.wait(lambda: lists, 'the bodies of one camera')
    (first,) = (set(sent.ids) for sent in lists)
    assert len(first) == 2

    def lists_are(count: int) -> bool:
        return len(lists) == count

    for number in range(12):
        fast.publish(message(number))
        harness.wait(partial(lists_are, number + 2), 'a list')
        sleep(0.1)
    assert [len(sent.ids) for sent in lists] == [2] + [4] * 12
    assert all(first < set(sent.ids) for sent in lists[1:])
    monkeypatch.setattr(silence, 0.2)
    harness.wait(lambda: lists[-1].ids == [], 'the end of the bodies')


@pytest.mark.parametrize('ending', ['deactivate', 'disable', 'silence'])
def test_ended_tracks_are_in_no_list(
    make: Callable[..., Harness],
    people_model: Path,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
) -> None:
    fields = {
        'detections_3d': 'detections',
        'people': 'people',
        'obstacles': 'obstacles',
        'tracked_objects': 'objects',
        'objects': 'objects',
        'world_tracks': 'tracks',
    }
    harness = make(
        model=str(people_model),
        positions='depth',
        fixed_frame='map',
        depth_timeout=1.0,
        transform_timeout=1.0,
        outputs=list(fields),
    )
    rig = Rig(harness)
    publish_motion(harness)
    types = {name: convention.topic.type_name for name, convention in CONVENTIONS.items()}
    types['world_tracks'] = 'jtn_msgs/msg/WorldTrackArray'
    received = {name: harness.listen(get_message(types[name]), name) for name in fields}
    markers = {name: harness.listen(MarkerArray, name) for name in ('markers', 'markers_3d')}
    states = harness.listen(Target, 'target_state')
    rig.first()
    rig.track(1)
    assert harness.command(SelectTarget, 'select', by=SelectTarget.Request.NEAREST).success
    output = rig.track(2)
    for name, field in fields.items():
        sent = received[name]
        harness.wait(partial(newest_is, sent, output.header.stamp), f'the last {name}')
        assert len(getattr(sent[-1], field)) == 2
    harness.wait(lambda: states and states[-1].state == Target.LOCKED, 'the target')
    target = states[-1].object.id
    if ending == 'deactivate':
        assert harness.transit('deactivate')
    elif ending == 'disable':
        assert harness.command(SetBool, 'enable', data=False).success
    else:
        monkeypatch.setattr('jtn_ros.nodes.tracker.camera_worker.SILENCE_S', 0.2)

    def is_empty(name: str) -> bool:
        return not getattr(received[name][-1], fields[name])

    for name, sent in received.items():
        harness.wait(partial(is_empty, name), f'no {name}')
        assert sent[-1].header == sent[-2].header, 'that of the last image'

    def is_cleared(name: str) -> bool:
        return [m.action for m in markers[name][-1].markers] == [Marker.DELETEALL]

    for name in markers:
        harness.wait(partial(is_cleared, name), f'no {name}')
        assert markers[name][-1].markers[0].header == markers[name][-2].markers[0].header
    harness.wait(lambda: states[-1].state == Target.LOST, 'no target')
    assert (states[-1].object.id, states[-1].certain) == (0, False)
    assert states[-1].header == output.header
    refused = harness.command(SelectTarget, 'select', by=SelectTarget.Request.NEAREST)
    assert refused.message.startswith('no image has been tracked')
    # Images alone tell about images.
    assert harness.outputs[-1] == output
    if ending == 'deactivate':
        assert harness.transit('activate')
    elif ending == 'disable':
        sleep(0.3)  # would show what is published again and again
        assert harness.command(SetBool, 'enable', data=True).success
    else:
        sleep(0.3)
        monkeypatch.setattr('jtn_ros.nodes.tracker.camera_worker.SILENCE_S', 3.0)
    again = rig.track(3)
    assert len(again.objects) == 2
    assert (again.session == output.session) == (ending != 'deactivate')
    for name, field in fields.items():
        sent = received[name]
        harness.wait(partial(newest_is, sent, again.header.stamp), f'{name} again')
        assert [len(getattr(each, field)) for each in sent[-3:]] == [2, 0, 2], name
    if ending != 'deactivate':
        harness.wait(lambda: states[-1].header == again.header, 'the target again')
        assert (states[-1].state, states[-1].object.id) == (Target.LOCKED, target)


def test_missing_packages_and_positions_are_reported_and_skipped(
    make: Callable[..., Harness], block_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'people_msgs', None)
    monkeypatch.setitem(sys.modules, 'people_msgs.msg', None)
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    harness = make(model=str(block_model), outputs=['people', 'obstacles', 'humans'])
    harness.start()
    assert len(harness.track(message(0)).objects) == 2
    harness.wait_for_log(
        'the output people is skipped: it needs the package people_msgs: sudo apt install '
        'ros-jazzy-people-msgs, or build it from https://github.com/wg-perception/people'
    )
    harness.wait_for_log('the output obstacles is skipped: it needs positions in space')
    topics = {publisher.topic_name for publisher in harness.tracker.publishers}
    assert '/humans/bodies/tracked' in topics
    assert not topics & {'/jtn_tracker/people', '/jtn_tracker/obstacles'}


def test_nothing_more_is_published_unless_asked_for(harness: Harness) -> None:
    result = harness.set_parameter('outputs', ['peoples'])
    assert not result.successful
    assert "outputs contains 'peoples'" in result.reason
    harness.start()
    topics = {publisher.topic_name for publisher in harness.tracker.publishers}
    assert not topics & {f'/jtn_tracker/{name}' for name in CONVENTIONS}
    assert not {topic for topic in topics if topic.startswith(('/humans', '/tf'))}


@pytest.mark.parametrize(
    ('name', 'autoware', 'derived'),
    [
        ('pedestrian', 'PEDESTRIAN', 'CLASSIFICATION_PEDESTRIAN'),
        ('car', 'CAR', 'CLASSIFICATION_CAR'),
        ('truck', 'TRUCK', 'CLASSIFICATION_TRUCK'),
        ('bus', 'BUS', 'CLASSIFICATION_OTHER_VEHICLE'),
        ('trailer', 'TRAILER', 'CLASSIFICATION_OTHER_VEHICLE'),
        ('motorcycle', 'MOTORCYCLE', 'CLASSIFICATION_MOTORCYCLE'),
        ('bicycle', 'BICYCLE', 'CLASSIFICATION_BIKE'),
        ('dog', 'ANIMAL', 'CLASSIFICATION_UNKNOWN'),
        ('chair', 'UNKNOWN', 'CLASSIFICATION_UNKNOWN'),
    ],
)
def test_classes_have_the_labels_of_the_conventions(
    name: str, autoware: str, derived: str
) -> None:
    one = np.zeros((1, 3))
    objects = LocatedObjects(
        header=Header(),
        session=uuid4(),
        ids=[7],
        class_names=[name],
        scores=[0.5],
        hits=[3],
        points=one,
        middles=one,
        sizes=one,
        velocities=one,
        pose_covariances=np.zeros((1, 36)),
        twist_covariances=np.zeros((1, 36)),
    )
    (tracked,) = to_autoware_objects(new_message, objects).objects
    (classification,) = tracked.classification
    assert classification.label == getattr(type(classification), autoware)
    (found,) = to_derived_objects(new_message, objects).objects
    assert found.classification == getattr(type(found), derived)
    assert found.object_classified == (found.classification != found.CLASSIFICATION_UNKNOWN)
    assert len(to_people(new_message, objects).people) == (name == 'pedestrian')
