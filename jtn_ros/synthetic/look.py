"""The look of a person or a vehicle: hulls of spheres, colors, patterns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHEET = 96  # height and width of a pattern sheet, which spans the figure from top to bottom


@dataclass(frozen=True, kw_only=True)
class Part:
    """A convex hull of spheres of one material.

    Attributes:
        spheres: indices into the figure's spheres.
        label: the material, 1 or greater.
        nearer: shift towards the camera in meters, for the order of the parts.
    """

    spheres: tuple[int, ...]
    label: int
    nearer: float = 0.0


class Look:
    """The look of one figure.

    Attributes:
        parts: the parts to draw.
        members: (K,) indices of the spheres of all parts.
        means: (P, S) weights for the mean of the spheres of each part.
        nearer: (P,) meters, as in the parts.
        drawn: bool (S,), spheres that belong to a part.
        palette: uint8 (1, 256, 4) BGR and alpha by label.
        upper: uint8 (1, 256), 255 for the labels with the first pattern.
        patterns: uint8 (2, SHEET, SHEET, 3) brightness by position, 128 = 1.
    """

    def __init__(
        self,
        parts: list[Part],
        sphere_count: int,
        colors: NDArray[np.float32],
        patterns: NDArray[np.uint8],
        upper: tuple[int, ...] = (),
    ) -> None:
        """Create a look; colors (L, 3) are BGR by label."""
        self.parts = tuple(parts)
        self.members = [np.array(part.spheres) for part in parts]
        self.patterns = patterns
        self.means = np.zeros((len(parts), sphere_count))
        for row, part in zip(self.means, parts, strict=True):
            row[list(part.spheres)] = 1 / len(part.spheres)
        self.drawn = self.means.any(axis=0)
        self.nearer = np.array([part.nearer for part in parts])
        self.palette = np.zeros((1, 256, 4), np.uint8)
        self.palette[0, : len(colors), :3] = np.clip(colors, 4, 250)
        self.palette[0, 1:, 3] = 255
        self.upper = np.zeros((1, 256), np.uint8)
        self.upper[0, list(upper)] = 255
