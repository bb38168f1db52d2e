"""Reading of serialized image messages from the middleware."""

from functools import cache

from builtin_interfaces.msg import Time
from rclpy.logging import get_logger
from rclpy.serialization import deserialize_message
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.media.messages.image_serialization import CompressedImageView
from jtn_ros.media.messages.image_serialization import ImageView
from jtn_ros.media.messages.image_serialization import is_plain_cdr
from jtn_ros.media.messages.image_serialization import read_compressed_image
from jtn_ros.media.messages.image_serialization import read_image
from jtn_ros.nodes.common.conversions import AnyCompressedImage
from jtn_ros.nodes.common.conversions import AnyImage
from jtn_ros.nodes.common.conversions import new_message

type ImageMessage = AnyImage | AnyCompressedImage

# The header before the content. A shorter message terminates the process in CycloneDDS.
_ENCAPSULATION = 4


def read_message(data: bytes, kind: type[Image | CompressedImage]) -> ImageMessage:
    """Return the content of a serialized message; a view of it if the format is plain CDR.

    Otherwise, the middleware deserializes the message.

    Args:
        data: the serialized message.
        kind: its type.

    Raises:
        JtnError: if it cannot be read.
    """
    if is_plain_cdr(data) and is_known():
        return _read(data, kind)
    if len(data) < _ENCAPSULATION:
        raise JtnError(f'a serialized image has {len(data)} bytes; it was damaged in transit')
    try:
        message: ImageMessage = deserialize_message(data, kind)
    except RuntimeError as error:
        raise JtnError(f'the middleware cannot read it: {error}') from error
    return message


@cache
def is_known() -> bool:
    """Return whether examples serialized by the middleware are read correctly here.

    They are not if the middleware uses another format, or if the message definitions differ.
    """
    header = Header(stamp=Time(sec=12, nanosec=34), frame_id='camera')
    examples = (
        Image(
            header=header,
            height=3,
            width=2,
            encoding='mono8',
            is_bigendian=1,
            step=4,
            data=bytes(range(12)),
        ),
        CompressedImage(header=header, format='rgb8; jpeg', data=bytes(range(7))),
    )
    known = all(_is_read(example) for example in examples)
    if not known:
        get_logger('jtn_tracker').debug(
            'the middleware does not serialize images as plain CDR, so messages are deserialized'
        )
    return known


def _is_read(example: Image | CompressedImage) -> bool:
    """Return whether a message is read correctly."""
    data = bytes(serialize_message(example))
    if not is_plain_cdr(data):
        return False
    try:
        view = _read(data, type(example))
    except JtnError:
        return False
    fields = [name for name in example.get_fields_and_field_types() if name != 'data']
    same = all(getattr(view, name) == getattr(example, name) for name in fields)
    return same and view.data.tobytes() == bytes(example.data)


def _read(data: bytes, kind: type) -> ImageView | CompressedImageView:
    """Return a view of a message in plain CDR."""
    read = read_compressed_image if kind is CompressedImage else read_image
    return read(new_message, data)
