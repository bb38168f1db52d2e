"""Location of objects from a depth image that is registered to the color image."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.positions.camera_model import CameraModel
from jtn_ros.positions.measurement import Measurements
from jtn_ros.positions.measurement import pixel_variances

Floats = NDArray[np.float64]

# Core of a box, as a share of its sides; closer to the border, there is more background.
_CORE = 0.5
# Number of samples across the core, in each direction.
_GRID = 16
# Below this share of valid samples, the object is not located.
_LEAST_SHARE = 0.1
# Standard deviation of the depth if all pixels agree, relative to the depth.
_DEPTH_NOISE = 0.01
# Half of a normal distribution lies within this number of standard deviations of its center.
_HALF_WIDTH = 0.6744897501960817


def locate_by_depth(
    camera: CameraModel,
    boxes: NDArray[np.floating],
    depth: NDArray[np.generic],
    meters_per_unit: float,
) -> Measurements:
    """Return the positions of the surfaces in the middle of boxes, in the optical frame.

    Args:
        camera: the calibration of the color camera.
        boxes: (N, 4) ``x1 y1 x2 y2`` in pixels of the color image.
        depth: (H, W) along the optical axis; 0, negative or not finite where nothing is known.
            Its size may differ from that of the color image; its field of view must be the same.
        meters_per_unit: meters in one unit of `depth`.

    Raises:
        JtnError: if the depth image cannot cover the color image.
    """
    rows, columns = depth.shape
    scales = np.array([columns / camera.width, rows / camera.height])
    if abs(scales[0] / scales[1] - 1) > 0.01:
        raise JtnError(
            f'a depth image of {columns}x{rows} pixels is not registered to a color image of '
            f'{camera.width}x{camera.height}; publish registered depth'
        )
    boxes = boxes.astype(np.float64)
    distances, deviations = shortest_half(
        _sample(depth, boxes, scales).astype(np.float64) * meters_per_unit
    )
    centers = box_centers(boxes)
    rays = camera.rays(centers)
    variances = deviations**2 + (_DEPTH_NOISE * distances) ** 2
    # The errors of the depth (along the ray) and of the box (across it) are independent.
    across = camera.jacobians(centers) * distances[:, None, None]
    covariances = variances[:, None, None] * rays[:, :, None] * rays[:, None, :]
    covariances += pixel_variances(boxes)[:, None, None] * (across @ across.transpose(0, 2, 1))
    return Measurements.of(rays * distances[:, None], covariances)


def shortest_half(values: Floats) -> tuple[Floats, Floats]:
    """Return middle and standard deviation (N,) of the positive, finite values in rows (N, M).

    The result is that of the shortest interval that contains half of the values (Rousseeuw and
    Leroy, "Robust Regression and Outlier Detection", 1987, section 4.3). It is robust against
    holes, and against surfaces in front of or behind the object that fill less than half of the
    rest. NaN where fewer than a tenth of the values are valid.
    """
    count, width = values.shape
    usable = np.isfinite(values) & (values > 0)
    numbers = usable.sum(axis=1)
    enough = numbers >= max(1, round(_LEAST_SHARE * width))
    ordered = np.sort(np.where(usable, values, np.inf), axis=1)
    halves = np.maximum((numbers + 1) // 2, 1)
    starts = np.arange(width)
    ends = np.minimum(starts + halves[:, None] - 1, width - 1)
    fits = starts + halves[:, None] <= numbers[:, None]
    with np.errstate(invalid='ignore'):
        lengths = np.take_along_axis(ordered, ends, axis=1) - ordered
    best = np.argmin(np.where(fits, lengths, np.inf), axis=1)
    rows = np.arange(count)
    low, high = ordered[rows, best], ordered[rows, ends[rows, best]]
    with np.errstate(invalid='ignore'):
        middle, deviation = (low + high) / 2, (high - low) / (2 * _HALF_WIDTH)
    return np.where(enough, middle, np.nan), np.where(enough, deviation, np.nan)


def _sample(
    depth: NDArray[np.generic], boxes: NDArray[np.floating], scales: Floats
) -> NDArray[np.generic]:
    """Return the depth (N, _GRID^2) on a grid over the core of each box; 0 outside the image."""
    offsets = ((np.arange(_GRID) + 0.5) / _GRID - 0.5) * _CORE
    centers, sizes = box_centers(boxes), box_sizes(boxes)
    # From pixel centers of one image to those of the other.
    x, y = (
        np.rint((centers[:, i, None] + offsets * sizes[:, i, None] + 0.5) * scales[i] - 0.5)
        for i in (0, 1)
    )
    rows, columns = depth.shape
    inside_x, inside_y = (x >= 0) & (x < columns), (y >= 0) & (y < rows)
    x = np.where(inside_x, x, 0).astype(np.intp)
    y = np.where(inside_y, y, 0).astype(np.intp)
    values = depth[y[:, :, None], x[:, None, :]]
    values[~(inside_y[:, :, None] & inside_x[:, None, :])] = 0
    return values.reshape(len(boxes), _GRID * _GRID)
