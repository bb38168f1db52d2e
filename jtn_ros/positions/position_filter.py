"""A Kalman filter with constant velocity for the positions of all tracks."""

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jtn_ros.positions.measurement import Measurements
from jtn_ros.positions.motion import predict

Floats = NDArray[np.float64]

# Standard deviation of the speed of an object that was just located. [m/s]
_INITIAL_SPEED = 3.0
# Squared Mahalanobis distance within which 99.9 % of correct measurements lie (3 coordinates).
_GATE = 16.27
# An object that was not measured for this time is not located anymore. [s]
FORGET_S = 1.0


@dataclass(frozen=True)
class Positions:
    """Positions of N tracked objects, in one coordinate frame.

    Attributes:
        frame_id: name of the coordinate frame.
        known: bool (N,), whether the other values are set.
        points: float64 (N, 3) in meters.
        velocities: float64 (N, 3) in meters per second.
        covariances: float64 (N, 6, 6) of point and velocity together.
        sizes: float64 (N, 3) along the axes of the frame in meters; None if not estimated.
        offsets: float64 (N, 3) from the points to the middles of the objects in meters; None if
            not estimated.
        camera: float64 (3,), position of the camera in meters.
    """

    frame_id: str
    known: NDArray[np.bool_]
    points: Floats
    velocities: Floats
    covariances: Floats
    sizes: Floats | None = None
    offsets: Floats | None = None
    camera: Floats = field(default_factory=lambda: np.zeros(3))

    @property
    def distances(self) -> Floats:
        """Return the distances (N,) from the camera in meters; NaN where unknown."""
        distances: Floats = np.linalg.norm(self.points - self.camera, axis=1)
        return distances

    def select(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> 'Positions':
        """Return the positions selected by a boolean mask or an index array."""
        return replace(
            self,
            known=self.known[index],
            points=self.points[index],
            velocities=self.velocities[index],
            covariances=self.covariances[index],
            sizes=None if self.sizes is None else self.sizes[index],
            offsets=None if self.offsets is None else self.offsets[index],
        )

    def predicted(self, seconds: float) -> 'Positions':
        """Return the positions predicted by some seconds, with a larger uncertainty."""
        means = np.concatenate([self.points, self.velocities], axis=1)
        means, covariances = predict(means, self.covariances, seconds)
        return replace(self, points=means[:, :3], covariances=covariances)

    @classmethod
    def unknown(cls, count: int) -> 'Positions':
        """Return unknown positions for a number of objects."""
        return cls(
            '',
            np.zeros(count, bool),
            np.full((count, 3), np.nan),
            np.full((count, 3), np.nan),
            np.full((count, 6, 6), np.nan),
        )


class PositionFilter:
    """Estimates positions and velocities of tracks from measured positions.

    Measurements that contradict the prediction, for example of an object that passes in front,
    are rejected.
    """

    def __init__(self) -> None:
        """Start without objects."""
        self.reset()

    def reset(self) -> None:
        """Remove all objects."""
        self._ids = np.zeros(0, np.int64)
        self._means = np.zeros((0, 6))
        self._covariances = np.zeros((0, 6, 6))
        self._seen = np.zeros(0, np.int64)
        self._stamp_ns: int | None = None

    def update(
        self, frame_id: str, ids: NDArray[np.int64], measured: Measurements, stamp_ns: int
    ) -> Positions:
        """Process the measurements of the next frame.

        Args:
            frame_id: coordinate frame of the measurements; always the same until `reset`.
            ids: (N,) tracks that were measured; missing ones are removed.
            measured: of the N tracks.
            stamp_ns: time of the frame, never before the last one.
        """
        self._predict(stamp_ns)
        self._keep(np.isin(self._ids, ids))
        self._correct(ids, measured, stamp_ns)
        self._keep(stamp_ns - self._seen <= FORGET_S * 1e9)
        self._begin(ids, measured, stamp_ns)
        _, own, given = np.intersect1d(self._ids, ids, return_indices=True)
        known = np.isin(ids, self._ids)
        means = np.full((len(ids), 6), np.nan)
        covariances = np.full((len(ids), 6, 6), np.nan)
        means[given], covariances[given] = self._means[own], self._covariances[own]
        return Positions(frame_id, known, means[:, :3], means[:, 3:], covariances)

    def _predict(self, stamp_ns: int) -> None:
        """Predict all objects to the time of the frame."""
        seconds = 0.0 if self._stamp_ns is None else (stamp_ns - self._stamp_ns) / 1e9
        self._stamp_ns = stamp_ns
        self._means, self._covariances = predict(self._means, self._covariances, seconds)

    def _correct(self, ids: NDArray[np.int64], measured: Measurements, stamp_ns: int) -> None:
        """Correct the predictions with the measurements that agree with them."""
        _, own, given = np.intersect1d(self._ids, ids[measured.valid], return_indices=True)
        means, covariances = self._means[own], self._covariances[own]
        innovations = measured.points[measured.valid][given] - means[:, :3]
        spreads = covariances[:, :3, :3] + measured.covariances[measured.valid][given]
        distances = np.einsum(
            'ni,ni->n', innovations, np.linalg.solve(spreads, innovations[:, :, None])[:, :, 0]
        )
        near = distances <= _GATE
        own, innovations, spreads = own[near], innovations[near], spreads[near]
        means, covariances = means[near], covariances[near]
        gains = np.linalg.solve(spreads, covariances[:, :3, :]).transpose(0, 2, 1)
        self._means[own] = means + np.einsum('nij,nj->ni', gains, innovations)
        covariances = covariances - gains @ spreads @ gains.transpose(0, 2, 1)
        self._covariances[own] = (covariances + covariances.transpose(0, 2, 1)) / 2
        self._seen[own] = stamp_ns

    def _begin(self, ids: NDArray[np.int64], measured: Measurements, stamp_ns: int) -> None:
        """Initialize objects that are measured for the first time."""
        new = measured.valid & ~np.isin(ids, self._ids)
        count = int(new.sum())
        means = np.concatenate([measured.points[new], np.zeros((count, 3))], axis=1)
        covariances = np.zeros((count, 6, 6))
        covariances[:, :3, :3] = measured.covariances[new]
        covariances[:, 3:, 3:] = _INITIAL_SPEED**2 * np.eye(3)
        self._ids = np.concatenate([self._ids, ids[new]])
        self._means = np.concatenate([self._means, means])
        self._covariances = np.concatenate([self._covariances, covariances])
        self._seen = np.concatenate([self._seen, np.full(count, stamp_ns, np.int64)])

    def _keep(self, chosen: NDArray[np.bool_]) -> None:
        """Remove all rows except the selected ones."""
        self._ids, self._seen = self._ids[chosen], self._seen[chosen]
        self._means, self._covariances = self._means[chosen], self._covariances[chosen]
