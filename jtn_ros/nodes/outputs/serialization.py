"""Check whether tracks can be published in serialized form, without message objects."""

from functools import cache
from typing import Any
from uuid import UUID

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.logging import get_logger
from rclpy.serialization import deserialize_message
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.media.messages.track_messages import to_tracked_object_array
from jtn_ros.media.messages.track_messages import tracks_to_objects
from jtn_ros.media.messages.track_serialization import serialize_tracked_object_array
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks

_ROWS = 2


@cache
def is_known() -> bool:
    """Return whether an example has the same serialized form here and in the middleware.

    It has not if the middleware uses another format, or if the message definitions differ.
    """
    header = Header(stamp=Time(sec=12, nanosec=34), frame_id='camera')
    tracks, names, positions = _example(), ('person', 'cat'), _example_positions()
    described: dict[str, Any] = {
        'session': UUID('00112233-4455-6677-8899-aabbccddeeff'),
        'camera_name': 'front',
        'image_size': (640, 480),
        'model_name': 'model',
        'latencies': {'queue': 0.001, 'inference': 0.02},
        'pose_frame_id': 'map',
    }
    objects = tracks_to_objects(new_message, tracks, names, positions, embeddings=True)
    message = to_tracked_object_array(new_message, header, objects, **described)
    own = serialize_tracked_object_array(
        header, tracks, names, positions, embeddings=True, **described
    )
    theirs = bytes(serialize_message(message))
    # What fills the gaps between values is arbitrary.
    known = (len(own), own[:4]) == (len(theirs), theirs[:4]) and (
        deserialize_message(own, TrackedObjectArray) == message
    )
    if not known:
        get_logger('jtn_tracker').debug(
            'the middleware does not serialize tracks as plain CDR, so message objects are '
            'published'
        )
    return known


def _example() -> Tracks:
    """Return tracks whose values all differ."""
    values = np.arange(1.0, 41.0).reshape(_ROWS, 20)
    return Tracks(
        ids=np.array([7, 4_000_000_000]),
        boxes=values[:, :4].astype(np.float32),
        scores=(values[:, 4] / 64).astype(np.float32),
        class_ids=np.array([0, 1], np.int32),
        centers=values[:, 5:7].astype(np.float32),
        velocities=values[:, 7:9].astype(np.float32),
        velocity_covariances=values[:, 9:13].reshape(_ROWS, 2, 2).astype(np.float32),
        states=np.array([1, 2], np.uint8),
        ages=np.array([8, 9], np.int32),
        hits=np.array([6, 5], np.int32),
        unseen_ns=np.array([0, 1_250_000_000]),
        detection_indices=np.array([0, -1], np.int32),
        embeddings=values[:, 13:16].astype(np.float32),
    )


def _example_positions() -> Positions:
    """Return the position of the second of the tracks."""
    values = np.arange(1.0, 85.0).reshape(_ROWS, 42)
    return Positions(
        frame_id='map',
        known=np.array([False, True]),
        points=values[:, :3],
        velocities=values[:, 3:6],
        covariances=values[:, 6:].reshape(_ROWS, 6, 6),
    )
