"""Frames of a webcam or a network stream."""

import math
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import cv2
import numpy as np

from jtn_ros.media.frames import DEFAULT_FRAME_RATE
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource

_TIMEOUT_MS = 10_000


class CameraFrames(FrameSource):
    """A live source, stamped with the time at which each frame arrives. It ends when it fails.

    Args:
        address: index of a webcam, its device file, or a URL that FFmpeg can open.

    Raises:
        OSError: if there is no such camera, or it does not answer.
    """

    def __init__(self, address: int | str) -> None:
        """Connect to the camera."""
        super().__init__()
        self._address = address
        if isinstance(address, str) and '://' in address:
            timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _TIMEOUT_MS,
                        cv2.CAP_PROP_READ_TIMEOUT_MSEC, _TIMEOUT_MS]  # fmt: skip
            self._capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, timeouts)
            self.name = urlsplit(address).hostname or 'stream'
        else:
            self._capture = cv2.VideoCapture(address)
            self.name = f'camera{address}' if isinstance(address, int) else address.split('/')[-1]
        if not self._capture.isOpened():
            raise OSError(
                f'camera {address} does not open; check that it is connected, that no other '
                'program uses it, and the address'
            )
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        sane = math.isfinite(rate) and 0 < rate <= 1000
        self.frame_rate = rate if sane else DEFAULT_FRAME_RATE
        self.length = None

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames from now on, counted from 0; the first ``start`` are dropped."""
        index = 0
        while (stop is None or index < stop) and self._capture.grab():
            stamp_ns = time.time_ns()
            if index >= start:
                good, image = self._capture.retrieve()
                if good:
                    yield Frame(index, stamp_ns, np.asarray(image, np.uint8))
                else:
                    self._report_broken(index, 'it cannot be decoded')
            index += 1
        if index == 0:
            raise OSError(f'camera {self._address} opens but sends no frames; try again')

    def close(self) -> None:
        """Disconnect."""
        self._capture.release()
