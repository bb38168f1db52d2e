"""Data association: the cost of each pair of detection and track, and assignment in stages.

The motion cost is a negative log likelihood. A track that was not detected for a long time has an
uncertain prediction and therefore a wide gate, but a track with a precise prediction still has a
lower cost.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from jtn_ros.detections import Detections
from jtn_ros.tracking import appearance
from jtn_ros.tracking import kalman_filter
from jtn_ros.tracking.kalman_filter import RATE
from jtn_ros.tracking.kalman_filter import VALUE
from jtn_ros.tracking.kalman_filter import Floats
from jtn_ros.tracking.kalman_filter import Velocities
from jtn_ros.tracking.settings import TrackerSettings
from jtn_ros.tracking.track import TrackState
from jtn_ros.tracking.track_table import TrackTable

# Motion cost of a lost track that is re-identified by appearance, anywhere in the search radius.
# With 1, the track of a nearby occluded person would be preferred; with a lower cost, the track of
# a person with a similar appearance.
_MOTION_OF_LOST = 0.8

Costs = NDArray[np.float32]
Mask = NDArray[np.bool_]
Matches = tuple[NDArray[np.intp], NDArray[np.intp]]


def associate(
    detections: Detections,
    velocities: Velocities | None,
    table: TrackTable,
    unseen: Floats,
    error_scale: Floats,
    config: TrackerSettings,
) -> Matches:
    """Return the indices of matched detections and of their tracks.

    Confident detections are assigned first. Low-score detections are then assigned to tracks that
    have a second detection or a certain one. Both stages compare motion, displacement and
    appearance, and pairs beyond `appearance_limit` never match. The appearance of a low-score
    detection can only increase its cost, and only confident detections re-identify lost tracks by
    appearance alone.

    Args:
        detections: of this frame.
        velocities: measured from their displacements, if there are any.
        table: tracks, predicted to this frame.
        unseen: (M,) seconds since every track was detected.
        error_scale: (4,), see `jtn_ros.tracking.prediction_errors`.
        config: thresholds.
    """
    matching = Matching(len(detections), len(table))
    if not len(detections) or not len(table):
        return matching.matches
    measured = kalman_filter.measure(detections.boxes)
    if detections.embeddings is not None:
        # Appearance decides between close tracks; a precise motion must not outweigh it.
        error_scale = np.maximum(error_scale, 1)
    cost = motion_cost(measured, velocities, table.means, table.covariances, error_scale, config)
    cost[detections.class_ids[:, None] != table.class_ids] = np.inf
    confident = config.confident(detections.scores)
    weak = ~confident & (detections.scores > config.minimum_score)
    proven = (table.hits > 1) | (table.states != TrackState.TENTATIVE)
    known = table.appearances.any(axis=1)
    total = found = cost
    if detections.embeddings is not None and known.any():
        distances = appearance.distances(detections.embeddings, table.appearances)
        both = known & detections.embeddings.any(axis=1)[:, None]
        cost[both & (distances > config.appearance_limit)] = np.inf
        looks = config.appearance_weight * (distances - config.appearance_neutral)
        total = found = cost + both * looks
        missing = proven & known & (unseen > config.reidentification_after)
        if missing.any():
            again = _reidentification_cost(measured, distances, table, unseen, config)
            again[np.isinf(cost) | ~(both & missing)] = np.inf
            found = np.minimum(total, again)
    matching.add(found, 1.0, confident)
    # Many low-score detections are false positives, so a similar appearance does not compensate
    # for distance.
    matching.add(np.maximum(total, cost), config.low_score_limit, weak, proven)
    return matching.matches


def _reidentification_cost(
    measured: Floats,
    distances: Costs,
    table: TrackTable,
    unseen: Floats,
    config: TrackerSettings,
) -> Costs:
    """Return the (N, M) costs of re-identifying tracks by appearance within the search radius.

    This cost is an alternative to the motion cost, which is uncertain for tracks that were not
    detected for a long time. It is infinite outside the search radius and from
    `reidentification_limit` on.
    """
    predicted = table.means[..., VALUE]
    x, y = kalman_filter.differences(measured[:, :2], predicted[:, :2])
    reach = kalman_filter.sizes_of(predicted)[:, 0] * (1 + config.reidentification_speed * unseen)
    cost = _MOTION_OF_LOST + config.appearance_weight * (distances - config.appearance_neutral)
    cost[distances >= config.reidentification_limit] = np.inf
    cost[x * x + y * y > reach * reach] = np.inf
    return cost


def motion_cost(
    measured: Floats,
    velocities: Velocities | None,
    means: Floats,
    covariances: Floats,
    error_scale: Floats,
    config: TrackerSettings,
) -> Costs:
    """Return the (N, M) costs of measured boxes (N, 4) at predicted tracks: 0 is a perfect match.

    Each coordinate adds the negative log density of Student's t distribution, whose heavy tails
    tolerate single bad boxes, and the logarithm of the uncertainty of the prediction. 1 is the
    limit of accepted pairs. A measured velocity is compared with the velocity that the track would
    have after an update with the position.
    """
    noise = kalman_filter.measurement_variance(means[..., VALUE], config)
    variance = covariances[..., VALUE, VALUE] + noise
    apart = kalman_filter.differences(measured, means[..., VALUE])
    likely = variance * error_scale
    cost = _misfit(apart, _columns(likely), config)
    if velocities is not None:
        gain = covariances[:, :2, RATE, VALUE] / variance[:, :2]
        remaining = covariances[:, :2, RATE, RATE] - gain * covariances[:, :2, VALUE, RATE]
        faster = [
            rate - share * distance
            for rate, share, distance in zip(
                kalman_filter.differences(velocities.values, means[:, :2, RATE]),
                _columns(gain),
                apart,
                strict=False,
            )
        ]
        cost += _misfit(
            faster, kalman_filter.differences(velocities.variances, -remaining), config
        )
    cost += (config.vagueness_weight * np.log(likely / noise).sum(axis=1)).astype(np.float32)
    cost /= config.motion_limit
    return cost


def _misfit(apart: list[Costs], variances: Iterable[Costs], config: TrackerSettings) -> Costs:
    """Return the (N, M) sum of -log t densities of an even number of differences (N, M).

    The logarithm of a product is cheaper than the sum of the logarithms. Products of two factors
    do not overflow.
    """
    tail = config.outlier_tail
    factors = [1 + d * d / (tail * variance) for d, variance in zip(apart, variances, strict=True)]
    products = [one * other for one, other in zip(factors[::2], factors[1::2], strict=True)]
    misfit: Costs = (tail + 1) * sum(np.log(product) for product in products)
    return misfit


def _columns(values: Floats) -> Costs:
    """Return the columns of (M, K) in single precision, each contiguous in memory."""
    return np.ascontiguousarray(values.T, np.float32)


def assign(cost: NDArray[np.floating], limit: float) -> Matches:
    """Return row and column indices of the matches with the smallest sum of costs.

    Leaving a row and a column unmatched costs the limit, so pairs at or above the limit never
    match. Pairs with infinite cost never match either.
    """
    gain = np.minimum(cost - limit, 0)
    rows, columns = linear_sum_assignment(gain)
    good = gain[rows, columns] < 0
    return rows[good], columns[good]


class Matching:
    """The matches so far, over the stages of an association."""

    def __init__(self, detections: int, tracks: int) -> None:
        """Start without matches."""
        self._partners = np.full(detections, -1, np.intp)
        self._free_tracks = np.ones(tracks, np.bool_)

    @property
    def matches(self) -> Matches:
        """Return the matched detections and their tracks."""
        rows = np.flatnonzero(self._partners >= 0)
        return rows, self._partners[rows]

    def add(self, cost: Costs, limit: float, detections: Mask, tracks: Mask | None = None) -> None:
        """Assign the given detections and tracks that are not matched yet.

        Args:
            cost: (N, M) of all detections and tracks.
            limit: see `assign`.
            detections: bool (N,).
            tracks: bool (M,), or None for all.
        """
        rows = np.flatnonzero(detections & (self._partners < 0))
        free = self._free_tracks if tracks is None else self._free_tracks & tracks
        columns = np.flatnonzero(free)
        if not len(rows) or not len(columns):
            return
        first, second = assign(cost[rows][:, columns], limit)
        self._partners[rows[first]] = columns[second]
        self._free_tracks[columns[second]] = False
