"""Which detection is which track: costs of pairs and the best assignment."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Matches = tuple[NDArray[np.intp], NDArray[np.intp]]
Floats = NDArray[np.float64]


def widened_overlap(
    first: NDArray[np.floating], second: NDArray[np.floating], margins: Floats
) -> Floats:
    """Return the (N, M) intersection over union of boxes, all widened by margins.

    Args:
        first: (N, 4) ``x1 y1 x2 y2``.
        second: (M, 4).
        margins: (M, 2), by how much in x and y both boxes of a pair grow on every side: the
            uncertainty of the second. Where it is small this is the plain intersection over
            union, where it is large boxes match that do not touch.
    """
    grow = margins[None, :, :]
    low = np.maximum(first[:, None, :2], second[None, :, :2]) - grow
    high = np.minimum(first[:, None, 2:], second[None, :, 2:]) + grow
    shared = np.maximum(high - low, 0)
    intersection = shared[..., 0] * shared[..., 1]
    first_sizes = (first[:, None, 2:] - first[:, None, :2]) + 2 * grow
    second_sizes = (second[:, 2:] - second[:, :2]) + 2 * margins
    union = first_sizes[..., 0] * first_sizes[..., 1] + second_sizes.prod(axis=1) - intersection
    return intersection / np.maximum(union, 1e-9)


def assign(cost: NDArray[np.floating], allowed: NDArray[np.bool_], limit: float) -> Matches:
    """Return row and column indices of the matches that cost least in sum.

    Args:
        cost: (N, M), lower is better.
        allowed: (N, M), pairs that may match at all.
        limit: what it costs to leave a row and a column apart; pairs must cost less.
    """
    gain = np.where(allowed, np.minimum(cost - limit, 0), 0)
    rows, columns = linear_sum_assignment(gain)
    good = gain[rows, columns] < 0
    return rows[good], columns[good]
