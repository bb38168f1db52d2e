"""Pictures with transparency, and how they are laid over an image."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A picture to be laid over an image.

    Attributes:
        left, top: position of its first pixel in the image; may lie outside.
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
    """Lay a patch over an image, moved by a shift in x and y.

    Returns:
        The window of the image that the patch reaches, and where in it the patch covers.

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
