"""Frames of a webcam or a network stream."""

import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import cv2

from jtn_ros.errors import JtnError
from jtn_ros.media.capture import CaptureFrames
from jtn_ros.media.frames import Frame

_TIMEOUT_MS = 10_000


class CameraFrames(CaptureFrames):
    """A live source, stamped with the time at which each frame arrives. It ends when it fails.

    Args:
        address: index of a webcam, its device file, or a URL that FFmpeg can open.

    Raises:
        JtnError: if there is no such camera, or it does not answer.
    """

    def __init__(self, address: int | str) -> None:
        """Connect to the camera."""
        self._address = address
        if isinstance(address, str) and '://' in address:
            timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS,
                        cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS]  # fmt: skip
            capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
            name = urlsplit(address).hostname or 'stream'
        else:
            capture = cv2.VideoCapture(address)
            name = f'camera{address}' if isinstance(address, int) else address.split('/')[-1]
        if not capture.isOpened():
            raise JtnError(
                f'camera {address} does not open; check that it is connected, that no other '
                'program uses it, and the address'
            )
        super().__init__(capture, name)
        self.length = None

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames from now on, counted from 0; the first ``start`` are dropped."""
        yield from super().read(start, stop)
        if self._grabbed == 0:
            raise JtnError(f'camera {self._address} opens but sends no frames; try again')

    def _stamp(self, index: int, previous_ns: int) -> int:
        return time.time_ns()
