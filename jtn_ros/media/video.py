"""Frames of a video file."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path

import cv2

from jtn_ros.errors import JtnError
from jtn_ros.media.capture import CaptureFrames
from jtn_ros.media.frames import Frame

logger = logging.getLogger(__name__)


class VideoFrames(CaptureFrames):
    """A video file, stamped with the times in its container.

    A frame whose time is missing or not after the one before gets the time of that one plus the
    nominal duration of a frame, so stamps always grow.

    Args:
        path: the file.
        frame_rate: use ``index / frame_rate`` instead of the times in the file.
        name: name of the source; the file's without its extension by default.

    Raises:
        JtnError: if the file is not a readable video.
    """

    def __init__(
        self, path: Path, *, frame_rate: float | None = None, name: str | None = None
    ) -> None:
        """Open the file."""
        self._path = path
        self._constant_rate = frame_rate is not None
        super().__init__(self._open(), name or path.stem)
        self._period_ns = 1e9 / self.frame_rate
        self.frame_rate = frame_rate or self.frame_rate
        length = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.length = length if length > 0 else None
        self._fresh = True

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``."""
        if not self._fresh:
            self._capture.release()
            self._capture = self._open()
        self._fresh = False
        self._reached_ns, self._longest_ns = 0, 2 * self._period_ns
        yield from super().read(start, stop)
        if self.length is not None and self._ends_early(min(self.length, stop or self.length)):
            logger.warning(
                '%s ends after %d frames, but announces %d; it may be truncated',
                self._path, self._grabbed, self.length,
            )  # fmt: skip

    def _ends_early(self, announced: int) -> bool:
        """Return whether frames are missing, not only fewer than a steady rate would give."""
        if self._grabbed >= announced:
            return False
        return self._reached_ns + self._longest_ns < announced * self._period_ns

    def _stamp(self, index: int, previous_ns: int) -> int:
        milliseconds = self._capture.get(cv2.CAP_PROP_POS_MSEC)
        time_ns = round(milliseconds * 1e6) if math.isfinite(milliseconds) else -1
        self._longest_ns = max(self._longest_ns, time_ns - self._reached_ns)
        self._reached_ns = max(self._reached_ns, time_ns)
        if self._constant_rate:
            return round(index * 1e9 / self.frame_rate)
        return time_ns if time_ns > previous_ns else previous_ns + round(self._period_ns)

    def _open(self) -> cv2.VideoCapture:
        with self._path.open('rb'):  # a clear error where the file may not be read
            capture = cv2.VideoCapture(str(self._path), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            raise JtnError(
                f'{self._path} is not a video that FFmpeg can read; it may be truncated '
                '(try to play it with ffplay, or convert it to mp4)'
            )
        return capture
