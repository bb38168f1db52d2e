"""Conversion of raw, compressed and depth ROS image data to arrays, without ROS."""

import re
from collections.abc import Buffer
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.image_file import is_cut_off
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.media.planar_yuv import i420_bytes
from jtn_ros.media.planar_yuv import i420_to_bgr
from jtn_ros.media.planar_yuv import nv24_bytes
from jtn_ros.media.planar_yuv import nv24_to_bgr
from jtn_ros.media.video_formats import decoder_of

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class _Layout:
    """The memory layout of one encoding of ``sensor_msgs/image_encodings.hpp``.

    Attributes:
        channels: values per pixel in a row.
        conversion: OpenCV conversion code to BGR, or None if the data is already BGR.
        kind: NumPy type of a value.
        halves: columns and rows come in pairs, because chroma is stored at half resolution.
        chroma_plane: a half-height plane of interleaved chroma follows the rows of the image.
    """

    channels: int
    conversion: int | None
    kind: str = 'u1'
    halves: tuple[bool, bool] = (False, False)
    chroma_plane: bool = False


_BAYER = {
    'rggb': cv2.COLOR_BayerRGGB2BGR,
    'bggr': cv2.COLOR_BayerBGGR2BGR,
    'gbrg': cv2.COLOR_BayerGBRG2BGR,
    'grbg': cv2.COLOR_BayerGRBG2BGR,
}
# For pixels with more than 8 bits per value, alpha is dropped before the conversion.
_LAYOUTS = {
    'bgr8': _Layout(3, None),
    'rgb8': _Layout(3, cv2.COLOR_RGB2BGR),
    'bgra8': _Layout(4, cv2.COLOR_BGRA2BGR),
    'rgba8': _Layout(4, cv2.COLOR_RGBA2BGR),
    'mono8': _Layout(1, cv2.COLOR_GRAY2BGR),
    'bgr16': _Layout(3, None, 'u2'),
    'rgb16': _Layout(3, cv2.COLOR_RGB2BGR, 'u2'),
    'bgra16': _Layout(4, None, 'u2'),
    'rgba16': _Layout(4, cv2.COLOR_RGB2BGR, 'u2'),
    'mono16': _Layout(1, cv2.COLOR_GRAY2BGR, 'u2'),
    '8UC1': _Layout(1, cv2.COLOR_GRAY2BGR),
    '8UC3': _Layout(3, None),
    '8UC4': _Layout(4, cv2.COLOR_BGRA2BGR),
    '16UC1': _Layout(1, cv2.COLOR_GRAY2BGR, 'u2'),
    '16UC3': _Layout(3, None, 'u2'),
    '16UC4': _Layout(4, None, 'u2'),
    '16SC1': _Layout(1, cv2.COLOR_GRAY2BGR, 'i2'),
    '32SC1': _Layout(1, cv2.COLOR_GRAY2BGR, 'i4'),
    '32FC1': _Layout(1, cv2.COLOR_GRAY2BGR, 'f4'),
    '32FC3': _Layout(3, None, 'f4'),
    '64FC1': _Layout(1, cv2.COLOR_GRAY2BGR, 'f8'),
    **{f'bayer_{name}8': _Layout(1, code) for name, code in _BAYER.items()},
    **{f'bayer_{name}16': _Layout(1, code, 'u2') for name, code in _BAYER.items()},
    'yuv422': _Layout(2, cv2.COLOR_YUV2BGR_UYVY, halves=(True, False)),
    'uyvy': _Layout(2, cv2.COLOR_YUV2BGR_UYVY, halves=(True, False)),
    'yuv422_yuy2': _Layout(2, cv2.COLOR_YUV2BGR_YUY2, halves=(True, False)),
    'yuyv': _Layout(2, cv2.COLOR_YUV2BGR_YUY2, halves=(True, False)),
    'nv12': _Layout(1, cv2.COLOR_YUV2BGR_NV12, halves=(True, True), chroma_plane=True),
    'nv21': _Layout(1, cv2.COLOR_YUV2BGR_NV21, halves=(True, True), chroma_plane=True),
    'i420': _Layout(1, None, halves=(True, True)),
    'nv24': _Layout(1, None),
}
_PLANAR = {'i420': (i420_bytes, i420_to_bgr), 'nv24': (nv24_bytes, nv24_to_bgr)}

ENCODINGS = tuple(_LAYOUTS)

# Type of a value, and its unit in meters.
_DEPTHS = {'16UC1': ('u2', 0.001), 'mono16': ('u2', 0.001), '32FC1': ('f4', 1.0)}


def decode_image(
    encoding: str,
    width: int,
    height: int,
    step: int,
    is_bigendian: bool,
    data: Buffer,
    intensity: IntensityRange | None = None,
) -> Image:
    """Decode the fields of a ``sensor_msgs/Image`` to uint8 BGR (height, width, 3).

    Color is reconstructed from Bayer patterns by bilinear interpolation. YUV is assumed to be
    BT.601 with limited range. Alpha is dropped.

    Args:
        encoding: a name of `ENCODINGS`.
        width: columns of the image.
        height: rows of the image.
        step: bytes from one row to the next, padding included.
        is_bigendian: byte order of values of several bytes.
        data: any bytes-like object; trailing bytes are ignored, and the padding of the last row
            may be missing.
        intensity: scales values of more than 8 bits; by default for this image only.

    Returns:
        The image. If no conversion is necessary, it is a view of the data, and read-only if the
        data is read-only.

    Raises:
        JtnError: if the encoding is not supported or the sizes contradict each other.
    """
    layout = _LAYOUTS.get(encoding)
    if layout is None:
        raise JtnError(
            f'image encoding {encoding!r} is not supported; publish one of {", ".join(ENCODINGS)}'
        )
    _expect_pixels(width, height)
    if (layout.halves[0] and width % 2) or (layout.halves[1] and height % 2):
        raise JtnError(
            f'{encoding} stores color for pairs of pixels, so {width}x{height} is not possible; '
            'publish an even size'
        )
    if encoding.startswith('bayer'):
        _expect_bayer(width, height)
    dtype = np.dtype(layout.kind).newbyteorder('>' if is_bigendian else '<')
    row_bytes = width * layout.channels * dtype.itemsize
    _expect_step(step, row_bytes, f'{width} {encoding} pixels')
    values = np.frombuffer(data, np.uint8)
    if encoding in _PLANAR:
        needed, convert = _PLANAR[encoding]
        _expect_bytes(len(values), needed(width, height, step))
        return convert(values, width, height, step)
    rows = height * 3 // 2 if layout.chroma_plane else height
    _expect_bytes(len(values), (rows - 1) * step + row_bytes)
    shape: tuple[int, ...] = (rows, width, layout.channels)
    strides: tuple[int, ...] = (step, layout.channels * dtype.itemsize, dtype.itemsize)
    if layout.channels == 1:
        shape, strides = shape[:2], strides[:2]
    image = np.ndarray(shape, dtype, values, 0, strides)
    if dtype.itemsize > 1:
        image = (intensity or IntensityRange()).apply(_without_alpha(image))
    if layout.conversion is None:
        return image
    return np.asarray(cv2.cvtColor(image, layout.conversion), np.uint8)


def decode_compressed_image(
    format_: str, data: Buffer, intensity: IntensityRange | None = None
) -> Image:
    """Decode the fields of a ``sensor_msgs/CompressedImage`` (JPEG, PNG, ...) to uint8 BGR.

    Orientation tags are ignored, because the camera calibration refers to the stored pixels.

    Args:
        format_: the format, which may start with the encoding of the original image.
        data: contents of the image file.
        intensity: scales values of more than 8 bits; by default for this image only.

    Raises:
        JtnError: if the data is a compressed depth map, a part of a video, or not an image that
            OpenCV can read.
    """
    if 'compressedDepth' in format_:
        raise JtnError(
            f'compressed image format {format_!r} is a depth map; choose a color image topic'
        )
    if decoder_of(format_) is not None:
        raise JtnError(
            f'compressed image format {format_!r} is a video, whose images depend on earlier '
            'ones; publish raw images, for example with "ros2 run image_transport republish"'
        )
    values = np.frombuffer(data, np.uint8)
    image = None
    if len(values):
        try:
            image = cv2.imdecode(values, cv2.IMREAD_UNCHANGED)
        except cv2.error as error:  # more than 2^30 pixels, or out of memory
            raise JtnError(
                f'{len(values)} bytes of format {format_!r} cannot be decoded ({error.err}); '
                'if the image is very large, scale it down'
            ) from error
    if image is None or is_cut_off(values):
        raise JtnError(
            f'{len(values)} bytes of format {format_!r} are not an image that OpenCV can decode; '
            'the message is damaged or its codec is not an image format (JPEG, PNG, WebP)'
        )
    pixels = _without_alpha(image)
    if pixels.dtype != np.uint8:
        pixels = (intensity or IntensityRange()).apply(pixels)
    if pixels.ndim == 3:
        return np.ascontiguousarray(pixels, np.uint8)
    conversion = cv2.COLOR_GRAY2BGR
    if (mosaic := re.match(r'bayer_(\w{4})(8|16)\b', format_)) and mosaic[1] in _BAYER:
        # The Bayer pattern was compressed as a gray image.
        _expect_bayer(pixels.shape[1], pixels.shape[0])
        conversion = _BAYER[mosaic[1]]
    return np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)


def decode_depth(
    encoding: str, width: int, height: int, step: int, is_bigendian: bool, data: Buffer
) -> tuple[NDArray[np.generic], float]:
    """Return a view of a depth image (REP 118: 16UC1 in millimeters, 32FC1 in meters).

    Args:
        encoding: ``16UC1``, or ``mono16`` for some drivers, or ``32FC1``.
        width: columns of the image.
        height: rows of the image.
        step: bytes from one row to the next, padding included.
        is_bigendian: byte order of the values.
        data: any bytes-like object.

    Returns:
        A view (height, width) of the data, and its unit in meters.

    Raises:
        JtnError: if the encoding is not a depth encoding or the sizes contradict each other.
    """
    if encoding not in _DEPTHS:
        raise JtnError(
            f'depth encoding {encoding!r} is not supported; publish one of {", ".join(_DEPTHS)}'
        )
    kind, meters_per_unit = _DEPTHS[encoding]
    dtype = np.dtype(('>' if is_bigendian else '<') + kind)
    _expect_pixels(width, height)
    row_bytes = width * dtype.itemsize
    _expect_step(step, row_bytes, f'{width} {encoding} values')
    values = np.frombuffer(data, np.uint8)
    _expect_bytes(len(values), (height - 1) * step + row_bytes)
    view = np.ndarray((height, width), dtype, values, 0, (step, dtype.itemsize))
    return view, meters_per_unit


def _without_alpha(image: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the gray channel or three color channels of an image."""
    return image[..., :3] if image.ndim == 3 else image


def _expect_bayer(width: int, height: int) -> None:
    """Reject a Bayer image that is too small for interpolation."""
    if min(width, height) < 3:
        raise JtnError(
            f'{width}x{height} pixels are too few for a Bayer pattern; publish 3x3 or more'
        )


def _expect_pixels(width: int, height: int) -> None:
    """Reject an image without pixels."""
    if width <= 0 or height <= 0:
        raise JtnError(
            f'an image of {width}x{height} pixels is empty; check the width and height that the '
            'camera driver sets'
        )


def _expect_step(step: int, row_bytes: int, row: str) -> None:
    """Reject overlapping rows."""
    if step < row_bytes:
        raise JtnError(
            f'step {step} is shorter than a row of {row} ({row_bytes} bytes); '
            'set step to the bytes between the starts of two rows'
        )


def _expect_bytes(given: int, needed: int) -> None:
    """Reject truncated data."""
    if given < needed:
        raise JtnError(
            f'{given} bytes are too few for the size and step of the image ({needed} needed); '
            'the message was truncated or its size is wrong'
        )
