"""Image patches with transparency, and their composition with an image."""

import math
from dataclasses import dataclass
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_LEAST_BLUR, _GREATEST_BLUR = 0.8, 9.0  # pixels


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A patch to draw over an image.

    Attributes:
        left, top: position of its first pixel in the image, which may be outside.
        color: uint8 (h, w, 3) BGR, multiplied by alpha.
        alpha: uint8 (h, w).
    """

    left: int
    top: int
    color: Image
    alpha: Image


def lay_over(
    image: Image, patch: Patch, shift: tuple[int, int] = (0, 0)
) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """Draw a patch over an image, shifted in x and y.

    Returns:
        The window of the image that the patch overlaps, and the covered pixels in it.

    """
    height, width = image.shape[:2]
    rows, columns = patch.alpha.shape
    left, top = patch.left + shift[0], patch.top + shift[1]
    x1, y1 = min(max(left, 0), width), min(max(top, 0), height)
    x2, y2 = max(min(left + columns, width), x1), max(min(top + rows, height), y1)
    window = np.s_[y1:y2, x1:x2]
    alpha = patch.alpha[y1 - top : y2 - top, x1 - left : x2 - left]
    if alpha.size:
        color = patch.color[y1 - top : y2 - top, x1 - left : x2 - left]
        rest = cv2.merge([255 - alpha] * 3)
        image[window] = cv2.add(cv2.multiply(image[window], rest, scale=1 / 255), color)
    return window, alpha > 127


def motion_kernel(dx: float, dy: float) -> NDArray[np.float32] | None:
    """Return the blur kernel of a motion in pixels; None if it is too small to be visible."""
    length = math.hypot(dx, dy)
    if length < _LEAST_BLUR:
        return None
    scale = min(1.0, _GREATEST_BLUR / length)
    dx, dy = dx * scale, dy * scale
    half = math.ceil(max(abs(dx), abs(dy)) / 2)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * half + 1):
        # Each point of the line is distributed over the four pixels around it.
        x, y = half + share * dx, half + share * dy
        column, row = min(int(x), 2 * half - 1), min(int(y), 2 * half - 1)
        kernel[row : row + 2, column : column + 2] += np.outer(
            [row + 1 - y, y - row], [column + 1 - x, x - column]
        )
    return kernel / kernel.sum()


def smear(patch: Patch, dx: float, dy: float) -> Patch:
    """Return a patch blurred by a motion in pixels."""
    kernel = motion_kernel(dx, dy)
    if kernel is None:
        return patch
    return replace(
        patch,
        color=cv2.filter2D(patch.color, -1, kernel),
        alpha=cv2.filter2D(patch.alpha, -1, kernel),
    )
