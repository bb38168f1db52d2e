"""Tables of a frame, from plain lists."""

import numpy as np
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.detections import Detections
from jtn_ros.geometry import box_centers
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState


def detections_of(
    boxes: ArrayLike,
    *,
    scores: ArrayLike = 0.9,
    class_ids: ArrayLike = 0,
    centers: ArrayLike | None = None,
    displacements: ArrayLike | None = None,
    embeddings: ArrayLike | None = None,
) -> Detections:
    """Return detections; one score or class counts for all, centers are those of the boxes."""
    corners = np.asarray(boxes, np.float32).reshape(-1, 4)
    number = len(corners)

    return Detections(
        boxes=corners,
        scores=np.broadcast_to(np.asarray(scores, np.float32), number),
        class_ids=np.broadcast_to(np.asarray(class_ids, np.int32), number),
        centers=box_centers(corners) if centers is None else np.asarray(centers, np.float32),
        displacements=_floats(displacements),
        embeddings=_floats(embeddings),
    )


def annotations_of(
    boxes: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    class_ids: ArrayLike = 0,
    visibilities: ArrayLike = 1.0,
    ignored: ArrayLike = False,
) -> Annotations:
    """Return annotated objects; one value counts for all, identities are 1, 2, ..."""
    corners = np.array(boxes, np.float32).reshape(-1, 4)
    number = len(corners)
    return Annotations(
        ids=np.arange(1, number + 1) if ids is None else np.asarray(ids, np.int64),
        boxes=corners,
        class_ids=np.broadcast_to(np.asarray(class_ids, np.int32), number),
        visibilities=np.broadcast_to(np.asarray(visibilities, np.float32), number),
        ignored=np.broadcast_to(np.asarray(ignored, np.bool_), number),
    )


def tracks_of(
    boxes: ArrayLike,
    *,
    ids: ArrayLike | None = None,
    scores: ArrayLike = 1.0,
    class_ids: ArrayLike = 0,
    centers: ArrayLike | None = None,
    velocities: ArrayLike = (0, 0),
    velocity_covariances: ArrayLike = ((0, 0), (0, 0)),
    states: ArrayLike = TrackState.CONFIRMED,
    ages: ArrayLike = 1,
    hits: ArrayLike = 1,
    unseen_ns: ArrayLike = 0,
    seen: ArrayLike = True,
    embeddings: ArrayLike | None = None,
    reliable: ArrayLike | None = None,
) -> Tracks:
    """Return tracks; one value counts for all, ids are 1, 2, ..., and centers those of the boxes.

    Those that are `seen` are matched with the detections 0, 1, ...
    """
    corners = np.asarray(boxes, np.float32).reshape(-1, 4)
    number = len(corners)
    matched = np.broadcast_to(np.asarray(seen, np.bool_), number)
    return Tracks(
        ids=np.arange(1, number + 1) if ids is None else np.asarray(ids, np.int64),
        boxes=corners,
        scores=np.broadcast_to(np.asarray(scores, np.float32), number),
        class_ids=np.broadcast_to(np.asarray(class_ids, np.int32), number),
        centers=box_centers(corners) if centers is None else np.asarray(centers, np.float32),
        velocities=np.broadcast_to(np.asarray(velocities, np.float32), (number, 2)),
        velocity_covariances=np.broadcast_to(
            np.asarray(velocity_covariances, np.float32), (number, 2, 2)
        ),
        states=np.broadcast_to(np.asarray(states, np.uint8), number),
        ages=np.broadcast_to(np.asarray(ages, np.int32), number),
        hits=np.broadcast_to(np.asarray(hits, np.int32), number),
        unseen_ns=np.broadcast_to(np.asarray(unseen_ns, np.int64), number),
        detection_indices=np.where(matched, np.cumsum(matched) - 1, -1).astype(np.int32),
        embeddings=_floats(embeddings),
        reliable=None if reliable is None else np.asarray(reliable, np.bool_),
    )


def _floats(values: ArrayLike | None) -> NDArray[np.float32] | None:
    return None if values is None else np.asarray(values, np.float32)
