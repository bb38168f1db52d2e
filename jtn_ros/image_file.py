"""Images in files, and in messages that contain such files."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError

# Markers of JPEG.
_START_OF_IMAGE = b'\xff\xd8'
_START_OF_SCAN = b'\xff\xda'
_END_OF_IMAGE = b'\xff\xd9'


def read_image(path: Path, flags: int = cv2.IMREAD_COLOR) -> NDArray[Any]:
    """Return the image in a file, rotated upright: uint8 BGR with the default flags.

    Args:
        path: the file.
        flags: flags of `cv2.imdecode`.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is not an image that OpenCV decodes.
    """
    try:
        return decode_image_file(np.fromfile(path, np.uint8), flags)
    except JtnError as error:
        raise JtnError(f'{path.name} {error}') from error


def decode_image_file(data: NDArray[np.uint8], flags: int) -> NDArray[Any]:
    """Return the image in the bytes (N,) of a JPEG, PNG or similar file.

    Args:
        data: the bytes.
        flags: flags of `cv2.imdecode`.

    Raises:
        JtnError: if OpenCV cannot decode it; the message completes a sentence about the image.
    """
    try:
        image = cv2.imdecode(data, flags) if len(data) else None
    except cv2.error as error:  # more than 2^30 pixels, or not enough memory
        raise JtnError(
            f'cannot be decoded ({error.err}); if it is very large, scale it down'
        ) from error
    if image is None or is_cut_off(data):
        raise JtnError('cannot be decoded; it is damaged, or not an image')
    return np.asarray(image)


def is_cut_off(data: NDArray[np.uint8]) -> bool:
    """Return whether the bytes (N,) are a truncated JPEG, which OpenCV 4.10 accepts.

    The search for the end-of-image marker starts after the header, because a thumbnail in the
    header has its own marker. Bytes after the marker are ignored (ISO/IEC 10918-1, annex B).
    """
    content = memoryview(data).tobytes()
    if not content.startswith(_START_OF_IMAGE):
        return False
    position = len(_START_OF_IMAGE)
    while content[position : position + 2] != _START_OF_SCAN:  # a segment of the header
        length = int.from_bytes(content[position + 2 : position + 4])
        if length < 2:  # not a segment: accept what OpenCV decoded
            return False
        position += 2 + length
    return content.rfind(_END_OF_IMAGE, position) < 0
