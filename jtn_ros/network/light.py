"""The light variant for CPUs and small boards, without deformable convolutions.

It has the same stems, blocks and heads as DLA-34. The stems have half the resolution, four
one-level trees lead to stride 32, and a top-down neck of plain convolutions leads to stride 4.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor
from torch import nn
from torch.nn import functional

from jtn_ros.network.blocks import Tree
from jtn_ros.network.blocks import conv_bn_relu

STEM_CHANNELS = 16
LEVEL_CHANNELS = (32, 64, 128, 160)


class LightBackbone(nn.Module):
    """Three added stems at stride 2, then trees at strides 4, 8, 16 and 32."""

    def __init__(self, *, previous_image: bool, prior_heatmap: bool) -> None:
        """Build the stems that the model has, and the trees."""
        super().__init__()
        self.base_layer = conv_bn_relu(3, STEM_CHANNELS, 5, 2)
        self.pre_img_layer = conv_bn_relu(3, STEM_CHANNELS, 5, 2) if previous_image else None
        self.pre_hm_layer = conv_bn_relu(1, STEM_CHANNELS, 5, 2) if prior_heatmap else None
        widths = (STEM_CHANNELS, *LEVEL_CHANNELS)
        self.levels = nn.ModuleList(
            Tree(below, channels, 2, level_root=index > 0)
            for index, (below, channels) in enumerate(pairwise(widths))
        )

    def forward(
        self, image: Tensor, previous_image: Tensor | None, prior_heatmap: Tensor | None
    ) -> list[Tensor]:
        """Return the maps at strides 4, 8, 16 and 32; arguments as in `JointTrackNet.features`."""
        x = self.base_layer(image)
        if previous_image is not None:
            if self.pre_img_layer is None:
                raise ValueError('this network has no stem for a previous image')
            x = x + self.pre_img_layer(previous_image)
        if prior_heatmap is not None:
            if self.pre_hm_layer is None:
                raise ValueError('this network has no stem for a prior heat map')
            x = x + self.pre_hm_layer(prior_heatmap)
        outputs = []
        for level in self.levels:
            x = level(x)
            outputs.append(x)
        return outputs


class LightNeck(nn.Module):
    """Top-down aggregation: each level is projected and added to the upsampled deeper levels."""

    def __init__(self, in_channels: Sequence[int], channels: int) -> None:
        """Build one projection per level and one node per addition."""
        super().__init__()
        self.proj = nn.ModuleList(conv_bn_relu(width, channels, 1) for width in in_channels)
        self.node = nn.ModuleList(conv_bn_relu(channels, channels, 3) for _ in in_channels[1:])

    def forward(self, levels: Sequence[Tensor]) -> Tensor:
        """Return the map at the stride of the first level."""
        projected = [proj(level) for proj, level in zip(self.proj, levels, strict=True)]
        x = projected.pop()
        for node, lateral in zip(reversed(self.node), reversed(projected), strict=True):
            x = node(functional.interpolate(x, scale_factor=2.0, mode='nearest') + lateral)
        return x
