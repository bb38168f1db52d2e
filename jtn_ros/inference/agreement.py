"""Comparison of the peaks of two back ends."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.inference.engine import Peaks


def check_agreement(
    expected: Peaks, found: Peaks, tolerance: float, *, missing_share: float = 0.0
) -> None:
    """Require that two back ends found the same peaks with the same values.

    Peaks are matched by class and cell. A peak without a counterpart is accepted if rounding can
    be the cause: next to a peak with the same score, or at the end of the list.

    Args:
        expected: peaks of the reference.
        found: peaks of the same images from elsewhere.
        tolerance: largest difference of scores and embeddings; of boxes and displacements, in
            cells, relative to their size where that exceeds one cell.
        missing_share: share of peaks that may be missing without excuse, for arithmetic so
            coarse that it moves peaks.

    Raises:
        JtnError: if they disagree; the message names what and by how much.
    """
    if expected.scores.shape != found.scores.shape:
        raise JtnError(f'{found.scores.shape} peaks instead of {expected.scores.shape}')
    for image in range(len(expected.scores)):
        same, near = _match(expected, found, image)
        scores, others = expected.scores[image], found.scores[image]
        close = np.abs(scores[:, None] - others) <= tolerance
        excused = (near & close).any(axis=1) | (scores <= others[-1] + tolerance)
        missing = (scores > 0) & ~same.any(axis=1) & ~excused
        if missing.sum() > missing_share * (scores > 0).sum():
            raise JtnError(f'{missing.sum()} of {(scores > 0).sum()} peaks are missing')
        rows, partners = same.nonzero()
        for name in ('scores', 'boxes', 'displacements', 'embeddings'):
            first, second = getattr(expected, name), getattr(found, name)
            if (first is None) != (second is None):
                raise JtnError(f'only one of the two has {name}')
            if first is not None:
                _check_values(name, first[image, rows], second[image, partners], tolerance)


def _match(
    expected: Peaks, found: Peaks, image: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of one image's peaks are the same, and which are the same or neighbors."""
    step = expected.centers[image][:, None] - found.centers[image][None]
    distance = np.abs(step).max(axis=2)
    candidates = expected.class_ids[image][:, None] == found.class_ids[image][None]
    candidates &= (expected.scores[image] > 0)[:, None] & (found.scores[image] > 0)[None]
    return candidates & (distance < 0.5), candidates & (distance < 1.5)


def _check_values(
    name: str, first: NDArray[np.float32], second: NDArray[np.float32], tolerance: float
) -> None:
    difference = np.abs(first - second) / np.maximum(1, np.abs(first))
    worst = float(difference.max(initial=0))
    if not worst <= tolerance:
        raise JtnError(f'{name} differ by {worst:.2g}, more than {tolerance:.2g}')
