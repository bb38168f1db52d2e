"""Two cameras that see the same objects on a real graph: one identity for each object."""

from array import array
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from builtin_interfaces.msg import Duration
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from tf2_ros import StaticTransformBroadcaster
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

from jtn_msgs.msg import TrackedObjectArray
from jtn_msgs.msg import WorldTrackArray
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp

from nodes.harness import Harness
from nodes.located_scene import CENTER
from nodes.located_scene import FOCAL
from nodes.located_scene import UPRIGHT_QUATERNION
from nodes.located_scene import calibration
from nodes.scene import PERIOD
from nodes.scene import SIZE
from nodes.scene import START

pytestmark = pytest.mark.ros

# Where the cameras are in the map; both look along x, with y to the left.
CAMERAS = {'west': (0.0, 0.5, 1.5), 'east': (0.5, -0.5, 1.5)}
# Places of the objects in the first frame and their velocities, in meters and seconds.
PLACES = np.array([[4.0, 0.9, 1.6], [6.0, -1.2, 1.2]])
VELOCITIES = np.array([[0.0, -0.9, 0.0], [0.0, 0.6, 0.0]])
# The cameras are not synchronized.
DELAYS_NS = {'west': 0, 'east': 10_000_000}
FRAMES = 25


def stamp_of(camera: str, number: int) -> int:
    """Return the time of a frame of a camera in nanoseconds."""
    return START + number * PERIOD + DELAYS_NS[camera]


def truth(camera: str, number: int) -> NDArray[np.float64]:
    """Return the places (2, 3) of the objects in the map at a frame of a camera."""
    return PLACES + VELOCITIES * (stamp_of(camera, number) - START) / 1e9


def picture(camera: str, number: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the images of a camera: white blocks, and their depth in front of a wall."""
    image = np.zeros((192, 320, 3), np.uint8)
    depth = np.full((192, 320), 12.0, np.float32)
    ahead, left, up = (truth(camera, number) - CAMERAS[camera]).T
    middles = np.column_stack([-left / ahead, -up / ahead]) * FOCAL + CENTER
    for middle, distance in sorted(zip(middles.tolist(), ahead, strict=True), key=lambda o: -o[1]):
        x, y = np.rint(np.subtract(middle, np.array(SIZE) / 2) + 0.5).astype(int)
        image[y : y + SIZE[1], x : x + SIZE[0]] = 255
        depth[y : y + SIZE[1], x : x + SIZE[0]] = distance
    return image, depth


class Scene:
    """A tracker with two cameras in one fixed frame, and its world messages."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.tracks = {name: harness.listen_to_camera(name) for name in CAMERAS}
        assert harness.transit('configure', 'activate')
        self.world: list[WorldTrackArray] = harness.listen(WorldTrackArray, 'world_tracks')
        self._images, self._depths, self._infos = (
            {name: harness.publisher(kind, f'{name}/{topic}') for name in CAMERAS}
            for kind, topic in ((Image, 'image'), (Image, 'depth'), (CameraInfo, 'camera_info'))
        )
        self._transforms = StaticTransformBroadcaster(harness.user)
        self._transforms.sendTransform([mounting(name) for name in CAMERAS])

    def show(self, camera: str, number: int) -> TrackedObjectArray:
        """Let a camera see a frame; return its tracks."""
        header = Header(stamp=ns_to_stamp(stamp_of(camera, number)), frame_id=f'{camera}_lens')
        image, depth = picture(camera, number)
        self._depths[camera].publish(
            Image(
                header=header,
                height=192,
                width=320,
                encoding='32FC1',
                step=4 * 320,
                data=array('B', depth.tobytes()),
            )
        )
        outputs = self.tracks[camera]
        before = len(outputs)
        self._images[camera].publish(array_to_image(image, header))
        self.harness.wait(lambda: len(outputs) > before, f'the tracks of {camera}')
        return outputs[-1]

    def first(self) -> None:
        """Show the first frame until both cameras are located."""

        def located() -> bool:
            for name in CAMERAS:
                self._infos[name].publish(calibration())
            shown = [self.show(name, 0) for name in CAMERAS]
            return all(o.has_3d for output in shown for o in output.objects)

        self.harness.wait(located, 'the first positions')


def mounting(camera: str) -> TransformStamped:
    """Return the pose of a camera."""
    result = TransformStamped(child_frame_id=f'{camera}_lens')
    result.header.frame_id = 'map'
    move, turn = result.transform.translation, result.transform.rotation
    move.x, move.y, move.z = CAMERAS[camera]
    turn.x, turn.y, turn.z, turn.w = UPRIGHT_QUATERNION
    return result


@pytest.fixture
def scene(make: Callable[..., Harness], block_model: Path) -> Scene:
    return Scene(
        make(
            model=str(block_model),
            cameras=list(CAMERAS),
            positions='depth',
            fixed_frame='map',
            depth_timeout=1.0,
            transform_timeout=1.0,
            outputs=['world_tracks'],
        )
    )


def test_objects_in_both_cameras_get_one_identity(scene: Scene) -> None:
    scene.first()
    markers = scene.harness.listen(MarkerArray, 'world_markers')
    agreed = 0

    def both_see_both(stamp: Time) -> bool:
        newest = scene.world[-1]
        return (
            newest.header.stamp == stamp
            and len(newest.tracks) == 2
            and {len(t.members) for t in newest.tracks} == {2}
        )

    for number in range(1, FRAMES):
        shown = {name: scene.show(name, number) for name in CAMERAS}
        stamp = shown['east'].header.stamp
        scene.harness.wait(partial(both_see_both, stamp), 'two objects in both cameras')
        world = scene.world[-1]
        assert world.header.frame_id == 'map'
        for tracked in world.tracks:
            places, scores = [], []
            for member in tracked.members:
                output = shown[member.camera_name]
                assert member.session == output.session
                (own,) = [o for o in output.objects if o.id == member.id]
                places.append(own.pose.pose.position)
                scores.append(own.score)
            assert sorted(m.camera_name for m in tracked.members) == ['east', 'west']
            found = np.array([[p.x, p.y, p.z] for p in places])
            real = truth('east', number)
            (nearest,) = {int(np.argmin(np.linalg.norm(real - place, axis=1))) for place in found}
            agreed += 1
            assert tracked.score == max(scores)
            place = tracked.pose.pose.position
            np.testing.assert_allclose((place.x, place.y, place.z), real[nearest], atol=0.1)
    assert agreed == 2 * (FRAMES - 1)
    scene.harness.wait(lambda: markers[-1].markers[0].header == world.header, 'the last markers')
    clear, *shapes = markers[-1].markers
    assert (clear.action, {m.header.frame_id for m in shapes}) == (Marker.DELETEALL, {'map'})
    drawn = {ns: [m for m in shapes if m.ns == ns] for ns in ('positions', 'ids', 'velocities')}
    places = [t.pose.pose.position for t in world.tracks]
    assert [m.points for m in drawn['positions']] == [places]
    assert {m.id: m.text for m in drawn['ids']} == {1: '1', 2: '2'}
    lifts = {m.id: m.pose.position.z - places[m.id - 1].z for m in drawn['ids']}
    assert lifts == pytest.approx({1: 0.35, 2: 0.35}), 'above the spheres'
    assert [m.id for m in drawn['velocities']] == [1, 2]
    (trails,) = [m for m in shapes if m.ns == 'trails']
    assert len(trails.points) == len(trails.colors) > 4 * 2
    assert [t.id for t in world.tracks] == [1, 2]
    assert {(t.class_id, t.class_name) for t in world.tracks} == {(0, 'block')}
    for tracked in world.tracks:
        assert tracked.time_since_observation == Duration()
        velocity = tracked.twist.twist.linear.y
        assert min(abs(velocity - VELOCITIES[:, 1])) < 0.3
        covariance = np.reshape(tracked.pose.covariance, (6, 6))
        assert np.linalg.eigvalsh(covariance[:3, :3]).min() > 0
        assert covariance[5, 5] == 1e6
    # The identities are those of the first frame that both cameras saw.
    joined = [m for m in scene.world if len(m.tracks) == 2]
    assert {tuple(t.id for t in m.tracks) for m in joined} == {(1, 2)}
    assert len({bytes(m.session.uuid) for m in scene.world}) == 1


def test_a_reset_begins_with_new_identities(scene: Scene) -> None:
    scene.first()
    before = scene.world[-1].session
    assert scene.harness.command(Trigger, 'reset').success
    for number in (1, 2):
        for name in CAMERAS:
            scene.show(name, number)
    scene.harness.wait(lambda: len(scene.world[-1].tracks) == 2, 'objects after the reset')
    assert scene.world[-1].session != before
    assert [t.id for t in scene.world[-1].tracks] == [1, 2]


def test_without_a_fixed_frame_there_is_no_world(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), positions='depth', outputs=['world_tracks'])
    harness.start()
    harness.wait_for_log('the output world_tracks is skipped: it needs a frame that the cameras')
    assert '/jtn_tracker/world_tracks' not in {p.topic_name for p in harness.tracker.publishers}
