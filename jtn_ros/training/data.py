"""What a recipe trains and validates on."""

import math
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset

from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.readers import read_clips
from jtn_ros.training import processes
from jtn_ros.training.annotated_pairs import AnnotatedPairs
from jtn_ros.training.pairs import Arrays
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.synthetic_pairs import SyntheticPairs


@dataclass(frozen=True)
class TrainingData:
    """The samples of a whole run.

    Attributes:
        samples: item number i is a batch of at least one pair.
        per_step: items in a step, over all processes.
        steps: steps of the run.
        identities: number of identities, which count from 1; 0 when they have no end.
    """

    samples: Dataset[Arrays]
    per_step: int
    steps: int
    identities: int

    def batches(self, start: int, workers: int) -> DataLoader[Any]:
        """Return the batches of this process from step `start` on."""
        if self.per_step % processes.count():
            raise ValueError(
                f'a step has {self.per_step} items, which {processes.count()} processes cannot '
                'share evenly; change batch_size or scenes_per_step'
            )
        return DataLoader(
            self.samples,
            batch_sampler=_Shares(start, self.steps, self.per_step),
            collate_fn=join_items,
            num_workers=workers,
            worker_init_fn=_use_one_core,
            prefetch_factor=4 if workers else None,
            pin_memory=torch.cuda.is_available(),
        )


def open_training_data(recipe: Recipe, folder: Path | None) -> TrainingData:
    """Open what a recipe trains on.

    Args:
        recipe: the recipe.
        folder: where its annotated footage lies.

    Raises:
        OSError, ValueError: if the footage is missing or not valid.
    """
    data = recipe.data
    if not isinstance(data, AnnotatedData):
        return TrainingData(SyntheticPairs(recipe), recipe.scenes_per_step, recipe.steps, 0)
    if folder is None:
        raise ValueError('this recipe trains on annotated footage: say where it is (--data DIR)')
    clips = read_clips(folder / data.train, recipe.network.class_names)
    if data.halves:
        clips = [clip.first_half() for clip in clips]
    images = sum(len(clip.images) for clip in clips)
    steps = math.ceil(data.epochs * images / data.batch_size) or recipe.steps
    pairs = AnnotatedPairs(recipe, clips, steps * data.batch_size)
    return TrainingData(pairs, data.batch_size, steps, pairs.identities)


def open_validation_clips(recipe: Recipe, folder: Path | None) -> list[Clip]:
    """Return the clips that a recipe is validated on; none where it names none.

    Raises:
        OSError, ValueError: if the footage is missing or not valid.
    """
    data = recipe.data
    if not isinstance(data, AnnotatedData) or not data.validation or folder is None:
        return []
    clips = read_clips(folder / data.validation, recipe.network.class_names)
    if data.halves:
        clips = [clip.second_half() for clip in clips]
    return [clip for clip in clips if clip.images]


def join_items(items: Sequence[Arrays]) -> dict[str, Tensor]:
    """Join items to one batch of tensors (pairs of all items, ...)."""
    return {
        name: torch.from_numpy(np.concatenate([item[name] for item in items])) for name in items[0]
    }


def _use_one_core(worker: int) -> None:
    """Keep the threads of OpenCV from competing with the other workers."""
    del worker
    cv2.setNumThreads(1)


class _Shares:
    """The items of each step that are this process's share."""

    def __init__(self, start: int, stop: int, per_step: int) -> None:
        self._steps = range(start, stop)
        self._per_step = per_step

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[int]]:
        share = self._per_step // processes.count()
        for step in self._steps:
            first = step * self._per_step + processes.rank() * share
            yield list(range(first, first + share))
