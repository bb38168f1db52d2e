"""Random textures and colors for all drawn objects."""

import colorsys

import cv2
import numpy as np
from numpy.typing import NDArray


def octave_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    coarsest: int = 2,
    octaves: int = 6,
    persistence: float = 0.6,
) -> NDArray[np.float32]:
    """Return smooth noise (height, width) at several scales, with mean 0 and deviation 1."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cells = coarsest * 2**octave
        if cells > 2 * max(height, width):
            break
        grid = rng.standard_normal(
            (max(2, cells * height // max(height, width)) + 1, cells + 1), np.float32
        )
        layer = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
        total += persistence**octave * layer
    total -= total.mean()
    return total / max(float(total.std()), 1e-6)


def hsv(hue: float, saturation: float, value: float) -> NDArray[np.float32]:
    """Return the BGR color (3,), 0 to 255, of hue, saturation and value from 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), value)
    return np.array([blue, green, red], np.float32) * 255


def surface_color(rng: np.random.Generator) -> NDArray[np.float32]:
    """Sample the BGR color of a built or natural surface, mostly with low saturation."""
    ranges = [(0, 0.1), (0.1, 0.3), (0.3, 0.65)]
    saturation = rng.uniform(*ranges[int(rng.choice(3, p=[0.62, 0.32, 0.06]))])
    hue = float(rng.choice([rng.uniform(0.03, 0.14), rng.uniform(0, 1)], p=[0.65, 0.35]))
    return hsv(hue, saturation, rng.uniform(0.15, 0.95))


def foliage_color(rng: np.random.Generator) -> NDArray[np.float32]:
    """Sample the BGR color of grass or leaves."""
    return hsv(rng.uniform(0.17, 0.36), rng.uniform(0.2, 0.62), rng.uniform(0.15, 0.55))
