"""JointTrackNet: detection, motion and identity from two images in one network.

The published network adds three stems, of the image, the previous image and a heat map of the
earlier tracks (CenterTrack, section 4); a backbone with deep layer aggregation and an up-sampling
neck lead to a stride-4 feature map; every head reads that map. Other backbones take the same
inputs in their own way, see `jtn_ros.network.backbones`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from torch import Tensor
from torch import nn

from jtn_ros.errors import JtnError
from jtn_ros.network.backbones import CENTERNET_MEAN
from jtn_ros.network.backbones import CENTERNET_STD
from jtn_ros.network.backbones import find_backbone
from jtn_ros.network.heads import make_head

JOINT_TRACK_NET_HEADS = {
    'hm': 1,
    'reg': 2,
    'wh': 2,
    'embedding': 128,
    'tracking': 2,
    'ltrb_amodal': 4,
}


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """Everything that tells one network of the family from another, as data.

    Attributes:
        name: model name, for messages and reports.
        backbone: 'dla34' (published), 'efficientnet_lite0' or 'light' (CPUs and small boards), see
            `jtn_ros.network.backbones`.
        class_names: one name per channel of the heat map.
        heads: head name to number of output channels, in the order of the checkpoint.
        head_channels: hidden channels of every head.
        previous_image: whether there is a stem for the previous image.
        prior_heatmap: whether there is a stem for the heat map of earlier tracks.
        input_height: network input height in pixels, a multiple of 32.
        input_width: network input width in pixels, a multiple of 32.
        box_coding: 'ltrb_amodal' (four distances from the integer peak), 'center_size' (peak plus
            `reg`, size `wh`) or 'center_ltrb' (four distances `wh` from peak plus `reg`).
        embedding_head: the head with the identity embedding, '' without one.
        mean: subtracted from the image divided by 255, per channel.
        std: divides what is left, per channel.
        rgb: whether the network wants red first; images are blue first everywhere else.
        letterbox: how an image is fitted to the input, see `jtn_ros.inference.preprocess`.
        top_k: peaks per image.
        confident_score: the tracker trusts detections from here on; weaker ones keep tracks.
        prior_threshold: tracks scoring less are not drawn in the prior heat map.
        training_data: what the weights were trained on.
        licence: licence of the weights.
    """

    name: str = 'jtn_dla34'
    backbone: str = 'dla34'
    class_names: tuple[str, ...] = ('person',)
    heads: Mapping[str, int] = field(default_factory=lambda: dict(JOINT_TRACK_NET_HEADS))
    head_channels: int = 256
    previous_image: bool = True
    prior_heatmap: bool = True
    input_height: int = 544
    input_width: int = 960
    box_coding: str = 'ltrb_amodal'
    embedding_head: str = 'embedding'
    mean: tuple[float, float, float] = CENTERNET_MEAN
    std: tuple[float, float, float] = CENTERNET_STD
    rgb: bool = False
    letterbox: str = 'fit'
    top_k: int = 100
    confident_score: float = 0.4
    prior_threshold: float = 0.5
    training_data: str = 'unknown'
    licence: str = 'unknown'

    def __post_init__(self) -> None:
        """Refuse sizes that the neck cannot add up."""
        for name in ('input_height', 'input_width'):
            value = getattr(self, name)
            if value <= 0 or value % 32:
                raise JtnError(f'{name} is {value}; it must be a positive multiple of 32')
        if self.heads.get('hm') != len(self.class_names):
            raise JtnError(
                f'the hm head has {self.heads.get("hm")} channels for the '
                f'{len(self.class_names)} classes {", ".join(self.class_names)}'
            )


class JointTrackNet(nn.Module):
    """The network; parameter names and their order are those of the published checkpoints."""

    def __init__(self, config: NetworkConfig | None = None) -> None:
        """Build a network with fresh weights.

        Raises:
            JtnError: if the configuration names an unknown backbone.
        """
        super().__init__()
        self.config = config or NetworkConfig()
        self._backbone = find_backbone(self.config.backbone)
        for name, channels in self.config.heads.items():
            head = make_head(self._backbone.channels, self.config.head_channels, channels)
            _initialise_head(name, head)
            self.add_module(name, head)
        modules = self._backbone.modules(self.config.previous_image, self.config.prior_heatmap)
        self._trunk = tuple(modules)
        for name, module in modules.items():
            self.add_module(name, module)

    def head(self, name: str) -> nn.Sequential:
        """Return a head by name."""
        head = self.get_submodule(name)
        if name not in self.config.heads or not isinstance(head, nn.Sequential):
            raise KeyError(f'no head {name!r}; this network has {", ".join(self.config.heads)}')
        return head

    def features(
        self, image: Tensor, previous_image: Tensor | None, prior_heatmap: Tensor | None
    ) -> Tensor:
        """Return the stride-4 map (B, C, H/4, W/4) that every head reads.

        Args:
            image: normalised float (B, 3, H, W).
            previous_image: the same for the previous frame; None contributes nothing, or stands
                for no motion, as the backbone takes it, which is not the same as zeros.
            prior_heatmap: float (B, 1, H, W) from 0 to 1; None contributes nothing.
        """
        modules = {name: self.get_submodule(name) for name in self._trunk}
        levels = modules['base'](image, previous_image, prior_heatmap)
        return self._backbone.neck(modules, levels)

    def forward(
        self,
        image: Tensor,
        previous_image: Tensor | None = None,
        prior_heatmap: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the raw map (B, channels, H/4, W/4) of every head, without sigmoid.

        Arguments as in `features`.
        """
        features = self.features(image, previous_image, prior_heatmap)
        return {name: self.head(name)(features) for name in self.config.heads}


def _initialise_head(name: str, head: nn.Sequential) -> None:
    """Set the start values: a heat map near 0.01 everywhere, no bias elsewhere."""
    for layer in (head[0], head[2]):
        if isinstance(layer, nn.Conv2d) and layer.bias is not None and name != 'hm':
            nn.init.zeros_(layer.bias)
    if name == 'hm' and isinstance(head[2], nn.Conv2d) and head[2].bias is not None:
        nn.init.constant_(head[2].bias, -4.6)
