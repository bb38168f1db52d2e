"""Frames of a folder of images, or of a MOTChallenge sequence."""

import logging
import re
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.sequence_images import DEFAULT_FRAME_RATE
from jtn_ros.datasets.sequence_images import IMAGE_EXTENSIONS
from jtn_ros.datasets.sequence_images import differences
from jtn_ros.datasets.sequence_images import is_sequence
from jtn_ros.datasets.sequence_images import sequence_images
from jtn_ros.datasets.sequence_images import sequence_info
from jtn_ros.datasets.sequence_images import visible_files
from jtn_ros.errors import JtnError
from jtn_ros.files import require_utf8
from jtn_ros.image_file import read_image
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.media.recordings import holds_recording
from jtn_ros.media.video_formats import VIDEO_EXTENSIONS

logger = logging.getLogger(__name__)


def open_folder(
    folder: Path,
    frame_rate: float | None = None,
    intensity_range: Sequence[float] | None = None,
) -> FrameSource:
    """Open a folder of images, or a sequence folder with ``seqinfo.ini`` or ``img1``.

    The frame rate of a sequence is read from ``seqinfo.ini``. Its frames are the images of its
    image folder, or else the only video next to that file. The name is that of the folder.

    Raises:
        JtnError: if the folder contains nothing to read.
    """
    name = folder.resolve().name
    plain = sorted(visible_files(folder, IMAGE_EXTENSIONS), key=_natural_key)
    if not is_sequence(folder) or (plain and not (folder / 'seqinfo.ini').exists()):
        if plain:
            _name_what_is_left_out(folder)
        return ImageFolderFrames(
            folder,
            dict(enumerate(plain, start=1)),
            name=name,
            frame_rate=frame_rate,
            intensity_range=intensity_range,
        )
    info = sequence_info(folder, frame_rate)
    images = sequence_images(folder, info)
    videos = visible_files(folder, VIDEO_EXTENSIONS)
    if not images and len(videos) == 1:
        from jtn_ros.media.video import VideoFrames  # images require no video decoder

        require_utf8(videos[0])
        return VideoFrames(videos[0], frame_rate=info.frame_rate, name=name)
    for text in differences(images, info):
        logger.warning('%s: %s', folder / info.image_dir, text)
    return ImageFolderFrames(
        folder / info.image_dir,
        images,
        name=name,
        frame_rate=info.frame_rate,
        intensity_range=intensity_range,
    )


class ImageFolderFrames(FrameSource):
    """Images by their frame numbers, stamped by the frame rate.

    Args:
        folder: folder of the images, for messages.
        images: by frame number, from 1, in order; a missing image does not change later numbers.
        name: name of the source.
        frame_rate: frames per second, 30 by default.
        intensity_range: values of more than 8 bits that become black and white; None estimates
            them from the images.

    Raises:
        JtnError: if there are no images, or none can be read.
    """

    def __init__(
        self,
        folder: Path,
        images: dict[int, Path],
        *,
        name: str,
        frame_rate: float | None = None,
        intensity_range: Sequence[float] | None = None,
    ) -> None:
        """Read the first image for its size."""
        super().__init__()
        if not images:
            raise JtnError(f'{folder} contains no images ({", ".join(IMAGE_EXTENSIONS)})')
        self.name = name
        self.frame_rate = frame_rate or DEFAULT_FRAME_RATE
        self._images = images
        self.length = max(images)
        self._intensity_range = intensity_range
        first = _first_readable(folder, list(images.values()), IntensityRange(intensity_range))
        self.height, self.width = first.shape[:2]

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``."""
        intensity = IntensityRange(self._intensity_range)
        for number, path in self._images.items():
            index = number - 1
            if index < start or (stop is not None and index >= stop):
                continue
            try:
                image = _read(path, intensity)
            except (JtnError, OSError) as error:
                self._report_broken(index, error)
            else:
                yield Frame(index, round(index * 1e9 / self.frame_rate), image)


def _name_what_is_left_out(folder: Path) -> None:
    """Warn about other recordings in a folder whose images are read as one recording."""
    others = sorted(
        path.name
        for path in folder.iterdir()
        if not path.name.startswith('.') and holds_recording(path)
    )
    if others:
        shown = f'{", ".join(others[:3])}{", ..." if len(others) > 3 else ""}'
        logger.warning(
            '%s: only the images in it are tracked, not %s; specify these separately, or move the '
            'images into a separate folder',
            folder,
            shown,
        )


def _natural_key(path: Path) -> list[tuple[int, str]]:
    """Return a sort key that compares the runs of digits in a name as numbers."""
    parts = re.split(r'(\d+)', path.name)
    return [(int(part), '') if i % 2 else (0, part) for i, part in enumerate(parts)]


def _read(path: Path, intensity: IntensityRange) -> NDArray[np.uint8]:
    """Return the image, turned upright.

    Raises:
        OSError, JtnError: if it cannot be read.
    """
    # OpenCV does not convert a TIFF of gray floating-point values to color.
    image = read_image(path, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    pixels = image if image.dtype == np.uint8 else intensity.apply(image)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)) if pixels.ndim == 2 else pixels


def _first_readable(
    folder: Path, images: list[Path], intensity: IntensityRange
) -> NDArray[np.uint8]:
    """Return the first image that can be read."""
    reason: Exception | None = None
    for path in images:
        try:
            return _read(path, intensity)
        except (JtnError, OSError) as error:
            reason = reason or error
    raise JtnError(f'{folder}: none of the {len(images)} images can be read: {reason}')
