"""MOTChallenge sequences (MOT15, 16, 17, 20) and DanceTrack as clips for training."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.sequence_images import sequence_images
from jtn_ros.datasets.sequence_images import sequence_info
from jtn_ros.errors import JtnError

# Class numbers of the benchmark by name; dancers of DanceTrack and people of MOT15 are number 1.
CLASS_NUMBERS = {
    'person': 1, 'pedestrian': 1, 'person_on_vehicle': 2, 'car': 3, 'bicycle': 4, 'motorbike': 5,
    'non_mot_vehicle': 6,
}  # fmt: skip
_CROWD = 13  # of MOT20: regions without separate annotations
_DETECTORS = re.compile(r'-(DPM|FRCNN|SDP)$')


def read_sequences(folder: Path, class_names: Sequence[str]) -> list[Clip]:
    """Read the sequences at or below a folder.

    Distractors, crowd regions and rows flagged 0 are ignored regions; objects of other classes
    are background. MOT17 contains each sequence three times, for three public detectors; only one
    of them is read. Frames without an image are skipped.

    Raises:
        OSError: if a file cannot be read.
        JtnError: if a file is not valid, a sequence has no images, or a class is unknown.
    """
    numbers = class_numbers(class_names)
    by_name: dict[str, Path] = {}
    for path in find_sequences(folder):
        by_name.setdefault(_DETECTORS.sub('', path.resolve().name), path)
    return [_read_sequence(path, numbers) for path in by_name.values()]


def class_numbers(class_names: Sequence[str]) -> list[int]:
    """Return the benchmark number of each class.

    Raises:
        JtnError: if a class has no number.
    """
    unknown = [name for name in class_names if name not in CLASS_NUMBERS]
    if unknown:
        raise JtnError(
            f'MOTChallenge files have no class {unknown[0]!r}; known: {", ".join(CLASS_NUMBERS)}. '
            'For other classes use the COCO format'
        )
    return [CLASS_NUMBERS[name] for name in class_names]


def _read_sequence(folder: Path, numbers: list[int]) -> Clip:
    info = sequence_info(folder)
    truth = read_annotations(folder / 'gt' / 'gt.txt')
    images = tuple(
        LabeledImage(
            path=path,
            number=number,
            annotations=_of_classes(truth[number], numbers)
            if number in truth
            else Annotations.empty(),
        )
        for number, path in sequence_images(folder, info).items()
        if 1 <= number <= info.length
    )
    if not images:
        raise JtnError(
            f'{folder / info.image_dir} contains no images such as 000001{info.image_extension}; '
            'training reads images, so turn a video into images first (ffmpeg)'
        )
    return Clip(name=folder.resolve().name, frame_rate=info.frame_rate, images=images)


def _of_classes(objects: Annotations, numbers: list[int]) -> Annotations:
    """Keep the objects of some classes, and ignored regions that may contain such objects."""
    found = objects.class_ids + 1
    crowd = found == _CROWD
    found = np.where(crowd, CLASS_NUMBERS['person'], found)
    class_ids = np.full(len(objects), -1, np.int32)
    for index, number in enumerate(numbers):
        class_ids[found == number] = index
    marked = replace(objects, class_ids=class_ids, ignored=objects.ignored | crowd)
    return marked.select(class_ids >= 0)
