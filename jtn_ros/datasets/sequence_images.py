"""The images of a sequence folder and their frame numbers, for all commands."""

import logging
import re
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import read_sequence_info
from jtn_ros.errors import JtnError

logger = logging.getLogger(__name__)

DEFAULT_FRAME_RATE = 30.0
IMAGE_EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm')
IMAGE_DIR = 'img1'
# 000001.jpg, but also frame_000001.jpg (CVAT) and img000001.jpg (UAVDT).
_NUMBER = re.compile(r'(\d+)\D*$')


def is_sequence(folder: Path) -> bool:
    """Return whether a folder is a sequence: it contains ``seqinfo.ini`` or ``img1``."""
    return (folder / 'seqinfo.ini').is_file() or (folder / IMAGE_DIR).is_dir()


def sequence_info(folder: Path, frame_rate: float | None = None) -> SequenceInfo:
    """Return the contents of ``seqinfo.ini``; without that file, derive them from the images.

    Args:
        folder: the sequence.
        frame_rate: replaces the frame rate of the file. If neither is given, it is 30, with a
            warning.

    Raises:
        OSError: if a file cannot be read.
        JtnError: if ``seqinfo.ini`` is not valid, or there are neither that file nor images.
    """
    if (folder / 'seqinfo.ini').is_file():
        info = read_sequence_info(folder)
        return info if frame_rate is None else replace(info, frame_rate=frame_rate)
    images = _numbered(folder / IMAGE_DIR, _image_files(folder / IMAGE_DIR))
    if not images:
        raise JtnError(f'{folder} has neither seqinfo.ini nor images in {IMAGE_DIR}')
    if frame_rate is None:
        logger.warning(
            '%s has no seqinfo.ini: %g frames per second are assumed', folder, DEFAULT_FRAME_RATE
        )
    first = next(iter(images.values()))
    width, height = _size_of(first)
    return SequenceInfo(
        name=folder.resolve().name,
        frame_rate=frame_rate or DEFAULT_FRAME_RATE,
        length=max(images),
        width=width,
        height=height,
        image_dir=IMAGE_DIR,
        image_extension=first.suffix,
    )


def sequence_images(folder: Path, info: SequenceInfo) -> dict[int, Path]:
    """Return the images of a sequence by frame number, in order; empty if it has a video.

    The frame number is the last number in the name. If the numbers start at 0, as those of CVAT,
    1 is added. Images with the extension of ``seqinfo.ini`` are used, or else images with another
    extension.

    Raises:
        JtnError: if a name has no number, or two names have the same number.
    """
    place = folder / info.image_dir
    files = _image_files(place)
    named = [path for path in files if path.suffix.lower() == info.image_extension.lower()]
    return _numbered(place, named or files)


def differences(images: Iterable[int], info: SequenceInfo) -> list[str]:
    """Return messages about frames of ``seqinfo.ini`` without image and images without frame.

    Args:
        images: frame numbers of the images.
        info: contents of ``seqinfo.ini``.
    """
    numbers = set(images)
    frames = set(range(1, info.length + 1))
    texts = []
    if missing := sorted(frames - numbers):
        texts.append(f'no image of the frames {_ranges(missing)}')
    if beyond := sorted(numbers - frames):
        texts.append(
            f'images of the frames {_ranges(beyond)}; the sequence has {info.length} frames'
        )
    return texts


def visible_files(folder: Path, extensions: Iterable[str]) -> list[Path]:
    """Return the files with one of the extensions, except hidden files (``._000001.jpg``)."""
    if not folder.is_dir():
        return []
    wanted = set(extensions)
    return [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in wanted and not path.name.startswith('.') and path.is_file()
    ]


def _image_files(folder: Path) -> list[Path]:
    return sorted(visible_files(folder, IMAGE_EXTENSIONS))


def _numbered(folder: Path, files: list[Path]) -> dict[int, Path]:
    """Return files by the number in their names, from 1."""
    images: dict[int, Path] = {}
    for path in files:
        match = _NUMBER.search(path.stem)
        if match is None:
            raise JtnError(
                f'{path}: images of a MOTChallenge sequence are named by their number '
                '(000001.jpg); rename or remove it'
            )
        number = int(match[1])
        if number in images:
            raise JtnError(
                f'{folder}: {images[number].name} and {path.name} have the same number; '
                'remove one of them'
            )
        images[number] = path
    first = 1 if 0 in images else 0
    return {number + first: images[number] for number in sorted(images)}


def _size_of(image: Path) -> tuple[int, int]:
    """Return width and height of an image file."""
    try:
        with Image.open(image) as opened:
            return opened.size
    except (OSError, SyntaxError, ValueError) as error:
        raise JtnError(f'{image} cannot be decoded ({error})') from error


def _ranges(numbers: Sequence[int]) -> str:
    """Return increasing numbers as text, with consecutive numbers as ``first-last``."""
    array = np.array(numbers)
    runs = np.split(array, np.flatnonzero(np.diff(array) > 1) + 1)
    return ', '.join(str(run[0]) if len(run) == 1 else f'{run[0]}-{run[-1]}' for run in runs)
