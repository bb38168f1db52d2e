"""A training recipe: everything that decides the weights, read from one YAML file."""

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any
from typing import Literal
from typing import get_args
from typing import get_origin

import yaml

from jtn_ros.datasets.augmentation import Augmentation
from jtn_ros.datasets.targets import PriorNoise
from jtn_ros.errors import JtnError
from jtn_ros.network.backbones import BACKBONES
from jtn_ros.network.joint_track_net import NetworkConfig
from jtn_ros.renames import with_current_names


@dataclass(frozen=True, kw_only=True)
class PairData:
    """What image pairs have in common, wherever they come from.

    Attributes:
        share: share of the batches, beside the other sources; rounded to whole scenes or views.
        seed: start of every random choice.
        min_visibility: objects less visible are no targets (0 to 1).
        clear_visibility: objects that are less visible than this, and are not left out by
            `min_visibility`, are ignored: neither targets nor background (0 to 1).
        min_height: objects lower than this many network pixels are ignored.
        no_prior: share of the pairs whose prior heat map is empty (0 to 1).
        first_frame: share of the pairs whose previous image is the image itself (0 to 1).
        ghosts: mean number of tracks in the prior heat map where nobody is.
    """

    share: float = 1.0
    seed: int = 1
    min_visibility: float = 0.25
    clear_visibility: float = 0.0
    min_height: float = 8.0
    no_prior: float = 0.3
    first_frame: float = 0.05
    ghosts: float = 0.7

    def __post_init__(self) -> None:
        """Refuse what no pair can be made of."""
        for name in ('min_visibility', 'clear_visibility', 'no_prior', 'first_frame'):
            if not 0 <= getattr(self, name) <= 1:
                raise JtnError(f'{name} is {getattr(self, name)}; give 0 to 1')
        if self.seed < 0 or self.ghosts < 0:
            raise JtnError('seed and ghosts must be at least 0')
        if not 0 < self.share <= 1:
            raise JtnError(f'share is {self.share}; give more than 0, at most 1')


@dataclass(frozen=True, kw_only=True)
class SyntheticData(PairData):
    """Image pairs drawn from synthetic scenes, a new one for every index.

    Attributes:
        frame_gap: shortest and longest time between the frames of a pair, in seconds.
        burst_gap: shortest and longest time between the two bursts of a scene, in seconds; the
            second one shows the same people later, which teaches the embedding.
        people: least and greatest number of people in a scene; small numbers are as likely as
            large ones (their logarithm is even).
    """

    frame_gap: tuple[float, float] = (0.03, 0.2)
    burst_gap: tuple[float, float] = (0.5, 3.0)
    people: tuple[int, int] = (2, 36)


@dataclass(frozen=True, kw_only=True)
class AnnotatedData(PairData):
    """Image pairs from annotated footage; paths are relative to the folder given to the run.

    Attributes:
        train: folder of MOTChallenge sequences, CrowdHuman ``.odgt`` or COCO ``.json`` file.
        sources: of a COCO file whose images name a `source`, take only these; () takes all.
        validation: the same as `train`, scored from time to time; '' for nothing.
        halves: train on the first half of every sequence and validate on the second
            (CenterTrack's protocol, when `train` and `validation` are the same).
        max_gap: longest time between the frames of a pair, in seconds, either way; a direct
            neighbour is never too far, and the frame itself is as likely as another.
        views: image pairs that a sample makes of the same picture, each changed in its own way.
            Two or more show everyone twice, which teaches the embedding by contrast.
        view_gap: longest time between the frames of the views of a video, in seconds.
        mosaic: share of the samples that put four pictures together (0 to 1).
        cut_boxes: whether boxes end at the border of the picture, as most people label them, so
            that crops cut them, too.
    """

    train: str
    sources: tuple[str, ...] = ()
    validation: str = ''
    halves: bool = False
    max_gap: float = 0.1
    first_frame: float = 0.0
    views: int = 1
    view_gap: float = 2.0
    mosaic: float = 0.0
    cut_boxes: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be trained on."""
        super().__post_init__()
        if self.views < 1 or self.max_gap < 0 or self.view_gap < 0:
            raise JtnError('views must be at least 1, max_gap and view_gap at least 0')
        if not 0 <= self.mosaic <= 1:
            raise JtnError(f'mosaic is {self.mosaic}; give 0 to 1')


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training run.

    Attributes:
        network: the network and its metadata.
        data: where the image pairs come from: one source, or a list of them. Every batch mixes
            them by their shares. A source that names `train` is annotated footage, else it is
            synthetic scenes.
        augmentation: how the image pairs are changed.
        prior_noise: how the prior heat map is disturbed.
        initial_weights: checkpoint to start from, 'imagenet' for those of the backbone, '' for
            fresh weights.
        freeze: names of modules of the network that stay as they are in the initial weights.
        steps: optimizer steps, unless the recipe counts epochs.
        epochs: passes over the images of a single source of annotated footage; 0 leaves the
            length to `steps`.
        batch_size: image pairs in a step, over all processes.
        max_objects: slots for objects in an image.
        optimizer: 'adamw', or 'sgd' with momentum 0.9.
        learning_rate: peak learning rate.
        backbone_rate: factor of the learning rate for the backbone.
        weight_decay: on all weights but the loss's own.
        warm_up: steps of linear warm-up; the schedule follows.
        schedule: 'cosine' down to a hundredth, or 'step', which without `drops` is level.
        drops: for 'step', after which shares of the run the rate falls to a tenth (0 to 1).
        gradient_clip: largest norm of the gradient.
        freeze_batch_norm: keep the statistics of the batch norms as they are in the initial
            weights, for batches too small to have their own.
        ema_decay: decay of the moving average of the weights, which is what is kept.
        identity_loss: 'focal' or 'ce' (tell all identities of the footage apart), or 'contrast'
            (within the batch, for scenes without end).
        temperature: of the contrastive identity loss.
        box_loss: 'l1' (published), or 'giou', which adds the generalized overlap of the boxes,
            learned at the centre of an object and at four cells around it.
        balance: 'uncertainty' (learned) or 'fixed' weights of detection and identity.
        identity_weight: weight of the identity loss when the balance is fixed.
        precision: 'f32', 'bf16' or 'f16'; the last two are mixed with f32. 'auto' is bf16 where
            the device computes in it, else f32.
        seed: of the fresh weights.
        checkpoint_every: steps between checkpoints.
        validations: how often the run is validated, evenly spread; the last time at its end.
    """

    network: NetworkConfig
    data: tuple[SyntheticData | AnnotatedData, ...] = (SyntheticData(),)
    augmentation: Augmentation = field(default_factory=Augmentation)
    prior_noise: PriorNoise = field(default_factory=PriorNoise)
    initial_weights: str = ''
    freeze: tuple[str, ...] = ()
    steps: int = 10000
    epochs: int = 0
    batch_size: int = 8
    max_objects: int = 64
    optimizer: Literal['adamw', 'sgd'] = 'adamw'
    learning_rate: float = 1e-3
    backbone_rate: float = 1.0
    weight_decay: float = 1e-4
    warm_up: int = 200
    schedule: Literal['cosine', 'step'] = 'cosine'
    drops: tuple[float, ...] = ()
    gradient_clip: float = 10.0
    freeze_batch_norm: bool = False
    ema_decay: float = 0.998
    identity_loss: Literal['contrast', 'focal', 'ce'] = 'contrast'
    temperature: float = 0.1
    box_loss: Literal['l1', 'giou'] = 'l1'
    balance: Literal['uncertainty', 'fixed'] = 'uncertainty'
    identity_weight: float = 0.1
    precision: Literal['auto', 'f32', 'bf16', 'f16'] = 'auto'
    seed: int = 317
    checkpoint_every: int = 250
    validations: int = 5

    def __post_init__(self) -> None:
        """Refuse what no run can be made of."""
        for name in ('steps', 'batch_size', 'max_objects', 'checkpoint_every'):
            if getattr(self, name) < 1:
                raise JtnError(f'{name} is {getattr(self, name)}; give 1 or more')
        if self.identity_weight < 0:
            raise JtnError(f'identity_weight is {self.identity_weight}; give 0 or more')
        if not 0 <= self.ema_decay < 1:
            raise JtnError(f'ema_decay is {self.ema_decay}; give a number from 0 to below 1')
        if not all(0 < share < 1 for share in self.drops):
            raise JtnError(f'drops is {self.drops}; give shares of the run between 0 and 1')
        if self.drops and self.schedule != 'step':
            raise JtnError(f"drops belong to the schedule 'step', not {self.schedule!r}")
        if not self.data:
            raise JtnError('data is empty; give at least one source')
        annotated = [source for source in self.data if isinstance(source, AnnotatedData)]
        if self.epochs < 0 or (self.epochs and (len(annotated) != 1 or len(self.data) != 1)):
            raise JtnError(f'epochs is {self.epochs}; they count passes over one annotated source')
        if self.network.embedding_head:
            self._check_identities(annotated)

    def _check_identities(self, annotated: Sequence[AnnotatedData]) -> None:
        """Refuse an identity loss that the sources cannot teach."""
        synthetic = len(annotated) < len(self.data)
        if self.identity_loss == 'contrast':
            if not synthetic and all(source.views < 2 for source in annotated):
                raise JtnError(
                    "identity_loss is 'contrast', but a batch of annotated footage seldom shows "
                    "anyone twice; give views: 2, use 'focal' or 'ce', or leave out the embedding "
                    'head'
                )
        elif synthetic:
            raise JtnError(
                f'identity_loss is {self.identity_loss!r}, but synthetic scenes have no end of '
                "identities; use 'contrast'"
            )


_NESTED = {'network': NetworkConfig, 'augmentation': Augmentation, 'prior_noise': PriorNoise}


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if the file is no mapping, has unknown keys or values of the wrong type.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise JtnError(f'{path}: not YAML: {error}') from error
    recipe: Recipe = _build(Recipe, values, path.name)
    return recipe


def _build(kind: type, values: Any, where: str) -> Any:
    """Fill a dataclass from a mapping, refusing what it does not know."""
    if not isinstance(values, dict):
        raise JtnError(f'{where}: expected a mapping of settings, got {values!r}')
    known = {entry.name: entry.type for entry in fields(kind)}
    if kind is NetworkConfig:
        values = with_current_names(values)
    for name in values:
        if name not in known:
            close = get_close_matches(str(name), known, 1)
            hint = f'did you mean {close[0]!r}?' if close else f'known: {", ".join(sorted(known))}'
            raise JtnError(f'{where}: unknown setting {name!r}; {hint}')
    arguments: dict[str, Any] = {}
    if kind is NetworkConfig and values.get('backbone') in BACKBONES:
        backbone = BACKBONES[values['backbone']]
        arguments |= {'mean': backbone.mean, 'std': backbone.std}
    for name, value in values.items():
        place = f'{where}: {name}'
        if kind is Recipe and name == 'data':
            sources = value if isinstance(value, list) else [value]
            arguments[name] = tuple(_build(_kind_of(source), source, place) for source in sources)
        elif kind is Recipe and name in _NESTED:
            arguments[name] = _build(_NESTED[name], value, place)
        else:
            arguments[name] = _typed(value, known[name], place)
    try:
        return kind(**arguments)
    except (TypeError, JtnError) as error:
        raise JtnError(f'{where}: {error}') from error


def _kind_of(source: Any) -> type:
    """Return what kind of source a mapping describes."""
    return AnnotatedData if isinstance(source, dict) and 'train' in source else SyntheticData


def _typed(value: Any, kind: Any, where: str) -> Any:
    """Return a plain value, list or mapping as the type that the setting has."""
    outer, inner = get_origin(kind), get_args(kind)
    if outer is Literal:
        if value not in inner:
            raise JtnError(f'{where} is {value!r}; known: {", ".join(inner)}')
        return value
    if outer is tuple:
        endless = inner[-1] is Ellipsis
        if not isinstance(value, list) or not (endless or len(value) == len(inner)):
            raise JtnError(
                f'{where} is {value!r}; expected a list' + f' of {len(inner)}' * (not endless)
            )
        kinds = [inner[0]] * len(value) if endless else inner
        return tuple(_typed(item, kind, where) for item, kind in zip(value, kinds, strict=True))
    if outer is Mapping:
        if not isinstance(value, dict):
            raise JtnError(f'{where} is {value!r}; expected a mapping')
        return {
            _typed(key, inner[0], where): _typed(item, inner[1], f'{where}: {key}')
            for key, item in value.items()
        }
    if kind is float and isinstance(value, int | str) and not isinstance(value, bool):
        try:  # YAML reads 1e-3 as text, which is meant as a number
            value = float(value)
        except (ValueError, OverflowError):
            raise JtnError(f'{where} is {value!r}; expected a number') from None
    if type(value) is not kind or (kind is float and not isfinite(value)):
        raise JtnError(f'{where} is {value!r}; expected {kind.__name__}')
    return value
