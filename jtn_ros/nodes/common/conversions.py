"""Conversion of images and times between ROS messages and arrays."""

from functools import cache
from typing import Any
from typing import NamedTuple

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rosidl_runtime_py.utilities import get_message
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.media.image_encoding import ENCODINGS
from jtn_ros.media.image_encoding import decode_compressed_image
from jtn_ros.media.image_encoding import decode_depth
from jtn_ros.media.image_encoding import decode_image
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.media.messages.image_serialization import CompressedImageView
from jtn_ros.media.messages.image_serialization import ImageView
from jtn_ros.nodes.common.cv_bridge_fallback import convert_by_cv_bridge

type AnyImage = Image | ImageView
type AnyCompressedImage = CompressedImage | CompressedImageView

NANOSECONDS = 1_000_000_000
_message_class = cache(get_message)


def is_installed(type_name: str) -> bool:
    """Return whether this ROS has a message type, such as ``sensor_msgs/msg/Image``."""
    try:
        get_message(type_name)
    except (ImportError, AttributeError, ValueError):
        return False
    return True


def new_message(type_name: str, /, **fields: Any) -> Any:
    """Return a message of ROS, see `jtn_ros.media.messages.message_factory`."""
    return _message_class(type_name)(**fields)


def stamp_to_ns(stamp: Time) -> int:
    """Return a message's stamp as integer nanoseconds."""
    return int(stamp.sec) * NANOSECONDS + int(stamp.nanosec)


def ns_to_stamp(stamp_ns: int) -> Time:
    """Return nanoseconds as a message's stamp.

    Raises:
        JtnError: if the time does not fit into a stamp (32 bits of seconds).
    """
    seconds, nanoseconds = divmod(stamp_ns, NANOSECONDS)
    if not 0 <= seconds < 2**31:
        raise JtnError(
            f'{stamp_ns} ns is outside the range of a ROS stamp, 0 to 2^31 s; the source of the '
            'images has wrong timestamps'
        )
    return Time(sec=seconds, nanosec=nanoseconds)


class OwnImage(NamedTuple):
    """An image within this process, instead of a message.

    Attributes:
        header: header that the message would have.
        image: uint8 BGR (height, width, 3); read-only.
    """

    header: Header
    image: NDArray[np.uint8]


def image_to_array(
    message: AnyImage | AnyCompressedImage | OwnImage, intensity: IntensityRange | None = None
) -> NDArray[np.uint8]:
    """Return the image as uint8 BGR (height, width, 3); a view of bgr8 data.

    Encodings that are not supported here are converted by cv_bridge, if it works.

    Args:
        message: the image.
        intensity: scales values of more than 8 bits; by default for this image only.

    Raises:
        JtnError: if the encoding is not supported or the message is inconsistent.
    """
    if isinstance(message, OwnImage):
        return message.image
    if isinstance(message, CompressedImage | CompressedImageView):
        return decode_compressed_image(message.format, message.data, intensity)
    try:
        return decode_image(**_fields(message), intensity=intensity)
    except JtnError as error:
        if message.encoding in ENCODINGS:
            raise
        try:
            return convert_by_cv_bridge(message)
        except JtnError as reason:
            raise JtnError(f'{error} ({reason})') from reason


def depth_to_array(message: Image) -> tuple[NDArray[np.generic], float]:
    """Return a view (height, width) of a depth image, and meters in one unit of it.

    Raises:
        JtnError: if the encoding is not a depth encoding or the message is inconsistent.
    """
    return decode_depth(**_fields(message))


def _fields(message: AnyImage) -> dict[str, Any]:
    """Return what is needed to read the pixels of a message."""
    return {
        'encoding': message.encoding,
        'width': message.width,
        'height': message.height,
        'step': message.step,
        'is_bigendian': bool(message.is_bigendian),
        'data': message.data,
    }


def array_to_image(image: NDArray[np.uint8], header: Header) -> Image:
    """Return a bgr8 message of a uint8 BGR image (height, width, 3).

    Raises:
        ValueError: if the array has another shape or type.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f'expected uint8 (height, width, 3), got {image.dtype} {image.shape}')
    height, width = image.shape[:2]
    message = Image(header=header, height=height, width=width, encoding='bgr8', step=3 * width)
    # Written into the array of the message, because an assigned array is copied again or checked.
    message.data.frombytes(np.ascontiguousarray(image).data.cast('B'))
    return message
