"""Tracks as ROS messages."""

from array import array
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from jtn_ros.class_names import class_name
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

_NANOSECONDS = 1_000_000_000
# Of what is not estimated: orientation and angular velocity, in rad^2 and (rad/s)^2.
_UNKNOWN_VARIANCE = 1e6


class ObjectValues(NamedTuple):
    """The values of a TrackedObject except arrays and positions, as plain numbers.

    They are the fields of the message; `center` and `size` are those of the box, `unseen` is
    the time since the observation in seconds and nanoseconds.
    """

    id: int
    class_id: int
    score: float
    center: list[float]
    size: list[float]
    state: int
    predicted: bool
    reliable: bool
    age: int
    hits: int
    unseen: list[int]


def object_values(tracks: Tracks) -> Iterator[ObjectValues]:
    """Yield the values of each track."""
    boxes = tracks.boxes.astype(np.float64)
    unseen = np.stack(np.divmod(tracks.unseen_ns, _NANOSECONDS), axis=1)
    columns = (
        tracks.ids,
        tracks.class_ids,
        tracks.scores,
        box_centers(boxes),
        box_sizes(boxes),
        tracks.states,
        ~tracks.observed,
        tracks.counted,
        tracks.ages + 1,  # the message counts the first frame too
        tracks.hits,
        unseen,
    )
    yield from map(ObjectValues._make, zip(*(c.tolist() for c in columns), strict=True))


def tracks_to_objects(
    new: NewMessage,
    tracks: Tracks,
    class_names: Sequence[str],
    positions: Positions | None = None,
    *,
    embeddings: bool = False,
    reused: list[Any] | None = None,
) -> list[Any]:
    """Return one TrackedObject per track.

    Args:
        new: makes the messages.
        tracks: of one frame.
        class_names: of the model.
        positions: of the tracks in space; None if not used.
        embeddings: whether to fill in the appearance.
        reused: messages of earlier frames, which are overwritten, because creating a message
            takes far longer. Missing messages are appended.
    """
    messages = [] if reused is None else reused
    while len(messages) < len(tracks):
        messages.append(new('jtn_msgs/msg/TrackedObject'))
    objects = messages[: len(tracks)]
    covariances = np.ascontiguousarray(tracks.velocity_covariances, np.float32).reshape(-1, 4)
    velocities = np.ascontiguousarray(tracks.velocities, np.float32)
    vectors = tracks.embeddings if embeddings else None
    for row, values in enumerate(object_values(tracks)):
        tracked = objects[row]
        tracked.id = values.id
        tracked.class_id = values.class_id
        tracked.class_name = class_name(values.class_id, class_names)
        tracked.score = values.score
        box = tracked.bbox
        box.center.position.x, box.center.position.y = values.center
        box.size_x, box.size_y = values.size
        tracked.velocity = velocities[row]
        tracked.velocity_covariance = covariances[row]
        tracked.state = values.state
        tracked.predicted = values.predicted
        tracked.reliable = values.reliable
        tracked.age = values.age
        tracked.hits = values.hits
        unseen = tracked.time_since_observation
        unseen.sec, unseen.nanosec = values.unseen
        if vectors is not None:
            tracked.embedding = array('f', vectors[row].astype(np.float32).tobytes())
        elif len(tracked.embedding):
            tracked.embedding = array('f')
    _fill_positions(new, objects, positions)
    return objects


def spread_covariances(
    covariances: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the covariances (N, 36) of pose and twist from those (N, 6, 6) of `Positions`."""
    poses = np.zeros((len(covariances), 6, 6))
    poses[:, range(3, 6), range(3, 6)] = _UNKNOWN_VARIANCE
    twists = poses.copy()
    poses[:, :3, :3] = covariances[:, :3, :3]
    twists[:, :3, :3] = covariances[:, 3:, 3:]
    return poses.reshape(-1, 36), twists.reshape(-1, 36)


def to_uuid(new: NewMessage, identity: UUID) -> Any:
    """Return an identity as a ``unique_identifier_msgs/UUID``."""
    return new('unique_identifier_msgs/msg/UUID', uuid=np.frombuffer(identity.bytes, np.uint8))


def to_tracked_object_array(
    new: NewMessage,
    header: Any,
    objects: Sequence[Any],
    *,
    session: UUID,
    camera_name: str,
    image_size: tuple[int, int],
    model_name: str,
    latencies: Mapping[str, float],
    pose_frame_id: str = '',
) -> Any:
    """Return the tracks of one frame as a message.

    Args:
        new: makes the messages.
        header: header of the image.
        objects: what `tracks_to_objects` returned.
        session: identity of the tracking session.
        camera_name: name of the camera.
        image_size: width and height of the source image in pixels.
        model_name: name of the model.
        latencies: seconds per stage, in the order of the stages.
        pose_frame_id: frame of the 3D values; empty if there are none.
    """
    width, height = image_size
    return new(
        'jtn_msgs/msg/TrackedObjectArray',
        header=header,
        session=to_uuid(new, session),
        camera_name=camera_name,
        image_width=width,
        image_height=height,
        model_name=model_name,
        latencies=[
            new('jtn_msgs/msg/StageLatency', name=name, duration=seconds)
            for name, seconds in latencies.items()
        ],
        pose_frame_id=pose_frame_id,
        objects=list(objects),
    )


def to_label_info(
    new: NewMessage, header: Any, class_names: Sequence[str], threshold: float
) -> Any:
    """Return the class names and the confidence threshold of a model."""
    return new(
        'vision_msgs/msg/LabelInfo',
        header=header,
        class_map=[
            new('vision_msgs/msg/VisionClass', class_id=index, class_name=name)
            for index, name in enumerate(class_names)
        ],
        threshold=threshold,
    )


def to_detection_array(new: NewMessage, header: Any, objects: Sequence[Any]) -> Any:
    """Return the confirmed objects that were detected in this frame, for users of vision_msgs.

    Each has the id of the track, and the name of its class instead of an index.
    """
    detections = []
    for tracked in objects:
        if tracked.state != TrackState.CONFIRMED or tracked.predicted:
            continue
        result = new('vision_msgs/msg/ObjectHypothesisWithPose')
        result.hypothesis.class_id = tracked.class_name
        result.hypothesis.score = tracked.score
        detections.append(
            new(
                'vision_msgs/msg/Detection2D',
                header=header,
                results=[result],
                bbox=tracked.bbox,
                id=str(tracked.id),
            )
        )
    return new('vision_msgs/msg/Detection2DArray', header=header, detections=detections)


def _fill_positions(new: NewMessage, objects: Sequence[Any], positions: Positions | None) -> None:
    """Set pose and twist of the objects if known; otherwise reset them."""
    known = np.zeros(len(objects), np.bool_) if positions is None else positions.known
    for row in np.flatnonzero(~known).tolist():
        if objects[row].has_3d:
            objects[row].has_3d = False
            objects[row].pose = new('geometry_msgs/msg/PoseWithCovariance')
            objects[row].twist = new('geometry_msgs/msg/TwistWithCovariance')
    if positions is None:
        return
    poses, twists = spread_covariances(positions.covariances)
    points, velocities = positions.points.tolist(), positions.velocities.tolist()
    for row in np.flatnonzero(known).tolist():
        tracked = objects[row]
        tracked.has_3d = True
        position, linear = tracked.pose.pose.position, tracked.twist.twist.linear
        position.x, position.y, position.z = points[row]
        linear.x, linear.y, linear.z = velocities[row]
        tracked.pose.covariance = poses[row]
        tracked.twist.covariance = twists[row]
