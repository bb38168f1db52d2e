"""Frames that OpenCV grabs one after another: what videos and cameras have in common."""

import math
from abc import abstractmethod
from collections.abc import Iterator

import cv2
import numpy as np

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource

_HIGHEST_RATE = 1000.0


class CaptureFrames(FrameSource):
    """A source behind a `cv2.VideoCapture`; a subclass opens it and knows the times.

    Args:
        capture: an opened capture.
        name: name of the source.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        super().__init__()
        self.name = name
        self._capture = capture
        self.width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = capture.get(cv2.CAP_PROP_FPS)
        sane = math.isfinite(rate) and 0 < rate <= _HIGHEST_RATE
        self.frame_rate = rate if sane else DEFAULT_FRAME_RATE
        self._grabbed = 0

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``; those before are not decoded."""
        self._grabbed = 0
        stamp_ns = -1
        while (stop is None or self._grabbed < stop) and self._capture.grab():
            index = self._grabbed
            self._grabbed += 1
            stamp_ns = self._stamp(index, stamp_ns)
            if index < start:
                continue
            good, image = self._capture.retrieve()
            if good:
                yield Frame(index, stamp_ns, np.asarray(image, np.uint8))
            else:
                self._report_broken(index, 'it cannot be decoded')

    def close(self) -> None:
        """Release the decoder or the camera."""
        self._capture.release()

    @abstractmethod
    def _stamp(self, index: int, previous_ns: int) -> int:
        """Return the time of the frame that was just grabbed; the one before had `previous_ns`."""
