"""A training recipe: all settings that determine the weights, read from one YAML file."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import Literal

import yaml

from jtn_ros.datasets.augmentation import Augmentation
from jtn_ros.datasets.targets import PriorNoise
from jtn_ros.errors import JtnError
from jtn_ros.network.backbones import BACKBONES
from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.settings import Settings
from jtn_ros.settings import build
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class PairData(Settings):
    """The keys of all data sources.

    Attributes:
        share: fraction of each batch that comes from this source; rounded to whole scenes or
            views.
        seed: random seed.
        min_visibility: objects with a lower visible fraction are skipped (0 to 1).
        clear_visibility: objects with a visible fraction between `min_visibility` and this value
            are ignored regions (0 to 1).
        min_height: objects with a smaller height in network pixels are ignored regions.
        no_prior: fraction of pairs with an empty prior heat map (0 to 1).
        first_frame: fraction of pairs whose previous image is the image itself (0 to 1).
        ghosts: mean number of false tracks in the prior heat map.
    """

    share: float = setting(1.0, low=1e-6, high=1.0)
    seed: int = setting(1, low=0)
    min_visibility: float = setting(0.25, low=0.0, high=1.0)
    clear_visibility: float = setting(0.0, low=0.0, high=1.0)
    min_height: float = 8.0
    no_prior: float = setting(0.3, low=0.0, high=1.0)
    first_frame: float = setting(0.05, low=0.0, high=1.0)
    ghosts: float = setting(0.7, low=0.0)


@dataclass(frozen=True, kw_only=True)
class SyntheticData(PairData):
    """Image pairs rendered from synthetic scenes.

    Attributes:
        frame_gap: minimum and maximum time between the frames of a pair, in seconds.
        burst_gap: minimum and maximum time between the two bursts of a scene, in seconds. The
            second burst shows the same people later, which trains the embedding.
        people: minimum and maximum number of people in a scene. The logarithm of the number is
            distributed uniformly.
    """

    frame_gap: tuple[float, float] = (0.03, 0.2)
    burst_gap: tuple[float, float] = (0.5, 3.0)
    people: tuple[int, int] = (2, 36)


@dataclass(frozen=True, kw_only=True)
class AnnotatedData(PairData):
    """Image pairs from annotated footage. Paths are relative to the `--data` folder.

    Attributes:
        train: folder of MOTChallenge sequences, CrowdHuman ``.odgt`` file or COCO ``.json`` file.
        sources: use only the images of a COCO file with these `source` values; () uses all.
        validation: footage for validation, in the form of `train`; '' for none.
        halves: train on the first half of each sequence and validate on the second (CenterTrack's
            protocol, if `train` and `validation` are the same).
        max_gap: maximum time between the frames of a pair in either direction, in seconds.
            Adjacent frames are always allowed. The frame itself is chosen as often as any other.
        views: number of image pairs per sample, each with a different augmentation of the same
            image. Two or more show each object twice, which trains the embedding by contrast.
        view_gap: maximum time between the frames of the views of a video, in seconds.
        mosaic: fraction of samples that are composed of four images (0 to 1).
        cut_boxes: boxes end at the border of the image, as in most annotations; crops then also
            cut them.
    """

    train: str
    sources: tuple[str, ...] = ()
    validation: str = ''
    halves: bool = False
    max_gap: float = setting(0.1, low=0.0)
    first_frame: float = setting(0.0, low=0.0, high=1.0)
    views: int = setting(1, low=1)
    view_gap: float = setting(2.0, low=0.0)
    mosaic: float = setting(0.0, low=0.0, high=1.0)
    cut_boxes: bool = False


@dataclass(frozen=True, kw_only=True)
class Recipe(Settings):
    """One training run.

    Attributes:
        network: the network and its metadata.
        data: one data source, or a list of them. Each batch mixes the sources by their shares. A
            source with the key `train` is annotated footage; others are synthetic scenes.
        augmentation: how the image pairs are augmented.
        prior_noise: how the prior heat map is disturbed.
        initial_weights: checkpoint to start from, 'imagenet' for the ImageNet weights of the
            backbone, or '' for random weights.
        freeze: names of modules of the network that are not trained.
        steps: number of optimizer steps, unless `epochs` is set.
        epochs: number of passes over the images of a single source of annotated footage; 0 uses
            `steps`.
        batch_size: number of image pairs per step, over all processes.
        max_objects: maximum number of objects per image.
        optimizer: 'adamw', or 'sgd' with momentum 0.9.
        learning_rate: peak learning rate.
        backbone_rate: factor for the learning rate of the backbone.
        weight_decay: weight decay of all weights except those of the loss.
        warm_up: number of steps of linear warm-up before the schedule.
        schedule: 'cosine' falls to a hundredth; 'step' is constant, apart from `drops`.
        drops: for 'step', fractions of the run after which the rate falls to a tenth (0 to 1).
        gradient_clip: maximum norm of the gradient.
        freeze_batch_norm: keep the batch norm statistics of the initial weights; for small
            batches.
        ema_decay: decay of the moving average of the weights; this average is saved.
        identity_loss: 'focal' or 'ce' (classify all identities of the footage), or 'contrast'
            (within the batch, also for unlimited numbers of identities).
        temperature: temperature of the contrastive identity loss.
        box_loss: 'l1' (published), or 'giou', which adds the generalized IoU of the boxes, at the
            center of an object and at four cells around it.
        balance: 'uncertainty' (learned) or 'fixed' weights of detection and identity.
        identity_weight: weight of the identity loss with the balance 'fixed'.
        precision: 'f32', 'bf16' or 'f16'; the last two are mixed with f32. 'auto' is bf16 if the
            device supports it, otherwise f32.
        seed: seed of the random weights.
        checkpoint_every: number of steps between checkpoints.
        validations: number of validations, evenly distributed, including one at the end.
    """

    network: NetworkConfig
    data: tuple[SyntheticData | AnnotatedData, ...] = (SyntheticData(),)
    augmentation: Augmentation = field(default_factory=Augmentation)
    prior_noise: PriorNoise = field(default_factory=PriorNoise)
    initial_weights: str = ''
    freeze: tuple[str, ...] = ()
    steps: int = setting(10000, low=1)
    epochs: int = setting(0, low=0)
    batch_size: int = setting(8, low=1)
    max_objects: int = setting(64, low=1)
    optimizer: Literal['adamw', 'sgd'] = 'adamw'
    learning_rate: float = 1e-3
    backbone_rate: float = 1.0
    weight_decay: float = 1e-4
    warm_up: int = 200
    schedule: Literal['cosine', 'step'] = 'cosine'
    drops: tuple[float, ...] = ()
    gradient_clip: float = 10.0
    freeze_batch_norm: bool = False
    ema_decay: float = setting(0.998, low=0.0, high=0.999999)
    identity_loss: Literal['contrast', 'focal', 'ce'] = 'contrast'
    temperature: float = 0.1
    box_loss: Literal['l1', 'giou'] = 'l1'
    balance: Literal['uncertainty', 'fixed'] = 'uncertainty'
    identity_weight: float = setting(0.1, low=0.0)
    precision: Literal['auto', 'f32', 'bf16', 'f16'] = 'auto'
    seed: int = 317
    checkpoint_every: int = setting(250, low=1)
    validations: int = 5

    def __post_init__(self) -> None:
        """Reject invalid values."""
        super().__post_init__()
        if not all(0 < share < 1 for share in self.drops):
            raise JtnError(f'drops is {self.drops}; specify shares of the run between 0 and 1')
        if self.drops and self.schedule != 'step':
            raise JtnError(f"drops belong to the schedule 'step', not {self.schedule!r}")
        if not self.data:
            raise JtnError('data is empty; specify at least one source')
        annotated = [source for source in self.data if isinstance(source, AnnotatedData)]
        if self.epochs and (len(annotated) != 1 or len(self.data) != 1):
            raise JtnError(f'epochs is {self.epochs}; they count passes over one annotated source')
        if self.network.embedding_head:
            self._check_identities(annotated)

    def _check_identities(self, annotated: Sequence[AnnotatedData]) -> None:
        """Reject an identity loss that is not possible with the sources."""
        synthetic = len(annotated) < len(self.data)
        if self.identity_loss == 'contrast':
            if not synthetic and all(source.views < 2 for source in annotated):
                raise JtnError(
                    "identity_loss is 'contrast', but a batch of annotated footage rarely shows "
                    "the same object twice; set views: 2, use 'focal' or 'ce', or remove the "
                    'embedding head'
                )
        elif synthetic:
            raise JtnError(
                f'identity_loss is {self.identity_loss!r}, but synthetic scenes have an unlimited '
                "number of identities; use 'contrast'"
            )


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if the file is not a mapping, has unknown keys or values of the wrong type.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise JtnError(f'{path}: not YAML: {error}') from error
    if isinstance(values, dict):
        place = f'{path.name}: '
        if isinstance(network := values.get('network'), dict):
            values['network'] = _network(network, f'{place}network')
        if 'data' in values:
            values['data'] = _data(values['data'], f'{place}data')
    return Recipe.from_mapping(values, path.name)


def _network(values: dict[str, Any], where: str) -> NetworkConfig:
    """Return the network, by default with the normalization of its backbone."""
    if (backbone := BACKBONES.get(values.get('backbone', ''))) is not None:
        values = {'mean': backbone.mean, 'std': backbone.std} | values
    return build(NetworkConfig, values, where)


def _data(values: Any, where: str) -> tuple[SyntheticData | AnnotatedData, ...]:
    """Return the sources; those with the key `train` are annotated footage."""
    sources = values if isinstance(values, list) else [values]
    return tuple(
        AnnotatedData.from_mapping(source, where)
        if isinstance(source, dict) and 'train' in source
        else SyntheticData.from_mapping(source, where)
        for source in sources
    )
