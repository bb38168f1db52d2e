"""The configuration of a network: its architecture, inputs and outputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from jtn_ros.errors import JtnError
from jtn_ros.geometry import Letterboxing
from jtn_ros.network.backbones import CENTERNET_MEAN
from jtn_ros.network.backbones import CENTERNET_STD
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

JOINT_TRACK_NET_HEADS = {
    'hm': 1,
    'reg': 2,
    'wh': 2,
    'embedding': 128,
    'tracking': 2,
    'ltrb_amodal': 4,
}


@dataclass(frozen=True, kw_only=True)
class Architecture(Settings):
    """The settings that determine the layers of the network and the tensors of its checkpoints.

    Attributes:
        backbone: 'dla34' (published), 'efficientnet_lite0' or 'light' (CPUs and small boards), see
            `jtn_ros.network.backbones`.
        class_names: one name per channel of the heat map.
        heads: head name to number of output channels, in the order of the checkpoint.
        head_channels: hidden channels of every head.
        previous_image: whether there is a stem for the previous image.
        prior_heatmap: whether there is a stem for the heat map of earlier tracks.
    """

    backbone: str = 'dla34'
    class_names: tuple[str, ...] = ('person',)
    heads: Mapping[str, int] = field(default_factory=lambda: dict(JOINT_TRACK_NET_HEADS))
    head_channels: int = setting(256, low=1)
    previous_image: bool = True
    prior_heatmap: bool = True

    def __post_init__(self) -> None:
        """Reject a heat map that does not match the classes."""
        super().__post_init__()
        if self.heads.get('hm') != len(self.class_names):
            raise JtnError(
                f'the hm head has {self.heads.get("hm")} channels for the '
                f'{len(self.class_names)} classes {", ".join(self.class_names)}'
            )


@dataclass(frozen=True, kw_only=True)
class Deployment(Settings):
    """The inputs and outputs of the network. Exported models contain these settings.

    Attributes:
        name: model name, for messages and reports.
        input_height: network input height in pixels, a multiple of 32.
        input_width: network input width in pixels, a multiple of 32.
        box_coding: 'ltrb_amodal' (four distances from the integer peak), 'center_size' (peak plus
            `reg`, size `wh`) or 'center_ltrb' (four distances `wh` from peak plus `reg`).
        embedding_head: the head with the identity embedding; '' if there is none.
        mean: mean of each channel, subtracted from the image divided by 255.
        std: standard deviation of each channel, by which the result is divided.
        rgb: whether the network expects RGB images; images are BGR everywhere else.
        letterbox: how an image is fitted to the input, see `jtn_ros.inference.preprocess`.
        top_k: peaks per image.
        confident_score: confidence threshold; detections below it only continue tracks.
        prior_threshold: minimum score of the tracks that are drawn in the prior heat map.
        training_data: description of the training data.
        licence: license of the weights.
    """

    name: str = 'jtn_dla34'
    input_height: int = setting(544, low=32)
    input_width: int = setting(960, low=32)
    box_coding: Literal['ltrb_amodal', 'center_size', 'center_ltrb'] = 'ltrb_amodal'
    embedding_head: str = 'embedding'
    mean: tuple[float, float, float] = CENTERNET_MEAN
    std: tuple[float, float, float] = CENTERNET_STD
    rgb: bool = False
    letterbox: Letterboxing = 'fit'
    top_k: int = setting(100, low=1)
    confident_score: float = setting(0.4, low=0.0, high=1.0, formerly='score_threshold')
    prior_threshold: float = setting(0.5, low=0.0, high=1.0)
    training_data: str = 'unknown'
    licence: str = 'unknown'

    def __post_init__(self) -> None:
        """Reject sizes that the neck cannot combine."""
        super().__post_init__()
        for name in ('input_height', 'input_width'):
            value = getattr(self, name)
            if value % 32:
                raise JtnError(f'{name} is {value}; it must be a positive multiple of 32')


@dataclass(frozen=True, kw_only=True)
class NetworkConfig(Deployment, Architecture):
    """All settings of a network: the metadata of a checkpoint, and the `network` of a recipe."""
