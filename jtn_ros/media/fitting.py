"""Resizing of images to the frame size of a video."""

import cv2
import numpy as np
from numpy.typing import NDArray


def fit_into(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) as (height, width, 3).

    If an image is one pixel too narrow or too low, its last column or row is repeated, because
    codecs require even sizes. Any other image is scaled and padded with black bars.
    """
    missing = height - image.shape[0], width - image.shape[1]
    if missing == (0, 0):
        return image
    if set(missing) <= {0, 1}:
        return np.pad(image, ((0, missing[0]), (0, missing[1]), (0, 0)), mode='edge')
    scale = min(height / image.shape[0], width / image.shape[1])
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    fitted = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    fitted[top : top + size[1], left : left + size[0]] = cv2.resize(
        image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    )
    return fitted
