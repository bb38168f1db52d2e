"""Deep Layer Aggregation, 34 layers (Yu et al., CVPR 2018), with a stem for each input.

Parameter names are those of published CenterNet-style checkpoints (`base.*`).
"""

from torch import Tensor
from torch import nn
from torch.nn import functional

from jtn_ros.network.blocks import Tree
from jtn_ros.network.blocks import conv_bn_relu

CHANNELS = (16, 32, 64, 128, 256, 512)
"""Channels of the six levels, at strides 1, 2, 4, 8, 16 and 32."""


class DeepTree(nn.Module):
    """A tree of two trees; the second root also receives the pooled input and the first tree."""

    def __init__(self, in_channels: int, channels: int) -> None:
        """Build the tree, of stride 2."""
        super().__init__()
        self.tree1 = Tree(in_channels, channels, 2)
        self.tree2 = Tree(channels, channels, child_channels=in_channels + channels)
        # Part of every checkpoint, but unused: tree1 has its own projection.
        self.project = nn.Sequential(
            nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, H / 2, W / 2)."""
        x1 = self.tree1(x)
        result: Tensor = self.tree2(x1, (functional.max_pool2d(x, 2), x1))
        return result


class DLA34(nn.Module):
    """The backbone: stems whose results are added, then six levels."""

    def __init__(self, *, previous_image: bool, prior_heatmap: bool) -> None:
        """Build the backbone.

        Args:
            previous_image: whether there is a stem for the previous image.
            prior_heatmap: whether there is a stem for the heat map of earlier tracks.
        """
        super().__init__()
        self.base_layer = conv_bn_relu(3, CHANNELS[0], 7)
        self.level0 = conv_bn_relu(CHANNELS[0], CHANNELS[0], 3)
        self.level1 = conv_bn_relu(CHANNELS[0], CHANNELS[1], 3, 2)
        self.level2 = Tree(CHANNELS[1], CHANNELS[2], 2)
        self.level3 = DeepTree(CHANNELS[2], CHANNELS[3])
        self.level4 = DeepTree(CHANNELS[3], CHANNELS[4])
        self.level5 = Tree(CHANNELS[4], CHANNELS[5], 2, level_root=True)
        self.pre_img_layer = conv_bn_relu(3, CHANNELS[0], 7) if previous_image else None
        self.pre_hm_layer = conv_bn_relu(1, CHANNELS[0], 7) if prior_heatmap else None

    def forward(
        self,
        image: Tensor,
        previous_image: Tensor | None = None,
        prior_heatmap: Tensor | None = None,
    ) -> list[Tensor]:
        """Return the six levels, (N, CHANNELS[i], H / 2**i, W / 2**i).

        An omitted input adds nothing; this is not the same as an input of zeros.

        Args:
            image: normalized (N, 3, H, W).
            previous_image: the same of the previous frame.
            prior_heatmap: (N, 1, H, W).

        Raises:
            ValueError: if the network has no stem for an input.
        """
        stem = self.base_layer(image)
        for name, layer, value in (
            ('previous image', self.pre_img_layer, previous_image),
            ('prior heat map', self.pre_hm_layer, prior_heatmap),
        ):
            if value is None:
                continue
            if layer is None:
                raise ValueError(f'this network was built without a {name}: do not pass it')
            stem = stem + layer(value)
        levels = [self.level0(stem)]
        for level in (self.level1, self.level2, self.level3, self.level4, self.level5):
            levels.append(level(levels[-1]))
        return levels
