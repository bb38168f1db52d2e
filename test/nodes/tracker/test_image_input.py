"""The images that the node accepts, and its messages when images are missing."""

import re
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import String

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.tracker import message_input

from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import message
from nodes.scene import middles
from nodes.scene import picture

pytestmark = pytest.mark.ros


def encoded(image: NDArray[np.uint8], encoding: str) -> NDArray[np.generic]:
    """Return the rows of a black and white picture in an encoding."""
    gray = image[..., 0]
    chroma = np.full_like(gray, 128)
    luma = np.where(gray > 0, 235, 16).astype(np.uint8)
    if encoding in ('bgr8', 'rgb8', '8UC3'):
        return image
    if encoding in ('bgra8', 'rgba8', '8UC4'):
        return np.dstack([image, chroma])
    if encoding in ('mono16', 'bayer_rggb16', 'bayer_gbrg16'):
        return gray.astype(np.uint16) * 257
    if encoding in ('16UC1', '32FC1'):  # as of a thermal camera of 14 bits
        return (7000 + 8.0 * gray).astype('u2' if encoding == '16UC1' else 'f4')
    if encoding == 'i420':
        half = chroma[: len(chroma) // 4]
        return np.vstack([luma, half, half])
    if encoding == 'nv24':
        return np.vstack([luma, chroma, chroma])
    if encoding in ('yuv422', 'uyvy'):
        return np.dstack([chroma, luma])
    if encoding in ('yuv422_yuy2', 'yuyv'):
        return np.dstack([luma, chroma])
    if encoding in ('nv12', 'nv21'):
        return np.vstack([luma, chroma[: len(chroma) // 2]])
    return gray


def padded(rows: NDArray[np.generic], padding: int) -> tuple[int, bytes]:
    """Return the step and the bytes of rows that are followed by padding."""
    flat = np.frombuffer(rows.tobytes(), np.uint8).reshape(len(rows), -1)
    wide = np.pad(flat, ((0, 0), (0, padding)), constant_values=0xAA)
    return wide.shape[1], wide.tobytes()


def assert_true(output: TrackedObjectArray, number: int) -> None:
    """Compare the centers of all boxes with the truth."""
    found = sorted((o.bbox.center.position.x, o.bbox.center.position.y) for o in output.objects)
    np.testing.assert_allclose(found, sorted(middles(number).tolist()), atol=1)


def test_every_encoding_padding_and_byte_order_gives_the_same_boxes(active: Harness) -> None:
    encodings = (
        'bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8', 'mono16', '8UC1', '8UC3', '8UC4',
        'bayer_rggb8', 'bayer_bggr8', 'bayer_gbrg8', 'bayer_grbg8', 'bayer_rggb16',
        'bayer_gbrg16', 'yuv422', 'uyvy', 'yuv422_yuy2', 'yuyv', 'nv12', 'nv21', 'i420', 'nv24',
    )  # fmt: skip
    ids = set()
    for number, encoding in enumerate(encodings):
        rows = encoded(picture(number), encoding)
        big_endian = bool(number % 2) and rows.itemsize > 1
        swapped = rows.astype(rows.dtype.newbyteorder('>')) if big_endian else rows
        # Rows of chroma have a step of their own, which follows from that of the others.
        padding = 0 if encoding in ('i420', 'nv24') else 6 * (number % 3)
        step, data = padded(swapped, padding)
        output = active.track(
            message(number, encoding=encoding, step=step, data=data, is_bigendian=big_endian)
        )
        assert_true(output, number)
        ids.add(tuple(sorted(o.id for o in output.objects)))
    assert len(ids) == 1, 'the tracks go on through all encodings'


def compressed(number: int, extension: str = '.png') -> CompressedImage:
    data = cv2.imencode(extension, picture(number))[1].tobytes()
    kind = {'.png': 'png', '.jpg': 'jpeg'}[extension]
    return CompressedImage(header=message(number).header, format=f'bgr8; {kind}', data=data)


@pytest.mark.parametrize('topic', ['image/compressed', 'image'])
def test_compressed_images_are_taken_when_only_they_are_published(
    make: Callable[..., Harness], block_model: Path, outsider: Node, topic: str
) -> None:
    harness = make(model=str(block_model), publishing=False)
    assert harness.transit('configure', 'activate')
    publisher = harness.publisher(CompressedImage, topic, node=outsider)
    for number, extension in enumerate(('.png', '.jpg', '.jpg')):
        output = harness.track(compressed(number, extension), publisher)
        assert_true(output, number)
        assert output.header == message(number).header
        assert (output.image_width, output.image_height) == (320, 192)
    publisher.publish(CompressedImage(format='jpeg', data=b'junk'))
    harness.wait_for_log('are not an image that OpenCV can decode')
    assert_true(harness.track(compressed(3), publisher), 3)


def test_compressed_images_are_taken_beside_raw_ones_where_the_parameter_says_so(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), image_transport='compressed')
    assert harness.transit('configure', 'activate')
    publisher = harness.publisher(CompressedImage, 'image/compressed')
    assert harness.images.get_subscription_count() == 0
    assert_true(harness.track(compressed(2), publisher), 2)


@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_thermal_images_are_tracked(active: Harness, encoding: str) -> None:
    for number in range(4):
        rows = encoded(picture(number), encoding)
        step, data = padded(rows, 8)
        output = active.track(message(number, encoding=encoding, step=step, data=data))
        assert_true(output, number)


def test_a_given_range_determines_black_and_white(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), intensity_range=[20000.0, 60000.0])
    harness.start()
    rows = encoded(picture(0), '16UC1')  # up to 9040: black in this range
    step, data = padded(rows, 0)
    dark = harness.track(message(0, encoding='16UC1', step=step, data=data))
    assert dark.objects == []
    step, data = padded(rows.astype(np.uint16) + 51000, 0)
    assert len(harness.track(message(1, encoding='16UC1', step=step, data=data)).objects) == 2
    refused = harness.set_parameter('intensity_range', [2.0, 1.0])
    assert not refused.successful
    assert 'intensity_range' in refused.reason


def test_images_are_subscribed_while_outputs_have_subscribers(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), listening=False)
    assert harness.transit('configure', 'activate')
    harness.images.publish(message(0))
    for _ in range(2):
        assert harness.images.get_subscription_count() == 0
        listener = harness.user.create_subscription(
            TrackedObjectArray, '/jtn_tracker/tracks', harness.outputs.append, DEEP
        )
        harness.wait(lambda: harness.images.get_subscription_count() == 1, 'the subscription')
        assert_true(harness.track(message(1)), 1)
        harness.user.destroy_subscription(listener)
        harness.wait(lambda: harness.images.get_subscription_count() == 0, 'its end')
    first, second = harness.outputs
    assert first.session != second.session
    assert {o.age for o in second.objects} == {1}


def test_a_node_that_is_not_lazy_subscribes_at_once(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), listening=False, lazy=False)
    harness.start()


def test_the_cause_of_missing_images_is_reported_with_the_remedy(
    make: Callable[..., Harness], block_model: Path, outsider: Node
) -> None:
    override = {'qos_overrides./strict/image.subscription.reliability': 'reliable'}
    harness = make(
        model=str(block_model),
        cameras=['strict', 'silent', 'text', 'lost', 'good'],
        lazy=False,
        **override,
    )
    user = harness.user
    user.create_publisher(Image, 'strict/image', qos_profile_sensor_data)
    user.create_publisher(Image, 'silent/image', DEEP)
    outsider.create_publisher(String, 'text/image', DEEP)
    good = user.create_publisher(Image, 'good/image', DEEP)
    outputs = harness.listen_to_camera('good')
    assert harness.transit('configure', 'activate')
    harness.wait(lambda: good.get_subscription_count() == 1, 'the subscription')
    numbers = iter(range(100000))
    # What is overridden for one camera does not hold for the others.
    harness.wait_for_reliability('/strict/image', ReliabilityPolicy.RELIABLE)
    harness.wait_for_reliability('/good/image', ReliabilityPolicy.BEST_EFFORT)

    def named(text: str) -> None:
        # The good camera goes on while the others are silent.
        harness.wait_for_log(text, every=lambda: good.publish(message(0, next(numbers) * 10**6)))

    named('/user publishes /strict/image with an incompatible QoS')
    named('set the parameters qos_overrides./strict/image.subscription.*')
    named('on /silent/image, although /user publishes there; check that the camera runs')
    named('on /text/image: its type is std_msgs/msg/String, not sensor_msgs/msg/Image')
    named('on /lost/image: it has no publisher; images are on ')
    assert '/silent/image' in harness.log.split('it has no publisher; images are on ')[1]

    def goes_on() -> bool:
        good.publish(message(0, next(numbers) * 10**6))
        return len(outputs) > 3

    harness.wait(goes_on, 'tracks of the good camera')
    assert '/good/image:' not in harness.log
    strict = QoSProfile(depth=5, reliability=ReliabilityPolicy.RELIABLE)
    repaired = user.create_publisher(Image, 'lost/image', strict)
    harness.wait_for_log(
        'the problem on /lost/image is resolved', every=lambda: repaired.publish(message(0))
    )


def test_a_publisher_that_appears_late_is_given_time_to_publish(
    make: Callable[..., Harness], block_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_input, 'SILENCE_S', 2.5)
    harness = make(model=str(block_model), lazy=False, publishing=False)
    assert harness.transit('configure', 'activate')
    harness.wait_for_log('on /image: it has no publisher')
    begin = monotonic()
    harness.user.create_publisher(Image, 'image', DEEP)
    harness.wait_for_log('although /user publishes there')
    assert monotonic() - begin > 2.5
    (seconds,) = re.findall(r'no image for (\d+) s on /image, although', harness.log)
    assert int(seconds) in (2, 3, 4)
    assert 'is resolved' not in harness.log
