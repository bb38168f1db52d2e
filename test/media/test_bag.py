"""Bags of both storages are read as written; damaged bags give clear errors."""

import os
import re
import shutil
import sqlite3
from collections.abc import Buffer
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from typing import NamedTuple

import cv2
import mcap.writer
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores
from rosbags.typesys import get_typestore

from jtn_ros.errors import JtnError
from jtn_ros.files import what_came_instead
from jtn_ros.media import open_frames
from jtn_ros.media.bags.bag import STORAGES
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.bag_frames import BagFrames
from jtn_ros.media.bags.image_topics import calibration_topic
from jtn_ros.media.bags.image_topics import choose_image_topic
from jtn_ros.media.bags.message_types import message_types

T0 = 1_700_000_000_000_000_000
PERIOD = 40_000_000
RAW = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'


def picture(index: int) -> np.ndarray:
    """Return a 24x16 image that no other index has."""
    return np.random.default_rng(index).integers(0, 256, (16, 24, 3), dtype=np.uint8)


def header(index: int) -> Any:
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
        header=header(index),
        height=16,
        width=24,
        encoding=encoding,
        is_bigendian=0,
        step=72,
        data=np.ascontiguousarray(pixels).reshape(-1),
    )
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
def test_images_are_read_with_their_stamps(tmp_path: Path, storage: str, topic: str) -> None:
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
def test_a_single_file_of_a_bag_can_be_read(tmp_path: Path, storage: str) -> None:
    folder = write_bag(tmp_path / 'drive', storage)
    (path,) = [p for p in folder.iterdir() if p.suffix in ('.mcap', '.db3')]
    with open_frames(path, topic='/camera/image') as source:
        assert source.name == 'drive'
        assert len(list(source)) == 5


def test_other_encodings_are_decoded(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write('/image', RAW, T0, raw_image(3, 'rgb8'))
    with open_frames(tmp_path / 'bag') as source:
        (frame,) = source
    np.testing.assert_array_equal(frame.image, picture(3))


@pytest.mark.parametrize('storage', STORAGES)
def test_serialized_messages_are_kept_byte_for_byte(tmp_path: Path, storage: str) -> None:
    path = write_bag(tmp_path / 'drive', storage, frames=2)
    with BagReader(path) as bag:
        assert bag.counts == {'/camera/image': 2, '/camera/image/compressed': 2}
        messages = list(bag.messages(['/camera/image']))
    assert [m.data for m in messages] == [bytes(raw_image(0)), bytes(raw_image(1))]
    assert [m.received_ns for m in messages] == [T0 + 7_000_000, T0 + PERIOD + 7_000_000]


def test_own_messages_can_be_recorded_and_read(tmp_path: Path) -> None:
    types = message_types().types
    session = types['unique_identifier_msgs/msg/UUID'](np.arange(16, dtype=np.uint8))
    array = types['jtn_msgs/msg/TrackedObjectArray'](
        header=header(0),
        session=session,
        camera_name='front',
        image_width=24,
        image_height=16,
        model_name='light',
        latencies=[types['jtn_msgs/msg/StageLatency'](name='inference', duration=0.02)],
        pose_frame_id='',
        objects=[],
    )
    name = 'jtn_msgs/msg/TrackedObjectArray'
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write('/tracks', name, T0, message_types().serialize_cdr(array, name))
    with BagReader(tmp_path / 'bag') as bag:
        (message,) = bag.messages()
    tracks = message.deserialize()
    assert (tracks.camera_name, tracks.latencies[0].duration) == ('front', 0.02)
    assert tracks.session.uuid.tolist() == list(range(16))


@pytest.mark.parametrize(
    ('distribution', 'store'),
    [
        ('jazzy', Stores.ROS2_JAZZY),
        ('lyrical', Stores.ROS2_LYRICAL),
        ('rolling', Stores.ROS2_LYRICAL),
    ],
)
def test_definitions_are_those_of_the_distribution_that_is_sourced(
    monkeypatch: pytest.MonkeyPatch, distribution: str, store: Stores
) -> None:
    monkeypatch.setenv('ROS_DISTRO', distribution)
    message_types.cache_clear()
    types = message_types()
    message_types.cache_clear()
    changed = 'lifecycle_msgs/msg/TransitionEvent'  # has another definition in Lyrical
    assert types.hash_rihs01(changed) == get_typestore(store).hash_rihs01(changed)
    gone, new = 'geometry_msgs/msg/Pose2D', 'nav_msgs/msg/Trajectory'
    assert types.hash_rihs01(gone) == get_typestore(Stores.ROS2_JAZZY).hash_rihs01(gone)
    assert types.hash_rihs01(new) == get_typestore(Stores.ROS2_LYRICAL).hash_rihs01(new)


def test_vision_messages_equal_those_of_the_ros_installation() -> None:
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    found = [p for x in prefixes for p in Path(x).glob('share/vision_msgs/msg/*.json')]
    if not found:
        pytest.skip('vision_msgs is not installed here')
    hashes = {}
    for path in found:
        hashes[path.stem] = path.read_text()
    for name in ('Detection2DArray', 'BoundingBox2D', 'ObjectHypothesisWithPose'):
        assert message_types().hash_rihs01(f'vision_msgs/msg/{name}') in hashes[name]


def cut(folder: Path, part: float) -> Path:
    """Cut the file of a bag off, as a recorder does that is killed, and return it."""
    (path,) = [p for p in folder.iterdir() if p.suffix in ('.mcap', '.db3')]
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    return path


@pytest.mark.parametrize('compression', ['', 'zstd', 'lz4'])
@pytest.mark.parametrize('part', [0.3, 0.9])
def test_an_mcap_that_was_cut_off_is_read_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, part: float, compression: str
) -> None:
    path = tmp_path / 'drive_0.mcap'
    write_mcap(path, [channel_of(raw_image(i) for i in range(20))], compression)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * part)])
    with open_frames(tmp_path) as source:  # the recorder had no time to write metadata.yaml
        frames = list(source)
    assert 20 * part - 4 <= len(frames) <= 20 * part + 1
    for frame in frames:
        np.testing.assert_array_equal(frame.image, picture(frame.index))
    assert f'was not finished or is damaged: {len(frames)} messages' in caplog.text


class Channel(NamedTuple):
    """A channel of an MCAP file."""

    topic: str
    encoding: str
    schema: tuple[str, str, bytes] | None
    messages: list[bytes]


def channel_of(messages: Iterable[Buffer], topic: str = '/image', kind: str = RAW) -> Channel:
    text = message_types().generate_msgdef(kind, ros_version=2)[0]
    schema = (kind, 'ros2msg', text.encode())
    return Channel(topic, 'cdr', schema, [bytes(message) for message in messages])


def write_mcap(
    path: Path,
    channels: list[Channel],
    compression: str = '',
    *,
    profile: str = 'ros2',
    index: bool = True,
) -> None:
    """Write a file as programs other than ROS do."""
    with path.open('wb') as file:
        kind = (compression or 'none').upper()
        writer = mcap.writer.Writer(
            file,
            compression=mcap.writer.CompressionType[kind],
            chunk_size=2**12 if compression else 2**24,
            use_chunking=index,
            use_statistics=index,
            use_summary_offsets=index,
            repeat_channels=index,
            repeat_schemas=index,
        )
        writer.start(profile=profile)
        for channel in channels:
            schema = 0 if channel.schema is None else writer.register_schema(*channel.schema)
            number = writer.register_channel(channel.topic, channel.encoding, schema)
            for index_, data in enumerate(channel.messages):
                time_ns = T0 + index_ * PERIOD
                writer.add_message(number, time_ns, data, time_ns)
        writer.finish()


STRANGE = {
    'JSON': Channel('/status', 'json', ('Status', 'jsonschema', b'{}'), [b'{"ok": true}']),
    'no schema': Channel('/notes', 'json', None, [b'{}']),
    'no schema, CDR': Channel('/bytes', 'cdr', None, [b'\0\1\0\0']),
    'protobuf': Channel(
        '/cam', 'protobuf', ('foxglove.CompressedImage', 'protobuf', b'\x0a\xff'), [b'\x0a\x02']
    ),
    'unknown definition': Channel('/thing', 'cdr', ('acme_msgs/msg/Thing', '', b''), [b'\0\1']),
}


@pytest.mark.parametrize('kind', STRANGE)
@pytest.mark.parametrize('profile', ['ros2', ''])
@pytest.mark.parametrize('index', [True, False])
def test_channels_of_other_programs_stand_beside_images(
    tmp_path: Path, kind: str, profile: str, index: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / 'drive.mcap'
    images = channel_of(raw_image(i) for i in range(5))
    write_mcap(path, [STRANGE[kind], images], profile=profile, index=index)
    with open_frames(path) as source:
        frames = list(source)
    assert [frame.stamp_ns for frame in frames] == [T0 + i * PERIOD for i in range(5)]
    np.testing.assert_array_equal(frames[4].image, picture(4))
    with BagReader(path) as bag, BagWriter(tmp_path / 'copy') as copy:
        assert bag.counts == {STRANGE[kind].topic: 1, '/image': 5}
        for message in bag.messages():
            copy.copy(message)
    with BagReader(tmp_path / 'copy') as copied:
        assert copied.counts == {'/image': 5}
    assert caplog.text.count(f'{STRANGE[kind].topic} is not copied to copy: ') == 1
    assert len(caplog.records) == 1


def test_the_one_image_topic_that_can_be_read_is_taken(tmp_path: Path) -> None:
    path = tmp_path / 'drive.mcap'
    schema = channel_of([]).schema
    write_mcap(
        path,
        [
            Channel('/json', 'json', schema, [b'{}']),
            Channel('/silent', 'cdr', schema, []),
            channel_of([raw_image(0)]),
        ],
    )
    with open_frames(path) as source:
        assert isinstance(source, BagFrames)
        assert source.topic == '/image'


@pytest.mark.parametrize(
    ('storage', 'mode'),
    [
        (StoragePlugin.MCAP, CompressionMode.FILE),
        (StoragePlugin.MCAP, CompressionMode.MESSAGE),
        (StoragePlugin.MCAP, CompressionMode.STORAGE),
        (StoragePlugin.SQLITE3, CompressionMode.FILE),
        (StoragePlugin.SQLITE3, CompressionMode.MESSAGE),
    ],
)
def test_compressed_bags_are_read(
    tmp_path: Path, storage: StoragePlugin, mode: CompressionMode
) -> None:
    writer = Writer(tmp_path / 'bag', version=9, storage_plugin=storage)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        connection = writer.add_connection('/image', RAW, typestore=message_types())
        for index in range(3):
            writer.write(connection, T0 + index * PERIOD, raw_image(index))
    with open_frames(tmp_path / 'bag') as source:
        frames = list(source)
    assert len(frames) == 3
    np.testing.assert_array_equal(frames[2].image, picture(2))


def test_a_json_topic_in_the_metadata_does_no_harm(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_bag(tmp_path / 'drive')
    path = folder / 'metadata.yaml'
    text = path.read_text()
    assert 'serialization_format: cdr' in text
    path.write_text(text.replace('serialization_format: cdr', 'serialization_format: json', 1))
    with open_frames(folder, topic='/camera/image') as source:
        assert len(list(source)) == 5
    assert 'metadata.yaml cannot be used (Serialization format' in caplog.text


def test_messages_that_are_not_of_ros_2_are_named(tmp_path: Path) -> None:
    path = tmp_path / 'drive.mcap'
    schema = (COMPRESSED, 'ros1msg', b'Header header')
    write_mcap(path, [Channel('/image', 'ros1', schema, [b'\0' * 40])], profile='ros1')
    with pytest.raises(ValueError, match='messages of /image are serialized as ros1, not as CDR'):
        open_frames(path)


@pytest.mark.parametrize('storage', STORAGES)
@pytest.mark.parametrize('metadata', [None, '', 'rosbag2_bagfile_information: {version: 99}'])
def test_a_folder_without_good_metadata_is_read_by_its_files(
    tmp_path: Path, storage: str, metadata: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_bag(tmp_path / 'drive', storage)
    if metadata is None:
        (folder / 'metadata.yaml').unlink()
    else:
        (folder / 'metadata.yaml').write_text(metadata)
    with open_frames(folder, topic='/camera/image') as source:
        assert (source.name, source.length) == ('drive', 5)
        assert [frame.stamp_ns for frame in source] == [T0 + i * PERIOD for i in range(5)]
    assert caplog.text.count('cannot be used') == (0 if metadata is None else 1)


@pytest.mark.parametrize('storage', STORAGES)
def test_the_parts_of_a_bag_are_read_in_order(tmp_path: Path, storage: str) -> None:
    (tmp_path / 'drive').mkdir()
    for part in range(11):
        bag = tmp_path / f'part{part}'
        with BagWriter(bag, storage) as writer:
            writer.write('/image', RAW, T0 + part * PERIOD, raw_image(part))
        (path,) = [p for p in bag.iterdir() if p.suffix in ('.mcap', '.db3')]
        path.rename(tmp_path / 'drive' / f'drive_{part}{path.suffix}')
    with open_frames(tmp_path / 'drive') as source:
        assert [frame.stamp_ns for frame in source] == [T0 + i * PERIOD for i in range(11)]
        assert source.length == 11


def test_a_folder_of_several_bags_is_not_guessed_at(tmp_path: Path) -> None:
    for name in ('a', 'b'):
        write_mcap(tmp_path / f'{name}_0.mcap', [channel_of([raw_image(0)])])
    with pytest.raises(ValueError, match='contains several bags: a, b; specify the file of one'):
        open_frames(tmp_path)


def test_a_bag_of_ros_1_names_the_converter(tmp_path: Path) -> None:
    (tmp_path / 'old').mkdir()
    path = tmp_path / 'old' / 'drive.bag'
    path.write_bytes(b'#ROSBAG V2.0\n')
    remedy = rf'drive.bag is a bag of ROS 1; convert it with "rosbags-convert --src {path} --dst '
    with pytest.raises(ValueError, match=remedy):
        open_frames(path)
    with pytest.raises(ValueError, match='is a bag of ROS 1; convert it'):
        open_frames(tmp_path / 'old')


def test_topics_with_unknown_types_are_not_copied(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As in the sqlite3 bags of Humble, which hold no definitions, and those of later ones."""
    folder = write_bag(tmp_path / 'drive', 'sqlite3')
    (path,) = folder.glob('*.db3')
    with sqlite3.connect(path) as database:
        database.execute(
            "INSERT INTO topics SELECT 9, '/thing', 'acme_msgs/msg/Thing', 'cdr', '', ''"
        )
        database.execute(
            f"INSERT INTO messages(topic_id, timestamp, data) VALUES (9, {T0}, x'00010000')"
        )
        database.execute(
            "UPDATE message_definitions SET encoding = 'unknown', encoded_message_definition = ''"
        )
    with BagReader(path) as bag, BagWriter(tmp_path / 'copy', 'sqlite3') as copy:
        assert bag.counts['/thing'] == 1
        for message in bag.messages():
            copy.copy(message)
    with BagReader(tmp_path / 'copy') as copied:
        assert copied.counts == {'/camera/image': 5, '/camera/image/compressed': 5}
    assert 'the bag does not contain the definition of acme_msgs/msg/Thing' in caplog.text


def test_messages_in_the_sqlite_log_of_a_killed_recorder_are_read(tmp_path: Path) -> None:
    folder = write_bag(tmp_path / 'drive', 'sqlite3', frames=3)
    (path,) = folder.glob('*.db3')
    (tmp_path / 'killed').mkdir()
    with sqlite3.connect(path) as database:
        database.execute('PRAGMA journal_mode=WAL')
        database.execute('DELETE FROM messages WHERE timestamp = ?', (T0 + 7_000_000,))
        database.commit()
        for file in folder.glob('*.db3*'):  # while the recorder still has it open
            if not file.name.endswith('-shm'):
                shutil.copy(file, tmp_path / 'killed')
    content = {file.name: file.read_bytes() for file in (tmp_path / 'killed').iterdir()}
    assert content[f'{path.name}-wal']
    with open_frames(tmp_path / 'killed', topic='/camera/image') as source:
        assert [frame.stamp_ns for frame in source] == [T0 + PERIOD, T0 + 2 * PERIOD]
    for name, data in content.items():
        assert (tmp_path / 'killed' / name).read_bytes() == data, 'the input is as it was'


def write_topics(path: Path, *topics: str) -> Path:
    """Write a bag with one picture on each topic, raw or compressed as its name says."""
    with BagWriter(path) as bag:
        for index, topic in enumerate(topics):
            if topic.endswith('/compressed'):
                bag.write(topic, COMPRESSED, T0, compressed_image(index))
            else:
                bag.write(topic, RAW, T0, raw_image(index))
    return path


def test_several_image_topics_have_to_be_chosen_from(tmp_path: Path) -> None:
    path = write_topics(tmp_path / 'drive', '/front/image', '/rear/image/compressed')
    with pytest.raises(
        JtnError, match='several image topics: /front/image, /rear/image/compressed; choose one'
    ):
        open_frames(path)
    with pytest.raises(JtnError, match='no image topic /side; its image topics: /front/image'):
        open_frames(path, topic='/side')


@pytest.mark.parametrize(
    ('recorded', 'wanted', 'chosen'),
    [
        (['/a/image/compressed', '/a/image'], None, '/a/image'),
        (['/a/image/compressed'], None, '/a/image/compressed'),
        (['/a/image/compressed'], '/a/image', '/a/image/compressed'),
        (['/a/image/compressed', '/a/image'], '/a/image/compressed', '/a/image/compressed'),
        (['/a/image/compressed', '/a/image', '/b/image'], '/a/image', '/a/image'),
    ],
)
def test_the_transports_of_a_camera_are_one_topic(
    tmp_path: Path, recorded: list[str], wanted: str | None, chosen: str
) -> None:
    with BagReader(write_topics(tmp_path / 'drive', *recorded)) as bag:
        assert choose_image_topic(bag, wanted) == chosen
    assert calibration_topic(chosen) == '/a/camera_info'


def test_a_topic_of_another_type_is_named(tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag') as bag:
        bag.write(
            '/status',
            'std_msgs/msg/Header',
            T0,
            message_types().serialize_cdr(header(0), 'std_msgs/msg/Header'),
        )
    with pytest.raises(ValueError, match='/status is a std_msgs/msg/Header; its image'):
        open_frames(tmp_path / 'bag', topic='/status')
    with pytest.raises(ValueError, match=r'image topics: none; of its topics, /status \(std_msgs'):
        open_frames(tmp_path / 'bag')


@pytest.mark.parametrize('storage', STORAGES)
def test_an_empty_bag_is_an_error(tmp_path: Path, storage: str) -> None:
    with BagWriter(tmp_path / 'bag', storage):
        pass
    with pytest.raises(ValueError, match='image topic'):
        open_frames(tmp_path / 'bag')


@pytest.mark.parametrize(
    ('storage', 'part'), [('sqlite3', 0.0), ('sqlite3', 0.3), ('sqlite3', 0.9), ('mcap', 0.0)]
)
def test_a_bag_without_a_message_that_can_be_read_is_an_error(
    tmp_path: Path, storage: str, part: float
) -> None:
    folder = write_bag(tmp_path / 'bag', storage, frames=20)
    path = cut(folder, part)
    reason = 'is not a readable bag' if part else f'{path.name} is an empty file'
    for bag in (folder, path):
        with pytest.raises(ValueError, match=reason):  # noqa: SIM117
            with open_frames(bag, topic='/camera/image') as source:
                list(source)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.binary(max_size=400), suffix=st.sampled_from(['.mcap', '.db3']))
def test_noise_is_not_a_bag(tmp_path: Path, data: bytes, suffix: str) -> None:
    path = tmp_path / f'noise{suffix}'
    path.write_bytes(data)
    # Noise may look like what a download brings instead of a bag.
    reason = what_came_instead(path) or 'not a readable bag'
    with pytest.raises(ValueError, match=re.escape(f'{path} is {reason}')):
        open_frames(path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, 1300), value=st.integers(0, 255))
def test_a_damaged_message_is_skipped_or_read(tmp_path: Path, position: int, value: int) -> None:
    damaged = bytearray(raw_image(1))
    damaged[position % len(damaged)] = value
    path = tmp_path / 'damaged.part'
    for old in tmp_path.glob('damaged*'):
        _remove(old)
    with BagWriter(path) as bag:
        for index, data in enumerate(map(bytes, [raw_image(0), damaged, raw_image(2)])):
            bag.write('/image', RAW, T0 + index, data)
    with open_frames(path) as source:
        indices = [frame.index for frame in source]
        assert set(indices) >= {0, 2}
        assert len(indices) + source.broken == 3


def test_a_broken_frame_is_reported_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with BagWriter(tmp_path / 'bag') as bag:
        for index, data in enumerate(map(bytes, [raw_image(0), raw_image(1)[:200], raw_image(2)])):
            bag.write('/image', RAW, T0 + index, data)
    with open_frames(tmp_path / 'bag') as source:
        assert [frame.index for frame in source] == [0, 2]
        assert source.broken == 1
    assert 'frame 2 is skipped: a message of /image cannot be read' in caplog.text


def test_a_bag_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / 'bag'
    with BagWriter(path) as bag:
        bag.write('/image', RAW, T0, raw_image(0))
        assert not path.exists()
    assert sorted(p.name for p in path.iterdir()) == ['bag.mcap', 'metadata.yaml']
    assert [p.name for p in tmp_path.iterdir()] == ['bag']


def test_nothing_is_left_after_an_exception(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='the type foo/msg/Bar is not known'):  # noqa: PT012, SIM117
        with BagWriter(tmp_path / 'bag') as bag:
            bag.write('/image', RAW, T0, raw_image(0))
            bag.write('/bar', 'foo/msg/Bar', T0, b'')
    assert list(tmp_path.iterdir()) == []


def test_a_bag_is_not_overwritten(tmp_path: Path) -> None:
    write_bag(tmp_path / 'bag', frames=1)
    with pytest.raises(JtnError, match='exists; remove it or choose another'):
        BagWriter(tmp_path / 'bag')
    with pytest.raises(ValueError, match="storage 'rosbag1' is not known; use mcap or sqlite3"):
        BagWriter(tmp_path / 'other', 'rosbag1')


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
