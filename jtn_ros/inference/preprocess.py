"""Fitting of camera images to the network input; normalization is part of the graph."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.geometry import Letterbox
from jtn_ros.geometry import Letterboxing

FAIRMOT_GREY = 128
CORNER_GREY = 114


def letterbox_image(
    image: NDArray[np.uint8], height: int, width: int, kind: Letterboxing = 'fit'
) -> tuple[NDArray[np.uint8], Letterbox]:
    """Scale an image to the network's input size; what remains of the input is padding.

    Args:
        image: uint8 BGR (H, W, 3) of any size.
        height: network input height in pixels.
        width: network input width in pixels.
        kind: 'fit' keeps the whole image, centered on black. 'published' scales by the longer side
            to the input's width and pads or crops the height, byte for byte as JointTrackNet and
            CenterTrack do. 'fairmot' keeps the whole image on gray, averaging when it shrinks.
            'corner' keeps it in the top left corner on gray, as YOLOX does. 'stretch' fills the
            input, whatever the aspect ratio of the image.

    Returns:
        The input, uint8 (height, width, 3), and the map from source pixels to its pixels.

    Raises:
        ValueError: if the image has another type or shape, or the kind is unknown.
    """
    check_image(image)
    if kind not in LETTERBOXES:
        raise ValueError(f'unknown letterbox {kind!r}; known: {", ".join(LETTERBOXES)}')
    return LETTERBOXES[kind](image, height, width)


def check_image(image: NDArray[np.uint8]) -> None:
    """Reject arrays that are not camera images.

    Raises:
        ValueError: if the image is not uint8 (H, W, 3) with at least one pixel.
    """
    if not isinstance(image, np.ndarray):
        raise ValueError(f'the image is a {type(image).__name__}, expected a NumPy array')
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ValueError(
            f'the image is {image.dtype} with shape {image.shape}; '
            'expected uint8 BGR with shape (height, width, 3)'
        )


def _fit(image: NDArray[np.uint8], height: int, width: int) -> tuple[NDArray[np.uint8], Letterbox]:
    scale, inner_height, inner_width = _inner_size(image, height, width)
    top, left = (height - inner_height) // 2, (width - inner_width) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    inner = canvas[top : top + inner_height, left : left + inner_width]
    _resize(image, inner)
    return canvas, _centered(image, inner, scale, top, left)


def _corner(
    image: NDArray[np.uint8], height: int, width: int
) -> tuple[NDArray[np.uint8], Letterbox]:
    scale, inner_height, inner_width = _inner_size(image, height, width)
    canvas = np.full((height, width, 3), CORNER_GREY, np.uint8)
    inner = canvas[:inner_height, :inner_width]
    _resize(image, inner)
    return canvas, _centered(image, inner, scale, 0, 0)


def _stretch(
    image: NDArray[np.uint8], height: int, width: int
) -> tuple[NDArray[np.uint8], Letterbox]:
    canvas = np.empty((height, width, 3), np.uint8)
    _resize(image, canvas)
    scale_x, scale_y = width / image.shape[1], height / image.shape[0]
    return canvas, Letterbox(
        scale_x, (scale_x - 1) / 2, (scale_y - 1) / 2, stretch=scale_y / scale_x
    )


def _resize(image: NDArray[np.uint8], target: NDArray[np.uint8]) -> None:
    """Scale an image into a target of another size."""
    height, width = target.shape[:2]
    # Bilinear sampling skips pixels when it shrinks by more than two, and then small objects
    # flicker; averaging over areas costs up to twenty times as much as halving first.
    while min(image.shape[0] / height, image.shape[1] / width) > 2:
        half = ((image.shape[1] + 1) // 2, (image.shape[0] + 1) // 2)
        image = np.asarray(cv2.resize(image, half, interpolation=cv2.INTER_LINEAR), np.uint8)
    cv2.resize(image, (width, height), dst=target, interpolation=cv2.INTER_LINEAR)


def _fairmot(
    image: NDArray[np.uint8], height: int, width: int
) -> tuple[NDArray[np.uint8], Letterbox]:
    scale, inner_height, inner_width = _inner_size(image, height, width)
    top = max(0, round((height - inner_height) / 2 - 0.1))
    left = max(0, round((width - inner_width) / 2 - 0.1))
    canvas = np.full((height, width, 3), FAIRMOT_GREY, np.uint8)
    inner = canvas[top : top + inner_height, left : left + inner_width]
    cv2.resize(image, (inner_width, inner_height), dst=inner, interpolation=cv2.INTER_AREA)
    return canvas, _centered(image, inner, scale, top, left)


def _published(
    image: NDArray[np.uint8], height: int, width: int
) -> tuple[NDArray[np.uint8], Letterbox]:
    source_height, source_width = image.shape[:2]
    scale = width / max(source_height, source_width)
    letterbox = Letterbox(
        scale, width / 2 - scale * source_width / 2, height / 2 - scale * source_height / 2
    )
    warped = cv2.warpAffine(image, letterbox.matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8), letterbox


def _inner_size(image: NDArray[np.uint8], height: int, width: int) -> tuple[float, int, int]:
    """Return the scale that keeps the whole image, and the height and width it then has."""
    source_height, source_width = image.shape[:2]
    scale = min(width / source_width, height / source_height)
    return scale, max(1, round(source_height * scale)), max(1, round(source_width * scale))


def _centered(
    image: NDArray[np.uint8], inner: NDArray[np.uint8], scale: float, top: int, left: int
) -> Letterbox:
    """Return the map that puts the middle of the image on the middle of its copy.

    The copy's size is rounded to whole pixels, so its edges may be off by a quarter of a pixel.
    """
    return Letterbox(
        scale,
        left + (inner.shape[1] - 1) / 2 - scale * (image.shape[1] - 1) / 2,
        top + (inner.shape[0] - 1) / 2 - scale * (image.shape[0] - 1) / 2,
    )


LETTERBOXES: dict[
    Letterboxing, Callable[[NDArray[np.uint8], int, int], tuple[NDArray[np.uint8], Letterbox]]
] = {
    'fit': _fit,
    'published': _published,
    'fairmot': _fairmot,
    'corner': _corner,
    'stretch': _stretch,
}
