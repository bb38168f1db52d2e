"""Combination of the tracks of several cameras by position and appearance."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from jtn_ros.positions.position_filter import Positions
from jtn_ros.positions.world_tracks import Members
from jtn_ros.positions.world_tracks import WorldTracks
from jtn_ros.positions.world_tracks import fuse
from jtn_ros.settings import Settings
from jtn_ros.settings import setting
from jtn_ros.tracking import appearance
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

# A position that is older than this is not used. [s]
_STALE_S = 1.0
# An object that no camera tracks anymore may be found again for this time. [s]
_MEMORY_S = 2.0
# A better identity than the present one has to stay better for this time. [s]
_PATIENCE_S = 0.5
# Preference for the current identity: its cost is halved, and its limits are wider.
_LOYALTY = 0.5
_WIDER = 1.5
# Squared Mahalanobis distance within which 99 % of correct pairs lie (3 coordinates).
_GATE = 11.34
_NEVER = 1e6
_NONE, _ALONE = 0, -1


@dataclass(frozen=True, kw_only=True)
class WorldSettings(Settings):
    """Thresholds at which the tracks of two cameras are assigned to one object."""

    world_distance: float = setting(
        1.5,
        'Largest distance between the positions that two cameras measure for one object, in '
        'meters.',
        low=0.01,
        high=100.0,
    )
    world_appearance: float = setting(
        0.5,
        'Largest cosine distance between the embeddings of one object in two cameras. 2 uses only '
        'the positions.',
        low=0.01,
        high=2.0,
    )


class WorldFrame(NamedTuple):
    """The objects in the world after a frame of one camera.

    Attributes:
        stamp_ns: the time of the latest frame of all cameras.
        tracks: the objects that were located within the last second, at that time.
        members: the tracks of the cameras that belong to them, sorted by `world_ids`.
    """

    stamp_ns: int
    tracks: WorldTracks
    members: Members


class WorldTracker:
    """Combines the tracks of cameras whose positions are in one coordinate frame.

    A track is assigned to the object that is closest in position and appearance among those that
    other cameras see (one assignment for each frame of a camera), or starts a new object. It keeps
    its identity as long as the camera tracks it, unless another identity matches better for half a
    second. If two objects turn out to be one, the older identity remains.
    """

    def __init__(self, settings: WorldSettings) -> None:
        """Start without objects."""
        self._settings = settings
        self._cameras: dict[str, int] = {}
        self._sessions: dict[int, Hashable] = {}
        self._next_id = 1
        self._now_ns = 0
        self._members: Members | None = None
        self._lost: Members | None = None

    @property
    def cameras(self) -> tuple[str, ...]:
        """Return the names of the cameras by their number."""
        return tuple(self._cameras)

    def update(
        self,
        camera: str,
        session: Hashable,
        tracks: Tracks,
        positions: Positions,
        stamp_ns: int,
    ) -> WorldFrame:
        """Process a frame of one camera.

        Args:
            camera: name of the camera.
            session: of its tracks; another session has other tracks.
            tracks: all live tracks of the camera.
            positions: of the tracks, always in the same coordinate frame.
            stamp_ns: time of the frame; those of several cameras may be out of order.
        """
        if stamp_ns < self._now_ns - _MEMORY_S * 1e9:  # time has begun anew
            self._members = self._lost = None
            self._now_ns = stamp_ns
        self._now_ns = max(self._now_ns, stamp_ns)
        number = self._cameras.setdefault(camera, len(self._cameras))
        located = positions.known & (tracks.states == TrackState.CONFIRMED)
        seen = Members.of(number, tracks.select(located), positions.select(located), stamp_ns)
        live = tracks.ids if self._sessions.get(number) == session else tracks.ids[:0]
        self._sessions[number] = session
        self._drop(number, live)
        rows = self._take(seen)
        self._identify(number, rows, stamp_ns)
        return self._frame()

    def _drop(self, camera: int, live: NDArray[np.int64]) -> None:
        """Remove ended tracks of a camera, and store objects without remaining tracks as lost."""
        if self._members is None or self._lost is None:
            return
        members = self._members
        gone = (members.cameras == camera) & ~np.isin(members.track_ids, live)
        kept, dropped = members.select(~gone), members.select(gone)
        orphaned = ~np.isin(dropped.world_ids, [_NONE, *kept.world_ids.tolist()])
        lost = self._lost.extend(dropped.select(orphaned))
        age = self._now_ns - lost.stamps_ns
        self._members, self._lost = kept, lost.select(age <= _MEMORY_S * 1e9)

    def _take(self, seen: Members) -> NDArray[np.intp]:
        """Add the tracks of a camera; return their rows, in the order of `seen`."""
        if self._members is None:
            self._members = self._lost = seen.select(slice(0))
        assert self._lost is not None
        # Without embeddings, or before the first one, the appearance of tracks is unknown.
        width = max(seen.embeddings.shape[1], self._members.embeddings.shape[1])
        seen, members = seen.widened(width), self._members.widened(width)
        self._lost = self._lost.widened(width)
        camera_rows = np.flatnonzero(np.isin(members.cameras, seen.cameras))
        _, old, given = np.intersect1d(
            members.track_ids[camera_rows], seen.track_ids, return_indices=True
        )
        old = camera_rows[old]
        fields = ('class_ids', 'scores', 'stamps_ns', 'means', 'covariances', 'embeddings')
        members = members.with_rows(old, **{name: getattr(seen, name)[given] for name in fields})
        fresh = np.setdiff1d(np.arange(len(seen)), given)
        rows = np.empty(len(seen), np.intp)
        rows[given], rows[fresh] = old, len(members) + np.arange(len(fresh))
        self._members = members.extend(seen.select(fresh))
        return rows

    def _identify(self, camera: int, rows: NDArray[np.intp], stamp_ns: int) -> None:
        """Assign identities to the rows of a camera, and replace those that no longer match."""
        assert self._members is not None
        assert self._lost is not None
        members, lost = self._members, self._lost
        own = members.cameras == camera
        others = fuse(members.select(~own & self._says(_STALE_S)), stamp_ns)
        held = members.world_ids[own & self._says(_PATIENCE_S)]
        targets = self._assign(members.select(rows), others, fuse(lost, stamp_ns), held)
        current = members.world_ids[rows]
        shared = np.isin(current, others.ids)
        wishes = np.where(targets == current, _NONE, targets)
        wishes[(targets == _NONE) & shared] = _ALONE
        wishes[current == _NONE] = _NONE
        since = np.where(
            wishes == members.rivals[rows], members.rival_since_ns[rows], self._now_ns
        )
        self._members = members = members.with_rows(rows, rivals=wishes, rival_since_ns=since)
        begun = rows[current == _NONE]
        identities = targets[current == _NONE]
        identities[identities == _NONE] = self._new_ids(int((identities == _NONE).sum()))
        self._members = members.with_rows(begun, world_ids=identities)
        self._lost = lost.select(~np.isin(lost.world_ids, identities))
        patient = (wishes != _NONE) & (self._now_ns - since >= _PATIENCE_S * 1e9)
        if patient.any():
            self._change(rows[patient], wishes[patient])
        self._release(camera, rows)

    def _says(self, seconds: float) -> NDArray[np.bool_]:
        """Return bool (N,): tracks with an identity that were located within these seconds."""
        assert self._members is not None
        age = self._now_ns - self._members.stamps_ns
        return (age <= seconds * 1e9) & (self._members.world_ids != _NONE)

    def _assign(
        self, seen: Members, others: WorldTracks, lost: WorldTracks, held: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the best identity (N,) for each row, or 0.

        Args:
            seen: the tracks of a camera that are located in this frame.
            others: objects that other cameras see.
            lost: objects that no camera tracks anymore.
            held: identities of other tracks of the camera.
        """
        candidates = others.extend(lost)
        count, width = len(seen), len(candidates)
        bound = seen.world_ids[:, None] == candidates.ids
        costs = self._costs(seen, candidates, bound)
        new = (seen.world_ids == _NONE)[:, None]
        taken = np.isin(candidates.ids, held)
        is_lost = np.arange(width) >= len(others)
        # New tracks cannot get the identity of another track; known tracks cannot get a lost one.
        costs[(new & taken) | (~new & is_lost)] = _NEVER
        alone = np.full((count, count), _NEVER)
        np.fill_diagonal(alone, 1)
        chosen_rows, chosen = linear_sum_assignment(np.concatenate([costs, alone], axis=1))
        result = np.full(count, _NONE, np.int64)
        joined = chosen < width
        result[chosen_rows[joined]] = candidates.ids[chosen[joined]]
        return result

    def _costs(
        self, seen: Members, candidates: WorldTracks, bound: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return the costs (N, M) of pairs, at most 1, or too large for an assignment."""
        settings = self._settings
        wider = np.where(bound, _WIDER, 1.0)
        deltas = seen.means[:, None, :3] - candidates.means[None, :, :3]
        # Calibrations differ, and cameras see different sides of a body.
        tolerance = (settings.world_distance / 3) ** 2 * np.eye(3)
        spreads = seen.covariances[:, None, :3, :3] + candidates.covariances[None, :, :3, :3]
        solved = np.linalg.solve(spreads + tolerance, deltas[..., None])[..., 0]
        costs = np.einsum('nmi,nmi->nm', deltas, solved) / _GATE
        near = np.linalg.norm(deltas, axis=2) <= settings.world_distance * wider
        alike = seen.class_ids[:, None] == candidates.class_ids
        if seen.embeddings.shape[1]:
            distances = appearance.distances(seen.embeddings, candidates.embeddings)
            distances = distances / settings.world_appearance
            known = seen.embeddings.any(axis=1)[:, None] & candidates.embeddings.any(axis=1)
            alike &= ~known | (distances <= wider)
            costs = np.where(known, (costs + distances) / 2, costs)
        allowed = near & alike & (costs <= wider)
        costs = np.where(bound, _LOYALTY * costs, costs)
        return np.where(allowed, np.minimum(costs, 1), _NEVER)

    def _change(self, rows: NDArray[np.intp], wishes: NDArray[np.int64]) -> None:
        """Change the identities of tracks of a camera to those that match better."""
        assert self._members is not None
        world_ids = self._members.world_ids.copy()
        before = world_ids[rows]
        world_ids[rows] = _NONE  # so that two tracks can swap their identities
        holders = self._members.cameras == self._members.cameras[rows[0]]
        holders &= self._says(_PATIENCE_S)
        for row, previous, wish in zip(
            rows.tolist(), before.tolist(), wishes.tolist(), strict=True
        ):
            own = world_ids[holders]
            if wish != _ALONE and wish not in own:
                world_ids[row] = wish
                if previous not in world_ids:  # two objects turn out to be one
                    world_ids[world_ids == wish] = min(previous, wish)
            elif wish != _ALONE and previous not in own:
                world_ids[row] = previous
            else:
                world_ids[row] = self._new_ids(1)[0]
        self._members = self._members.replace(world_ids=world_ids)

    def _release(self, camera: int, rows: NDArray[np.intp]) -> None:
        """Remove identities from unseen tracks of a camera if a visible track has them now."""
        assert self._members is not None
        members = self._members
        unseen = members.cameras == camera
        unseen[rows] = False
        unseen &= np.isin(members.world_ids, members.world_ids[rows])
        self._members = members.with_rows(unseen, world_ids=np.full(int(unseen.sum()), _NONE))

    def _new_ids(self, count: int) -> NDArray[np.int64]:
        """Return unused identities."""
        ids = np.arange(self._next_id, self._next_id + count)
        self._next_id += count
        return ids

    def _frame(self) -> WorldFrame:
        """Return the objects at the latest time."""
        assert self._members is not None
        members = self._members.select(self._says(_STALE_S))
        members = members.select(np.argsort(members.world_ids, kind='stable'))
        return WorldFrame(self._now_ns, fuse(members, self._now_ns), members)
