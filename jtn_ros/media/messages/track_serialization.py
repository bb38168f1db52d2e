"""Serialization of tracks as a TrackedObjectArray (CDR), without a message object.

rclpy looks up each field of a message by name, which takes several times as long as writing the
bytes. The bytes are the same: little-endian, each value aligned to its size.
"""

from collections.abc import Mapping
from collections.abc import Sequence
from functools import lru_cache
from struct import Struct
from struct import calcsize
from struct import pack
from typing import Any
from uuid import UUID

import numpy as np

from jtn_ros.class_names import class_name
from jtn_ros.media.messages.track_messages import object_values
from jtn_ros.media.messages.track_messages import spread_covariances
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks

# The encapsulation header, which is not included in the alignment.
_ENCAPSULATION = b'\x00\x01\x00\x00'
_COVARIANCE = 36 * 8
# For an object without a position: position and orientation, velocities, and covariances.
_NO_POSITION = (
    *(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    bytes(_COVARIANCE),
    *(0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    bytes(_COVARIANCE),
)


def serialize_tracked_object_array(
    header: Any,
    tracks: Tracks,
    class_names: Sequence[str],
    positions: Positions | None = None,
    *,
    embeddings: bool = False,
    session: UUID,
    camera_name: str,
    image_size: tuple[int, int],
    model_name: str,
    latencies: Mapping[str, float],
    pose_frame_id: str = '',
) -> bytes:
    """Return the serialized message of one frame.

    The arguments are those of `tracks_to_objects` and `to_tracked_object_array`.
    """
    data = bytearray(pack('<iI', header.stamp.sec, header.stamp.nanosec))
    _append_text(data, header.frame_id)
    data += session.bytes
    _append_text(data, camera_name)
    _append(data, '2I', 4, *image_size)
    _append_text(data, model_name)
    _append(data, 'I', 4, len(latencies))
    for name, seconds in latencies.items():
        _append_text(data, name)
        _append(data, 'd', 8, seconds)
    _append_text(data, pose_frame_id)
    _append(data, 'I', 4, len(tracks))
    _append_objects(data, tracks, class_names, positions, embeddings=embeddings)
    return _ENCAPSULATION + bytes(data)


def _append_objects(
    data: bytearray,
    tracks: Tracks,
    class_names: Sequence[str],
    positions: Positions | None,
    *,
    embeddings: bool,
) -> None:
    """Append a TrackedObject for each track."""
    located = _positions(len(tracks), positions)
    velocities = np.ascontiguousarray(tracks.velocities, '<f4')
    covariances = np.ascontiguousarray(tracks.velocity_covariances, '<f4')
    vectors = tracks.embeddings if embeddings else None
    width = 0 if vectors is None else vectors.shape[1]
    looks = np.zeros((len(tracks), 0), '<f4') if vectors is None else vectors.astype('<f4')
    for row, values in enumerate(object_values(tracks)):
        name = class_name(values.class_id, class_names).encode() + b'\0'
        data += _object_layout(len(data) % 8, len(name), width).pack(
            values.id,
            values.class_id,
            len(name),
            name,
            values.score,
            *values.center,
            0.0,  # the rotation of the box
            *values.size,
            velocities[row].tobytes(),
            covariances[row].tobytes(),
            values.state,
            values.predicted,
            values.reliable,
            values.age,
            values.hits,
            *values.unseen,
            width,
            looks[row].tobytes(),
            *located[row],
        )


def _positions(count: int, positions: Positions | None) -> list[tuple[bool | float | bytes, ...]]:
    """Return the values that follow the embedding of each object."""
    rows: list[tuple[bool | float | bytes, ...]] = [(False, *_NO_POSITION)] * count
    if positions is None:
        return rows
    poses, twists = (values.astype('<f8') for values in spread_covariances(positions.covariances))
    points, velocities = positions.points.tolist(), positions.velocities.tolist()
    for row in np.flatnonzero(positions.known).tolist():
        rows[row] = (
            True,
            *points[row],
            *(0.0, 0.0, 0.0, 1.0),
            poses[row].tobytes(),
            *velocities[row],
            *(0.0, 0.0, 0.0),
            twists[row].tobytes(),
        )
    return rows


@lru_cache(maxsize=1024)
def _object_layout(start: int, name_bytes: int, width: int) -> Struct:
    """Return the memory layout of a TrackedObject.

    Args:
        start: start position modulo 8.
        name_bytes: size of its class name, including the terminating zero.
        width: length of its embedding.
    """
    layout, position = '<', start
    for part, alignment in (
        ('IiI', 4),  # id, class and length of its name
        (f'{name_bytes}s', 1),
        ('f', 4),  # score
        ('5d', 8),  # bounding box
        ('8s16s', 4),  # velocity and its covariance
        ('BBB', 1),  # state, predicted, reliable
        ('2IiI', 4),  # age, hits, time since the observation
        ('I', 4),
        (f'{4 * width}s', 4),  # embedding
        ('B', 1),  # whether there is a position
        (f'7d{_COVARIANCE}s6d{_COVARIANCE}s', 8),
    ):
        padding = -position % alignment
        layout += f'{padding}x{part}'
        position += padding + calcsize(f'<{part}')
    return Struct(layout)


def _append(data: bytearray, layout: str, alignment: int, *values: float) -> None:
    """Append values of one size."""
    data += bytes(-len(data) % alignment) + pack(f'<{layout}', *values)


def _append_text(data: bytearray, text: str) -> None:
    """Append a string: its length, and its bytes with a terminating zero."""
    encoded = text.encode() + b'\0'
    _append(data, 'I', 4, len(encoded))
    data += encoded
