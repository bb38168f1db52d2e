"""Matching of tracks and ground-truth objects in each frame, for the report.

Objects and tracks are matched as in CLEAR MOT (Bernardin and Stiefelhagen, 2008): at an
IoU of at least 0.5, with pairs of the previous frame first, then with the maximum number of pairs
and the maximum total IoU.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from jtn_ros.evaluation.trackeval_data import Recording
from jtn_ros.evaluation.trackeval_data import prepare
from jtn_ros.evaluation.trackeval_data import quiet_trackeval

_OVERLAP = 0.5
_STAY = 1000.0  # outweighs any sum of overlaps


@dataclass(frozen=True, kw_only=True)
class Matches:
    """All ground-truth objects in all frames, and their matched tracks.

    Attributes:
        frames: int64 (N,), from 1, growing.
        true_ids: int64 (N,).
        true_boxes: float64 (N, 4), ``x1 y1 x2 y2``.
        track_ids: int64 (N,), the track on the object, or 0 for a false negative.
        switches: bool (N,), whether the track differs from the last one on this object.
        false_tracks: by frame, the ids of tracks without an object.
    """

    frames: NDArray[np.int64]
    true_ids: NDArray[np.int64]
    true_boxes: NDArray[np.float64]
    track_ids: NDArray[np.int64]
    switches: NDArray[np.bool_]
    false_tracks: Mapping[int, NDArray[np.int64]]

    @property
    def missed(self) -> NDArray[np.bool_]:
        """Return bool (N,): whether the object has no track."""
        return self.track_ids == 0


def match(name: str, sequence: Recording, class_id: int = 0) -> Matches:
    """Match the objects and tracks of one class.

    Raises:
        JtnError: see `jtn_ros.evaluation.trackeval_data.prepare`.
    """
    with quiet_trackeval() as trackeval:
        data = prepare(trackeval, name, sequence, class_id)
    true_names = _kept_ids(sequence, class_id)
    latest: dict[int, int] = {}  # the last track on each object
    before: dict[int, int] = {}  # the same, in the last frame with objects and tracks
    collected: dict[str, list[NDArray[np.generic]]] = {
        key: [] for key in ('frames', 'true_ids', 'true_boxes', 'track_ids', 'switches')
    }
    false_tracks = {}
    for frame in range(1, sequence.frames + 1):
        true_ids = true_names[np.asarray(data['gt_ids'][frame - 1], np.int64)]
        boxes = np.asarray(data['gt_dets'][frame - 1], np.float64).reshape(-1, 4)
        kept_rows = np.asarray(data['tracker_confidences'][frame - 1], np.int64)
        found = np.zeros(0, np.int64)
        if len(kept_rows):
            found = sequence.tracks[frame].ids[kept_rows]
        track_ids = np.zeros(len(true_ids), np.int64)
        if len(true_ids) and len(found):
            similarity = data['similarity_scores'][frame - 1]
            stays = found[None] == np.array([before.get(int(i), 0) for i in true_ids])[:, None]
            score = np.where(similarity >= _OVERLAP - 1e-9, _STAY * stays + similarity, 0)
            rows, columns = linear_sum_assignment(-score)
            kept = score[rows, columns] > 0
            track_ids[rows[kept]] = found[columns[kept]]
            before = _pairs(true_ids, track_ids)
        pairs = _pairs(true_ids, track_ids)
        switched = np.array(
            [i in pairs and latest.get(i, pairs[i]) != pairs[i] for i in true_ids.tolist()],
            np.bool_,
        )
        latest |= pairs
        false_tracks[frame] = found[~np.isin(found, track_ids)]
        row = (
            np.full(len(true_ids), frame),
            true_ids,
            np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]),
            track_ids,
            switched,
        )
        for values, value in zip(collected.values(), row, strict=True):
            values.append(value)
    joined = {key: np.concatenate(values) for key, values in collected.items()}
    return Matches(**joined, false_tracks=false_tracks)


def _pairs(true_ids: NDArray[np.int64], track_ids: NDArray[np.int64]) -> dict[int, int]:
    """Return the track of each object that has one."""
    pairs = zip(true_ids.tolist(), track_ids.tolist(), strict=True)
    return {true_id: track_id for true_id, track_id in pairs if track_id}


def _kept_ids(sequence: Recording, class_id: int) -> NDArray[np.int64]:
    """Return the sorted ids of the evaluated ground-truth objects, as TrackEval numbers them."""
    kept = [
        objects.ids[~objects.ignored & (objects.class_ids == class_id)]
        for objects in sequence.annotations.values()
    ]
    return np.unique(np.concatenate(kept)) if kept else np.zeros(0, np.int64)
