"""Boxes, and the affine map between the source image and the network input."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# How an image is fitted to the input of a network, see `jtn_ros.inference.preprocess`.
Letterboxing = Literal['fit', 'published', 'fairmot', 'corner', 'stretch']

Boxes = NDArray[np.float32]


def box_sizes(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return (..., 2) width and height of boxes (..., 4) ``x1 y1 x2 y2``."""
    return boxes[..., 2:] - boxes[..., :2]


def box_centers(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the (..., 2) midpoints of boxes (..., 4)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2


def box_iou(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the (N, M) intersection over union of boxes (N, 4) and (M, 4).

    The value for boxes without area is 0.
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    intersection = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(box_sizes(boxes), 0, None).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


@dataclass(frozen=True)
class Letterbox:
    """A scaling and shift from source-image pixels to network-input pixels.

    ``network = scale * source + offset``, pixel coordinates with integer values at pixel centers.
    The scaling is uniform if `stretch`, the vertical scale divided by the horizontal scale, is 1.
    """

    scale: float
    offset_x: float
    offset_y: float
    stretch: float = 1.0

    @property
    def scales(self) -> NDArray[np.float64]:
        """Return the (2,) horizontal and vertical scales."""
        return np.array([self.scale, self.scale * self.stretch])

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Return the 2x3 affine matrix in the form that OpenCV uses."""
        scale_x, scale_y = self.scales
        return np.array([[scale_x, 0, self.offset_x], [0, scale_y, self.offset_y]])

    def to_network(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Map (..., 2) points from source pixels to network pixels."""
        return (points * self.scales + (self.offset_x, self.offset_y)).astype(np.float32)

    def to_source(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Map (..., 2) points from network pixels to source pixels."""
        return ((points - (self.offset_x, self.offset_y)) / self.scales).astype(np.float32)
