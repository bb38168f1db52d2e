"""Reading of images from serialized messages (CDR), without a message object.

The pixels are not copied. rclpy copies them twice when it deserializes a message.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.media.messages.message_factory import NewMessage

# By the encapsulation header, which is not included in the alignment: plain CDR (XCDR1).
_BYTE_ORDERS = {b'\x00\x00': '>', b'\x00\x01': '<'}
_ENCAPSULATION = 4
_STAMPS, _NUMBERS = ({order: Struct(order + kinds) for order in '<>'} for kinds in ('iI', 'I'))
_ALIGNMENT = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageView:
    """The fields of a ``sensor_msgs/Image``; the data is a read-only view (N,) of the message."""

    header: Any
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, slots=True)
class CompressedImageView:
    """The fields of a ``sensor_msgs/CompressedImage``; the data is a read-only view (N,)."""

    header: Any
    format: str
    data: NDArray[np.uint8]


def is_plain_cdr(data: bytes) -> bool:
    """Return whether a serialized message is in the supported format."""
    return data[:2] in _BYTE_ORDERS


def read_image(new: NewMessage, data: bytes) -> ImageView:
    """Return the fields of a serialized ``sensor_msgs/Image``.

    Args:
        new: makes the header.
        data: plain CDR, see `is_plain_cdr`.

    Raises:
        JtnError: if the message is truncated.
    """
    fields = _Fields(data)
    return ImageView(
        header=fields.header(new),
        height=fields.number(),
        width=fields.number(),
        encoding=fields.text(),
        is_bigendian=fields.byte(),
        step=fields.number(),
        data=fields.octets(),
    )


def read_compressed_image(new: NewMessage, data: bytes) -> CompressedImageView:
    """Return the fields of a serialized ``sensor_msgs/CompressedImage``; see `read_image`."""
    fields = _Fields(data)
    return CompressedImageView(
        header=fields.header(new), format=fields.text(), data=fields.octets()
    )


class _Fields:
    """Reads one field after another."""

    def __init__(self, data: bytes) -> None:
        """Start at the first field."""
        order = _BYTE_ORDERS[data[:2]]
        self._stamp, self._number = _STAMPS[order], _NUMBERS[order]
        self._data = data
        self._position = _ENCAPSULATION

    def header(self, new: NewMessage) -> Any:
        """Return a ``std_msgs/Header``."""
        seconds, nanoseconds = self._stamp.unpack_from(self._data, self._pass(self._stamp.size))
        stamp = new('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds)
        return new('std_msgs/msg/Header', stamp=stamp, frame_id=self.text())

    def byte(self) -> int:
        """Return a uint8."""
        return self._data[self._pass(1)]

    def number(self) -> int:
        """Return a uint32, which is aligned to its size."""
        self._position += -self._position % _ALIGNMENT
        value: int
        (value,) = self._number.unpack_from(self._data, self._pass(self._number.size))
        return value

    def text(self) -> str:
        """Return a string: its length, and its bytes with a zero at their end."""
        length = self.number()
        start = self._pass(length)
        # rclpy replaces invalid characters as well.
        return self._data[start : start + max(0, length - 1)].decode(errors='replace')

    def octets(self) -> NDArray[np.uint8]:
        """Return a view of a sequence of uint8."""
        length = self.number()
        return np.frombuffer(self._data, np.uint8, length, self._pass(length))

    def _pass(self, size: int) -> int:
        """Return the start of the next `size` bytes, and advance past them.

        Raises:
            JtnError: if fewer bytes remain.
        """
        start = self._position
        self._position = start + size
        if self._position > len(self._data):
            raise JtnError(
                f'a serialized image of {len(self._data)} bytes would need '
                f'{self._position}; it was damaged in transit, or its publisher uses another '
                'definition of the message'
            )
        return start
