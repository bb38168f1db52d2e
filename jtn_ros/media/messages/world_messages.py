"""Objects in the world as ROS messages."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from jtn_ros.class_names import class_name
from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.media.messages.track_messages import spread_covariances
from jtn_ros.media.messages.track_messages import to_uuid
from jtn_ros.positions import WorldFrame

_NANOSECONDS = 1_000_000_000


def to_world_track_array(
    new: NewMessage,
    header: Any,
    frame: WorldFrame,
    *,
    session: UUID,
    cameras: Sequence[tuple[str, UUID]],
    class_names: Sequence[str],
) -> Any:
    """Return a ``jtn_msgs/WorldTrackArray``.

    Args:
        new: makes the messages.
        header: time of the frame, and coordinate frame of the positions.
        frame: the objects.
        session: identity of the session in which the ids are unique.
        cameras: name and tracking session of each camera, by its number.
        class_names: of the model.
    """
    tracks, members = frame.tracks, frame.members
    poses, twists = spread_covariances(tracks.covariances)
    ages = frame.stamp_ns - tracks.stamps_ns
    first = np.searchsorted(members.world_ids, tracks.ids, 'left').tolist()
    last = np.searchsorted(members.world_ids, tracks.ids, 'right').tolist()
    numbers, track_ids = members.cameras.tolist(), members.track_ids.tolist()
    messages = []
    for row, world_id in enumerate(tracks.ids.tolist()):
        seconds, nanoseconds = divmod(int(ages[row]), _NANOSECONDS)
        message = new(
            'jtn_msgs/msg/WorldTrack',
            id=world_id,
            class_id=int(tracks.class_ids[row]),
            class_name=class_name(int(tracks.class_ids[row]), class_names),
            score=float(tracks.scores[row]),
            time_since_observation=new(
                'builtin_interfaces/msg/Duration', sec=seconds, nanosec=nanoseconds
            ),
        )
        position, linear = message.pose.pose.position, message.twist.twist.linear
        position.x, position.y, position.z = tracks.means[row, :3].tolist()
        linear.x, linear.y, linear.z = tracks.means[row, 3:].tolist()
        message.pose.covariance, message.twist.covariance = poses[row], twists[row]
        for member in range(first[row], last[row]):
            name, camera_session = cameras[numbers[member]]
            message.members.append(
                new(
                    'jtn_msgs/msg/CameraTrack',
                    camera_name=name,
                    session=to_uuid(new, camera_session),
                    id=track_ids[member],
                )
            )
        messages.append(message)
    return new(
        'jtn_msgs/msg/WorldTrackArray',
        header=header,
        session=to_uuid(new, session),
        tracks=messages,
    )
