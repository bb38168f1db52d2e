"""A bag with tracks: all original messages, tracks after their images, reproducible bytes."""

from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.interfaces import QosDurability
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores
from rosbags.typesys import get_types_from_msg
from rosbags.typesys import get_typestore

from jtn_ros.media import open_frames
from jtn_ros.media.bags.bag import STORAGES
from jtn_ros.media.bags.bag import BagMessage
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.message_types import message_types
from jtn_ros.media.bags.recorded_tracks import read_tracks
from jtn_ros.media.bags.tracked_bag import TrackedBag
from jtn_ros.media.drawing import color_of
from jtn_ros.media.labels import Labels
from jtn_ros.media.messages.tracker_topics import LABEL_INFO
from jtn_ros.media.messages.tracker_topics import MARKERS
from jtn_ros.media.messages.tracker_topics import RECORDED
from jtn_ros.media.messages.tracker_topics import TRACKS
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

from places import ROOT
from tables import tracks_of

T0 = 1_700_000_000_000_000_000
PERIOD = 40_000_000
FRAMES = 4
IMAGE, TEXT, FOREIGN = 'sensor_msgs/msg/Image', 'std_msgs/msg/String', 'their_msgs/msg/Thing'


def serialized_image(index: int) -> memoryview:
    types = message_types().types
    seconds, nanoseconds = divmod(T0 + index * PERIOD, 10**9)
    header = types['std_msgs/msg/Header'](
        types['builtin_interfaces/msg/Time'](seconds, nanoseconds), 'front_camera'
    )
    pixels = np.random.default_rng(index).integers(0, 256, 16 * 24 * 3, dtype=np.uint8)
    message = types[IMAGE](
        header=header, height=16, width=24, encoding='bgr8', is_bigendian=0, step=72, data=pixels
    )
    return message_types().serialize_cdr(message, IMAGE)


def write_drive(path: Path, storage: str) -> Path:
    """Write images, texts between them, and a message of a type that we do not know."""
    text = message_types().serialize_cdr(message_types().types[TEXT]('hello'), TEXT)
    with BagWriter(path, storage) as bag:
        thing = bag._writer.add_connection(
            '/thing', FOREIGN, msgdef='int32 value\n', rihs01='RIHS01_' + 64 * '0'
        )
        bag._writer.write(thing, T0, b'\x00\x01\x00\x00\x07\x00\x00\x00')
        for index in range(FRAMES):
            received = T0 + index * PERIOD + 7_000_000
            bag.write('/image', IMAGE, received, serialized_image(index))
            bag.write('/text', TEXT, received + 1_000_000, text)
    return path


def tracks_in(index: int) -> Tracks:
    """Return the tracks of a frame: one that moves, and a lost one."""
    return tracks_of(
        [[1 + index, 2, 11 + index, 14], [0, 0, 4, 9]],
        ids=[3, 8],
        scores=[0.75, 0.5],
        class_ids=[0, 1],
        velocities=[[25, 0], [-1, 2]],
        velocity_covariances=[[[1, 2], [3, 4]], [[5, 6], [7, 8]]],
        states=[TrackState.CONFIRMED, TrackState.LOST],
        ages=[index, 9],
        hits=[index + 1, 4],
        unseen_ns=[0, 1_500_000_000],
        seen=[True, False],
        reliable=[True, index < 2],
    )


def write_tracked(path: Path, source_path: Path) -> Path:
    names = ('person', 'car')
    with (
        open_frames(source_path) as source,
        TrackedBag(path, source, Labels('m', names, 0.25)) as bag,
    ):
        for frame in source:
            bag.write(frame, tracks_in(frame.index), session=1 + frame.index // 2)
    return path


def test_a_class_without_a_name_has_its_number(tmp_path: Path) -> None:
    strange = replace(tracks_in(0), class_ids=np.array([-1, 2]))
    with (
        open_frames(write_drive(tmp_path / 'drive', 'mcap')) as source,
        TrackedBag(tmp_path / 'out', source, Labels('m', ('a', 'b'), 0.25)) as bag,
    ):
        bag.write(next(iter(source)), strange, session=1)
    with BagReader(tmp_path / 'out') as bag:
        (tracked,) = read_tracks(bag)
    assert tracked.class_names == {-1: '-1', 2: '2'}


@pytest.mark.parametrize('storage', STORAGES)
def test_all_topics_are_copied_and_the_tracks_stand_behind_their_images(
    tmp_path: Path, storage: str
) -> None:
    drive = write_drive(tmp_path / 'drive', storage)
    tracked = write_tracked(tmp_path / 'drive_tracked', drive)
    with BagReader(drive) as old, BagReader(tracked) as new:
        assert new.storage == storage
        added = {topic.full_name: topic.type_name for topic in RECORDED}
        assert new.topics == {**old.topics, **added}
        copied = list(new.messages())
        assert [m[:4] for m in copied if m.topic not in added] == [m[:4] for m in old.messages()]
        (thing,) = new.messages(['/thing'])
        assert thing.connection.msgdef.data.strip() == 'int32 value'
    topics = [m.topic for m in copied]
    each_frame = [topic.full_name for topic in RECORDED if not topic.latched]
    frame = ['/image', *each_frame, '/text']
    assert topics == ['/thing', '/image', '/jtn_tracker/label_info', *frame[1:]] + frame * 3
    times = defaultdict(list)
    for message in copied:
        times[message.topic].append(message.received_ns)
    assert all(times[topic] == times['/image'] for topic in each_frame)
    with BagReader(tracked) as new:
        for message in new.messages([TRACKS.full_name, MARKERS.full_name]):
            first = message.deserialize()
            header = first.header if message.topic == TRACKS.full_name else first.markers[0].header
            assert header.frame_id == 'front_camera'


@pytest.mark.parametrize('installed', [True, False])
@pytest.mark.parametrize('storage', STORAGES)
def test_display_topics_are_readable_with_the_definitions_of_the_bag(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, storage: str, installed: bool
) -> None:
    message_types.cache_clear()
    if not installed:
        monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    tracked = write_tracked(tmp_path / 'out', write_drive(tmp_path / 'drive', storage))
    message_types.cache_clear()
    with BagReader(tracked) as bag:
        last = {m.topic.rpartition('/')[2]: own_reading(m) for m in bag.messages()}
        (latched,) = bag.messages([LABEL_INFO.full_name])
    assert [(c.class_id, c.class_name) for c in last['label_info'].class_map] == [
        (0, 'person'), (1, 'car'),
    ]  # fmt: skip
    assert last['label_info'].threshold == 0.25
    assert isinstance(latched.connection.ext, ConnectionExtRosbag2)
    (profile,) = latched.connection.ext.offered_qos_profiles
    assert profile.durability == QosDurability.TRANSIENT_LOCAL
    # Track 8 was not seen for longer than what is drawn, and only track 3 is confirmed and seen.
    (detection,) = last['detections'].detections
    assert (detection.id, detection.results[0].hypothesis.class_id) == ('3', 'person')
    assert detection.results[0].pose.pose.orientation.w == 1
    (outline,), (label,) = last['annotations'].points, last['annotations'].texts
    assert [(p.x, p.y) for p in outline.points] == [(4, 2), (14, 2), (14, 14), (4, 14)]
    assert (label.text, label.position.x, label.position.y) == ('3 person', 4, 2)
    blue, green, red = color_of(3)
    fill = label.background_color
    assert [fill.r, fill.g, fill.b, fill.a] == [red / 255, green / 255, blue / 255, 1]
    shapes = {m.ns: m for m in last['markers'].markers}
    assert shapes['ids'].text == '3 person'
    # Half of the longer side, 24 pixels, is two meters.
    corners = np.array([(p.x, p.y, p.z) for p in shapes['boxes'].points])
    np.testing.assert_allclose(corners.min(axis=0), [(4 - 12) / 6, (2 - 8) / 6, 0])
    np.testing.assert_allclose(corners.max(axis=0), [(14 - 12) / 6, (14 - 8) / 6, 0])
    # The trail of a session: the last two frames.
    assert len(shapes['trails'].points) == 2


def own_reading(message: BagMessage) -> Any:
    """Return a message as a program reads it that knows nothing but the bag."""
    store = get_typestore(Stores.EMPTY)
    definition = message.connection.msgdef.data
    store.register(get_types_from_msg(definition, message.type_name))
    return store.deserialize_cdr(message.data, message.type_name)


def test_built_in_definitions_are_those_of_the_interface_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    message_types.cache_clear()
    built_in = message_types()
    message_types.cache_clear()
    store, types = get_typestore(Stores.ROS2_JAZZY), dict[str, Any]()
    files = sorted((ROOT / 'test' / 'messages' / 'foxglove_msgs' / 'msg').glob('*.msg'))
    for path in files:
        types |= get_types_from_msg(path.read_text(), f'foxglove_msgs/msg/{path.stem}')
    store.register(types)
    for path in files:
        name = f'foxglove_msgs/msg/{path.stem}'
        assert built_in.hash_rihs01(name) == store.hash_rihs01(name)


@pytest.mark.parametrize('storage', STORAGES)
def test_tracks_are_read_as_written(tmp_path: Path, storage: str) -> None:
    tracked = write_tracked(tmp_path / 'out', write_drive(tmp_path / 'drive', storage))
    with BagReader(tracked) as bag:
        run = list(read_tracks(bag))
        message = next(bag.messages([TRACKS.full_name])).deserialize()
    assert (message.image_width, message.image_height, message.camera_name) == (24, 16, 'drive')
    assert [item.stamp_ns for item in run] == [T0 + i * PERIOD for i in range(FRAMES)]
    assert len({item.session for item in run}) == 2
    assert {item.latency_s for item in run} == {0}
    for index, item in enumerate(run):
        expected = tracks_in(index)
        assert item.model_name == 'm'
        assert item.class_names == {0: 'person', 1: 'car'}
        for name in (
            'ids',
            'boxes',
            'scores',
            'class_ids',
            'velocities',
            'velocity_covariances',
            'states',
            'ages',
            'hits',
            'unseen_ns',
            'observed',
            'reliable',
        ):
            np.testing.assert_allclose(
                getattr(item.tracks, name), getattr(expected, name), atol=1e-5, err_msg=name
            )


def test_predictions_do_not_count_in_bags_without_the_field_reliable(
    tmp_path: Path,
) -> None:
    tracked = write_tracked(tmp_path / 'out', write_drive(tmp_path / 'drive', 'mcap'))
    with BagReader(tracked) as bag:
        message = next(bag.messages([TRACKS.full_name]))
        assert next(read_tracks(bag)).tracks.counted.tolist() == [True, True]
    definition = message.connection.msgdef.data.replace('bool reliable\n', '')
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(definition, message.type_name))
    array = message.deserialize()
    tracked_object = 'jtn_msgs/msg/TrackedObject'
    names = [name for name, _ in store.fielddefs[tracked_object][1]]
    array.objects = [
        store.types[tracked_object](**{name: getattr(item, name) for name in names})
        for item in array.objects
    ]
    with Writer(tmp_path / 'earlier', version=9) as bag:
        topic = bag.add_connection(TRACKS.full_name, message.type_name, typestore=store)
        bag.write(topic, T0, store.serialize_cdr(array, message.type_name))
    with BagReader(tmp_path / 'earlier') as bag:
        assert next(read_tracks(bag)).tracks.counted.tolist() == [True, False]


@pytest.mark.parametrize('storage', STORAGES)
def test_the_same_input_gives_the_same_bytes(tmp_path: Path, storage: str) -> None:
    drive = write_drive(tmp_path / 'drive', storage)
    contents = []
    for folder in ('a', 'b'):
        (tmp_path / folder).mkdir()
        tracked = write_tracked(tmp_path / folder / 'tracked', drive)
        contents.append({p.name: p.read_bytes() for p in sorted(tracked.iterdir())})
    assert contents[0] == contents[1]


def test_other_sources_give_a_bag_of_the_topics_of_the_tracker_alone(tmp_path: Path) -> None:
    (tmp_path / 'images').mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / 'images' / f'{index}.png'), np.zeros((16, 24, 3), np.uint8))
    with BagReader(write_tracked(tmp_path / 'out', tmp_path / 'images')) as bag:
        assert set(bag.topics) == {topic.full_name for topic in RECORDED}
        assert len(list(read_tracks(bag))) == 3


def test_a_tracked_bag_is_not_tracked_over(tmp_path: Path) -> None:
    tracked = write_tracked(tmp_path / 'once', write_drive(tmp_path / 'drive', 'mcap'))
    with pytest.raises(ValueError, match='has a topic /jtn_tracker/tracks already'):
        write_tracked(tmp_path / 'twice', tracked)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['drive', 'once']
