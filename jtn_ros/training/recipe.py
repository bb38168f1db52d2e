"""A training recipe: everything that decides the weights, read from one YAML file."""

from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import yaml

from jtn_ros.datasets.augmentation import Augmentation
from jtn_ros.datasets.targets import PriorNoise
from jtn_ros.network.joint_track_net import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class SyntheticData:
    """Image pairs drawn from synthetic scenes, a new one for every index.

    Attributes:
        seed: start of the scenes' seeds.
        max_objects: slots for objects.
        min_visibility: objects less visible are no targets (0 to 1).
        min_height: objects lower than this many network pixels are ignored.
        frame_gap: shortest and longest time between the frames of a pair, in seconds.
        burst_gap: shortest and longest time between the two bursts of a scene, in seconds; the
            second one shows the same people later, which teaches the embedding.
        no_prior: share of the pairs whose prior heat map is empty (0 to 1).
        first_frame: share of the pairs whose previous image is the image itself (0 to 1).
        people: least and greatest number of people in a scene; small numbers are as likely as
            large ones (their logarithm is even).
        ghosts: mean number of tracks in the prior heat map where nobody is.
    """

    seed: int = 1
    max_objects: int = 64
    min_visibility: float = 0.25
    min_height: float = 8.0
    frame_gap: tuple[float, float] = (0.03, 0.2)
    burst_gap: tuple[float, float] = (0.5, 3.0)
    no_prior: float = 0.3
    first_frame: float = 0.05
    people: tuple[int, int] = (2, 36)
    ghosts: float = 0.7


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run.

    Attributes:
        network: the network and its metadata.
        data: where the image pairs come from.
        augmentation: how the image pairs are changed.
        prior_noise: how the prior heat map is disturbed.
        initial_weights: checkpoint to start from, '' for fresh weights.
        steps: optimizer steps.
        scenes_per_step: scenes in a batch; each gives four image pairs.
        learning_rate: peak learning rate of AdamW.
        weight_decay: of AdamW, on all weights but the loss's own.
        warm_up: steps of linear warm-up; a cosine follows.
        gradient_clip: largest norm of the gradient.
        ema_decay: decay of the moving average of the weights, which is what is kept.
        temperature: of the contrastive identity loss.
        precision: 'bf16' (mixed) or 'f32'.
        seed: of the fresh weights.
        checkpoint_every: steps between checkpoints.
    """

    network: NetworkConfig
    data: SyntheticData = field(default_factory=SyntheticData)
    augmentation: Augmentation = field(default_factory=Augmentation)
    prior_noise: PriorNoise = field(default_factory=PriorNoise)
    initial_weights: str = ''
    steps: int = 10000
    scenes_per_step: int = 2
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warm_up: int = 200
    gradient_clip: float = 10.0
    ema_decay: float = 0.998
    temperature: float = 0.1
    precision: str = 'bf16'
    seed: int = 317
    checkpoint_every: int = 250


NESTED = {
    'network': NetworkConfig,
    'data': SyntheticData,
    'augmentation': Augmentation,
    'prior_noise': PriorNoise,
}


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        ValueError: if the file is no mapping, has unknown keys or values of the wrong type.
    """
    values = yaml.safe_load(path.read_text())
    recipe = _build(Recipe, values, path.name)
    if not isinstance(recipe, Recipe):
        raise TypeError(f'{path.name} did not give a recipe')
    return recipe


def _build(kind: type, values: Any, where: str) -> Any:
    """Fill a dataclass from a mapping, refusing what it does not know."""
    if not isinstance(values, dict) or not is_dataclass(kind):
        raise ValueError(f'{where}: expected a mapping of settings, got {values!r}')
    known = {entry.name: entry for entry in fields(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise ValueError(
            f'{where}: unknown setting {unknown[0]!r}; known: {", ".join(sorted(known))}'
        )
    arguments = {}
    for name, value in values.items():
        if name in NESTED and kind is Recipe:
            value = _build(NESTED[name], value, f'{where}: {name}')
        elif isinstance(value, list):
            value = tuple(value)
        else:
            value = _number(value, known[name].type, f'{where}: {name}')
        arguments[name] = value
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ValueError(f'{where}: {error}') from error


def _number(value: Any, kind: Any, where: str) -> Any:
    """Check a plain value; YAML reads 1e-3 as text, which is meant as a number."""
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            raise ValueError(f'{where} is {value!r}; expected a number') from None
    if kind in (int, float, str, bool) and type(value) is not kind:
        raise ValueError(f'{where} is {value!r}; expected {kind.__name__}')
    return value
