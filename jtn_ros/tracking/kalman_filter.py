"""Constant-velocity Kalman filters of many boxes at once.

A box is center x, center y, width, height, and each of the four has its own filter of value and
rate: means are (M, 4, 2), covariances (M, 4, 2, 2), in pixels and pixels per second. The noise is
proportional to the size of the box, so that near and far objects are treated in the same way.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jtn_ros.geometry import Boxes
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.tracking.settings import TrackerSettings

Floats = NDArray[np.float64]
VALUE, RATE = 0, 1
_SMALLEST = 1.0  # pixels


class Velocities(NamedTuple):
    """Measured velocities of N detections.

    Attributes:
        values: (N, 2) in px/s.
        variances: (N, 2) in (px/s)^2.
    """

    values: Floats
    variances: Floats


def measure(boxes: NDArray[np.floating]) -> Floats:
    """Return boxes (N, 4) ``x1 y1 x2 y2`` as (N, 4) center x, center y, width, height."""
    boxes = boxes.astype(np.float64)
    return np.hstack([box_centers(boxes), np.maximum(box_sizes(boxes), _SMALLEST)])


def boxes_of(means: Floats) -> Boxes:
    """Return the boxes (M, 4) ``x1 y1 x2 y2`` of filter means (M, 4, 2)."""
    half = means[:, 2:, VALUE] / 2
    return np.hstack([means[:, :2, VALUE] - half, means[:, :2, VALUE] + half]).astype(np.float32)


def sizes_of(measured: Floats) -> Floats:
    """Return the (M, 1) length scale of (M, 4) centers, widths and heights: sqrt(area)."""
    return np.sqrt(measured[:, 2:3] * measured[:, 3:4])


def differences(first: Floats, second: Floats) -> list[NDArray[np.float32]]:
    """Return first minus second, (N, M), of every column of (N, K) and (M, K).

    Single precision resolves a thousandth of a pixel at half the cost.
    """
    columns = (np.ascontiguousarray(values.T, np.float32) for values in (first, second))
    return [np.subtract.outer(one, other) for one, other in zip(*columns, strict=True)]


def initiate(measured: Floats, config: TrackerSettings) -> tuple[Floats, Floats]:
    """Return means and covariances of filters that start at measured boxes (N, 4)."""
    means = np.zeros((len(measured), 4, 2))
    means[:, :, VALUE] = measured
    scale = sizes_of(measured)
    covariances = np.zeros((len(measured), 4, 2, 2))
    covariances[..., VALUE, VALUE] = measurement_variance(measured, config)
    covariances[:, :2, RATE, RATE] = (config.initial_speed * scale) ** 2
    covariances[:, 2:, RATE, RATE] = (config.resize_noise * scale) ** 2
    return means, covariances


def measurement_variance(measured: Floats, config: TrackerSettings) -> Floats:
    """Return the (N, 4) variances of measured boxes (N, 4)."""
    noise = [config.position_noise, config.position_noise, config.size_noise, config.size_noise]
    return (sizes_of(measured) * noise) ** 2


def predict(
    means: Floats, covariances: Floats, seconds: float, config: TrackerSettings
) -> tuple[Floats, Floats]:
    """Return means and covariances after some seconds.

    The noise is white acceleration, integrated exactly over the time (Bar-Shalom, Li and
    Kirubarajan, Estimation with Applications to Tracking and Navigation, section 6.2.2), so one
    long step and many short ones give the same uncertainty.
    """
    scale = sizes_of(means[..., VALUE])
    spread = [config.acceleration_noise] * 2 + [config.resize_noise] * 2
    intensity = (scale * spread) ** 2
    advance = np.array([[1, seconds], [0, 1]])
    growth = np.array([[seconds**3 / 3, seconds**2 / 2], [seconds**2 / 2, seconds]])
    means = means @ advance.T
    means[:, 2:, VALUE] = np.maximum(means[:, 2:, VALUE], _SMALLEST)
    return means, advance @ covariances @ advance.T + intensity[..., None, None] * growth


def correct(
    means: Floats, covariances: Floats, component: int, measured: Floats, variance: Floats
) -> tuple[Floats, Floats]:
    """Return the filters (..., 2) after measuring their values or their rates.

    Args:
        means: (..., 2).
        covariances: (..., 2, 2).
        component: VALUE or RATE.
        measured: (...), what was measured.
        variance: (...), of the measurement.
    """
    column = covariances[..., component]
    gain = column / (column[..., component] + variance)[..., None]
    innovation = measured - means[..., component]
    means = means + gain * innovation[..., None]
    return means, covariances - gain[..., :, None] * column[..., None, :]


def correct_velocities(
    means: Floats, covariances: Floats, velocities: Velocities, rows: NDArray[np.intp]
) -> None:
    """Correct filters (M, 4, 2) in place with the measured velocities of detections (M,)."""
    means[:, :2], covariances[:, :2] = correct(
        means[:, :2],
        covariances[:, :2],
        RATE,
        velocities.values[rows],
        velocities.variances[rows],
    )
