"""Camera motion since the last frame, estimated from boxes, and its compensation in tracks.

A camera motion is a 2x3 affine matrix from pixels of the previous frame to pixels of this one.
"""

import numpy as np

from jtn_ros.tracking.kalman_filter import RATE
from jtn_ros.tracking.kalman_filter import VALUE
from jtn_ros.tracking.kalman_filter import Floats
from jtn_ros.tracking.kalman_filter import differences
from jtn_ros.tracking.kalman_filter import sizes_of
from jtn_ros.tracking.settings import TrackerSettings

STILL: Floats = np.eye(2, 3)
_FEWEST = 3  # tracks that can outvote one that moves by itself
_CANDIDATES = 64
_ALIKE = 0.2  # relative difference of heights
_QUORUM = 0.4  # share of the tracks


def common_shift(measured: Floats, predicted: Floats, config: TrackerSettings) -> Floats:
    """Return the shift that aligns the largest number of predicted boxes with detected ones.

    The filters predict the motion of the objects, so a prediction error that all tracks have in
    common is caused by the camera. Each pair of similar height votes for its shift, with at most
    one vote of a track for a shift. The best shift must have clearly more votes than no shift, so
    that a static camera is not corrected.

    Args:
        measured: (N, 4) detected boxes, center and size.
        predicted: (M, 4) boxes of tracks seen recently.
        config: thresholds.

    Returns:
        (2, 3) affine matrix; `STILL` if the camera seems to be static.
    """
    if min(len(measured), len(predicted)) < _FEWEST:
        return STILL
    sizes = sizes_of(predicted)[:, 0].astype(np.float32)
    x, y, _, taller = differences(-predicted, -measured)
    alike = abs(taller) < (_ALIKE * predicted[:, 3:]).astype(np.float32)
    near = x * x + y * y < (config.camera_reach * sizes[:, None]) ** 2
    tracks, detections = np.nonzero(alike & near)
    if len(tracks) < _FEWEST:
        return STILL
    shifts = np.stack([x[tracks, detections], y[tracks, detections]], axis=1).astype(np.float64)
    candidates = np.vstack([np.zeros((1, 2)), shifts[:: -(-len(shifts) // _CANDIDATES)]])
    dx, dy = differences(candidates, shifts)
    width = config.camera_noise * sizes[tracks]
    support = np.exp((dx * dx + dy * dy) / (-2 * width * width))
    starts = np.unique(tracks, return_index=True)[1]
    total = np.maximum.reduceat(support, starts, axis=1).sum(axis=1)
    best = int(total.argmax())
    if total[best] < max(config.camera_evidence * total[0] + 0.5, _QUORUM * len(predicted)):
        return STILL
    weights = support[best]
    shift = weights @ shifts / weights.sum()
    return np.column_stack([np.eye(2), shift])


def move(means: Floats, affine: Floats) -> Floats:
    """Return filter means (M, 4, 2) transformed by the camera motion."""
    if affine is STILL:
        return means
    linear, shift = affine[:, :2], affine[:, 2]
    moved = means.copy()
    moved[:, :2, VALUE] = means[:, :2, VALUE] @ linear.T + shift
    moved[:, :2, RATE] = means[:, :2, RATE] @ linear.T
    moved[:, 2:] *= np.sqrt(abs(np.linalg.det(linear)))
    return moved
