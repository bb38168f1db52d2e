"""Tracks in space on a real graph: calibration, depth, transforms and the ground."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

from jtn_msgs.msg import TrackedObject

from nodes.harness import Harness
from nodes.located_scene import APPROACH
from nodes.located_scene import CENTER
from nodes.located_scene import FOCAL
from nodes.located_scene import UPRIGHT
from nodes.located_scene import K
from nodes.located_scene import Rig
from nodes.located_scene import depth_of
from nodes.located_scene import points_of
from nodes.located_scene import publish_motion
from nodes.located_scene import truth_in_space
from nodes.scene import PERIOD
from nodes.scene import message
from nodes.scene import middles

pytestmark = pytest.mark.ros


@pytest.fixture
def rig(make: Callable[..., Harness], block_model: Path) -> Rig:
    return Rig(make(model=str(block_model), positions='depth', depth_timeout=1.0))


@pytest.mark.parametrize('encoding', ['32FC1', '16UC1'])
def test_depth_gives_positions_velocities_and_covariances_in_the_optical_frame(
    rig: Rig, encoding: str
) -> None:
    markers = rig.harness.listen(MarkerArray, 'markers_3d')
    rig.first(encoding=encoding)
    for number in range(1, 30):
        output = rig.track(number, encoding)
        assert output.pose_frame_id == 'lens'
        # Which id is which block is known from the image.
        order = np.argsort([o.bbox.center.position.x for o in sorted(output.objects, key=_id)])
        expected = truth_in_space(number)[np.argsort(order)] if number < 20 else None
        if expected is not None:
            np.testing.assert_allclose(points_of(output), expected, atol=0.06)
    near = min(output.objects, key=lambda o: o.pose.pose.position.z)
    velocity = near.twist.twist.linear
    # The block moves by 3 pixels a frame to the right and comes closer.
    z = depth_of(29)[0]
    lateral = (3 * 25 * z + (middles(29)[0, 0] - CENTER[0]) * APPROACH) / FOCAL
    assert velocity.z == pytest.approx(APPROACH, abs=0.1)
    assert velocity.x == pytest.approx(lateral, abs=0.1)
    pose, twist = (np.reshape(c, (6, 6)) for c in (near.pose.covariance, near.twist.covariance))
    assert np.linalg.eigvalsh(pose[:3, :3]).min() > 0
    assert np.linalg.eigvalsh(twist[:3, :3]).min() > 0
    assert pose[2, 2] < 0.05**2
    assert twist[2, 2] < 0.5**2
    assert pose[3, 3] == twist[5, 5] == 1e6  # what is not estimated
    assert [stage.name for stage in output.latencies][-1] == 'positions'
    rig.harness.wait(lambda: len(markers) > 20, 'the markers')
    shapes = {m.ns: m for m in markers[-1].markers}
    assert set(shapes) == {'', 'positions', 'ids', 'trails', 'velocities'}
    assert shapes['positions'].type == Marker.SPHERE_LIST
    assert shapes['positions'].header.frame_id == 'lens'
    drawn = sorted((p.x, p.y, p.z) for p in shapes['positions'].points)
    sent = {o.header.stamp.nanosec: o for o in rig.harness.outputs}
    shown = sent[markers[-1].markers[1].header.stamp.nanosec]
    np.testing.assert_allclose(drawn, sorted(points_of(shown).tolist()), atol=1e-9)


def _id(tracked: TrackedObject) -> int:
    return int(tracked.id)


def test_positions_in_a_fixed_frame_are_those_at_the_stamp_of_the_image(
    make: Callable[..., Harness], block_model: Path
) -> None:
    rig = Rig(
        make(
            model=str(block_model),
            positions='depth',
            fixed_frame='map',
            depth_timeout=1.0,
            transform_timeout=1.0,
        )
    )
    publish_motion(rig.harness)
    rig.first()
    for number in range(1, 12):
        output = rig.track(number)
        assert output.pose_frame_id == 'map'
        ahead = 2 * number * PERIOD / 1e9
        expected = truth_in_space(number) @ UPRIGHT.T + (ahead, 0, 1.5)
        found = points_of(output)
        if abs(found[0, 0] - expected[0, 0]) > 1:
            found = found[::-1]
        np.testing.assert_allclose(found, expected, atol=0.08)
    far = max(output.objects, key=lambda o: o.pose.pose.position.x)
    # The second block keeps its distance, so it moves with the camera.
    assert far.twist.twist.linear.x == pytest.approx(2, abs=0.25)


def test_without_transform_calibration_or_depth_the_tracks_go_on(
    make: Callable[..., Harness], block_model: Path
) -> None:
    rig = Rig(make(model=str(block_model), positions='depth', fixed_frame='map'))
    harness = rig.harness

    def track_without(text: str, number: int) -> None:
        output = harness.track(message(number))
        assert output.pose_frame_id == ''
        assert not any(o.has_3d for o in output.objects)
        assert len(output.objects) == 2
        assert {o.age for o in output.objects} == {number + 1}
        harness.wait(lambda: text in problem(rig), text)

    track_without('no calibration was received on /camera_info', 0)
    rig.calibrate(k=[float('nan')] * 9)
    track_without('is not finite', 1)
    rig.calibrate(k=[1e12, *K[1:]])
    track_without('are implausible', 2)
    rig.calibrate(width=640)
    track_without('the calibration is for images of 640x192', 3)
    rig.calibrate()
    track_without('no depth image has come', 4)
    rig.send_depth(0)
    harness.wait(lambda: rig.locator.latest_depth is not None, 'depth')
    track_without('no depth image is within 0.02 s of the image; the latest is 0.200 s older', 5)
    rig.send_depth(6)
    sixth = message(6).header.stamp
    harness.wait(lambda: depth_stamp(rig) == sixth, 'depth of the image')
    track_without("no transform from 'lens' to 'map'", 6)
    harness.wait_for_log('no positions: ')
    publish_motion(harness)
    rig.send_depth(7)
    harness.wait(lambda: problem(rig) == '' or located(rig), 'positions at last')
    harness.wait_for_log('the problem on /image is resolved')


def depth_stamp(rig: Rig) -> Time | None:
    latest = rig.locator.latest_depth
    return None if latest is None else latest.header.stamp


def problem(rig: Rig) -> str:
    problem = rig.locator.problem
    return '' if problem is None else problem.text


def located(rig: Rig) -> bool:
    number = len(rig.harness.outputs)
    return {o.has_3d for o in rig.track(number).objects} == {True}


def test_an_image_without_stamp_is_never_located_by_the_latest_transform(
    make: Callable[..., Harness], block_model: Path
) -> None:
    rig = Rig(make(model=str(block_model), positions='ground', fixed_frame='map'), depth=False)
    publish_motion(rig.harness)
    output = rig.harness.track(message(0, stamp_ns=0))
    assert not any(o.has_3d for o in output.objects)
    rig.calibrate()
    output = rig.harness.track(message(1, stamp_ns=0))
    assert not any(o.has_3d for o in output.objects)
    assert 'the image has no stamp' in problem(rig)
    rig.harness.wait_for_log('an image has no stamp')


@pytest.mark.parametrize('by_tf', [False, True])
def test_on_the_ground_the_feet_give_the_position(
    make: Callable[..., Harness], block_model: Path, by_tf: bool
) -> None:
    pitch = 0.2
    parameters: dict[str, object] = {'camera_height': 2.0, 'camera_pitch': pitch}
    if by_tf:
        parameters = {'ground_frame': 'map', 'transform_timeout': 1.0}
    rig = Rig(make(model=str(block_model), positions='ground', **parameters), depth=False)
    if by_tf:
        publish_motion(rig.harness)
    output = rig.first()
    height, down = (1.5, (0, 1, 0)) if by_tf else (2.0, (0, np.cos(pitch), np.sin(pitch)))
    checked = 0
    for tracked in output.objects:
        box = tracked.bbox
        foot = (box.center.position.x, box.center.position.y + box.size_y / 2)
        ray = np.append((np.array(foot) - CENTER) / FOCAL, 1)
        if not tracked.has_3d:
            assert ray @ down < 0.01 * np.linalg.norm(ray)  # at the horizon or above
            continue
        place = tracked.pose.pose.position
        np.testing.assert_allclose(
            (place.x, place.y, place.z), height / (ray @ down) * ray, rtol=1e-4
        )
        checked += 1
    assert checked >= 1
