from typing import Any
from uuid import UUID

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.media.messages.track_messages import to_detection_array
from jtn_ros.media.messages.track_messages import to_tracked_object_array
from jtn_ros.media.messages.track_messages import tracks_to_objects
from jtn_ros.media.messages.track_serialization import serialize_tracked_object_array
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.outputs import serialization
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

from tables import tracks_of

HEADER = Header(stamp=Time(sec=12, nanosec=345_678_901), frame_id='camera')
NAMES = ('person', 'bicycle')


@pytest.fixture
def tracks() -> Tracks:
    """A confirmed track seen now, a tentative one seen now, and a lost one."""
    return tracks_of(
        [[10.0, 20.0, 40.0, 100.0], [-5.0, 0.0, 5.5, 8.0], [0.0, 0.0, 2.0, 2.0]],
        ids=[7, 4_000_000_000, 9],
        scores=[0.75, 0.5, 0.25],
        class_ids=[0, 1, 0],
        centers=[[25, 60], [0, 4], [1, 1]],
        velocities=[[30.0, -1.5], [0.0, 0.0], [2.0, 2.0]],
        velocity_covariances=[[4, 1], [1, 9]],
        states=[TrackState.CONFIRMED, TrackState.TENTATIVE, TrackState.LOST],
        ages=[12, 1, 40],
        hits=[11, 1, 30],
        unseen_ns=[0, 0, 1_250_000_000],
        seen=[True, True, False],
        embeddings=np.eye(3, 4),
        reliable=[True, False, True],
    )


@pytest.fixture
def positions() -> Positions:
    """Of the first and the last of the tracks."""
    return Positions(
        frame_id='map',
        known=np.array([True, False, True]),
        points=np.arange(9.0).reshape(3, 3),
        velocities=-np.arange(9.0).reshape(3, 3),
        covariances=np.arange(3 * 36, dtype=np.float64).reshape(3, 6, 6),
    )


def test_objects_carry_the_tracks_values(tracks: Tracks) -> None:
    seen, tentative, lost = tracks_to_objects(new_message, tracks, NAMES)
    assert (seen.id, seen.class_id, seen.class_name, seen.score) == (7, 0, 'person', 0.75)
    assert (seen.bbox.center.position.x, seen.bbox.center.position.y) == (25, 60)
    assert (seen.bbox.size_x, seen.bbox.size_y, seen.bbox.center.theta) == (30, 80, 0)
    assert seen.velocity.tolist() == [30.0, -1.5]
    assert seen.velocity_covariance.tolist() == [4, 1, 1, 9]
    assert (seen.state, seen.predicted, seen.age, seen.hits) == (seen.CONFIRMED, False, 13, 11)
    assert (seen.time_since_observation.sec, seen.time_since_observation.nanosec) == (0, 0)
    assert not seen.has_3d
    assert len(seen.embedding) == 0
    assert (tentative.id, tentative.state) == (4_000_000_000, tentative.TENTATIVE)
    assert (tentative.class_name, tentative.bbox.center.position.x) == ('bicycle', 0.25)
    assert (lost.state, lost.predicted) == (lost.LOST, True)
    assert [o.reliable for o in (seen, tentative, lost)] == [True, False, True]
    assert lost.time_since_observation.sec == 1
    assert lost.time_since_observation.nanosec == 250_000_000


def test_embeddings_are_carried_on_request(tracks: Tracks) -> None:
    objects = tracks_to_objects(new_message, tracks, NAMES, embeddings=True)
    np.testing.assert_array_equal([o.embedding for o in objects], tracks.embeddings)


def test_reused_messages_keep_nothing_of_earlier_frames(
    tracks: Tracks, positions: Positions
) -> None:
    frames = [
        (tracks, positions, True),
        (tracks.select(slice(1, 3)), None, False),
        (tracks, positions.select(np.array([1, 0, 2])), False),
    ]
    reused: list[Any] = []
    for some, located, embeddings in frames:
        objects = tracks_to_objects(
            new_message, some, NAMES, located, embeddings=embeddings, reused=reused
        )
        afresh = tracks_to_objects(new_message, some, NAMES, located, embeddings=embeddings)
        assert objects == afresh
        assert all(one is other for one, other in zip(objects, reused, strict=False))
        if located is not None:
            assert [o.has_3d for o in objects] == located.known.tolist()
    assert len(reused) == 3


def test_track_message_names_frame_session_and_latencies(tracks: Tracks) -> None:
    session = UUID('00112233-4455-6677-8899-aabbccddeeff')
    objects = tracks_to_objects(new_message, tracks, NAMES)
    message = to_tracked_object_array(
        new_message,
        HEADER,
        objects,
        session=session,
        camera_name='front',
        image_size=(640, 480),
        model_name='light',
        latencies={'queue': 0.001, 'inference': 0.02},
    )
    assert message.header == HEADER
    assert bytes(message.session.uuid) == session.bytes
    assert (message.camera_name, message.model_name) == ('front', 'light')
    assert (message.image_width, message.image_height) == (640, 480)
    assert [(s.name, s.duration) for s in message.latencies] == [
        ('queue', 0.001), ('inference', 0.02),
    ]  # fmt: skip
    assert list(message.objects) == objects
    assert message.pose_frame_id == ''


def test_detections_are_the_confirmed_objects_seen_now(tracks: Tracks) -> None:
    message = to_detection_array(
        new_message, HEADER, tracks_to_objects(new_message, tracks, NAMES)
    )
    (detection,) = message.detections
    assert message.header == detection.header == HEADER
    assert detection.id == '7'
    assert (detection.bbox.center.position.x, detection.bbox.size_y) == (25, 80)
    (result,) = detection.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('person', 0.75)


def test_no_tracks_are_an_empty_message(tracks: Tracks) -> None:
    none = tracks_to_objects(new_message, tracks.select(np.zeros(3, bool)), NAMES)
    assert none == []
    assert to_detection_array(new_message, HEADER, none).detections == []


@pytest.mark.parametrize('rows', [[], [0], [2, 1], [0, 1, 2]])
@pytest.mark.parametrize('embeddings', [False, True])
@pytest.mark.parametrize('located', [False, True])
@pytest.mark.parametrize('frame_id', ['', 'map', 'camera', 'l\u00f6ng'])
def test_serialized_tracks_are_those_of_the_message(
    tracks: Tracks,
    positions: Positions,
    rows: list[int],
    embeddings: bool,
    located: bool,
    frame_id: str,
) -> None:
    chosen = np.array(rows, np.intp)
    tracks, where = tracks.select(chosen), positions.select(chosen) if located else None
    header = Header(stamp=HEADER.stamp, frame_id=frame_id)
    objects = tracks_to_objects(new_message, tracks, NAMES, where, embeddings=embeddings)
    described: dict[str, Any] = {
        'session': UUID('00112233-4455-6677-8899-aabbccddeeff'),
        'camera_name': 'front',
        'image_size': (640, 480),
        'model_name': 'light',
        'latencies': {'queue': 0.001, 'inference': 0.02},
        'pose_frame_id': frame_id if located else '',
    }
    message = to_tracked_object_array(new_message, header, objects, **described)
    data = serialize_tracked_object_array(
        header, tracks, NAMES, where, embeddings=embeddings, **described
    )
    assert deserialize_message(data, TrackedObjectArray) == message
    assert len(data) == len(serialize_message(message))
    assert serialization.is_known()
