"""Image pairs with targets, from annotated footage."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from jtn_ros.datasets.augmentation import Frame
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.mosaic import compose
from jtn_ros.datasets.mosaic import draw_tiles
from jtn_ros.errors import JtnError
from jtn_ros.training.pairs import Arrays
from jtn_ros.training.pairs import PairMaker
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import Recipe


class AnnotatedPairs(Dataset[Arrays]):
    """The samples of a run; the number of a sample determines its content.

    Each image is used once per epoch, in a different order in each epoch. Its previous frame is
    drawn from those within the gap of the recipe, earlier or later. If a frame draws itself, as a
    still image always does, a camera motion is simulated. Further views of the sample show the
    same image, or a later one of the same video. A mosaic combines four clips.
    """

    def __init__(self, recipe: Recipe, data: AnnotatedData, clips: Sequence[Clip]) -> None:
        """Assign unique numbers to the identities of all clips.

        Args:
            recipe: the recipe.
            data: the source of the clips.
            clips: the footage.

        Raises:
            JtnError: if there are no images.
        """
        self.data = data
        self.clips, self.identities = number_identities(clips)
        self._places = [
            (clip, index) for clip, one in enumerate(clips) for index in range(len(one.images))
        ]
        if not self._places:
            raise JtnError('there are no images to train on')
        self._maker = PairMaker(recipe, data)

    def __getitem__(self, index: int) -> Arrays:
        """Return sample `index`: a pair for each view."""
        epoch, turn = divmod(index, len(self._places))
        order = np.random.default_rng([self.data.seed, epoch]).permutation(len(self._places))
        rng = np.random.default_rng([self.data.seed, index, 1])
        places = {self._places[order[turn]][0]: self._places[order[turn]][1]}
        if self.data.mosaic and rng.random() < self.data.mosaic:
            # Tiles of one clip could show the same person twice in a frame.
            for place in rng.integers(len(self._places), size=3):
                places.setdefault(*self._places[place])
        pairs = [self._draw_pair(places, rng)]
        for _ in range(1, self.data.views):
            later = {
                clip: self.draw_near(clip, position, self.data.view_gap, rng)
                for clip, position in places.items()
            }
            pairs.append(self._draw_pair(later, rng))
        return {name: np.stack([pair[name] for pair in pairs]) for name in pairs[0]}

    def _draw_pair(self, places: Mapping[int, int], rng: np.random.Generator) -> Arrays:
        """Return a pair of images from clips at positions; several clips give a mosaic."""
        before, now = [], []
        moved = True
        for clip, position in places.items():
            images = self.clips[clip].images
            previous = self.draw_near(clip, position, self.data.max_gap, rng)
            now.append(load(images[position]))
            before.append(now[-1] if previous == position else load(images[previous]))
            moved &= previous == position
        if len(places) == 1:
            return self._maker.make(before[0], now[0], rng, moved=moved)
        layout = self._maker.layout
        size = layout.input_width, layout.input_height
        tiles = draw_tiles([(image.shape[1], image.shape[0]) for image, _ in now], *size, rng)
        joined = compose(now, tiles, *size)
        earlier = joined if moved else compose(before, tiles, *size)
        return self._maker.make(earlier, joined, rng, moved=moved)

    def draw_near(self, clip: int, position: int, gap: float, rng: np.random.Generator) -> int:
        """Return the position of a frame within a gap, in seconds, from another."""
        one = self.clips[clip]
        reach = max(1, int(gap * one.frame_rate + 1e-6))
        numbers = np.array([image.number for image in one.images])
        near = np.flatnonzero(abs(numbers - numbers[position]) <= reach)
        return int(rng.choice(near))


def load(image: LabeledImage) -> Frame:
    """Read an image.

    Raises:
        JtnError: if it cannot be read.
    """
    return image.read(), image.annotations


def number_identities(clips: Sequence[Clip]) -> tuple[list[Clip], int]:
    """Return the clips with unique identities over all clips, from 1, and their number."""
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
