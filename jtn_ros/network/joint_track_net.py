"""JointTrackNet: detection, motion and identity from two images in one network.

The published network adds the outputs of three stems: for the image, the previous image and a heat
map of the earlier tracks (CenterTrack, section 4). A backbone with deep layer aggregation and an
up-sampling neck compute a stride-4 feature map, which is the input of all heads. Other backbones
combine the same inputs differently, see `jtn_ros.network.backbones`.
"""

from torch import Tensor
from torch import nn

from jtn_ros.network.backbones import find_backbone
from jtn_ros.network.heads import make_head
from jtn_ros.network.network_config import NetworkConfig


class JointTrackNet(nn.Module):
    """The network. Parameter names and their order are those of the published checkpoints."""

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
            _initialize_head(name, head)
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
        """Return the stride-4 map (B, C, H/4, W/4), the input of all heads.

        Args:
            image: normalized float (B, 3, H, W).
            previous_image: the same for the previous frame. None adds nothing, or means no
                motion, depending on the backbone. This differs from an image of zeros.
            prior_heatmap: float (B, 1, H, W) from 0 to 1; None adds nothing.
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
        """Return the raw map (B, channels, H/4, W/4) of each head, without sigmoid.

        The arguments are those of `features`.
        """
        features = self.features(image, previous_image, prior_heatmap)
        return {name: self.head(name)(features) for name in self.config.heads}


def _initialize_head(name: str, head: nn.Sequential) -> None:
    """Set the initial biases: a heat map near 0.01 everywhere, zero for the other heads."""
    for layer in (head[0], head[2]):
        if isinstance(layer, nn.Conv2d) and layer.bias is not None and name != 'hm':
            nn.init.zeros_(layer.bias)
    if name == 'hm' and isinstance(head[2], nn.Conv2d) and head[2].bias is not None:
        nn.init.constant_(head[2].bias, -4.6)
