"""Clips of labeled images, the common representation of all dataset formats."""

from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.errors import JtnError
from jtn_ros.image_file import read_image


@dataclass(frozen=True, kw_only=True)
class LabeledImage:
    """One image with its annotated objects.

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
            JtnError: if the file cannot be read.
        """
        try:
            return read_image(self.path)
        except (JtnError, OSError) as error:
            raise JtnError(
                f'{self.path} cannot be read as an image ({error}); try `jtn dataset check`'
            ) from error


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Images of one camera in temporal order; a still image is a clip of one image.

    Attributes:
        name: name of the clip.
        frame_rate: frames per second.
        images: the images, with increasing numbers.
        source: source of the images, which a COCO file may name; '' if unknown.
    """

    name: str
    frame_rate: float
    images: tuple[LabeledImage, ...]
    source: str = ''

    def first_half(self) -> Self:
        """Return CenterTrack's training half: of n images, the first n // 2 + 1."""
        return replace(self, images=self.images[: len(self.images) // 2 + 1])

    def second_half(self) -> Self:
        """Return CenterTrack's validation half: the images that are not in the first."""
        return replace(self, images=self.images[len(self.images) // 2 + 1 :])
