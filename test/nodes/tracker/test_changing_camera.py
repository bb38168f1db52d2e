"""Cameras, calibrations, clocks and publishers that change while the node runs."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from tf2_msgs.msg import TFMessage

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.common.conversions import array_to_image

from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.located_scene import CENTER
from nodes.located_scene import FOCAL
from nodes.located_scene import K
from nodes.located_scene import Rig
from nodes.located_scene import points_of
from nodes.located_scene import transform
from nodes.scene import PERIOD
from nodes.scene import SECOND
from nodes.scene import START
from nodes.scene import message
from nodes.scene import middles
from nodes.scene import picture

pytestmark = pytest.mark.ros


def thermal(number: int, encoding: str) -> Image:
    """Return a frame of a thermal camera: counts, or degrees."""
    gray = picture(number)[..., 0]
    rows = (
        (7000 + 8.0 * gray).astype('<u2') if encoding == '16UC1' else 20 + gray.astype('<f4') / 20
    )
    step = rows.strides[0]
    return message(number, encoding=encoding, step=step, data=rows.tobytes())


def assert_true(output: TrackedObjectArray, number: int) -> None:
    found = sorted((o.bbox.center.position.x, o.bbox.center.position.y) for o in output.objects)
    np.testing.assert_allclose(found, sorted(middles(number).tolist()), atol=1)


def test_tracks_continue_when_the_units_of_the_images_change(active: Harness) -> None:
    for number, encoding in enumerate(['16UC1', '16UC1', '32FC1', '32FC1', '16UC1', 'bgr8']):
        image = message(number) if encoding == 'bgr8' else thermal(number, encoding)
        output = active.track(image)
        assert_true(output, number)
        assert {o.age for o in output.objects} == {number + 1}, 'the tracks go on'


def test_positions_in_a_fixed_frame_resume_when_a_recording_restarts(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(
        model=str(block_model),
        positions='ground',
        fixed_frame='map',
        camera_height=2.0,
        camera_pitch=0.3,
        transform_timeout=1.0,
    )
    rig = Rig(harness, depth=False)
    transforms = harness.user.create_publisher(TFMessage, '/tf', DEEP)
    harness.wait(lambda: transforms.get_subscription_count() >= 1, 'a listener to tf')
    rig.calibrate()

    def play(second: int) -> TrackedObjectArray:
        stamp_ns = START + second * SECOND
        for around in (stamp_ns - PERIOD, stamp_ns + PERIOD):
            transforms.publish(TFMessage(transforms=[transform(around, 2.0 * second)]))
        return harness.track(message(0, stamp_ns=stamp_ns))

    first_round = {second: points_of(play(second)) for second in (0, 1, 2, 30, 31)}
    for second in (0, 1, 30):
        np.testing.assert_allclose(points_of(play(second)), first_round[second], atol=1e-3)


def test_another_calibration_counts_from_the_next_image_on(
    make: Callable[..., Harness], block_model: Path
) -> None:
    rig = Rig(make(model=str(block_model), positions='depth', depth_timeout=1.0))
    before = points_of(rig.first())
    rig.calibrate(k=[2 * FOCAL, 0.0, CENTER[0], 0.0, 2 * FOCAL, CENTER[1], 0.0, 0.0, 1.0])
    assert rig.harness.command(Trigger, 'reset').success  # else the filter smooths the change
    after = points_of(rig.track(0))
    np.testing.assert_allclose(after, before * (0.5, 0.5, 1), atol=0.05)


def test_another_resolution_needs_another_calibration(
    make: Callable[..., Harness], block_model: Path
) -> None:
    rig = Rig(make(model=str(block_model), positions='ground', camera_pitch=0.3), depth=False)
    before = rig.first()
    large = array_to_image(picture(0).repeat(2, axis=0).repeat(2, axis=1), message(1).header)
    after = rig.harness.track(large)
    assert (after.image_width, after.image_height) == (640, 384)
    assert after.session != before.session
    assert not any(o.has_3d for o in after.objects)
    rig.harness.wait_for_log('the image size changed from 320x192 to 640x384')
    rig.harness.wait_for_log('no positions: the calibration is for images of 320x192, the images')
    rig.calibrate(width=640, height=384, k=[2 * value for value in K[:8]] + [1.0])
    large.header = message(2).header
    # Half a pixel lies between the centers of the two calibrations.
    np.testing.assert_allclose(points_of(rig.harness.track(large)), points_of(before), atol=0.05)
    rig.harness.wait_for_log('the problem on /image is resolved')


def test_raw_images_take_the_place_of_compressed_ones_and_leave_it(
    make: Callable[..., Harness], block_model: Path, outsider: Node
) -> None:
    harness = make(model=str(block_model), publishing=False)
    assert harness.transit('configure', 'activate')
    packed = harness.publisher(CompressedImage, 'image/compressed')
    for number in (0, 2):
        data = cv2.imencode('.png', picture(number))[1].tobytes()
        png = CompressedImage(header=message(number).header, format='png', data=data)
        assert_true(harness.track(png, packed), number)
        raw = harness.publisher(Image, 'image', node=outsider)
        assert_true(harness.track(message(number + 1), raw), number + 1)
        harness.wait(lambda: packed.get_subscription_count() == 0, 'the end of the other')
        outsider.destroy_publisher(raw)  # of a node that no executor serves meanwhile
        harness.wait(lambda: packed.get_subscription_count() == 1, 'the compressed images')
