"""Frames of a video file."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from jtn_ros.media.frames import DEFAULT_FRAME_RATE
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource

logger = logging.getLogger(__name__)


class VideoFrames(FrameSource):
    """A video file, stamped with the times in its container.

    A frame whose time is missing or not after the one before gets the time of that one plus the
    nominal duration of a frame, so stamps always grow.

    Args:
        path: the file.
        frame_rate: use ``index / frame_rate`` instead of the times in the file.
        name: name of the source; the file's without its extension by default.

    Raises:
        OSError: if the file is not a readable video.
    """

    def __init__(
        self, path: Path, *, frame_rate: float | None = None, name: str | None = None
    ) -> None:
        """Open the file."""
        super().__init__()
        self._path = path
        self._constant_rate = frame_rate is not None
        self.name = name or path.stem
        self._capture = self._open()
        self.width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        nominal = self._capture.get(cv2.CAP_PROP_FPS)
        sane = math.isfinite(nominal) and 0 < nominal <= 1000
        self.frame_rate = frame_rate or (nominal if sane else DEFAULT_FRAME_RATE)
        length = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.length = length if length > 0 else None
        self._fresh = True

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``."""
        if not self._fresh:
            self._capture.release()
            self._capture = self._open()
        self._fresh = False
        period_ns = 1e9 / self.frame_rate
        stamp_ns = -1
        index = 0
        while (stop is None or index < stop) and self._capture.grab():
            milliseconds = self._capture.get(cv2.CAP_PROP_POS_MSEC)
            time_ns = round(milliseconds * 1e6) if math.isfinite(milliseconds) else -1
            if self._constant_rate:
                stamp_ns = round(index * period_ns)
            elif time_ns > stamp_ns:
                stamp_ns = time_ns
            else:
                stamp_ns += round(period_ns)
            if index >= start:
                good, image = self._capture.retrieve()
                if good:
                    yield Frame(index, stamp_ns, np.asarray(image, np.uint8))
                else:
                    self._report_broken(index, 'it cannot be decoded')
            index += 1
        if self.length is not None and index < min(self.length, stop or self.length):
            logger.warning(
                '%s ends after %d frames, but announces %d; it may be truncated',
                self._path, index, self.length,
            )  # fmt: skip

    def close(self) -> None:
        """Release the decoder."""
        self._capture.release()

    def _open(self) -> cv2.VideoCapture:
        with self._path.open('rb'):  # a clear error where the file may not be read
            capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise OSError(
                f'{self._path} is not a video that FFmpeg can read; it may be truncated '
                '(try to play it with ffplay, or convert it to mp4)'
            )
        return capture
