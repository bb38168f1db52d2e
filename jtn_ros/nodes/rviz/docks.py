"""The docks of RViz's window, in the binary format in which Qt saves them."""

import struct
from collections.abc import Sequence

# Of a window of 1600x900: left dock, separator and 3D view; at most so high is a row of images.
_DOCK_WIDTH, _SEPARATOR, _VIEW_WIDTH, _HEIGHT, _TOP = 640, 6, 954, 831, 43
_IMAGE_HEIGHT, _PANEL_HEIGHT = 444, 180
# Least and greatest extent of a dock.
_LIMITS = struct.pack('>ii', 0x17, 0xFFFFFF)


def dock_state(rows: Sequence[Sequence[str]]) -> bytes:
    """Return the state of RViz's window with docks at its left, as `QMainWindow` saves it.

    Args:
        rows: names of the docks, from top to bottom, those of one row side by side; the last row
            is that of the panels, the others show images.
    """
    height = min(
        _IMAGE_HEIGHT, (_HEIGHT - _PANEL_HEIGHT - _SEPARATOR * (len(rows) - 1)) // (len(rows) - 1)
    )
    docks, top = b'', _TOP
    for index, row in enumerate(rows):
        if index == len(rows) - 1:
            height = _TOP + _HEIGHT - top
        docks += _row(row, struct.pack('>ii', top, height))
        top += height + _SEPARATOR
    left = struct.pack('>iiii', 1, 0, _DOCK_WIDTH, _HEIGHT) + _sequence(docks, len(rows), b'\x02')
    toolbar = struct.pack('>Biii', 0xFC, 1, 2, 1) + _string('Tools')
    toolbar += struct.pack('>Biiii', 1, 0, -1, 0, 0)
    view = struct.pack('>ii', _VIEW_WIDTH, _HEIGHT)
    corners = struct.pack('>iiii', 4, 4, 8, 8)
    return struct.pack('>iiB', 0xFF, 0, 0xFD) + left + view + corners + toolbar


def _row(names: Sequence[str], extent: bytes) -> bytes:
    """Return one dock, or several side by side, with the position and the height of the row."""
    if len(names) == 1:
        return _dock(names[0], extent)
    width = (_DOCK_WIDTH - _SEPARATOR * (len(names) - 1)) // len(names)
    docks = b''.join(
        _dock(name, struct.pack('>ii', index * (width + _SEPARATOR), width))
        for index, name in enumerate(names)
    )
    return b'\xfc' + extent + _LIMITS + _sequence(docks, len(names), b'\x01')


def _dock(name: str, extent: bytes) -> bytes:
    return b'\xfb' + _string(name) + b'\x01' + extent + _LIMITS


def _sequence(items: bytes, count: int, orientation: bytes) -> bytes:
    return b'\xfc' + orientation + struct.pack('>i', count) + items


def _string(text: str) -> bytes:
    encoded = text.encode('utf-16-be')
    return struct.pack('>i', len(encoded)) + encoded
