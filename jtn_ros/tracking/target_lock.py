"""Lock on a selected target: finds its track, also after occlusions.

The ids of a tracker end after long occlusions, and can be exchanged when objects cross. The lock
therefore stores views (embeddings) of the target since its selection, and views of other objects
that were visible at the same time. After each crossing, the track must be verified as the target;
after each gap, it must be recognized like any other track. The lock moves to another track only if
that track is similar to the target and to no other object. Otherwise, it reports the candidates
and waits.
"""

from dataclasses import dataclass
from dataclasses import replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.settings import Settings
from jtn_ros.settings import setting
from jtn_ros.tracking import appearance
from jtn_ros.tracking.gallery import Gallery
from jtn_ros.tracking.recent_views import RecentViews
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

Distances = NDArray[np.float32]
Places = NDArray[np.float64]

_TARGET_VIEWS = 64
_RIVAL_VIEWS = 256
_NOVELTY = 0.02  # cosine distance
# Number of clear views that suffice to recognize the object of a track.
_ENOUGH_VIEWS = 3
# The track of the target is given up beyond this cosine distance, or if it is more similar to
# another object; without a crossing or a gap, only if the difference exceeds the margin.
_STRANGE = 0.45
_TRUST_MARGIN = 0.02
# Below this distance, two views show the same object, or objects with the same appearance.
_SIMILAR = 0.05
# Below this distance, a track that is not more similar to another object is still the target.
_FAMILIAR = 0.3
# After a crossing, the distance of its track to the target must be smaller than to any other
# object by this factor.
_CLEARLY = 0.5
# Longest time for which a track counts as the target without verification. [s]
_TRUST_S = 0.8
# Interval at which views are learned, and the time for which a track must have been verified
# before, so that an identity switch is noticed before a wrong view is learned. A track of another
# object that is similar to the target must also have been clear for this time: it may be partly
# covered by the target, and a single such view would permanently prevent the recognition of the
# target. [s]
_LEARNING_S = 0.5
_SETTLED_S = 1.0
# Search radius around the last position of the target, and its growth. [m, m/s]
_REACH_M = 1.0
_REACH_SPEED = 3.0
# Earlier than any stamp, also if time starts at 0. [ns]
_LONG_AGO = -(1 << 62)


class LockState(IntEnum):
    """State of the lock, with the values of ``jtn_msgs/Target``."""

    NONE = 0
    LOCKED = 1
    OCCLUDED = 2
    CANDIDATES = 3
    LOST = 4


@dataclass(frozen=True, kw_only=True)
class TargetLockSettings(Settings):
    """How the target is distinguished from other objects."""

    recognition_limit: float = setting(
        0.1,
        'Largest cosine distance at which another track is recognized as the target.',
        low=0.0,
        high=2.0,
        live=True,
    )
    recognition_margin: float = setting(
        0.1,
        'Margin by which another track is recognized as the target: its cosine distance to the '
        'target must be smaller by this value than its distance to any other object, and than the '
        'distance of any other track to the target.',
        low=0.0,
        high=2.0,
        live=True,
    )


@dataclass(frozen=True, kw_only=True)
class Target:
    """The state of the target after one frame.

    Attributes:
        state: see `LockState`.
        track_id: the track that is the target; 0 if none is.
        certain: whether the identity of the track is certain, now or a moment ago.
        switches: how often the lock has moved from one track to another since the selection.
        distance: cosine distance of the track to the nearest view of the target; NaN if unknown.
        candidates: int64 (C,), tracks that may be the target, the most similar one first; only
            while the target is not visible.
        candidate_distances: float32 (C,), their cosine distances.
    """

    state: LockState
    track_id: int
    certain: bool
    switches: int
    distance: float
    candidates: NDArray[np.int64]
    candidate_distances: Distances


_NO_TARGET = Target(
    state=LockState.NONE,
    track_id=0,
    certain=False,
    switches=0,
    distance=np.nan,
    candidates=np.zeros(0, np.int64),
    candidate_distances=np.zeros(0, np.float32),
)


class TargetLock:
    """The lock on one target, over the frames of one camera.

    Without embeddings, the lock lasts as long as the track, and never moves to another one.
    """

    def __init__(self, config: TargetLockSettings | None = None) -> None:
        """Start without a target."""
        self.config = config or TargetLockSettings()
        self._recent = RecentViews()
        self._now_ns = _LONG_AGO
        self.release()

    @property
    def selected(self) -> bool:
        """Return whether there is a target."""
        return self._class_id is not None

    def release(self) -> None:
        """Forget the target."""
        self._class_id: int | None = None
        self._track_id = self._last_id = self._switches = 0
        self._own = Gallery(_TARGET_VIEWS, _NOVELTY)
        self._rivals = Gallery(_RIVAL_VIEWS, _NOVELTY)
        # Whether the track is verified as the target, since when, and whether it was detected in
        # every frame since its last clear view; and whether it returns after a gap.
        self._verified = self._unbroken = True
        self._returning = False
        self._verified_ns = self._proven_ns = self._learned_ns = _LONG_AGO
        self._place: Places | None = None
        self._place_ns = 0

    def restart(self) -> None:
        """Continue with new ids, and maybe at another time; the target's appearance is kept."""
        self._track_id = self._last_id = 0
        self._recent = RecentViews()
        self._place = None
        self._verified_ns = self._proven_ns = self._learned_ns = self._now_ns = _LONG_AGO

    def interrupt(self) -> Target:
        """Return the target as lost, because no frames arrive for a while.

        If its track continues afterwards, it must be recognized, as after any gap.
        """
        if self._class_id is None:
            return _NO_TARGET
        self._recent = RecentViews()
        self._unbroken = False
        if len(self._own):
            self._verified, self._returning = False, True
        return replace(_NO_TARGET, state=LockState.LOST, switches=self._switches)

    def select(self, tracks: Tracks, row: int) -> None:
        """Lock on one of the tracks of the last frame."""
        self.release()
        self._proven_ns = self._now_ns
        self._class_id = int(tracks.class_ids[row])
        self._track_id = self._last_id = int(tracks.ids[row])
        clear = bool(self._recent.means.shape[1]) and self._recent.counts[row] > 0
        views = self._recent.means if clear else tracks.embeddings
        if views is not None and views[row].any():  # zero: the appearance is unknown
            self._own.add(appearance.normalize(views[row : row + 1]))

    def update(
        self,
        tracks: Tracks,
        detections: Detections,
        stamp_ns: int,
        places: Places | None = None,
    ) -> Target:
        """Process the next frame and return the state of the target.

        Args:
            tracks: all live tracks.
            detections: the detections of this frame.
            stamp_ns: time of the frame, never before the last one until `restart`.
            places: (N, 3) positions of the tracks in a frame that does not move with the camera,
                in meters; NaN where unknown. None if there is no such frame.
        """
        self._recent.update(tracks, detections, stamp_ns)
        self._now_ns = stamp_ns
        if self._class_id is None:
            return _NO_TARGET
        own, rival = self._compare()
        row = self._continue(tracks, own, rival, stamp_ns)
        certain = row is not None and stamp_ns - self._proven_ns <= _TRUST_S * 1e9
        candidates = np.zeros(0, np.intp)
        if row is None or not certain or not tracks.observed[row]:
            candidates = self._candidates(tracks, own, stamp_ns, places)
            found = self._recognize(candidates, own, rival)
            if found is not None:
                row, certain = found, True
                self._move_to(int(tracks.ids[row]), stamp_ns)
        if row is not None and self._verified and tracks.observed[row]:
            self._learn(tracks, row, own, rival, stamp_ns, places)
        locked = row is not None and certain and tracks.states[row] != TrackState.LOST
        state = LockState.LOST if row is None else LockState.OCCLUDED
        if locked:
            state, candidates = LockState.LOCKED, candidates[:0]
        elif len(candidates):
            state = LockState.CANDIDATES
        return Target(
            state=state,
            track_id=self._track_id,
            certain=certain,
            switches=self._switches,
            distance=np.nan if row is None else float(own[row]),
            candidates=tracks.ids[candidates],
            candidate_distances=own[candidates],
        )

    def _compare(self) -> tuple[Distances, Distances]:
        """Return the distances (N,) of all tracks to the target and to other objects.

        They are NaN if there are too few views. Those to other objects are infinite if none are
        known.
        """
        known = self._recent.counts >= _ENOUGH_VIEWS
        if not len(self._own):
            known[:] = False
        own, rival = (np.full(len(known), np.nan, np.float32) for _ in range(2))
        own[known] = self._own.distances(self._recent.means[known])
        rival[known] = self._rivals.distances(self._recent.means[known])
        return own, rival

    def _continue(
        self, tracks: Tracks, own: Distances, rival: Distances, stamp_ns: int
    ) -> int | None:
        """Return the row of the target's track; None if it ended or shows another object."""
        rows = np.flatnonzero(tracks.ids == self._track_id)
        if not self._track_id or not len(rows):
            self._track_id = 0
            return None
        row = int(rows[0])
        recent = self._recent
        if recent.doubtful[row] and len(self._own):
            self._verified = False
            self._returning |= bool(recent.missed[row])
        known = bool(recent.fresh[row]) and bool(np.isfinite(own[row]))
        margin = _TRUST_MARGIN if self._verified else 0.0
        if known and own[row] > min(_STRANGE, rival[row] + margin):
            self._track_id = 0
            return None
        # After a frame without a detection, the track may show another object until a clear view.
        self._unbroken = known or (self._unbroken and bool(tracks.observed[row]))
        proven = known and own[row] < self._proof(rival[row])
        if proven and not recent.doubtful[row] and not self._verified:
            self._verified, self._verified_ns, self._returning = True, stamp_ns, False
        if proven or (self._verified and (self._unbroken or not len(self._own))):
            self._proven_ns = stamp_ns
        return row

    def _proof(self, rival: np.float32) -> float:
        """Return the distance to the target below which its track is verified.

        Args:
            rival: distance of the track to other objects.
        """
        if self._verified:
            return min(_FAMILIAR, float(rival))
        if self._returning:  # it may show another object, so it is treated like any other track
            config = self.config
            return min(config.recognition_limit, float(rival) - config.recognition_margin)
        return min(_FAMILIAR, _CLEARLY * float(rival))

    def _move_to(self, track_id: int, stamp_ns: int) -> None:
        """Set the track of the target, after it was recognized by its appearance."""
        self._switches += track_id != self._last_id
        self._track_id = self._last_id = track_id
        self._verified, self._unbroken, self._returning = True, True, False
        self._verified_ns = self._proven_ns = stamp_ns

    def _candidates(
        self, tracks: Tracks, own: Distances, stamp_ns: int, places: Places | None
    ) -> NDArray[np.intp]:
        """Return the rows of tracks that may be the target, the most similar one first."""
        possible = (
            (tracks.class_ids == self._class_id)
            & (tracks.states == TrackState.CONFIRMED)
            & tracks.observed
            & self._recent.fresh
            & (own < self.config.recognition_limit)
        )
        if places is not None and self._place is not None:
            seconds = (stamp_ns - self._place_ns) / 1e9
            apart = np.linalg.norm(places - self._place, axis=1)
            possible &= ~(apart > _REACH_M + _REACH_SPEED * seconds)
        rows = np.flatnonzero(possible)
        return rows[np.argsort(own[rows], kind='stable')]

    def _recognize(
        self, candidates: NDArray[np.intp], own: Distances, rival: Distances
    ) -> int | None:
        """Return the row of the candidate that is clearly the target; None if there is none."""
        if not len(candidates):
            return None
        best, others = candidates[0], candidates[1:]
        nearest = own[best] + self.config.recognition_margin
        clear = nearest < rival[best] and (not len(others) or nearest < own[others[0]])
        return int(best) if clear else None

    def _learn(
        self,
        tracks: Tracks,
        row: int,
        own: Distances,
        rival: Distances,
        stamp_ns: int,
        places: Places | None,
    ) -> None:
        """Store the position of the target, and views of the target and of other objects."""
        if places is not None and np.isfinite(places[row]).all():
            self._place, self._place_ns = places[row], stamp_ns
        enough = self._recent.counts >= _ENOUGH_VIEWS
        proven = own[row] < min(_FAMILIAR, rival[row])
        settled = stamp_ns - self._verified_ns >= _SETTLED_S * 1e9
        due = stamp_ns - self._learned_ns >= _LEARNING_S * 1e9
        if not (enough[row] and proven and settled and due):
            return
        self._learned_ns = stamp_ns
        means = self._recent.means
        # An ambiguous view may already show an object that covers the target.
        if own[row] + self.config.recognition_margin < rival[row]:
            self._own.add(means[row : row + 1])
        others = enough & self._recent.fresh & ~self._recent.doubtful
        lasting = stamp_ns - self._recent.since_ns >= _SETTLED_S * 1e9
        others &= lasting | (own > self.config.recognition_limit)
        others[row] = False
        self._rivals.add(means[others])
        # Remove views of other objects that were stored as views of the target.
        similar = others & (own < _SIMILAR)
        self._own.discard(means[similar], means[row], _SIMILAR)
