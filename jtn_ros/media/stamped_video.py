"""Videos of live cameras, in which the stamps determine the duration of each image."""

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import packages_for
from jtn_ros.files import require_utf8
from jtn_ros.media.fitting import fit_into
from jtn_ros.media.output import Output

with packages_for('videos need', 'av'):
    import av
    from av.video.stream import VideoStream

_TICK = Fraction(1, 1000)
_TICK_NS = 1_000_000
# Fastest setting of the encoder, so that it does not delay a live camera.
_OPTIONS = {'deadline': 'realtime', 'cpu-used': '8', 'crf': '10'}
_BIT_RATE = 4_000_000


class StampedVideo(Output):
    """Writes a video of variable frame rate (VP8, which browsers play).

    Args:
        path: the file, ``.webm``; it gets its final name when it is complete.
    """

    def __init__(self, path: Path) -> None:
        require_utf8(path)
        self._path = path
        self._temporary = path.with_name(f'.{path.stem}.part{path.suffix}')
        self._container: av.container.OutputContainer | None = None
        self._stream: VideoStream | None = None
        self._first_ns = 0
        self._last = -1

    def write(self, image: NDArray[np.uint8], stamp_ns: int) -> None:
        """Append a uint8 BGR (H, W, 3) image with its time; the first one sets the size.

        Raises:
            OSError: if the image cannot be written.
        """
        if self._stream is None:
            height, width = image.shape[:2]
            self._open(width + width % 2, height + height % 2)
            self._first_ns = stamp_ns
        assert self._stream is not None
        image = fit_into(image, self._stream.width, self._stream.height)
        frame = av.VideoFrame.from_ndarray(image, format='bgr24')
        self._last = max(self._last + 1, round((stamp_ns - self._first_ns) / _TICK_NS))
        frame.pts, frame.time_base = self._last, _TICK
        self._mux(frame)

    def finish(self) -> None:
        """Write the remaining data of the encoder; without a frame, there is no file."""
        if self._container is not None:
            self._mux(None)
            self._container.close()

    def publish(self) -> None:
        """Rename the file to its final name."""
        if self._container is not None:
            self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove the partial file."""
        if self._container is not None:
            with suppress(OSError):  # closing fails on a full disk
                self._container.close()
            self._temporary.unlink(missing_ok=True)

    def _open(self, width: int, height: int) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._container = av.open(str(self._temporary), 'w', format='webm')
        stream = self._container.add_stream('libvpx', rate=30, options=_OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
        stream.bit_rate = _BIT_RATE
        stream.codec_context.time_base = stream.time_base = _TICK
        self._stream = stream

    def _mux(self, frame: av.VideoFrame | None) -> None:
        assert self._container is not None
        assert self._stream is not None
        for packet in self._stream.encode(frame):
            self._container.mux(packet)
