"""The selected target as a ROS message."""

from array import array
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import numpy as np

from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.media.messages.track_messages import to_uuid
from jtn_ros.media.messages.track_messages import tracks_to_objects
from jtn_ros.positions import Positions
from jtn_ros.tracking.target_lock import Target
from jtn_ros.tracking.track import Tracks


def to_target(
    new: NewMessage,
    header: Any,
    target: Target,
    tracks: Tracks,
    positions: Positions | None,
    class_names: Sequence[str],
    *,
    session: UUID,
    camera_name: str,
    selection: int,
) -> Any:
    """Return the state of the target after one frame.

    Args:
        new: makes the messages.
        header: header of the image.
        target: state of the target.
        tracks: of the image.
        positions: of the tracks in space; None if not used.
        class_names: of the model.
        session: identity of the tracking session.
        camera_name: name of the camera.
        selection: number of selections so far.
    """
    rows = np.flatnonzero(tracks.ids == target.track_id)
    located = None if positions is None else positions.select(rows)
    objects = tracks_to_objects(new, tracks.select(rows), class_names, located)
    (tracked,) = objects or [new('jtn_msgs/msg/TrackedObject')]
    return new(
        'jtn_msgs/msg/Target',
        header=header,
        session=to_uuid(new, session),
        camera_name=camera_name,
        state=int(target.state),
        selection=selection,
        switches=target.switches,
        certain=target.certain,
        object=tracked,
        pose_frame_id='' if positions is None else positions.frame_id,
        distance=float(target.distance),
        candidate_ids=array('I', target.candidates.tolist()),
        candidate_distances=array('f', target.candidate_distances.tolist()),
    )
