"""The published JointTrackNet association with identical identities, for comparisons.

Its properties are preserved, because published results depend on them: no motion model, output
from the second observation on, no output for lost tracks, and an aging loop that deletes from the
list over which it iterates, so that after a deletion the wrong tracks age (see `_age`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from jtn_ros.detections import Detections
from jtn_ros.geometry import Boxes
from jtn_ros.geometry import box_sizes
from jtn_ros.tracking.association import assign
from jtn_ros.tracking.columns import Columns
from jtn_ros.tracking.settings import TrackerSettings
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

COST_LIMIT = 0.65  # a pair that costs more is never matched; an invalid pair costs 1 more
HISTORY = 20  # embeddings that are averaged

Matches = tuple[NDArray[np.intp], NDArray[np.intp]]


@dataclass(frozen=True, kw_only=True)
class ReferenceState(Columns):
    """The tracker's list: all M live tracks, lost ones too, in the order of the published code.

    Attributes:
        ids: int64 (M,).
        boxes: float32 (M, 4), of the last observation.
        scores: float32 (M,), of the last observation.
        class_ids: int32 (M,).
        centers: float32 (M, 2), of the last observation.
        ages: int64 (M,), the published counter of missed frames, including its errors.
        probation: bool (M,), detected only once so far.
        embeddings: float32 (M, D), smoothed, not normalized; D is 0 without embeddings.
        history: float32 (M, HISTORY, D), running means, the rest zeros.
        history_lengths: int64 (M,).
        velocities: float32 (M, 2) in px/s, between the last two observations.
        stamps: int64 (M,), nanoseconds, of the last observation.
        births: int64 (M,), number of the frame in which the track was created.
        hits: int64 (M,), observations.
    """

    ids: NDArray[np.int64]
    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    centers: NDArray[np.float32]
    ages: NDArray[np.int64]
    probation: NDArray[np.bool_]
    embeddings: NDArray[np.float32]
    history: NDArray[np.float32]
    history_lengths: NDArray[np.int64]
    velocities: NDArray[np.float32]
    stamps: NDArray[np.int64]
    births: NDArray[np.int64]
    hits: NDArray[np.int64]


class ReferenceTracker:
    """The published tracker.

    The association depends on the detections. With embeddings, it is a global assignment of cosine
    distances. Without embeddings, each detection takes the nearest track greedily; displacements
    move the detection back to the previous position of the track.

    Velocities are added to the published output: those between the last two detections (0 for
    equal timestamps). Their covariance is zero, which means unknown.
    """

    def __init__(self, max_age: int = 50, new_thresh: float = 0.4) -> None:
        """Create a tracker.

        Args:
            max_age: number of frames without a detection after which a track is deleted in the
                next such frame; -1 deletes at once.
            new_thresh: a detection with a higher score starts a track.
        """
        self._max_age = max_age
        self._new_thresh = new_thresh
        self.reset()

    def configure(self, config: TrackerSettings) -> None:
        """Do nothing: the published thresholds differ from those of `Tracker`."""

    def reset(self) -> None:
        """Remove all tracks. Ids start at 1 again, as in the published tracker."""
        self._last_id = 0
        self._frame = 0
        self._stamp = 0
        self._matched = np.zeros(0, np.intp)
        self._state = self._create(Detections.empty(), 0)

    @property
    def state(self) -> ReferenceState:
        """Return the list of all live tracks."""
        return self._state

    @property
    def tracks(self) -> Tracks:
        """Return all live tracks, including tentative and lost ones, in list order."""
        state = self._state
        seen = self._matched >= 0
        states = np.where(state.probation, TrackState.TENTATIVE, TrackState.CONFIRMED)
        return Tracks(
            ids=state.ids,
            boxes=state.boxes,
            scores=state.scores,
            class_ids=state.class_ids,
            centers=state.centers,
            velocities=state.velocities,
            velocity_covariances=np.zeros((len(state), 2, 2), np.float32),
            states=np.where(seen, states, TrackState.LOST).astype(np.uint8),
            ages=(self._frame - state.births).astype(np.int32),
            hits=state.hits.astype(np.int32),
            unseen_ns=self._stamp - state.stamps,
            detection_indices=self._matched.astype(np.int32),
            embeddings=state.embeddings if state.embeddings.shape[1] else None,
        )

    @property
    def minimum_score(self) -> float:
        """Return the score up to which detections are ignored, as published."""
        return self._new_thresh

    def prior(self) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes (M, 4) and scores (M,) of all live tracks, for the prior heat map."""
        return self._state.boxes, self._state.scores

    def update(
        self,
        detections: Detections,
        stamp_ns: int,
        camera_motion: NDArray[np.float64] | None = None,
    ) -> Tracks:
        """Process the detections of the next frame.

        Args:
            detections: detections in descending order of score; can be empty.
            stamp_ns: time of the frame in nanoseconds; only velocities depend on it.
            camera_motion: not used.

        Returns:
            The tracks that the published code outputs in this frame: those matched, in the order
            of their detections.

        Raises:
            ValueError: if embeddings come and go, or change their length, between resets.
        """
        self._require_same_embeddings(detections)
        self._frame += 1
        self._stamp = stamp_ns
        rows, columns = self._associate(detections)
        unmatched = np.setdiff1d(np.arange(len(detections)), rows)
        # The published code compares in double precision: float32(0.4) exceeds 0.4.
        born = unmatched[detections.scores[unmatched].astype(np.float64) > self._new_thresh]
        matched = np.full(len(self._state), -1, np.intp)
        matched[columns] = rows
        lost = np.flatnonzero(matched < 0)
        self._state = self._state.extend(self._create(detections.select(born), stamp_ns))
        self._smooth(detections, rows, columns)
        self._matched = np.concatenate([matched, born])
        # Computed before the aging, which can delete even a track that was just matched.
        tracks = self.tracks.select(columns)
        self._age(lost)
        return tracks

    def _require_same_embeddings(self, detections: Detections) -> None:
        if not len(detections) or not len(self._state):
            return
        given = 0 if detections.embeddings is None else detections.embeddings.shape[1]
        known = self._state.embeddings.shape[1]
        if given != known:
            raise ValueError(
                f'detections with embeddings of length {given} after length {known}; '
                'reset() the tracker when the detector changes'
            )

    def _associate(self, detections: Detections) -> Matches:
        """Return matched detection and track indices, by rising detection index."""
        state = self._state
        if not len(detections) or not len(state):
            return np.zeros(0, np.intp), np.zeros(0, np.intp)
        points = detections.centers
        if detections.displacements is not None:
            points = points + detections.displacements
        distances = ((points[:, None] - state.centers[None]) ** 2).sum(axis=2)
        track_areas = box_sizes(state.boxes).prod(axis=1)
        areas = box_sizes(detections.boxes).prod(axis=1)
        invalid = (
            (distances > track_areas[None])
            | (distances > areas[:, None])
            | (detections.class_ids[:, None] != state.class_ids[None])
        )
        if detections.embeddings is None:
            return _match_greedily(np.where(invalid, np.inf, distances))
        cost = cdist(detections.embeddings, state.embeddings, 'cosine')
        # The published code adds half the limit for each unmatched row and column instead, with
        # the same matches.
        return assign(np.nan_to_num(cost, nan=1.0).clip(0) + invalid, COST_LIMIT)

    def _smooth(
        self, detections: Detections, rows: NDArray[np.intp], columns: NDArray[np.intp]
    ) -> None:
        """Let matched tracks take over what was observed, and smooth their embeddings."""
        if not len(rows):
            return
        state = self._state
        seen = detections.select(rows)
        seconds = (self._stamp - state.stamps[columns])[:, None] / 1e9
        moved = seen.centers - state.centers[columns]
        changed = {
            'boxes': seen.boxes,
            'scores': seen.scores,
            'class_ids': seen.class_ids,
            'centers': seen.centers,
            'velocities': np.divide(moved, seconds, out=np.zeros_like(moved), where=seconds > 0),
            'ages': np.zeros(len(rows), np.int64),
            'probation': np.zeros(len(rows), np.bool_),
            'stamps': np.full(len(rows), self._stamp),
            'hits': state.hits[columns] + 1,
        }
        if seen.embeddings is not None:
            history = state.history[columns]
            lengths = state.history_lengths[columns]
            full = lengths == HISTORY
            history[full] = np.roll(history[full], -1, axis=1)
            last = np.where(full, HISTORY - 1, lengths)
            each = np.arange(len(rows))
            history[each, last] = seen.embeddings
            means = history.sum(axis=1) / (last + 1).astype(np.float32)[:, None]
            history[each, last] = means
            changed |= {'history_lengths': last + 1, 'embeddings': means}
            state.history[columns] = history  # in place: a copy of all would take half as long
        self._state = state.with_rows(columns, **changed)

    def _create(self, detections: Detections, stamp_ns: int) -> ReferenceState:
        """Return new tracks on probation."""
        number = len(detections)
        embeddings = detections.embeddings
        if embeddings is None:
            embeddings = np.zeros((number, 0), np.float32)
        history = np.zeros((number, HISTORY, embeddings.shape[1]), np.float32)
        history[:, 0] = embeddings
        first = self._last_id + 1
        self._last_id += number
        return ReferenceState(
            ids=np.arange(first, first + number),
            boxes=detections.boxes,
            scores=detections.scores,
            class_ids=detections.class_ids,
            centers=detections.centers,
            ages=np.zeros(number, np.int64),
            probation=np.ones(number, np.bool_),
            embeddings=embeddings,
            history=history,
            history_lengths=np.ones(number, np.int64),
            velocities=np.zeros((number, 2), np.float32),
            stamps=np.full(number, stamp_ns, np.int64),
            births=np.full(number, self._frame, np.int64),
            hits=np.ones(number, np.int64),
        )

    def _age(self, lost: NDArray[np.intp]) -> None:
        """Age unmatched tracks as published: the indices stay, while the list shrinks."""
        ages = self._state.ages.copy()
        order = list(range(len(ages)))
        for index in lost:
            if index >= len(order):
                break
            track = order[index]
            if ages[track] < self._max_age:
                ages[track] += 1
            else:
                del order[index]
        kept = np.array(order, np.intp)
        self._state = self._state.replace(ages=ages).select(kept)
        self._matched = self._matched[kept]


def _match_greedily(distances: NDArray[np.float32]) -> Matches:
    """Assign the nearest free track to each detection in turn; infinite costs never match."""
    rows, columns = [], []
    for row, line in enumerate(distances):
        column = int(np.argmin(line))
        if np.isfinite(line[column]):
            rows.append(row)
            columns.append(column)
            distances[:, column] = np.inf
    return np.array(rows, np.intp), np.array(columns, np.intp)
