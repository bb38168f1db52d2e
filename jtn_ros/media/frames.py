"""Frames from anywhere: the contract of every source, and the choice between them."""

import logging
from abc import ABC
from abc import abstractmethod
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.files import require_utf8
from jtn_ros.files import what_came_instead
from jtn_ros.media.bag_paths import BAG_EXTENSIONS
from jtn_ros.media.bag_paths import is_bag
from jtn_ros.media.camera_address import is_camera

logger = logging.getLogger(__name__)

_HIGHEST_RATE = 1000.0
VIDEO_EXTENSIONS = (
    '.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v', '.mpg', '.mpeg', '.ts', '.mts', '.m2ts',
    '.vob', '.mxf', '.dv', '.flv', '.3gp', '.ogv', '.wmv',
)  # fmt: skip

# What a web server keeps; .ts and .flv may be live.
_RECORDINGS = ('.mp4', '.avi', '.mov', '.mkv', '.webm', '.m4v')


@dataclass(frozen=True)
class Frame:
    """One image of a source.

    Attributes:
        index: position in the source, from 0; a frame that cannot be read leaves a gap.
        stamp_ns: time of the exposure in nanoseconds, from the source where it has one.
        image: uint8 BGR (H, W, 3); treat it as read-only.
        received_ns: when it was recorded in nanoseconds; None where that is the stamp.
        dropped: pictures of a live camera that were dropped since the frame before; None for
            recordings.
    """

    index: int
    stamp_ns: int
    image: NDArray[np.uint8]
    received_ns: int | None = None
    dropped: int | None = None


class FrameSource(ABC):
    """An opened source of frames: iterate over it, and close it.

    Attributes:
        name: short name, for output files.
        width: of the images, in pixels.
        height: of the images, in pixels.
        frame_rate: nominal frames per second.
        length: number of frames, or None when it is not known.
        live: whether it is a camera, whose frames are dropped when they are not read in time.
        broken: number of frames that could not be read so far.
    """

    name: str
    width: int
    height: int
    frame_rate: float
    length: int | None
    live = False

    def __init__(self) -> None:
        """Start without a broken frame."""
        self.broken = 0

    @abstractmethod
    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``; skipped ones are not decoded.

        A frame that cannot be read is logged, counted in `broken` and left out.
        """

    def stamps(self) -> dict[int, int]:
        """Return the stamp of every readable frame in nanoseconds by its index."""
        return {frame.index: frame.stamp_ns for frame in self.read()}

    def close(self) -> None:
        """Release what the source holds."""
        return

    def __iter__(self) -> Iterator[Frame]:
        """Yield all frames."""
        return self.read()

    def __enter__(self) -> Self:
        """Return the source, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self.close()

    def _report_broken(self, index: int, reason: object) -> None:
        """Log a frame that is left out; people count frames from 1."""
        self.broken += 1
        logger.warning('%s: frame %d is left out: %s', self.name, index + 1, reason)


def plausible_rate(frame_rate: float) -> float | None:
    """Return the frame rate that a driver or file tells, or None when it makes no sense."""
    return frame_rate if 0 < frame_rate <= _HIGHEST_RATE else None


def open_frames(
    source: str | Path,
    *,
    frame_rate: float | None = None,
    topic: str | None = None,
    intensity_range: Sequence[float] | None = None,
    reconnect: bool = False,
) -> FrameSource:
    """Open a video, image folder, MOTChallenge sequence, rosbag2, webcam or stream.

    Args:
        source: a path, the index of a webcam (``0``) or a URL (``rtsp://...``), or where the URL
            is kept (``env:VARIABLE``, ``file:PATH``).
        frame_rate: frames per second of an image folder, which cannot know it; for a video it
            replaces the time stamps of the file.
        topic: the image topic of a bag that has several.
        intensity_range: values of images with more than 8 bits that become black and white; None
            finds them in the images.
        reconnect: whether to open a camera again when it fails.

    Raises:
        JtnError: if the source does not exist, cannot be read, is of an unknown kind or holds no
            frames.
    """
    # Only what the source needs is imported: a robot without rosbags can still play a video.
    if frame_rate is not None and not 0 < frame_rate < float('inf'):
        raise JtnError(f'frame rate {frame_rate} is not positive')
    path = Path(source)
    text = str(source)
    require_utf8(text)
    require_utf8(path.absolute().name)
    if not path.exists() and is_camera(text):
        return _open_camera(text, reconnect)
    if not path.exists():
        raise JtnError(f'{text} does not exist; give a video, folder, bag or camera')
    if path.is_file() and (what := what_came_instead(path)) is not None:
        raise JtnError(f'{text} is {what}')
    if is_bag(path):
        from jtn_ros.media.bag_frames import BagFrames

        return BagFrames(path, topic=topic, intensity_range=intensity_range)
    if topic is not None:
        raise JtnError(f'{text} is no bag and has no topic {topic!r}; leave the topic out')
    if path.is_dir():
        from jtn_ros.media.image_folder import open_folder

        return open_folder(path, frame_rate, intensity_range)
    if path.suffix.lower() in VIDEO_EXTENSIONS:
        from jtn_ros.media.video import VideoFrames

        return VideoFrames(path, frame_rate=frame_rate, intensity_range=intensity_range)
    if path.is_char_device():
        return _open_camera(text, reconnect)
    known = ', '.join((*VIDEO_EXTENSIONS, *BAG_EXTENSIONS))
    raise JtnError(
        f'{text}: unknown kind of file; give a video or bag ({known}), a folder of images, '
        'a camera index or a URL'
    )


def _open_camera(address: str, reconnect: bool) -> FrameSource:
    """Open a camera and wait until it answers; or a recording that a web server has."""
    from jtn_ros.media.camera import open_camera
    from jtn_ros.media.video import VideoFrames

    if address.startswith(('http://', 'https://')) and address.endswith(_RECORDINGS):
        return VideoFrames(address)
    camera = open_camera(address, reconnect=reconnect)
    try:
        camera.wait_until_open()
    except BaseException:
        camera.close()
        raise
    return camera
