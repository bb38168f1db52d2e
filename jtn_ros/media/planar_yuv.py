"""YUV images with chroma planes in layouts of ROS that OpenCV does not support."""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def i420_bytes(width: int, height: int, step: int) -> int:
    """Return the bytes of an I420 image, without the padding of its last row."""
    return height * step + (height - 1) * (step // 2) + width // 2


def i420_to_bgr(values: Image, width: int, height: int, step: int) -> Image:
    """Return BGR (height, width, 3); the rows of Y are followed by half-length rows of U and V."""
    packed = np.empty((height * 3 // 2, width), np.uint8)
    packed[:height] = np.ndarray((height, width), np.uint8, values, 0, (step, 1))
    shape, strides = (height, width // 2), (step // 2, 1)
    chroma = np.ndarray(shape, np.uint8, values, height * step, strides)
    packed[height:].reshape(height, width // 2)[:] = chroma
    return np.asarray(cv2.cvtColor(packed, cv2.COLOR_YUV2BGR_I420), np.uint8)


def nv24_bytes(width: int, height: int, step: int) -> int:
    """Return the bytes of an NV24 image, without the padding of its last row."""
    return height * step + (height - 1) * 2 * step + 2 * width


def nv24_to_bgr(values: Image, width: int, height: int, step: int) -> Image:
    """Return BGR (height, width, 3); the rows of Y precede double-length, interleaved UV rows."""
    shape, strides = (height, width, 2), (2 * step, 2, 1)
    chroma = np.ndarray(shape, np.uint8, values, height * step, strides)
    luma = np.ndarray((height, width), np.uint8, values, 0, (step, 1))
    # OpenCV expects full range, and V before U.
    every = np.arange(256)
    full = np.empty((height, width, 3), np.uint8)
    full[..., 0] = _byte((every - 16) * 255 / 219)[luma]
    full[..., 1:] = _byte((every - 128) * 255 / 224 + 128)[chroma[..., ::-1]]
    return np.asarray(cv2.cvtColor(full, cv2.COLOR_YCrCb2BGR), np.uint8)


def _byte(values: NDArray[np.float64]) -> Image:
    return values.round().clip(0, 255).astype(np.uint8)
