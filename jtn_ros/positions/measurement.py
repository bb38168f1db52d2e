"""Measured positions of objects in one frame."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.geometry import box_sizes

# Standard deviation of a detected center or foot, relative to the size of the box, sqrt(area).
# It is what the tracker assumes too (TrackerSettings.position_noise).
_PIXEL_NOISE = 0.06


@dataclass(frozen=True)
class Measurements:
    """Measured positions of N objects, in one coordinate frame.

    Attributes:
        points: float64 (N, 3) in meters; NaN where `valid` is False.
        covariances: float64 (N, 3, 3) in square meters.
        valid: bool (N,), whether the object could be located.
    """

    points: NDArray[np.float64]
    covariances: NDArray[np.float64]
    valid: NDArray[np.bool_]

    @classmethod
    def of(cls, points: NDArray[np.float64], covariances: NDArray[np.float64]) -> Self:
        """Return measurements; those with finite values are valid."""
        valid = np.isfinite(points).all(axis=1) & np.isfinite(covariances).all(axis=(1, 2))
        return cls(np.where(valid[:, None], points, np.nan), covariances, valid)

    def transformed(
        self, rotation: NDArray[np.float64], translation: NDArray[np.float64]
    ) -> 'Measurements':
        """Return the positions in another frame, ``rotation (3, 3) @ point + translation``."""
        return Measurements(
            self.points @ rotation.T + translation,
            rotation @ self.covariances @ rotation.T,
            self.valid,
        )


def pixel_variances(boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the variance (N,) in square pixels of one coordinate of a box's center or foot."""
    areas = np.clip(box_sizes(boxes).astype(np.float64), 1, None).prod(axis=1)
    return _PIXEL_NOISE**2 * areas
