"""How the whole view moved since the last frame, so that tracks can be moved along.

A camera motion is a 2x3 affine matrix from pixels of the previous frame to pixels of this one.
"""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.tracking.motion import RATE
from jtn_ros.tracking.motion import VALUE
from jtn_ros.tracking.motion import Floats

STILL: Floats = np.eye(2, 3)
_FEWEST = 4  # objects that can outvote one that moves by itself


def common_displacement(
    displacements: NDArray[np.floating],
    sizes: NDArray[np.floating],
    expected: NDArray[np.floating],
) -> Floats:
    """Return the shift that all objects share beyond the motion expected of them.

    Objects move by themselves, so only what surprises all tracks alike is the camera's: the median
    of the detected motions minus the median of the predicted ones. A shift that does not
    stand out of its own uncertainty is no motion.

    Args:
        displacements: (N, 2) of the detections, to the previous frame.
        sizes: (N,) lengths of the detections.
        expected: (M, 2) motions that the tracks predict.

    Returns:
        (2, 3) affine matrix, `STILL` when the camera seems to stand.
    """
    if min(len(displacements), len(expected)) < _FEWEST:
        return STILL
    moved = -displacements
    middle = np.median(moved, axis=0)
    shift = middle - np.median(expected, axis=0)
    deviation = 1.4826 * np.median(abs(moved - middle), axis=0)
    uncertainty = 1.2533 * deviation / np.sqrt(min(len(moved), len(expected)))
    if np.hypot(*shift) < max(3 * np.hypot(*uncertainty), 0.03 * float(np.median(sizes))):
        return STILL
    return np.column_stack([np.eye(2), shift])


def move(means: Floats, affine: Floats) -> Floats:
    """Return filter means (M, 4, 2) as the camera motion moves them."""
    if affine is STILL:
        return means
    linear, shift = affine[:, :2], affine[:, 2]
    moved = means.copy()
    moved[:, :2, VALUE] = means[:, :2, VALUE] @ linear.T + shift
    moved[:, :2, RATE] = means[:, :2, RATE] @ linear.T
    moved[:, 2:] *= np.sqrt(abs(np.linalg.det(linear)))
    return moved
