"""Image messages are read from their bytes like in rclpy, or rejected in one line."""

import signal
from functools import partial
from itertools import groupby
from pathlib import Path
from struct import pack
from time import sleep
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.errors import JtnError
from jtn_ros.media.messages.image_serialization import CompressedImageView
from jtn_ros.media.messages.image_serialization import ImageView
from jtn_ros.media.messages.image_serialization import read_image
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.tracker import serialized_images
from jtn_ros.nodes.tracker.serialized_images import is_known
from jtn_ros.nodes.tracker.serialized_images import read_message

from nodes.camera_nodes import running
from nodes.graph import Graph
from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import message

pytestmark = pytest.mark.ros

HEADER = Header(stamp=Time(sec=-7, nanosec=999_999_999), frame_id='Kamera ü')


def an_image(encoding: str = 'rgb8', frame_id: str = 'camera') -> Image:
    header = Header(stamp=HEADER.stamp, frame_id=frame_id)
    fields = {'height': 2, 'width': 70_000, 'step': 3, 'is_bigendian': 1, 'encoding': encoding}
    return Image(header=header, data=bytes(range(250)), **fields)


def assert_same(view: Any, expected: Image | CompressedImage) -> None:
    """Compare all fields."""
    for name in expected.get_fields_and_field_types():
        if name == 'data':
            assert view.data.tobytes() == bytes(expected.data)
        else:
            assert getattr(view, name) == getattr(expected, name)


# Every length modulo the alignment.
@pytest.mark.parametrize('frame_id', ['', 'a', 'ab', 'abc', 'Kamera ü'])
@pytest.mark.parametrize('encoding', ['', 'rgb8', 'mono8', 'mono16'])
def test_all_fields_of_an_image_are_those_of_the_message(frame_id: str, encoding: str) -> None:
    image = an_image(encoding, frame_id)
    data = bytes(serialize_message(image))
    view = read_message(data, Image)
    assert isinstance(view, ImageView)
    assert_same(view, image)
    # In place: the pixels are in the bytes.
    assert np.shares_memory(view.data, np.frombuffer(data, np.uint8))


def test_all_fields_of_a_compressed_image_are_those_of_the_message() -> None:
    for count in range(5):
        image = CompressedImage(header=HEADER, format='jpeg', data=bytes(range(count)))
        view = read_message(bytes(serialize_message(image)), CompressedImage)
        assert isinstance(view, CompressedImageView)
        assert_same(view, image)


def test_a_sender_of_the_other_byte_order_is_understood() -> None:
    image = an_image('mono8', 'abc')
    data = b'\0\0\0\0' + pack(
        '>iII4sIII6sBxI',
        *(image.header.stamp.sec, image.header.stamp.nanosec),
        *(4, b'abc\0'),
        *(image.height, image.width),
        *(6, b'mono8\0'),
        image.is_bigendian,
        image.step,
    )
    data += pack('>I', len(image.data)) + bytes(image.data)
    assert_same(read_message(data, Image), image)


@pytest.mark.parametrize('kept', [4, 11, 14, 17, 25, 33, 40, 44, 50])
def test_a_message_that_ends_early_is_refused(kept: int) -> None:
    data = bytes(serialize_message(an_image()))[:kept]
    with pytest.raises(JtnError, match=rf'a serialized image of {kept} bytes would need \d+; it'):
        read_message(data, Image)


@pytest.mark.parametrize('data', [b'', b'\0', b'\0\1', b'\0\7\0\0'])
def test_an_invalid_message_is_rejected(data: bytes) -> None:
    with pytest.raises(JtnError, match=r'damaged|cannot read it'):
        read_message(data, Image)


def test_an_implausible_length_is_refused() -> None:
    image = an_image(frame_id='abc')
    data = bytearray(serialize_message(image))
    data[12:16] = pack('<I', 4_000_000_000)  # of the frame_id
    with pytest.raises(JtnError, match='would need 4000000016'):
        read_image(new_message, bytes(data))


def test_the_format_of_this_middleware_is_known() -> None:
    assert is_known()


def test_without_a_known_format_the_middleware_makes_the_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serialized_images, 'is_known', lambda: False)
    image = an_image()
    read = read_message(bytes(serialize_message(image)), Image)
    assert isinstance(read, Image)
    assert read == image


def test_the_node_tracks_messages_of_the_middleware(
    active: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serialized_images, 'is_known', lambda: False)
    output = active.track(message(0))
    assert output.header == message(0).header
    assert len(output.objects) == 2


def test_a_damaged_message_is_skipped_and_the_next_is_tracked(active: Harness) -> None:
    damaged = bytes(serialize_message(message(0)))[:1000]
    active.images.publish(damaged)
    active.wait_for_log('an image is skipped: a serialized image of 1000 bytes would need')
    assert len(active.track(message(1)).objects) == 2


def test_bytes_that_are_no_image_do_not_end_the_node(graph: Graph, block_model: Path) -> None:
    user = graph.add(Node('user'))
    tracks: list[TrackedObjectArray] = []
    user.create_subscription(TrackedObjectArray, '/jtn_tracker/tracks', tracks.append, DEEP)
    images = user.create_publisher(Image, 'image', DEEP)
    whole = bytes(serialize_message(message(0)))
    junk = [
        b'',
        b'\0',
        b'\0\1',
        b'\0\1\0\0',
        bytes(range(7, 255)),
        whole[:60],
        whole[:4] + b'\xff' * 99,
    ]

    def tracked(number: int) -> bool:
        images.publish(message(number))
        sleep(0.1)
        return bool(tracks) and tracks[-1].header == message(number).header

    # In a process of its own: within one, CycloneDDS cannot take an empty message.
    given = {'model': block_model, 'backend': 'onnxruntime', 'autostart': 'true'}
    with running('tracker.tracker_node', given) as process:
        graph.wait(partial(tracked, 0), what='the first tracks')
        for number, data in enumerate(junk, 1):
            images.publish(data)
            # CycloneDDS may lose an image together with an empty message.
            graph.wait(partial(tracked, number), what=f'tracks after {data[:9]!r}')
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=20)
    assert process.returncode == 0
    headers = [key for key, _ in groupby(one.header for one in tracks)]
    assert headers == [message(number).header for number in range(len(junk) + 1)]
    assert {len(one.objects) for one in tracks} == {2}
    assert 'an image is skipped: a serialized image' in text
    assert 'Traceback' not in text
