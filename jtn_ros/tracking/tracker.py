"""The default tracker: motion, appearance and patience."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.geometry import Boxes
from jtn_ros.geometry import box_iou
from jtn_ros.tracking import appearance
from jtn_ros.tracking import motion
from jtn_ros.tracking.association import Matches
from jtn_ros.tracking.association import assign
from jtn_ros.tracking.association import widened_overlap
from jtn_ros.tracking.camera_motion import STILL
from jtn_ros.tracking.camera_motion import common_displacement
from jtn_ros.tracking.camera_motion import move
from jtn_ros.tracking.columns import Columns
from jtn_ros.tracking.config import TrackerConfig
from jtn_ros.tracking.motion import RATE
from jtn_ros.tracking.motion import VALUE
from jtn_ros.tracking.motion import Floats
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState


@dataclass(frozen=True, kw_only=True)
class _Table(Columns):
    """What the tracker remembers: one row a track."""

    ids: NDArray[np.int64]
    means: Floats  # (M, 4, 2), see `motion`
    covariances: Floats  # (M, 4, 2, 2)
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    states: NDArray[np.uint8]
    births: NDArray[np.int64]  # number of the frame
    hits: NDArray[np.int32]
    stamps: NDArray[np.int64]  # of the last observation, nanoseconds
    matched: NDArray[np.int32]  # row of this frame's detections, or -1
    appearances: NDArray[np.float32]  # (M, D), zero when unknown
    galleries: NDArray[np.float32]  # (M, GALLERY, D)
    views: NDArray[np.int32]  # pictures put into the gallery so far
    viewed: NDArray[np.int64]  # stamp of the last of them


class Tracker:
    """Tracks objects over the frames of one camera.

    Every frame goes through `step`, also when nothing was detected:

    1. tracks are predicted to the frame's stamp, and moved along when the camera moved;
    2. confident detections are assigned by motion, displacement and appearance;
    3. the remaining tracks get detections of low score, by motion alone;
    4. lost tracks are found again by appearance, the further away the longer they are lost;
    5. what is left starts tentative tracks, and tracks unseen for too long are removed.

    Detections need neither embeddings nor displacements, and those of different classes never
    share a track. The same detections always give the same tracks.
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        """Create a tracker without tracks."""
        self._config = config or TrackerConfig()
        self._last_id = 0
        self.reset()

    def reset(self) -> None:
        """Forget all tracks, as after a jump in time; identities go on, none is used again."""
        self._frame = 0
        self._stamp: int | None = None
        self._table = self._create(Detections.empty(), np.zeros(0, np.intp), 0, 0.0)

    @property
    def tracks(self) -> Tracks:
        """Return all live tracks after the last step."""
        table = self._table
        return Tracks(
            ids=table.ids.copy(),
            boxes=motion.boxes_of(table.means),
            scores=table.scores.copy(),
            class_ids=table.class_ids.copy(),
            centers=table.means[:, :2, VALUE].astype(np.float32),
            velocities=table.means[:, :2, RATE].astype(np.float32),
            velocity_covariances=_diagonal(table.covariances[:, :2, RATE, RATE]),
            states=table.states.copy(),
            ages=(self._frame - table.births).astype(np.int32),
            hits=table.hits.copy(),
            unseen_ns=(self._stamp or 0) - table.stamps,
            detection_indices=table.matched.copy(),
            embeddings=table.appearances.copy() if table.appearances.shape[1] else None,
        )

    @property
    def minimum_score(self) -> float:
        """Return the score below which detections are never used."""
        return self._config.minimum_score

    def prior(self) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes (M, 4) and scores (M,) of all live tracks, for the prior heat map."""
        return motion.boxes_of(self._table.means), self._table.scores.copy()

    def step(
        self, detections: Detections, stamp_ns: int, camera_motion: Floats | None = None
    ) -> Tracks:
        """Take the detections of the next frame and return all live tracks.

        Args:
            detections: of this frame, in any order; empty ones count too.
            stamp_ns: time of the frame in nanoseconds.
            camera_motion: (2, 3) affine matrix from pixels of the previous frame to this one,
                or None to estimate a shift from the displacements.

        Raises:
            ValueError: if time runs backwards or embeddings change their length.
        """
        seconds = self._elapsed(stamp_ns)
        self._adopt_embeddings(detections)
        previous = self._table.means
        if camera_motion is None:
            camera_motion = self._estimate_camera_motion(detections, seconds)
        self._predict(seconds, camera_motion)
        rows, columns = self._associate(detections, previous, stamp_ns)
        self._update(detections, rows, columns, stamp_ns, seconds, camera_motion)
        self._give_birth(detections, rows, stamp_ns, seconds)
        self._settle(stamp_ns)
        return self.tracks

    def _elapsed(self, stamp_ns: int) -> float:
        """Advance the clock and return the seconds since the previous frame."""
        previous = stamp_ns if self._stamp is None else self._stamp
        if stamp_ns < previous:
            raise ValueError(
                f'frame at {stamp_ns} ns after one at {previous} ns; reset() the tracker when '
                'time jumps back'
            )
        self._frame += 1
        self._stamp = stamp_ns
        return (stamp_ns - previous) / 1e9

    def _adopt_embeddings(self, detections: Detections) -> None:
        """Make room for embeddings when they come for the first time."""
        if detections.embeddings is None:
            return
        known, given = self._table.appearances.shape[1], detections.embeddings.shape[1]
        if known == given:
            return
        if known and len(self._table):
            raise ValueError(
                f'embeddings of length {given} after length {known}; reset() the tracker when '
                'the detector changes'
            )
        number = len(self._table)
        self._table = self._table.replace(
            appearances=np.zeros((number, given), np.float32),
            galleries=np.zeros((number, appearance.GALLERY, given), np.float32),
        )

    def _estimate_camera_motion(self, detections: Detections, seconds: float) -> Floats:
        table = self._table
        if detections.displacements is None:
            return STILL
        seen = table.matched >= 0
        confident = detections.scores >= self._config.confident_score
        sizes = motion.sizes_of(motion.measure(detections.boxes))[:, 0]
        return common_displacement(
            detections.displacements[confident],
            sizes[confident],
            table.means[seen, :2, RATE] * seconds,
        )

    def _predict(self, seconds: float, camera_motion: Floats) -> None:
        means, covariances = motion.predict(
            self._table.means, self._table.covariances, seconds, self._config
        )
        self._table = self._table.replace(
            means=move(means, camera_motion),
            covariances=covariances,
            matched=np.full(len(means), -1, np.int32),
        )

    def _associate(self, detections: Detections, previous: Floats, stamp_ns: int) -> Matches:
        """Return matched detections and tracks."""
        config, table = self._config, self._table
        rows = np.zeros(0, np.intp)
        columns = np.zeros(0, np.intp)
        if not len(detections) or not len(table):
            return rows, columns
        same_class = detections.class_ids[:, None] == table.class_ids[None]
        confident = detections.scores >= config.confident_score
        low = ~confident & (detections.scores >= config.minimum_score)
        overlap = self._overlap(detections, previous)
        cost = 1 - overlap
        allowed = same_class & (overlap > config.minimum_overlap) & confident[:, None]
        if detections.embeddings is not None and table.appearances.shape[1]:
            distance = appearance.distances(detections.embeddings, table.appearances)
            known = table.appearances.any(axis=1)[None]
            weight = config.appearance_weight
            cost = np.where(known, (1 - weight) * cost + weight * distance, cost)
            allowed &= ~known | (distance < config.appearance_limit)
        rows, columns = assign(cost, allowed, 1.0)

        free = _others(len(table), columns)
        recent = free[table.states[free] == TrackState.CONFIRMED]
        second = np.flatnonzero(low)
        if len(second) and len(recent):
            pairs = np.ix_(second, recent)
            allowed = same_class[pairs] & (overlap[pairs] > config.minimum_overlap_low)
            more = assign(1 - overlap[pairs], allowed, 1.0)
            rows = np.concatenate([rows, second[more[0]]])
            columns = np.concatenate([columns, recent[more[1]]])

        free = _others(len(table), columns)
        unseen = (stamp_ns - table.stamps[free]) / 1e9
        lost = free[
            (unseen > config.reidentification_time)
            & (table.states[free] != TrackState.TENTATIVE)
            & table.appearances[free].any(axis=1)
        ]
        third = _others(len(detections), rows)
        third = third[confident[third]]
        if len(third) and len(lost) and detections.embeddings is not None:
            distance = np.minimum(
                appearance.distances(detections.embeddings[third], table.appearances[lost]),
                appearance.gallery_distances(detections.embeddings[third], table.galleries[lost]),
            )
            where = motion.measure(detections.boxes[third])
            apart = np.linalg.norm(where[:, None, :2] - table.means[None, lost, :2, VALUE], axis=2)
            sizes = motion.sizes_of(table.means[lost][..., VALUE])[:, 0]
            unseen = (stamp_ns - table.stamps[lost]) / 1e9
            reach = sizes * (1 + config.reidentification_speed * unseen)
            allowed = same_class[np.ix_(third, lost)] & (apart < reach[None])
            more = assign(distance, allowed, config.reidentification_limit)
            rows = np.concatenate([rows, third[more[0]]])
            columns = np.concatenate([columns, lost[more[1]]])
        return rows, columns

    def _overlap(self, detections: Detections, previous: Floats) -> Floats:
        """Return how well detections (N) fit predicted tracks (M) and their displacements."""
        table = self._table
        deviations = np.sqrt(table.covariances[:, :2, VALUE, VALUE])
        margins = self._config.gate_sigmas * deviations
        overlap = widened_overlap(detections.boxes, motion.boxes_of(table.means), margins)
        if detections.displacements is None:
            return overlap
        origin = detections.boxes + np.tile(detections.displacements, 2)
        before = widened_overlap(origin, motion.boxes_of(previous), margins)
        return np.maximum(overlap, before)

    def _update(
        self,
        detections: Detections,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        stamp_ns: int,
        seconds: float,
        camera_motion: Floats,
    ) -> None:
        """Correct the filters and appearances of matched tracks."""
        config, table = self._config, self._table
        seen = detections.select(rows)
        measured = motion.measure(seen.boxes)
        means, covariances = motion.correct(
            table.means[columns],
            table.covariances[columns],
            VALUE,
            measured,
            motion.measurement_variance(measured, config),
        )
        if seen.displacements is not None and seconds > 0:
            velocity, variance = self._measured_velocity(seen, seconds, camera_motion)
            means[:, :2], covariances[:, :2] = motion.correct(
                means[:, :2], covariances[:, :2], RATE, velocity, variance
            )
        table.means[columns] = means
        table.covariances[columns] = covariances
        table.scores[columns] = seen.scores
        table.hits[columns] += 1
        table.matched[columns] = rows
        if seen.embeddings is not None:
            self._remember_appearance(seen, columns, stamp_ns)
        table.stamps[columns] = stamp_ns

    def _measured_velocity(
        self, seen: Detections, seconds: float, camera_motion: Floats
    ) -> tuple[Floats, Floats]:
        """Return velocities (N, 2) from displacements and their variances (N, 2)."""
        assert seen.displacements is not None
        scale = motion.sizes_of(motion.measure(seen.boxes))
        velocity = -(seen.displacements.astype(np.float64) + camera_motion[:, 2]) / seconds
        noise = self._config.displacement_noise * scale * (2 - seen.scores.clip(0, 1)[:, None])
        return velocity, np.repeat((noise / seconds) ** 2, 2, axis=1)

    def _remember_appearance(
        self, seen: Detections, columns: NDArray[np.intp], stamp_ns: int
    ) -> None:
        config, table = self._config, self._table
        assert seen.embeddings is not None
        unseen = (stamp_ns - table.stamps[columns]) / 1e9
        share = 1 - np.exp(-unseen / max(config.appearance_memory, 1e-9))
        weights = np.minimum(share, 0.5) * seen.scores.clip(0, 1)
        table.appearances[columns] = appearance.blend(
            table.appearances[columns], seen.embeddings, weights
        )
        due = stamp_ns - table.viewed[columns] >= config.gallery_interval * 1e9
        due &= seen.scores >= config.confident_score
        kept = columns[due]
        table.galleries[kept, table.views[kept] % appearance.GALLERY] = seen.embeddings[due]
        table.views[kept] += 1
        table.viewed[kept] = stamp_ns

    def _give_birth(
        self, detections: Detections, rows: NDArray[np.intp], stamp_ns: int, seconds: float
    ) -> None:
        """Start tracks at confident detections that belong to no track."""
        config, table = self._config, self._table
        free = _others(len(detections), rows)
        free = free[detections.scores[free] >= config.birth_score]
        if not len(free):
            return
        observed = table.matched >= 0
        overlap = box_iou(detections.boxes[free], motion.boxes_of(table.means[observed]))
        same = detections.class_ids[free][:, None] == table.class_ids[observed][None]
        free = free[(overlap * same).max(axis=1, initial=0) <= config.duplicate_overlap]
        self._table = table.extend(self._create(detections, free, stamp_ns, seconds))

    def _create(
        self, detections: Detections, rows: NDArray[np.intp], stamp_ns: int, seconds: float
    ) -> _Table:
        number = len(rows)
        seen = detections.select(rows)
        means, covariances = motion.initiate(motion.measure(seen.boxes), self._config)
        if seen.displacements is not None and seconds > 0:
            velocity, variance = self._measured_velocity(seen, seconds, STILL)
            means[:, :2], covariances[:, :2] = motion.correct(
                means[:, :2], covariances[:, :2], RATE, velocity, variance
            )
        embeddings = seen.embeddings
        if embeddings is None:
            known = self._table.appearances.shape[1] if self._last_id else 0
            embeddings = np.zeros((number, known), np.float32)
        galleries = np.zeros((number, appearance.GALLERY, embeddings.shape[1]), np.float32)
        galleries[:, 0] = embeddings
        first = self._last_id + 1
        self._last_id += number
        return _Table(
            ids=np.arange(first, first + number),
            means=means,
            covariances=covariances,
            scores=seen.scores,
            class_ids=seen.class_ids,
            states=np.full(number, TrackState.TENTATIVE, np.uint8),
            births=np.full(number, self._frame, np.int64),
            hits=np.ones(number, np.int32),
            stamps=np.full(number, stamp_ns, np.int64),
            matched=rows.astype(np.int32),
            appearances=embeddings,
            galleries=galleries,
            views=np.ones(number, np.int32),
            viewed=np.full(number, stamp_ns, np.int64),
        )

    def _settle(self, stamp_ns: int) -> None:
        """Set the states of all tracks and remove those unseen for too long."""
        config, table = self._config, self._table
        unseen = (stamp_ns - table.stamps) / 1e9
        proven = table.hits >= config.confirmation_hits
        lost = unseen > config.coast_time
        states = np.where(lost, TrackState.LOST, TrackState.CONFIRMED)
        table.states[:] = np.where(proven, states, TrackState.TENTATIVE)
        limit = np.where(proven, config.lost_time, config.tentative_time)
        gone = unseen > limit
        if gone.any():
            self._table = table.select(~gone)


def _others(number: int, taken: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the indices below a number that are not taken."""
    free = np.ones(number, np.bool_)
    free[taken] = False
    return np.flatnonzero(free)


def _diagonal(variances: Floats) -> NDArray[np.float32]:
    """Return (M, 2, 2) matrices with the given (M, 2) diagonals."""
    matrices = np.zeros((len(variances), 2, 2), np.float32)
    matrices[:, [0, 1], [0, 1]] = variances
    return matrices
