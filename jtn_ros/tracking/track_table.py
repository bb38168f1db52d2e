"""The state of the tracker: one row per track."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.tracking import kalman_filter
from jtn_ros.tracking.columns import Columns
from jtn_ros.tracking.kalman_filter import RATE
from jtn_ros.tracking.kalman_filter import VALUE
from jtn_ros.tracking.kalman_filter import Floats
from jtn_ros.tracking.track import Tracks


@dataclass(frozen=True, kw_only=True)
class TrackTable(Columns):
    """M live tracks, oldest first.

    Attributes:
        ids: int64 (M,).
        means: float64 (M, 4, 2), see `jtn_ros.tracking.kalman_filter`.
        covariances: float64 (M, 4, 2, 2).
        scores: float32 (M,), of the last detection.
        class_ids: int32 (M,).
        states: uint8 (M,), see `jtn_ros.tracking.track.TrackState`.
        births: int64 (M,), number of the frame of the first detection.
        hits: int32 (M,), frames with a detection.
        stamps: int64 (M,), nanoseconds, of the last detection.
        matched: int32 (M,), row of this frame's detections, or -1.
        appearances: float32 (M, D), mean appearance, zero when unknown.
    """

    ids: NDArray[np.int64]
    means: Floats
    covariances: Floats
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    states: NDArray[np.uint8]
    births: NDArray[np.int64]
    hits: NDArray[np.int32]
    stamps: NDArray[np.int64]
    matched: NDArray[np.int32]
    appearances: NDArray[np.float32]

    def unseen(self, stamp_ns: int) -> Floats:
        """Return the seconds (M,) since every track was detected."""
        return (stamp_ns - self.stamps) / 1e9

    def snapshot(self, stamp_ns: int, frame: int, reliable: NDArray[np.bool_]) -> Tracks:
        """Return the tracks in the public form; the arrays are copies."""
        covariances = np.zeros((len(self), 2, 2), np.float32)
        covariances[:, [0, 1], [0, 1]] = self.covariances[:, :2, RATE, RATE]
        return Tracks(
            ids=self.ids.copy(),
            boxes=kalman_filter.boxes_of(self.means),
            scores=self.scores.copy(),
            class_ids=self.class_ids.copy(),
            centers=self.means[:, :2, VALUE].astype(np.float32),
            velocities=self.means[:, :2, RATE].astype(np.float32),
            velocity_covariances=covariances,
            states=self.states.copy(),
            ages=(frame - self.births).astype(np.int32),
            hits=self.hits.copy(),
            unseen_ns=stamp_ns - self.stamps,
            detection_indices=self.matched.copy(),
            embeddings=self.appearances.copy() if self.appearances.shape[1] else None,
            reliable=reliable,
        )
