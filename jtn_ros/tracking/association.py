"""Which detection is which track: the cost of every pair, and the best assignment.

The cost of motion is a negative log likelihood, so a track that was not seen for long, and whose
prediction is vague, has a wide gate and yet loses against one that is known precisely.
"""

from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from jtn_ros.tracking import motion
from jtn_ros.tracking.config import TrackerConfig
from jtn_ros.tracking.motion import RATE
from jtn_ros.tracking.motion import VALUE
from jtn_ros.tracking.motion import Floats
from jtn_ros.tracking.motion import Velocities

Matches = tuple[NDArray[np.intp], NDArray[np.intp]]


def motion_cost(
    measured: Floats, means: Floats, covariances: Floats, config: TrackerConfig
) -> Floats:
    """Return the (N, M) costs of measured boxes (N, 4) at predicted tracks: 0 is perfect.

    Every coordinate adds the negative log density of Student's t distribution, whose tails
    forgive the odd bad box, and the log of how uncertain the prediction is. 1 is as unlikely
    as an accepted pair may be.
    """
    noise = motion.measurement_variance(means[..., VALUE], config)
    variance = covariances[..., VALUE, VALUE] + noise
    apart = [np.subtract.outer(measured[:, k], means[:, k, VALUE]) for k in range(4)]
    vagueness = config.vagueness_weight * np.log(variance / noise).sum(axis=1)
    return (_misfit(apart, list(variance.T), config) + vagueness) / config.motion_limit


def velocity_cost(
    measured: Floats,
    velocities: Velocities,
    means: Floats,
    covariances: Floats,
    config: TrackerConfig,
) -> Floats:
    """Return what measured velocities add to the (N, M) costs of motion.

    The velocity is compared with the one the track would have after taking over the position.
    """
    noise = motion.measurement_variance(means[..., VALUE], config)[:, :2]
    centers = covariances[:, :2]
    gain = centers[..., RATE, VALUE] / (centers[..., VALUE, VALUE] + noise)
    remaining = centers[..., RATE, RATE] - gain * centers[..., VALUE, RATE]
    apart = [
        np.subtract.outer(velocities.values[:, k], means[:, k, RATE])
        - gain[:, k] * np.subtract.outer(measured[:, k], means[:, k, VALUE])
        for k in range(2)
    ]
    variances = [np.add.outer(velocities.variances[:, k], remaining[:, k]) for k in range(2)]
    return _misfit(apart, variances, config) / config.motion_limit


def _misfit(differences: list[Floats], variances: list[Floats], config: TrackerConfig) -> Floats:
    """Return the (N, M) sum of -log t densities of differences, each (N, M) with its variance.

    The logarithm of a product is the sum of the logarithms, at a fraction of their price.
    """
    tail = config.outlier_tail
    pairs = zip(differences, variances, strict=True)
    factors = [1 + d * d * (1 / (tail * variance)) for d, variance in pairs]
    misfit: Floats = (tail + 1) * np.log(reduce(np.multiply, factors))
    return misfit


def assign(cost: NDArray[np.floating], limit: float) -> Matches:
    """Return row and column indices of the matches whose costs sum to the least.

    Leaving a row and a column apart costs the limit, so pairs at or above it never match; neither
    do infinite ones.
    """
    gain = np.minimum(cost - limit, 0)
    rows, columns = linear_sum_assignment(gain)
    good = gain[rows, columns] < 0
    return rows[good], columns[good]


class Matching:
    """Who is matched so far, over the stages of an association."""

    def __init__(self, detections: int, tracks: int) -> None:
        """Start with nobody matched."""
        self._partners = np.full(detections, -1, np.intp)
        self._free_tracks = np.ones(tracks, np.bool_)

    @property
    def matches(self) -> Matches:
        """Return the matched detections and their tracks."""
        rows = np.flatnonzero(self._partners >= 0)
        return rows, self._partners[rows]

    def free(self, detections: NDArray[np.bool_], tracks: NDArray[np.bool_]) -> Matches:
        """Return the indices of those among given detections and tracks that are not matched."""
        rows = np.flatnonzero(detections & (self._partners < 0))
        return rows, np.flatnonzero(tracks & self._free_tracks)

    def add(
        self,
        rows: NDArray[np.intp],
        columns: NDArray[np.intp],
        cost: NDArray[np.floating],
        limit: float,
    ) -> None:
        """Assign detections `rows` to tracks `columns` by their (rows, columns) cost."""
        first, second = assign(cost, limit)
        self._partners[rows[first]] = columns[second]
        self._free_tracks[columns[second]] = False
