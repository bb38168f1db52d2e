"""Writing of video files."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.files import require_utf8
from jtn_ros.media.fitting import fit_into
from jtn_ros.media.output import Output

# In the order in which they are tried. Browsers play H.264 and VP8. MPEG-4 is fast to encode and
# available in every build of OpenCV, but browsers do not play it.
_CODECS = {'.mp4': ('avc1', 'mp4v'), '.webm': ('VP80',)}


class VideoWriter(Output):
    """Writes a video; the file gets its final name when it is complete.

    Args:
        path: the file, ``.mp4`` (H.264 if OpenCV can write it, else MPEG-4) or ``.webm`` (VP8).
        frame_rate: frames per second.

    Raises:
        JtnError: if the extension is different, the frame rate is not positive, or the file cannot
            be written.
    """

    def __init__(self, path: Path, frame_rate: float) -> None:
        require_utf8(path)
        self._path = Path(path)
        if self._path.suffix not in _CODECS:
            raise JtnError(f'{path}: only {" and ".join(_CODECS)} videos can be written')
        if not 0 < frame_rate < float('inf'):
            raise JtnError(f'frame rate {frame_rate} is not positive')
        self._frame_rate = frame_rate
        self._temporary = self._path.with_name(f'.{self._path.stem}.part{self._path.suffix}')
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._count = 0

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append a uint8 BGR (H, W, 3) image; the first one sets the size of the video.

        Raises:
            JtnError: if the video cannot be written.
        """
        if self._writer is None:
            height, width = image.shape[:2]
            # Codecs store color for pairs of pixels, so sizes must be even.
            self._size = (width + width % 2, height + height % 2)
            self._writer = self._open()
        self._writer.write(fit_into(image, *self._size))
        self._count += 1

    def finish(self) -> None:
        """Write the remaining data of the encoder; without a frame, there is no file.

        Raises:
            JtnError: if the disk is full, which OpenCV does not report.
        """
        if self._writer is not None:
            self._writer.release()
            count = int(cv2.VideoCapture(str(self._temporary)).get(cv2.CAP_PROP_FRAME_COUNT))
            if count != self._count:
                raise JtnError(
                    f'{self._path} cannot be written completely; free some space or choose '
                    'another disk'
                )

    def publish(self) -> None:
        """Rename the file to its final name."""
        if self._writer is not None:
            self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the partial file."""
        if self._writer is not None:
            self._writer.release()
            self._temporary.unlink(missing_ok=True)

    def _open(self) -> cv2.VideoWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        codecs = _CODECS[self._path.suffix]
        if not _can_write_h264():
            codecs = tuple(codec for codec in codecs if codec != 'avc1')
        for codec in codecs:
            writer = _open_writer(self._temporary, codec, self._frame_rate, *self._size)
            if writer.isOpened():
                return writer
        raise JtnError(f'{self._path} cannot be written; check the folder and the free space')


def browser_suffix() -> str:
    """Return the suffix of a video that browsers play: .mp4 if OpenCV has an H.264 encoder."""
    return '.mp4' if _can_write_h264() else '.webm'


@cache
def _can_write_h264() -> bool:
    """Return whether encoding works; many builds of OpenCV omit the encoder for its license."""
    with tempfile.TemporaryDirectory() as folder, _quiet_stderr():
        return bool(_open_writer(Path(folder) / 'try.mp4', 'avc1', 25, 64, 64).isOpened())


def _open_writer(
    path: Path, codec: str, frame_rate: float, width: int, height: int
) -> cv2.VideoWriter:
    code = cv2.VideoWriter.fourcc(*codec)
    with (
        _quiet_stderr()
    ):  # OpenCV warns that WebM has no tag for VP8, but writes the file correctly
        return cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, code, frame_rate, (width, height))


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Suppress output that libraries write to stderr without Python."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
