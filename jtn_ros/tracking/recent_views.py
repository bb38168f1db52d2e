"""Appearance of tracks since the last possible identity switch."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.geometry import box_sizes
from jtn_ros.tracking import appearance
from jtn_ros.tracking.appearance import Vectors
from jtn_ros.tracking.track import Tracks

Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]

# Share of a box covered by a nearer one from which its embedding may show the nearer object.
_COVERED = 0.15
# Share of overlap of two boxes from which an identity switch is possible.
_CROSSED = 0.4
# Time without a detection after which a track may continue on another object. [s]
_GAP_S = 0.3
# Number of views that the mean is taken over.
_MEMORY = 5


class RecentViews:
    """The mean appearance of every track over its latest clear views.

    Unlike the mean of the tracker, it is reset after each crossing and each gap, so that it never
    mixes two objects.

    Attributes:
        ids: int64 (N,), the tracks of the last frame.
        means: float32 (N, D), unit vectors; zero before the first clear view. D may be 0.
        counts: int64 (N,), clear views since the last crossing or gap began.
        since_ns: int64 (N,), time of the first of them; the time of the frame if there is none.
        fresh: bool (N,), whether there is a clear view in this frame.
        doubtful: bool (N,), whether an identity switch is possible in this frame: the track
            crosses another one, or was not detected for some time.
        missed: bool (N,), whether the track was not detected for some time.
    """

    def __init__(self) -> None:
        """Start without tracks."""
        self.ids = np.zeros(0, np.int64)
        self.means: Vectors = np.zeros((0, 0), np.float32)
        self.counts: Integers = np.zeros(0, np.int64)
        self.since_ns: Integers = np.zeros(0, np.int64)
        self.fresh = self.doubtful = self.missed = self._crossed = np.zeros(0, np.bool_)

    def update(self, tracks: Tracks, detections: Detections, stamp_ns: int) -> None:
        """Add the tracks of the next frame.

        Args:
            tracks: all live tracks.
            detections: the detections of this frame.
            stamp_ns: time of the frame.
        """
        views = detections.embeddings
        width = self.means.shape[1] if views is None or not len(views) else views.shape[1]
        means, counts = np.zeros((len(tracks), width), np.float32), np.zeros(len(tracks), np.int64)
        before, since_ns = np.zeros(len(tracks), np.bool_), np.full(len(tracks), stamp_ns)
        own, given = np.nonzero(self.ids[:, None] == tracks.ids)
        before[given], since_ns[given] = self._crossed[own], self.since_ns[own]
        if width == self.means.shape[1]:
            means[given], counts[given] = self.means[own], self.counts[own]
        covered, crossed = _overlaps(tracks)
        missed = tracks.unseen_ns > _GAP_S * 1e9
        counts[missed | (crossed & ~before)] = 0
        since_ns[counts == 0] = stamp_ns
        fresh = tracks.observed & ~covered & (views is not None)
        if views is not None:  # an embedding of zeros is unknown
            fresh[fresh] = views[tracks.detection_indices[fresh]].any(axis=1)
        seen = np.flatnonzero(fresh)
        if views is not None and len(seen):
            share = 1 / (1 + np.minimum(counts[seen], _MEMORY - 1))
            means[seen] = appearance.blend(
                means[seen], views[tracks.detection_indices[seen]], share
            )
            counts[seen] += 1
        self.ids, self.means = tracks.ids, means
        self.counts, self.since_ns = counts, since_ns
        self.fresh, self.doubtful = fresh, crossed | missed
        self.missed, self._crossed = missed, crossed


def _overlaps(tracks: Tracks) -> tuple[Mask, Mask]:
    """Return two bool (N,): boxes that a nearer one covers, and boxes that cross another."""
    boxes = tracks.boxes
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    np.fill_diagonal(common, 0)
    areas = np.maximum(box_sizes(boxes).prod(axis=1), 1)
    # On a floor, objects lower in the image are nearer.
    nearer = boxes[None, :, 3] > boxes[:, None, 3]
    covered = (common * nearer).max(axis=1, initial=0) > _COVERED * areas
    share = common / np.minimum(areas[:, None], areas[None, :])
    crossed: Mask = share.max(axis=1, initial=0) > _CROSSED
    return covered, crossed
