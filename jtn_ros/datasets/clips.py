"""Footage with ground truth, whatever format it came in: clips of labelled images."""

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations


@dataclass(frozen=True, kw_only=True)
class LabelledImage:
    """One image and what is in it.

    Attributes:
        path: the image file.
        number: number of the frame in its clip, from 1; numbers may have gaps.
        annotations: the objects, with class ids of the network.
    """

    path: Path
    number: int
    annotations: Annotations

    def read(self) -> NDArray[np.uint8]:
        """Return the pixels, uint8 BGR (H, W, 3).

        Raises:
            OSError: if the file cannot be read.
        """
        pixels = cv2.imread(str(self.path), cv2.IMREAD_COLOR)
        if pixels is None:
            raise OSError(f'{self.path} cannot be read as an image; try `jtn dataset check`')
        return np.asarray(pixels, np.uint8)


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Images of one camera in the order of time; a still image is a clip of one.

    Attributes:
        name: name of the clip.
        frame_rate: frames per second.
        images: the images, with rising numbers.
        source: where the images come from, as a COCO file may say; '' where it does not.
    """

    name: str
    frame_rate: float
    images: tuple[LabelledImage, ...]
    source: str = ''

    def first_half(self) -> Self:
        """Return CenterTrack's training half: of n images, the first n // 2 + 1."""
        return replace(self, images=self.images[: len(self.images) // 2 + 1])

    def second_half(self) -> Self:
        """Return CenterTrack's validation half: the images that are not in the first."""
        return replace(self, images=self.images[len(self.images) // 2 + 1 :])
