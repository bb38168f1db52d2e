"""The default tracker."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.geometry import Boxes
from jtn_ros.tracking import appearance
from jtn_ros.tracking import kalman_filter
from jtn_ros.tracking.association import associate
from jtn_ros.tracking.camera_motion import common_shift
from jtn_ros.tracking.camera_motion import move
from jtn_ros.tracking.kalman_filter import RATE
from jtn_ros.tracking.kalman_filter import VALUE
from jtn_ros.tracking.kalman_filter import Floats
from jtn_ros.tracking.prediction_errors import PredictionErrors
from jtn_ros.tracking.settings import TrackerSettings
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState
from jtn_ros.tracking.track_table import TrackTable

_STEADY_HITS = 3
# A predicted box counts as a result if the standard deviation of its center is below this value
# (in sizes), and if its track was detected in at least this share of its frames.
_RELIABLE_DEVIATION = 0.1
_RELIABLE_SHARE = 0.7


class Tracker:
    """The default tracker, for the frames of one camera.

    Call `update` for every frame, also for frames without detections:

    1. Tracks are predicted to the timestamp of the frame and moved with the camera.
    2. Confident detections are associated by motion, displacement and appearance. Lost tracks can
       be re-identified by appearance alone, within a radius that grows with time.
    3. Low-score detections are associated with the remaining tracks in the same way, but do not
       re-identify lost tracks by appearance alone.
    4. Unmatched confident detections start tracks, tentative ones unless the score is certain.
       Tracks without detections for too long are removed.

    Embeddings and displacements are optional. Detections of different classes never share a track.
    The same detections always give the same tracks.
    """

    def __init__(self, config: TrackerSettings | None = None) -> None:
        """Create a tracker without tracks."""
        self._config = config or TrackerSettings()
        self._last_id = 0
        self.reset()

    def reset(self) -> None:
        """Remove all tracks, as after a jump in time. Ids are not reused."""
        self._frame = 0
        self._stamp: int | None = None
        self._errors = PredictionErrors()
        self._view = np.array([np.inf, np.inf, -np.inf, -np.inf])
        self._table = self._create(Detections.empty(), np.zeros(0, np.intp), None, 0)

    def configure(self, config: TrackerSettings) -> None:
        """Replace the thresholds from the next frame on. Tracks are kept."""
        self._config = config

    @property
    def tracks(self) -> Tracks:
        """Return all live tracks after the last frame."""
        return self._table.snapshot(self._stamp or 0, self._frame, self._reliable())

    @property
    def minimum_score(self) -> float:
        """Return the score up to which detections are ignored."""
        return self._config.minimum_score

    def prior(self) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes (M, 4) and scores (M,) of all live tracks, for the prior heat map."""
        return kalman_filter.boxes_of(self._table.means), self._table.scores.copy()

    def update(
        self, detections: Detections, stamp_ns: int, camera_motion: Floats | None = None
    ) -> Tracks:
        """Process the detections of the next frame and return all live tracks.

        Args:
            detections: detections of this frame, in any order; can be empty.
            stamp_ns: time of the frame in nanoseconds.
            camera_motion: (2, 3) affine matrix from pixels of the previous frame to this one,
                or None to estimate a shift from the detections.

        Raises:
            ValueError: if time runs backwards or embeddings change their length.
        """
        seconds = self._advance(stamp_ns)
        self._widen_view(detections)
        self._make_room_for_embeddings(detections)
        self._predict(seconds)
        if camera_motion is None:
            camera_motion = self._estimate_camera_motion(detections, stamp_ns)
        self._table = self._table.replace(means=move(self._table.means, camera_motion))
        velocities = self._measure_velocities(detections, seconds, camera_motion)
        unseen = self._table.unseen(stamp_ns)
        rows, columns = associate(
            detections, velocities, self._table, unseen, self._errors.scale, self._config
        )
        self._correct(detections, rows, columns, velocities, stamp_ns, unseen <= seconds)
        self._give_birth(detections, rows, velocities, stamp_ns)
        self._settle(stamp_ns)
        return self.tracks

    def _advance(self, stamp_ns: int) -> float:
        """Set the clock and return the seconds since the previous frame."""
        previous = stamp_ns if self._stamp is None else self._stamp
        if stamp_ns < previous:
            raise ValueError(
                f'frame at {stamp_ns} ns after one at {previous} ns; reset() the tracker when '
                'time jumps back'
            )
        self._frame += 1
        self._stamp = stamp_ns
        return (stamp_ns - previous) / 1e9

    def _widen_view(self, detections: Detections) -> None:
        """Update the extent of the image: the outermost boxes that were detected."""
        if len(detections):
            self._view[:2] = np.minimum(self._view[:2], detections.boxes[:, :2].min(axis=0))
            self._view[2:] = np.maximum(self._view[2:], detections.boxes[:, 2:].max(axis=0))

    def _reliable(self) -> NDArray[np.bool_]:
        """Return bool (M,): boxes that were detected, or predicted as accurately as a detection.

        A track with few detections may be a false positive. A person who leaves the image is no
        longer reported.
        """
        table = self._table
        boxes = kalman_filter.boxes_of(table.means)
        inside = (boxes[:, :2] >= self._view[:2]) & (boxes[:, 2:] <= self._view[2:])
        variances = (table.covariances[:, :2, VALUE, VALUE] * self._errors.scale[:2]).mean(axis=1)
        sizes = kalman_filter.sizes_of(table.means[..., VALUE])[:, 0]
        exact = variances < (_RELIABLE_DEVIATION * sizes) ** 2
        often = table.hits >= _RELIABLE_SHARE * (self._frame - table.births + 1)
        return (table.matched >= 0) | (exact & often & inside.all(axis=1))

    def _make_room_for_embeddings(self, detections: Detections) -> None:
        """Add the columns of the embeddings when the first embeddings arrive."""
        if detections.embeddings is None or not len(detections) or not len(self._table):
            return
        known, given = self._table.appearances.shape[1], detections.embeddings.shape[1]
        if known and known != given:
            raise ValueError(
                f'embeddings of length {given} after length {known}; reset() the tracker when '
                'the detector changes'
            )
        if not known:
            unknown = np.zeros((len(self._table), given), np.float32)
            self._table = self._table.replace(appearances=unknown)

    def _predict(self, seconds: float) -> None:
        table = self._table
        means = table.means.copy()
        # The box of an object that is being occluded seems to shrink; do not extrapolate this.
        means[table.matched < 0, 2:, RATE] = 0
        means, covariances = kalman_filter.predict(means, table.covariances, seconds, self._config)
        self._table = table.replace(
            means=means, covariances=covariances, matched=np.full(len(means), -1, np.int32)
        )

    def _estimate_camera_motion(self, detections: Detections, stamp_ns: int) -> Floats:
        config, table = self._config, self._table
        recent = table.unseen(stamp_ns) < config.camera_memory
        confident = config.confident(detections.scores)
        measured = kalman_filter.measure(detections.boxes[confident])
        return common_shift(measured, table.means[recent, :, VALUE], config)

    def _measure_velocities(
        self, detections: Detections, seconds: float, camera_motion: Floats
    ) -> kalman_filter.Velocities | None:
        """Return the velocities measured by the displacements, without the camera motion."""
        if detections.displacements is None or seconds <= 0:
            return None
        before = detections.centers.astype(np.float64) + detections.displacements
        middle = detections.centers if detections.middles is None else detections.middles
        before = before @ camera_motion[:, :2].T + camera_motion[:, 2]
        scale = kalman_filter.sizes_of(kalman_filter.measure(detections.boxes))
        doubt = 2 - detections.scores.clip(0, 1)[:, None]
        deviations = self._config.displacement_noise * scale * doubt / seconds
        return kalman_filter.Velocities(
            (middle - before) / seconds, np.repeat(deviations**2, 2, axis=1)
        )

    def _correct(
        self,
        detections: Detections,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        velocities: kalman_filter.Velocities | None,
        stamp_ns: int,
        seen_before: NDArray[np.bool_],
    ) -> None:
        """Update the filters and appearances of matched tracks, and the prediction errors.

        The prediction errors are learned from steady tracks: those that were detected in the
        previous frame and have a velocity from earlier frames.
        """
        config, table = self._config, self._table
        seen = detections.select(rows)
        measured = kalman_filter.measure(seen.boxes)
        means, covariances = table.means[columns], table.covariances[columns]
        variance = kalman_filter.measurement_variance(measured, config)
        steady = seen_before[columns] & (table.hits[columns] >= _STEADY_HITS)
        self._errors.learn(
            (measured - means[..., VALUE])[steady],
            (covariances[..., VALUE, VALUE] + variance)[steady],
            config,
        )
        means, covariances = kalman_filter.correct(means, covariances, VALUE, measured, variance)
        if velocities is not None:
            kalman_filter.correct_velocities(means, covariances, velocities, rows)
        changed: dict[str, NDArray[Any]] = {
            'means': means,
            'covariances': covariances,
            'scores': seen.scores,
            'hits': table.hits[columns] + 1,
            'matched': rows,
            'stamps': np.full(len(columns), stamp_ns),
        }
        if seen.embeddings is not None and len(rows):
            changed['appearances'] = self._remember(seen, columns, stamp_ns)
        self._table = table.with_rows(columns, **changed)

    def _remember(
        self, seen: Detections, columns: NDArray[np.intp], stamp_ns: int
    ) -> NDArray[np.float32]:
        """Return the mean appearances of matched tracks, updated with their detections."""
        config, table = self._config, self._table
        assert seen.embeddings is not None
        absence = table.unseen(stamp_ns)[columns]
        share = 1 - np.exp(-absence / max(config.appearance_memory, 1e-9))
        weights = np.minimum(share, 0.5) * seen.scores.clip(0, 1)
        return appearance.blend(table.appearances[columns], seen.embeddings, weights)

    def _give_birth(
        self,
        detections: Detections,
        rows: NDArray[np.intp],
        velocities: kalman_filter.Velocities | None,
        stamp_ns: int,
    ) -> None:
        """Start tracks at confident detections that belong to no track."""
        scores = detections.scores
        free = (scores >= self._config.birth_score) & (scores > self._config.minimum_score)
        free[rows] = False
        born = np.flatnonzero(free)
        if self._config.max_tracks:
            room = max(0, self._config.max_tracks - len(self._table))
            born = np.sort(born[np.argsort(-scores[born], kind='stable')[:room]])
        if not len(born):
            return
        self._table = self._table.extend(self._create(detections, born, velocities, stamp_ns))

    def _create(
        self,
        detections: Detections,
        rows: NDArray[np.intp],
        velocities: kalman_filter.Velocities | None,
        stamp_ns: int,
    ) -> TrackTable:
        """Return tentative tracks that start at some detections."""
        number = len(rows)
        seen = detections.select(rows)
        means, covariances = kalman_filter.initiate(
            kalman_filter.measure(seen.boxes), self._config
        )
        if velocities is not None:
            kalman_filter.correct_velocities(means, covariances, velocities, rows)
        embeddings = seen.embeddings
        if embeddings is None:
            width = self._table.appearances.shape[1] if self._last_id else 0
            embeddings = np.zeros((number, width), np.float32)
        first = self._last_id + 1
        self._last_id += number
        return TrackTable(
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
        )

    def _settle(self, stamp_ns: int) -> None:
        """Set the states of all tracks and remove those unseen for too long."""
        config, table = self._config, self._table
        absence = table.unseen(stamp_ns)
        repeated = table.hits > 1
        certain = (table.scores >= config.certain_score) & (config.certain_score < 1)
        confirmed = certain | (table.hits >= config.confirmation_hits)
        confirmed |= table.states != TrackState.TENTATIVE
        missing = (absence > config.coast_time) & (repeated | confirmed)
        states = np.where(confirmed, TrackState.CONFIRMED, TrackState.TENTATIVE)
        states = np.where(missing, TrackState.LOST, states).astype(np.uint8)
        self._table = table.replace(states=states)
        # Even a certain detection may be a false positive: without further ones, remove it soon.
        gone = absence > np.where(repeated, config.lost_time, config.tentative_time)
        if gone.any():
            self._table = self._table.select(~gone)
