"""Reading and checking of values in JSON annotations."""

from typing import Any

from jtn_ros.errors import JtnError


def read_box(value: Any, name: str) -> tuple[float, float, float, float]:
    """Return ``x1 y1 x2 y2`` of a JSON array ``[left, top, width, height]``.

    Raises:
        JtnError: if the value is not a box; the message starts with the name.
    """
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_number, value)):
        raise JtnError(f'{name} is {str(value)[:60]}; expected [left, top, width, height]')
    left, top, width, height = map(float, value)
    if width < 0 or height < 0:
        raise JtnError(f'{name}: width or height is negative: {value}')
    return left, top, left + width, top + height


def read_integer(value: Any, name: str) -> int:
    """Return an integer from 0 to 2^53; some tools write it as 1.0.

    Raises:
        JtnError: if the value is not such an integer; the message starts with the name.
    """
    if not _is_number(value) or value != int(value) or value < 0:
        raise JtnError(f'{name} is {str(value)[:60]}; expected a whole number')
    return int(value)


def _is_number(value: Any) -> bool:
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return plain and abs(value) <= 2**53  # false for NaN and infinity
