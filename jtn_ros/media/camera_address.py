"""Addresses of cameras: their recognition, where they are stored, and names of cameras."""

import os
import re
from pathlib import Path
from urllib.parse import parse_qsl

from jtn_ros.errors import JtnError
from jtn_ros.masking import mask

_VARIABLE, _FILE = 'env:', 'file:'
# Keys that distinguish the channels of one recorder; other parts of a query may be secret.
_CHANNELS = {'camera', 'cam', 'channel', 'ch', 'profile', 'stream', 'subtype'}
_LONGEST_NAME = 100


def is_camera(text: str) -> bool:
    """Return whether a text names a camera that may be plugged in later, not a file.

    Cameras are an index, a device below /dev, a URL, a GStreamer pipeline (``a ! b``), or the
    location of an address: ``env:VARIABLE`` or ``file:PATH``.
    """
    kept = text.startswith((_VARIABLE, _FILE))
    return kept or text.isdigit() or '://' in text or text.startswith('/dev/') or ' ! ' in text


def read_address(text: str) -> str:
    """Return the address of a camera, read from the variable or file that contains it.

    Raises:
        JtnError: if the variable is not set, or the variable or file is empty.
        OSError: if the file cannot be read.
    """
    if text.startswith(_VARIABLE):
        address = os.environ.get(text.removeprefix(_VARIABLE), '').strip()
    elif text.startswith(_FILE):
        address = Path(text.removeprefix(_FILE)).read_text('utf-8').strip()
    else:
        return text
    if not address:
        raise JtnError(f'{text} contains no address; put the address of the camera there')
    return address


def describe(address: str) -> str:
    """Return the name of a camera for messages, without secrets."""
    return f'camera {mask(address)}'


def name_of(address: str) -> str:
    """Return a short name for files, without secrets; each stream of a host has its own."""
    if address.isdigit():
        return f'camera{address}'
    if '://' not in address:
        return _as_file_name(address.removeprefix('/dev/').split('/')[-1])
    place = mask(address).partition('://')[2].rpartition('@')[2].partition('?')[0]
    chosen = [
        f'{key}_{value}'
        for key, value in parse_qsl(address.partition('?')[2])
        if key.lower() in _CHANNELS
    ]
    return _as_file_name('_'.join([place, *chosen])) or 'stream'


def _as_file_name(text: str) -> str:
    return re.sub(r'[^\w.-]+', '_', text).strip('_.')[:_LONGEST_NAME]
