"""The Gaussian peaks of CenterNet's heat maps: their radius, and drawing them."""

import numpy as np
from numpy.typing import ArrayLike
from numpy.typing import NDArray


def gaussian_radius(
    heights: ArrayLike, widths: ArrayLike, overlap: float = 0.7
) -> NDArray[np.float64]:
    """Return the largest shift of a corner at which a box still overlaps the original enough.

    This is the rule of CornerNet as implemented in CenterNet: each root is divided by 2, not by
    twice the leading coefficient. The published weights were trained with this error, so it is
    kept.

    Args:
        heights: box heights in pixels of the map, any shape.
        widths: box widths, same shape.
        overlap: the intersection over union that must remain.
    """
    height, width = np.asarray(heights, np.float64), np.asarray(widths, np.float64)
    total, area = height + width, height * width
    both_out = (total + np.sqrt(total**2 - 4 * area * (1 - overlap) / (1 + overlap))) / 2
    one_in = (2 * total + np.sqrt(4 * total**2 - 16 * area * (1 - overlap))) / 2
    slope = -2 * overlap * total
    both_in = (slope + np.sqrt(slope**2 - 16 * overlap * (overlap - 1) * area)) / 2
    return np.minimum(np.minimum(both_out, one_in), both_in)


def draw_gaussian(
    heatmap: NDArray[np.float32], x: int, y: int, radius: int, peak: float = 1.0
) -> None:
    """Draw a Gaussian peak into a heat map (H, W) in place, clipped at the border.

    Args:
        heatmap: the map; each cell keeps the larger of the old and the new value.
        x: column of the center, which may lie outside.
        y: row of the center.
        radius: half the side of the square that is drawn; a third of it is one sigma.
        peak: value at the center.
    """
    height, width = heatmap.shape
    top, bottom = max(0, y - radius), min(height, y + radius + 1)
    left, right = max(0, x - radius), min(width, x + radius + 1)
    if top >= bottom or left >= right:
        return
    spread = -18.0 / (2 * radius + 1) ** 2  # -1 / (2 sigma^2) with sigma a sixth of the side
    column = np.exp(spread * (np.arange(top, bottom) - y) ** 2.0)
    row = np.exp(spread * (np.arange(left, right) - x) ** 2.0)
    window = heatmap[top:bottom, left:right]
    np.maximum(window, (peak * np.outer(column, row)).astype(np.float32), out=window)
