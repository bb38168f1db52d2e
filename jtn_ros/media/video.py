"""Frames of a video file."""

import logging
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.errors import JtnError
from jtn_ros.masking import mask
from jtn_ros.media.camera_address import name_of
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.frames import plausible_rate
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.media.video_decoding import VideoInput
from jtn_ros.media.video_decoding import to_bgr

logger = logging.getLogger(__name__)


class VideoFrames(FrameSource):
    """A video file, stamped with the times in its container; interlaced video is deinterlaced.

    A frame whose time is missing or not later than the previous one gets the previous time plus
    the nominal duration of a frame, so stamps always increase.

    Args:
        path: the file, or its URL.
        frame_rate: use ``index / frame_rate`` instead of the times in the file.
        intensity_range: values of more than 8 bits that become black and white; None estimates
            them from the images.
        name: name of the source; by default, the file name without its extension.

    Raises:
        OSError: if the file cannot be accessed.
        JtnError: if the file is not a readable video.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        frame_rate: float | None = None,
        name: str | None = None,
        intensity_range: Sequence[float] | None = None,
    ) -> None:
        """Open the file and read the first frame."""
        super().__init__()
        self._path = path
        self._title = mask(str(path))
        self.name = name or (path.stem if isinstance(path, Path) else name_of(path))
        self._intensity_range = intensity_range
        self._constant_rate = frame_rate is not None
        with self._opened() as video:
            nominal = plausible_rate(video.frame_rate) or DEFAULT_FRAME_RATE
            self._period_ns = 1e9 / nominal
            self.frame_rate = frame_rate or nominal
            self._duration_ns = (video.duration_s or 0.0) * 1e9
            self.length = video.count or round(self._duration_ns / self._period_ns) or None
            first = next(video.frames(lambda _: None), None)
            if first is None:
                raise JtnError(
                    f'{self._title} contains no frame that can be decoded; it may be damaged'
                )
            self.height, self.width = to_bgr(first[0]).shape[:2]

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``; earlier frames are not converted."""
        self._index = 0
        intensity = IntensityRange(self._intensity_range)
        stamp_ns = previous_ns = -1
        longest_ns = 2 * self._period_ns
        with self._opened() as video:
            for frame, time_ns in video.frames(self._leave_out):
                if stop is not None and self._index >= stop:
                    return
                index = self._index
                self._index += 1
                longest_ns = max(longest_ns, time_ns - previous_ns)
                previous_ns = max(previous_ns, time_ns)
                stamp_ns = self._stamp(index, time_ns, stamp_ns)
                if index >= start:
                    yield Frame(index, stamp_ns, to_bgr(frame, intensity))
        # The last frame may have the duration of any other frame.
        if previous_ns + longest_ns < self._duration_ns:
            logger.warning(
                '%s ends after %d frames, but its header states %s; it may be truncated',
                self._title,
                self._index,
                self.length,
            )

    def _opened(self) -> VideoInput:
        try:
            return VideoInput(self._path)
        except JtnError as error:
            raise JtnError(
                f'{self._title} is not a video that FFmpeg can read ({error}); it may be '
                'truncated (try to play it with ffplay, or convert it to mp4)'
            ) from error

    def _leave_out(self, error: Exception) -> None:
        """Report a frame that cannot be decoded; later frames keep their numbers."""
        self._report_broken(self._index, f'it cannot be decoded: {error}')
        self._index += 1

    def _stamp(self, index: int, time_ns: int, previous_ns: int) -> int:
        """Return the stamp of a frame with this time; a time of -1 means that it has none."""
        if self._constant_rate:
            return round(index * 1e9 / self.frame_rate)
        return time_ns if time_ns > previous_ns else previous_ns + round(self._period_ns)
