"""Evaluation of the lock on a target and the accuracy of its position, in a simulated scene."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.positions import CameraModel
from jtn_ros.positions import GroundPlane
from jtn_ros.positions import Measurements
from jtn_ros.positions import PositionFilter
from jtn_ros.positions import locate_on_ground
from jtn_ros.synthetic import following_scene
from jtn_ros.synthetic.following_scene import FollowingStream
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking import Tracks
from jtn_ros.tracking.target_lock import Target
from jtn_ros.tracking.target_lock import TargetLock

# Confidence threshold of the simulated detector.
_TRUSTED = 0.5
_SELECTION_HITS = 10
_SELECTABLE = 0.9
# Minimum time on a wrong person that counts as an episode. [s]
_EPISODE_S = 1.0
# Minimum visible share of a target that should be followed.
_PLAINLY_VISIBLE = 0.5


@dataclass(frozen=True, kw_only=True)
class FollowingReport:
    """The scores of following a target.

    Attributes:
        seconds: length of the stream.
        hidden: number of times that the target was occluded or left the view.
        crossings: number of times that it crossed other people.
        wrong_episodes: number of times that another person was the target for more than a second.
        wrong_seconds: total time for which another person was the target.
        switches: number of times that the lock moved to another track.
        followed: share of the frames in which at least half of the target was visible and in
            which it was the target.
        rms: root mean square error of the published positions on the ground, in meters.
        nees: mean normalized estimation error squared of these positions, in two dimensions; 2 is
            perfect.
        located: number of frames with a position of the correct person.
    """

    seconds: float
    hidden: int
    crossings: int
    wrong_episodes: int
    wrong_seconds: float
    switches: int
    followed: float
    rms: float
    nees: float
    located: int


def follow(stream: FollowingStream, lock: TargetLock | None = None) -> FollowingReport:
    """Follow the first person of a stream with tracker, filter and lock, and return the scores.

    The person is selected once it has been visible for a second and is hardly occluded.
    """
    lock = lock or TargetLock()
    tracker = Tracker(TrackerSettings(confident_score=_TRUSTED, birth_score=_TRUSTED))
    locator = _GroundLocator()
    followed = np.full(len(stream.stamps_ns), -1)
    errors: list[NDArray[np.float64]] = []
    spreads: list[NDArray[np.float64]] = []
    target: Target | None = None
    owners: dict[int, int] = {}
    for frame, (stamp, detections, people) in enumerate(
        zip(stream.stamps_ns.tolist(), stream.detections, stream.people, strict=True)
    ):
        tracks = tracker.update(detections, stamp)
        rows = np.flatnonzero(tracks.observed)
        who = people[tracks.detection_indices[rows]]
        owners.update(zip(tracks.ids[rows].tolist(), who.tolist(), strict=True))
        points, covariances = locator.locate(tracks, stamp)
        target = lock.update(tracks, detections, stamp, points)
        plain = rows[(who == 0) & (tracks.hits[rows] >= _SELECTION_HITS)]
        if not lock.selected and len(plain) and stream.visible[frame, 0] > _SELECTABLE:
            lock.select(tracks, int(plain[0]))
        if not target.certain:
            continue
        (row,) = np.flatnonzero(tracks.ids == target.track_id)
        owner = owners[target.track_id]
        if tracks.observed[row]:
            followed[frame] = owner
        if owner == 0 and np.isfinite(points[row]).all():
            errors.append((points[row] - stream.points[frame, 0])[_ON_GROUND])
            spreads.append(covariances[row][np.ix_(_ON_GROUND, _ON_GROUND)])
    return _report(stream, target, followed, np.array(errors), np.array(spreads))


def verification_error(stream: FollowingStream) -> tuple[float, float]:
    """Return the equal error rate of pairs of embeddings, and its cosine distance.

    Pairs of random detections at least one second apart are compared.
    """
    rng = np.random.default_rng(0)
    views = [detections.embeddings for detections in stream.detections]
    known = [view for view in views if view is not None]
    embeddings, people = np.concatenate(known), np.concatenate(stream.people)
    stamps = np.repeat(stream.stamps_ns, [len(each) for each in stream.people])
    first, second = rng.integers(0, len(people), (2, 200_000))
    apart = np.abs(stamps[first] - stamps[second]) >= 1_000_000_000
    apart &= (people[first] >= 0) & (people[second] >= 0)
    first, second = first[apart], second[apart]
    distances = 1 - np.einsum('nd,nd->n', embeddings[first], embeddings[second])
    same = people[first] == people[second]
    limits = np.linspace(0, 1, 401)
    missed = 1 - np.searchsorted(np.sort(distances[same]), limits) / same.sum()
    wrong = np.searchsorted(np.sort(distances[~same]), limits) / (~same).sum()
    best = int(np.abs(missed - wrong).argmin())
    return float(missed[best] + wrong[best]) / 2, float(limits[best])


# The axes of the optical frame that are parallel to the ground: right and forward.
_ON_GROUND = np.array([0, 2])


class _GroundLocator:
    """Locates tracks on the ground, as the node does."""

    def __init__(self) -> None:
        width, height = following_scene.WIDTH, following_scene.HEIGHT
        focal, center = following_scene.FOCAL, ((width - 1) / 2, (height - 1) / 2)
        self._camera = CameraModel.from_calibration(
            width=width,
            height=height,
            k=(focal, 0, center[0], 0, focal, center[1], 0, 0, 1),
        )
        self._ground = GroundPlane.from_mounting(following_scene.CAMERA_HEIGHT, 0.0)
        self._filter = PositionFilter()

    def locate(
        self, tracks: Tracks, stamp_ns: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the points (N, 3) of tracks, NaN if unknown, and their covariances (N, 3, 3)."""
        found = locate_on_ground(self._camera, tracks.boxes, self._ground)
        points = np.where(tracks.observed[:, None], found.points, np.nan)
        measured = Measurements.of(points, found.covariances)
        positions = self._filter.update('camera', tracks.ids, measured, stamp_ns)
        return positions.points, positions.covariances[:, :3, :3]


def _report(
    stream: FollowingStream,
    target: Target | None,
    followed: NDArray[np.int64],
    errors: NDArray[np.float64],
    spreads: NDArray[np.float64],
) -> FollowingReport:
    """Return the scores of a run.

    Args:
        stream: the stream that was tracked.
        target: state of the target after the last frame.
        followed: (F,) the person who was the target in each frame; -1 for none.
        errors: (M, 2), errors of the positions.
        spreads: (M, 2, 2), covariances of the positions.
    """
    period = float(np.median(np.diff(stream.stamps_ns))) / 1e9
    lengths = _runs(followed > 0) * period
    plain = stream.visible[:, 0] >= _PLAINLY_VISIBLE
    nees = np.einsum('ni,ni->n', errors, np.linalg.solve(spreads, errors[..., None])[..., 0])
    return FollowingReport(
        seconds=len(followed) * period,
        hidden=stream.hidden,
        crossings=stream.crossings,
        wrong_episodes=int((lengths > _EPISODE_S).sum()),
        wrong_seconds=float(lengths.sum()),
        switches=0 if target is None else target.switches,
        followed=float((followed[plain] == 0).mean()),
        rms=float(np.sqrt((errors**2).sum(axis=1).mean())),
        nees=float(nees.mean()),
        located=len(errors),
    )


def _runs(happening: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the lengths of the runs of True."""
    edges = np.diff(happening.astype(np.int8), prepend=0, append=0)
    lengths: NDArray[np.int64] = np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)
    return lengths
