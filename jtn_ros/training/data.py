"""The training and validation data of a recipe."""

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
from jtn_ros.errors import JtnError
from jtn_ros.training import processes
from jtn_ros.training.annotated_pairs import AnnotatedPairs
from jtn_ros.training.pairs import Arrays
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.recipe import SyntheticData
from jtn_ros.training.synthetic_pairs import PAIRS_PER_SCENE
from jtn_ros.training.synthetic_pairs import SyntheticPairs


@dataclass(frozen=True)
class Source:
    """One source of samples.

    Attributes:
        samples: dataset whose items contain one or more image pairs.
        per_step: items per step, over all processes.
    """

    samples: Dataset[Arrays]
    per_step: int


@dataclass(frozen=True)
class TrainingData:
    """The samples of a complete run.

    Attributes:
        sources: the sources in each batch.
        steps: number of steps of the run.
        identities: number of identities, which start at 1; 0 if it is unlimited.
    """

    sources: tuple[Source, ...]
    steps: int
    identities: int

    def batches(self, start: int, workers: int) -> DataLoader[Any]:
        """Return the batches of this process, from step `start`.

        Raises:
            JtnError: if the processes cannot share the items of a step evenly.
        """
        per_step = [source.per_step for source in self.sources]
        for number in per_step:
            if number % processes.count():
                raise JtnError(
                    f'a step has {number} items of a source, which {processes.count()} processes '
                    'cannot share evenly; change batch_size or the shares'
                )
        return DataLoader(
            _Mixture(self.sources),
            batch_sampler=_Shares(start, self.steps, per_step),
            collate_fn=join_items,
            num_workers=workers,
            worker_init_fn=_use_one_core,
            prefetch_factor=4 if workers else None,
            pin_memory=torch.cuda.is_available(),
        )


def open_training_data(recipe: Recipe, folder: Path | None) -> TrainingData:
    """Open the training data of a recipe.

    Args:
        recipe: the recipe.
        folder: folder of its annotated footage.

    Raises:
        OSError, JtnError: if the footage is missing or not valid.
    """
    sources, steps, identities = [], recipe.steps, 0
    whole = sum(data.share for data in recipe.data)
    for data in recipe.data:
        pairs = recipe.batch_size * data.share / whole
        if isinstance(data, SyntheticData):
            items = max(1, round(pairs / PAIRS_PER_SCENE))
            sources.append(Source(SyntheticPairs(recipe, data), items))
            continue
        clips = _open_clips(recipe, data, folder)
        if recipe.epochs:
            images = sum(len(clip.images) for clip in clips)
            steps = math.ceil(recipe.epochs * images / recipe.batch_size)
        samples = AnnotatedPairs(recipe, data, clips)
        identities = samples.identities
        sources.append(Source(samples, max(1, round(pairs / data.views))))
    return TrainingData(tuple(sources), steps, identities if len(sources) == 1 else 0)


def _open_clips(recipe: Recipe, data: AnnotatedData, folder: Path | None) -> list[Clip]:
    """Return the footage of a source, without the parts that are not used for training."""
    if folder is None:
        raise JtnError('this recipe trains on annotated footage: specify its folder (--data DIR)')
    clips = read_clips(folder / data.train, recipe.network.class_names)
    if data.sources:
        known = {clip.source for clip in clips}
        if missing := set(data.sources) - known:
            raise JtnError(
                f'{folder / data.train} has no images of the source {min(missing)!r}; known: '
                f'{", ".join(sorted(known))}'
            )
        clips = [clip for clip in clips if clip.source in data.sources]
    return [clip.first_half() for clip in clips] if data.halves else clips


def open_validation_clips(recipe: Recipe, folder: Path | None) -> list[Clip]:
    """Return the validation clips of a recipe; empty if it specifies none.

    Raises:
        OSError, JtnError: if the footage is missing or not valid.
    """
    clips = []
    for data in recipe.data:
        if isinstance(data, AnnotatedData) and data.validation and folder is not None:
            found = read_clips(folder / data.validation, recipe.network.class_names)
            clips += [clip.second_half() for clip in found] if data.halves else found
    return [clip for clip in clips if clip.images]


def join_items(items: Sequence[Arrays]) -> dict[str, Tensor]:
    """Join items into one batch of tensors (pairs of all items, ...)."""
    return {
        name: torch.from_numpy(np.concatenate([item[name] for item in items])) for name in items[0]
    }


def _use_one_core(worker: int) -> None:
    """Prevent OpenCV threads from competing with the other workers."""
    del worker
    cv2.setNumThreads(1)


class _Mixture(Dataset[Arrays]):
    """The items of several sources, with separate identities."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._samples = [source.samples for source in sources]

    def __getitem__(self, key: tuple[int, int]) -> Arrays:
        number, index = key
        item = dict(self._samples[number][index])
        if number:
            item['identity'] = item['identity'] + (number << 48)
        return item


class _Shares:
    """The share of this process of the items of each step, by source and number."""

    def __init__(self, start: int, stop: int, per_step: Sequence[int]) -> None:
        self._steps = range(start, stop)
        self._per_step = per_step

    def __len__(self) -> int:
        return len(self._steps)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for step in self._steps:
            keys = []
            for source, number in enumerate(self._per_step):
                share = number // processes.count()
                first = step * number + processes.rank() * share
                keys += [(source, index) for index in range(first, first + share)]
            yield keys
