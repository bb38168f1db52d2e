"""Image pairs with targets, from annotated footage."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from jtn_ros.datasets.augmentation import Frame
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.clips import LabelledImage
from jtn_ros.training.pairs import Arrays
from jtn_ros.training.pairs import PairMaker
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import Recipe


class AnnotatedPairs(Dataset[Arrays]):
    """Sample number i of a run, which the number alone decides.

    Every image comes once in an epoch, in an order of its own for each epoch. Its previous frame
    is drawn from those within the recipe's gap, earlier or later; a frame that draws itself, as a
    still image must, shows a moved camera instead.
    """

    def __init__(self, recipe: Recipe, clips: Sequence[Clip], length: int) -> None:
        """Give the identities of all clips numbers of their own.

        Args:
            recipe: a recipe for annotated footage.
            clips: the footage.
            length: samples of the whole run.

        Raises:
            ValueError: if there are no images.
        """
        if not isinstance(recipe.data, AnnotatedData):
            raise TypeError('the recipe trains on synthetic scenes')
        self.data = recipe.data
        self.clips, self.identities = number_identities(clips)
        self._places = [
            (clip, index) for clip, one in enumerate(clips) for index in range(len(one.images))
        ]
        if not self._places:
            raise ValueError('there are no images to train on')
        self._length = length
        self._maker = PairMaker(recipe)

    def __len__(self) -> int:
        """Return the samples of the whole run."""
        return self._length

    def __getitem__(self, index: int) -> Arrays:
        """Return sample `index` as a batch of one pair."""
        epoch, turn = divmod(index, len(self._places))
        order = np.random.default_rng([self.data.seed, epoch]).permutation(len(self._places))
        rng = np.random.default_rng([self.data.seed, index, 1])
        clip, position = self._places[order[turn]]
        images = self.clips[clip].images
        previous = self.draw_previous(clip, position, rng)
        pair = self._maker.make(
            load(images[previous]), load(images[position]), rng, moved=previous == position
        )
        return {name: value[None] for name, value in pair.items()}

    def draw_previous(self, clip: int, position: int, rng: np.random.Generator) -> int:
        """Return the position of a frame that may precede another in a pair."""
        one = self.clips[clip]
        reach = max(1, int(self.data.max_gap * one.frame_rate + 1e-6))
        numbers = np.array([image.number for image in one.images])
        near = np.flatnonzero(abs(numbers - numbers[position]) <= reach)
        return int(rng.choice(near))


def load(image: LabelledImage) -> Frame:
    """Read an image.

    Raises:
        OSError: if it cannot be read.
    """
    pixels = cv2.imread(str(image.path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise OSError(f'{image.path} cannot be read as an image; try `jtn dataset check`')
    return np.asarray(pixels, np.uint8), image.annotations


def number_identities(clips: Sequence[Clip]) -> tuple[list[Clip], int]:
    """Return the clips with identities from 1 on that no two clips share, and their number."""
    numbered, count = [], 0
    for clip in clips:
        ids = [image.annotations.ids for image in clip.images]
        known, places = np.unique(
            np.concatenate([np.zeros(0, np.int64), *ids]), return_inverse=True
        )
        parts: list[NDArray[np.int64]] = np.split(
            places + count + 1, np.cumsum([*map(len, ids)])[:-1]
        )
        numbered.append(
            replace(
                clip,
                images=tuple(
                    replace(image, annotations=replace(image.annotations, ids=part))
                    for image, part in zip(clip.images, parts, strict=True)
                ),
            )
        )
        count += len(known)
    return numbered, count
