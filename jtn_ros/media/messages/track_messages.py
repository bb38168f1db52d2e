"""Tracks as ROS messages."""

from array import array
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
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


def tracks_to_objects(
    new: NewMessage,
    tracks: Tracks,
    class_names: Sequence[str],
    *,
    embeddings: bool = False,
) -> list[Any]:
    """Return one TrackedObject per track; `embeddings` says whether to fill in the appearance."""
    boxes = tracks.boxes.astype(np.float64)
    centers, sizes = box_centers(boxes).tolist(), box_sizes(boxes).tolist()
    covariances = np.ascontiguousarray(tracks.velocity_covariances, np.float32).reshape(-1, 4)
    velocities = np.ascontiguousarray(tracks.velocities, np.float32)
    vectors = tracks.embeddings if embeddings else None
    objects = []
    for row, (track_id, class_id, score, state, observed, age, hits, unseen_ns) in enumerate(
        zip(
            tracks.ids.tolist(),
            tracks.class_ids.tolist(),
            tracks.scores.tolist(),
            tracks.states.tolist(),
            tracks.observed.tolist(),
            tracks.ages.tolist(),
            tracks.hits.tolist(),
            tracks.unseen_ns.tolist(),
            strict=True,
        )
    ):
        seconds, nanoseconds = divmod(unseen_ns, _NANOSECONDS)
        tracked = new(
            'jtn_msgs/msg/TrackedObject',
            id=track_id,
            class_id=class_id,
            class_name=class_name(class_id, class_names),
            score=score,
            bbox=_bounding_box(new, centers[row], sizes[row]),
            velocity=velocities[row],
            velocity_covariance=covariances[row],
            state=state,
            predicted=not observed,
            age=age + 1,  # the message counts the first frame too
            hits=hits,
            time_since_observation=new(
                'builtin_interfaces/msg/Duration', sec=seconds, nanosec=nanoseconds
            ),
        )
        if vectors is not None:
            tracked.embedding = array('f', vectors[row].astype(np.float32).tobytes())
        objects.append(tracked)
    return objects


def fill_positions(objects: Sequence[Any], positions: Positions) -> None:
    """Fill in pose and twist of the objects, one for each row of the positions, where known."""
    poses, twists = spread_covariances(positions.covariances)
    points, velocities = positions.points.tolist(), positions.velocities.tolist()
    for row in np.flatnonzero(positions.known).tolist():
        tracked = objects[row]
        tracked.has_3d = True
        position, linear = tracked.pose.pose.position, tracked.twist.twist.linear
        position.x, position.y, position.z = points[row]
        linear.x, linear.y, linear.z = velocities[row]
        tracked.pose.covariance = poses[row]
        tracked.twist.covariance = twists[row]


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
    """Return the names of a model's classes, and the score from which it is trusted."""
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
    """Return the confirmed objects that were seen in this frame, for users of vision_msgs.

    Each has the track's id, and the name of its class rather than an index.
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


def _bounding_box(new: NewMessage, center: list[float], size: list[float]) -> Any:
    """Return a box without rotation from its center and size in pixels."""
    box = new('vision_msgs/msg/BoundingBox2D', size_x=size[0], size_y=size[1])
    box.center.position.x, box.center.position.y = center
    return box
