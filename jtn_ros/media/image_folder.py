"""Frames of a folder of images, or of a MOTChallenge sequence."""

import re
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.mot_challenge import read_sequence_info
from jtn_ros.errors import JtnError
from jtn_ros.media.frames import DEFAULT_FRAME_RATE
from jtn_ros.media.frames import IMAGE_EXTENSIONS
from jtn_ros.media.frames import VIDEO_EXTENSIONS
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.intensity import IntensityRange


def open_folder(
    folder: Path,
    frame_rate: float | None = None,
    intensity_range: Sequence[float] | None = None,
) -> FrameSource:
    """Open a folder of images, or a sequence folder with ``seqinfo.ini``.

    A sequence takes its frame rate from that file; its frames are the images of its image
    folder, or else the one video beside ``seqinfo.ini``. The name is the folder's.

    Raises:
        JtnError: if there is nothing to read in the folder.
    """
    name = folder.resolve().name
    if not (folder / 'seqinfo.ini').exists():
        return ImageFolderFrames(
            folder,
            _images(folder),
            name=name,
            frame_rate=frame_rate,
            intensity_range=intensity_range,
        )
    info = read_sequence_info(folder)
    frame_rate = frame_rate or info.frame_rate
    images = _images(folder / info.image_dir)
    videos = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_EXTENSIONS)
    if not images and len(videos) == 1:
        from jtn_ros.media.video import VideoFrames  # images need no decoder of video

        return VideoFrames(videos[0], frame_rate=frame_rate, name=name)
    return ImageFolderFrames(
        folder / info.image_dir,
        images,
        name=name,
        frame_rate=frame_rate,
        numbered=True,
        intensity_range=intensity_range,
    )


class ImageFolderFrames(FrameSource):
    """Images in the order of the numbers in their names, stamped by the frame rate.

    Args:
        folder: where they are, for messages.
        images: their paths in order.
        name: name of the source.
        frame_rate: frames per second, 30 by default.
        numbered: names are frame numbers from 1, as in MOTChallenge, and give the index; so a
            missing file leaves a gap and later frames keep their numbers.
        intensity_range: values of more than 8 bits that become black and white; None finds them.

    Raises:
        JtnError: if there are no images, none can be read, or a name is not a number.
    """

    def __init__(
        self,
        folder: Path,
        images: list[Path],
        *,
        name: str,
        frame_rate: float | None = None,
        numbered: bool = False,
        intensity_range: Sequence[float] | None = None,
    ) -> None:
        """Look at the first image."""
        super().__init__()
        if not images:
            raise JtnError(f'{folder} holds no images ({", ".join(IMAGE_EXTENSIONS)})')
        self.name = name
        self.frame_rate = frame_rate or DEFAULT_FRAME_RATE
        self._images = {i: path for i, path in enumerate(images)}
        if numbered:
            self._images = {_frame_number(path) - 1: path for path in images}
        self.length = max(self._images) + 1
        self._intensity_range = intensity_range
        intensity = IntensityRange(intensity_range)
        readable = (image for p in images if (image := _read(p, intensity)) is not None)
        first = next(readable, None)
        if first is None:
            raise JtnError(f'{folder}: none of the {len(images)} images can be read')
        self.height, self.width = first.shape[:2]

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``."""
        intensity = IntensityRange(self._intensity_range)
        for index, path in self._images.items():
            if index < start or (stop is not None and index >= stop):
                continue
            image = _read(path, intensity)
            if image is None:
                self._report_broken(index, f'{path.name} cannot be decoded')
            else:
                yield Frame(index, round(index * 1e9 / self.frame_rate), image)


def _images(folder: Path) -> list[Path]:
    """Return the images of a folder, 2.jpg before 10.jpg."""
    if not folder.is_dir():
        return []
    paths = [path for path in folder.iterdir() if path.suffix.lower() in IMAGE_EXTENSIONS]
    return sorted(paths, key=_natural_key)


def _natural_key(path: Path) -> list[tuple[int, str]]:
    """Return a sort key that compares the runs of digits in a name as numbers."""
    parts = re.split(r'(\d+)', path.name)
    return [(int(part), '') if i % 2 else (0, part) for i, part in enumerate(parts)]


def _frame_number(path: Path) -> int:
    if not path.stem.isdecimal() or int(path.stem) < 1:
        raise JtnError(
            f'{path}: images of a MOTChallenge sequence are named by their number from 1 '
            '(000001.jpg); rename it, or remove seqinfo.ini to read a plain folder'
        )
    return int(path.stem)


def _read(path: Path, intensity: IntensityRange) -> NDArray[np.uint8] | None:
    """Return the image, turned upright, or None when it cannot be decoded."""
    data = np.fromfile(path, np.uint8)
    if not len(data):
        return None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image is None or image.dtype == np.uint8:
        return image
    return intensity.apply(image)
