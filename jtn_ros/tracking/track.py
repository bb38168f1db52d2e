"""The tracks of one frame, as arrays."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.tracking.columns import Columns


class TrackState(IntEnum):
    """State of a track, with the values of ``jtn_msgs/TrackedObject``."""

    TENTATIVE = 0
    CONFIRMED = 1
    LOST = 2


@dataclass(frozen=True, kw_only=True)
class Tracks(Columns):
    """N live tracks after one frame, in source-image pixels and seconds.

    Attributes:
        ids: int64 (N,), positive, never reused within a session.
        boxes: float32 (N, 4), ``x1 y1 x2 y2``; predicted if not detected in this frame.
        scores: float32 (N,), score of the last detection.
        class_ids: int32 (N,).
        centers: float32 (N, 2).
        velocities: float32 (N, 2) in px/s.
        velocity_covariances: float32 (N, 2, 2) in (px/s)^2.
        states: uint8 (N,), see `TrackState`.
        ages: int32 (N,), frames since the track was created.
        hits: int32 (N,), number of frames with a detection.
        unseen_ns: int64 (N,), nanoseconds since the last detection; 0 if detected in this frame.
        detection_indices: int32 (N,), index of the matched detection of this frame, or -1.
        embeddings: float32 (N, D), mean appearance, or None.
        reliable: bool (N,), whether the box counts as a result: it was detected, or its prediction
            is as good as a detection. None if unknown; then only detected boxes are.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    centers: NDArray[np.float32]
    velocities: NDArray[np.float32]
    velocity_covariances: NDArray[np.float32]
    states: NDArray[np.uint8]
    ages: NDArray[np.int32]
    hits: NDArray[np.int32]
    unseen_ns: NDArray[np.int64]
    detection_indices: NDArray[np.int32]
    embeddings: NDArray[np.float32] | None = None
    reliable: NDArray[np.bool_] | None = None

    @property
    def observed(self) -> NDArray[np.bool_]:
        """Return bool (N,): matched with a detection of this frame."""
        return self.detection_indices >= 0

    @property
    def counted(self) -> NDArray[np.bool_]:
        """Return bool (N,): the box counts as a result, see `reliable`."""
        return self.observed if self.reliable is None else self.reliable

    @property
    def reported(self) -> Self:
        """Return what result files and scores are made of: confirmed, reliable tracks."""
        return self.select(self.counted & (self.states == TrackState.CONFIRMED))
