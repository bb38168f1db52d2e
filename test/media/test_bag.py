"""Bags: what goes in comes out, for both storages; what is damaged is a clear error."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.errors import JtnError
from jtn_ros.media import open_frames
from jtn_ros.media.bag import STORAGES
from jtn_ros.media.bag import BagReader
from jtn_ros.media.bag import BagWriter
from jtn_ros.media.message_types import message_types

T0 = 1_700_000_000_000_000_000
PERIOD = 40_000_000
RAW = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'


def picture(index: int) -> np.ndarray:
    """Return a 24x16 image that no other index has."""
    return np.random.default_rng(index).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def header(index: int):
    """Return the header of a frame."""
    types = message_types().types
    sec, nanosec = divmod(T0 + index * PERIOD, 10**9)
    return types['std_msgs/msg/Header'](
        stamp=types['builtin_interfaces/msg/Time'](sec=sec, nanosec=nanosec), frame_id='camera'
    )


def raw_image(index: int, encoding: str = 'bgr8') -> memoryview:
    """Return a serialized sensor_msgs/Image of `picture`."""
    pixels = picture(index)[..., :: 1 if encoding == 'bgr8' else -1]
    message = message_types().types[RAW](
        header=header(index), height=16, width=24, encoding=encoding, is_bigendian=0, step=72,
        data=np.ascontiguousarray(pixels).reshape(-1),
    )  # fmt: skip
    return message_types().serialize_cdr(message, RAW)


def compressed_image(index: int) -> memoryview:
    """Return a serialized sensor_msgs/CompressedImage of `picture`, lossless."""
    message = message_types().types[COMPRESSED](
        header=header(index), format='png', data=cv2.imencode('.png', picture(index))[1].ravel()
    )
    return message_types().serialize_cdr(message, COMPRESSED)


def write_bag(path: Path, storage: str = 'mcap', frames: int = 5) -> Path:
    """Write a bag with the same pictures on a raw and on a compressed topic."""
    with BagWriter(path, storage) as bag:
        for index in range(frames):
            received = T0 + index * PERIOD + 7_000_000
            bag.write('/camera/image', RAW, received, raw_image(index))
            bag.write('/camera/image/compressed', COMPRESSED, received, compressed_image(index))
    return path


@pytest.mark.parametrize('storage', STORAGES)
@pytest.mark.parametrize('topic', ['/camera/image', '/camera/image/compressed'])
def test_images_come_back_with_their_stamps(tmp_path, storage, topic):
    path = write_bag(tmp_path / 'drive', storage)
    with open_frames(path, topic=topic) as source:
        assert (source.name, source.width, source.height) == ('drive', 24, 16)
        assert (source.length, source.frame_rate) == (5, 25.0)
        frames = list(source)
        again = [frame.index for frame in source.read(1, 3)]
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    assert [frame.stamp_ns for frame in frames] == [T0 + i * PERIOD for i in range(5)]
    for frame in frames:
        np.testing.assert_array_equal(frame.image, picture(frame.index))
    assert again == [1, 2]


@pytest.mark.parametrize('storage', STORAGES)
def test_a_single_file_of_a_bag_can_be_read(tmp_path, storage):
    folder = write_bag(tmp_path / 'drive', storage)
    (path,) = [p for p in folder.iterdir() if p.suffix in ('.mcap', '.db3')]
    with open_frames(path, topic='/camera/image') as source:
        assert source.name == 'drive'
        assert len(list(source)) == 5


def test_other_encodings_are_decoded(tmp_path):
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write('/image', RAW, T0, raw_image(3, 'rgb8'))
    with open_frames(tmp_path / 'bag') as source:
        (frame,) = source
    np.testing.assert_array_equal(frame.image, picture(3))


@pytest.mark.parametrize('storage', STORAGES)
def test_serialized_messages_are_kept_byte_for_byte(tmp_path, storage):
    path = write_bag(tmp_path / 'drive', storage, frames=2)
    with BagReader(path) as bag:
        assert bag.counts == {'/camera/image': 2, '/camera/image/compressed': 2}
        messages = list(bag.messages(['/camera/image']))
    assert [m.data for m in messages] == [bytes(raw_image(0)), bytes(raw_image(1))]
    assert [m.received_ns for m in messages] == [T0 + 7_000_000, T0 + PERIOD + 7_000_000]


def test_own_messages_can_be_recorded_and_read(tmp_path):
    types = message_types().types
    session = types['unique_identifier_msgs/msg/UUID'](np.arange(16, dtype=np.uint8))
    array = types['jtn_msgs/msg/TrackedObjectArray'](
        header=header(0), session=session,
        camera_name='front', image_width=24, image_height=16, model_name='light',
        latencies=[types['jtn_msgs/msg/StageLatency'](name='inference', duration=0.02)],
        pose_frame_id='', objects=[],
    )  # fmt: skip
    name = 'jtn_msgs/msg/TrackedObjectArray'
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write('/tracks', name, T0, message_types().serialize_cdr(array, name))
    with BagReader(tmp_path / 'bag') as bag:
        (message,) = bag.messages()
    tracks = message.deserialize()
    assert (tracks.camera_name, tracks.latencies[0].duration) == ('front', 0.02)
    assert tracks.session.uuid.tolist() == list(range(16))


def test_vision_messages_equal_those_of_the_ros_installation():
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    found = [p for x in prefixes for p in Path(x).glob('share/vision_msgs/msg/*.json')]
    if not found:
        pytest.skip('vision_msgs is not installed here')
    hashes = {}
    for path in found:
        hashes[path.stem] = path.read_text()
    for name in ('Detection2DArray', 'BoundingBox2D', 'ObjectHypothesisWithPose'):
        assert message_types().hash_rihs01(f'vision_msgs/msg/{name}') in hashes[name]


def test_several_image_topics_have_to_be_chosen_from(tmp_path):
    path = write_bag(tmp_path / 'drive')
    with pytest.raises(ValueError, match='several image topics; choose one of /camera/image, '):
        open_frames(path)
    with pytest.raises(ValueError, match='no image topic /front; its image topics: /camera/image'):
        open_frames(path, topic='/front')


def test_a_topic_of_another_type_is_named(tmp_path):
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write('/status', 'std_msgs/msg/Header', T0,
                  message_types().serialize_cdr(header(0), 'std_msgs/msg/Header'))  # fmt: skip
    with pytest.raises(ValueError, match='/status is a std_msgs/msg/Header; its image'):
        open_frames(tmp_path / 'bag', topic='/status')
    with pytest.raises(ValueError, match='no image topic; its image topics: none'):
        open_frames(tmp_path / 'bag')


@pytest.mark.parametrize('storage', STORAGES)
def test_an_empty_bag_is_an_error(tmp_path, storage):
    with BagWriter(tmp_path / 'bag', storage):
        pass
    with pytest.raises(ValueError, match='image topic'):
        open_frames(tmp_path / 'bag')


@pytest.mark.parametrize('storage', STORAGES)
@pytest.mark.parametrize('part', [0.0, 0.3, 0.9])
def test_a_truncated_bag_is_an_error(tmp_path, storage, part):
    folder = write_bag(tmp_path / 'bag', storage, frames=20)
    (path,) = [p for p in folder.iterdir() if p.suffix in ('.mcap', '.db3')]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    for bag in (folder, path):
        with pytest.raises(ValueError, match='is not a readable bag'):  # noqa: SIM117
            with open_frames(bag, topic='/camera/image') as source:
                list(source)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=400), suffix=st.sampled_from(['.mcap', '.db3']))
def test_noise_is_not_a_bag(tmp_path, data, suffix):
    path = tmp_path / f'noise{suffix}'
    path.write_bytes(data)
    with pytest.raises(ValueError, match='is not a readable bag'):
        open_frames(path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, 1300), value=st.integers(0, 255))
def test_a_damaged_message_is_left_out_or_read(tmp_path, position, value):
    damaged = bytearray(raw_image(1))
    damaged[position % len(damaged)] = value
    path = tmp_path / 'damaged.part'
    for old in tmp_path.glob('damaged*'):
        _remove(old)
    with BagWriter(path) as bag:
        for index, data in enumerate([raw_image(0), bytes(damaged), raw_image(2)]):
            bag.write('/image', RAW, T0 + index, data)
    with open_frames(path) as source:
        indices = [frame.index for frame in source]
        assert set(indices) >= {0, 2}
        assert len(indices) + source.broken == 3


def test_a_broken_frame_is_reported_and_left_out(tmp_path, media_log):
    with BagWriter(tmp_path / 'bag') as bag:
        for index, data in enumerate([raw_image(0), bytes(raw_image(1))[:200], raw_image(2)]):
            bag.write('/image', RAW, T0 + index, data)
    with open_frames(tmp_path / 'bag') as source:
        assert [frame.index for frame in source] == [0, 2]
        assert source.broken == 1
    assert 'frame 2 is left out: a message of /image cannot be read' in media_log.text


def test_a_bag_appears_when_it_is_complete(tmp_path):
    path = tmp_path / 'bag'
    with BagWriter(path) as bag:
        bag.write('/image', RAW, T0, raw_image(0))
        assert not path.exists()
    assert sorted(p.name for p in path.iterdir()) == ['bag.mcap', 'metadata.yaml']
    assert [p.name for p in tmp_path.iterdir()] == ['bag']


def test_nothing_is_left_after_an_exception(tmp_path):
    with pytest.raises(ValueError, match='the type foo/msg/Bar is not known'):  # noqa: PT012, SIM117
        with BagWriter(tmp_path / 'bag') as bag:
            bag.write('/image', RAW, T0, raw_image(0))
            bag.write('/bar', 'foo/msg/Bar', T0, b'')
    assert list(tmp_path.iterdir()) == []


def test_a_bag_is_not_overwritten(tmp_path):
    write_bag(tmp_path / 'bag', frames=1)
    with pytest.raises(JtnError, match='exists; remove it or choose another'):
        BagWriter(tmp_path / 'bag')
    with pytest.raises(ValueError, match="storage 'rosbag1' is not known; use mcap or sqlite3"):
        BagWriter(tmp_path / 'other', 'rosbag1')


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
