"""The located objects of a frame, as input for messages of other packages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Self
from uuid import UUID
from uuid import uuid5

import numpy as np
from numpy.typing import NDArray

from jtn_ros.class_names import class_name
from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.media.messages.track_messages import spread_covariances
from jtn_ros.media.messages.track_messages import to_uuid
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

# Class names of people.
_PEOPLE = frozenset({'human', 'pedestrian', 'people', 'person'})

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class LocatedObjects:
    """N confirmed objects with known positions, in the order of the tracks.

    Attributes:
        header: stamp of the image, and frame of the positions.
        session: identity of the tracking session.
        ids: of the tracks.
        class_names: in lower case.
        scores: of the last detections.
        hits: number of frames in which each was observed.
        points: float64 (N, 3), the measured points, in meters.
        middles: float64 (N, 3), the centers of the objects, in meters.
        sizes: float64 (N, 3) along the axes of the frame, in meters; 0 if not estimated.
        velocities: float64 (N, 3) in meters per second.
        pose_covariances: float64 (N, 36), row-major, of position and orientation.
        twist_covariances: float64 (N, 36), row-major, of linear and angular velocity.
    """

    header: Any
    session: UUID
    ids: list[int]
    class_names: list[str]
    scores: list[float]
    hits: list[int]
    points: Floats
    middles: Floats
    sizes: Floats
    velocities: Floats
    pose_covariances: Floats
    twist_covariances: Floats

    @classmethod
    def of(
        cls,
        header: Any,
        session: UUID,
        tracks: Tracks,
        positions: Positions,
        class_names: Sequence[str],
    ) -> Self:
        """Return the confirmed and located objects of a frame.

        Args:
            header: stamp of the image, and frame of the positions.
            session: identity of the tracking session.
            tracks: all live tracks.
            positions: of the tracks.
            class_names: of the model.
        """
        chosen = positions.known & (tracks.states == TrackState.CONFIRMED)
        tracks, points = tracks.select(chosen), positions.points[chosen]
        zeros = np.zeros_like(points)
        sizes = zeros if positions.sizes is None else positions.sizes[chosen]
        offsets = zeros if positions.offsets is None else positions.offsets[chosen]
        poses, twists = spread_covariances(positions.covariances[chosen])
        return cls(
            header=header,
            session=session,
            ids=tracks.ids.tolist(),
            class_names=[
                class_name(number, class_names).lower() for number in tracks.class_ids.tolist()
            ],
            scores=tracks.scores.tolist(),
            hits=tracks.hits.tolist(),
            points=points,
            middles=points + offsets,
            sizes=sizes,
            velocities=positions.velocities[chosen],
            pose_covariances=poses,
            twist_covariances=twists,
        )

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.ids)

    def uuid(self, new: NewMessage, row: int) -> Any:
        """Return an identity that is the same in every frame of the session, and in no other."""
        return to_uuid(new, uuid5(self.session, str(self.ids[row])))


def is_person(class_name: str) -> bool:
    """Return whether a class name, in lower case, denotes people."""
    return class_name in _PEOPLE


def point(new: NewMessage, values: Floats) -> Any:
    """Return a ``geometry_msgs/Point`` of three values."""
    x, y, z = values.tolist()
    return new('geometry_msgs/msg/Point', x=x, y=y, z=z)


def vector(new: NewMessage, values: Floats) -> Any:
    """Return a ``geometry_msgs/Vector3`` of three values."""
    x, y, z = values.tolist()
    return new('geometry_msgs/msg/Vector3', x=x, y=y, z=z)


def pose(new: NewMessage, values: Floats) -> Any:
    """Return a ``geometry_msgs/Pose`` at three values, along the axes of the frame."""
    return new(
        'geometry_msgs/msg/Pose',
        position=point(new, values),
        orientation=new('geometry_msgs/msg/Quaternion', w=1.0),
    )


def twist(new: NewMessage, values: Floats) -> Any:
    """Return a ``geometry_msgs/Twist`` without rotation from three values."""
    return new('geometry_msgs/msg/Twist', linear=vector(new, values))
