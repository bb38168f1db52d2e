"""A short drawn sequence in MOTChallenge format, to train on."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import write_ground_truth
from jtn_ros.datasets.mot_challenge import write_sequence_info

WIDTH, HEIGHT, FRAME_RATE = 160, 96, 20.0
# left, top, width, height, pixels a frame to the right and down, class id (2 is a car)
MOVERS = (
    (8.0, 16.0, 24.0, 56.0, 0.8, 0.1, 0),
    (120.0, 24.0, 28.0, 60.0, -0.5, -0.2, 0),
    (60.0, 40.0, 44.0, 26.0, 0.5, 0.6, 2),
)


@pytest.fixture(scope='session')
def draw_sequence() -> Callable[..., Path]:
    """Return a function that writes the sequence, and returns its folder."""
    return _draw_sequence


def _draw_sequence(folder: Path, frames: int, *, cars: bool = False) -> Path:
    rng = np.random.default_rng(7)
    movers = [mover for mover in MOVERS if cars or mover[6] == 0]
    background = cv2.resize(rng.integers(60, 130, (6, 10, 3), np.uint8), (WIDTH, HEIGHT))
    textures = [rng.integers(0, 256, (7, 3, 3), np.uint8) for _ in movers]
    (folder / 'img1').mkdir(parents=True)
    truth = {}
    for number in range(1, frames + 1):
        image = background.copy()
        boxes = []
        for (x, y, width, height, right, down, _), texture in zip(movers, textures, strict=True):
            left, top = round(x + right * (number - 1)), round(y + down * (number - 1))
            box = [left, top, left + round(width), top + round(height)]
            patch = cv2.resize(texture, (round(width), round(height)))
            image[box[1] : box[3], box[0] : box[2]] = patch
            boxes.append(box)
        cv2.imwrite(str(folder / 'img1' / f'{number:06d}.png'), image)
        truth[number] = Annotations(
            ids=np.arange(1, len(movers) + 1),
            boxes=np.array(boxes, np.float32),
            class_ids=np.array([mover[6] for mover in movers], np.int32),
            visibilities=np.ones(len(movers), np.float32),
            ignored=np.zeros(len(movers), np.bool_),
        )
    write_ground_truth(folder / 'gt' / 'gt.txt', truth)
    write_sequence_info(
        folder,
        SequenceInfo(
            name=folder.name,
            frame_rate=FRAME_RATE,
            length=frames,
            width=WIDTH,
            height=HEIGHT,
            image_extension='.png',
        ),
    )
    return folder
