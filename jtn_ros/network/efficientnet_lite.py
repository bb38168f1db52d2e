"""EfficientNet-Lite0 as a backbone (Tan and Le, 2019, and the Lite variant of the same authors).

Inverted residual blocks with ReLU6 and without squeeze-and-excitation, which quantize
well to int8. Training starts from ImageNet weights: the added stem for the prior heat map ends in
a layer of zeros, and motion features are concatenated with the input of the neck, so that the
initial image features are those of the ImageNet network.
"""

from collections.abc import Mapping
from itertools import zip_longest

import torch
from torch import Tensor
from torch import nn

from jtn_ros.network.blocks import conv_bn_relu
from jtn_ros.network.cost_volume import MOTION_CHANNELS
from jtn_ros.network.cost_volume import Motion
from jtn_ros.network.depthwise import DepthwiseConv2d

# Kernel, stride, expansion and output channels of the sixteen blocks, grouped by stage: strides 4,
# 8, 16, 32.
STAGES = (
    ((3, 1, 1, 16), (3, 2, 6, 24), (3, 1, 6, 24)),
    ((5, 2, 6, 40), (5, 1, 6, 40)),
    ((3, 2, 6, 80), *((3, 1, 6, 80),) * 2, *((5, 1, 6, 112),) * 3),
    ((5, 2, 6, 192), *((5, 1, 6, 192),) * 3, (3, 1, 6, 320)),
)
STEM_CHANNELS = 32
LEVEL_CHANNELS = tuple(stage[-1][3] for stage in STAGES)
ADDED_CHANNELS = 16
# For images divided by 255: this is (x - 127) / 128, the same for all channels.
MEAN = (127 / 255,) * 3
STD = (128 / 255,) * 3


class InvertedResidual(nn.Module):
    """Expansion, depth-wise convolution, projection (MobileNetV2, section 3.4)."""

    def __init__(
        self, in_channels: int, kernel: int, stride: int, expansion: int, channels: int
    ) -> None:
        """Build the block; without expansion, the first convolution is omitted."""
        super().__init__()
        inner = expansion * in_channels
        self.expand = None
        if expansion > 1:
            self.expand = nn.Sequential(
                nn.Conv2d(in_channels, inner, 1, bias=False),
                _norm(inner),
                nn.ReLU6(inplace=True),
            )
        self.filter = nn.Sequential(
            DepthwiseConv2d(inner, kernel, stride),
            _norm(inner),
            nn.ReLU6(inplace=True),
        )
        self.project = nn.Sequential(nn.Conv2d(inner, channels, 1, bias=False), _norm(channels))
        self.residual = stride == 1 and in_channels == channels

    def forward(self, x: Tensor) -> Tensor:
        """Return the map at 1/stride of the input's size."""
        inner = x if self.expand is None else self.expand(x)
        out: Tensor = self.project(self.filter(inner))
        return out + x if self.residual else out


class EfficientNetLite0(nn.Module):
    """The backbone; the heat map is added at stride 4, and motion concatenated with the maps."""

    def __init__(self, *, previous_image: bool, prior_heatmap: bool) -> None:
        """Build the stems that the model has, and the stages."""
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM_CHANNELS, 3, 2, 1, bias=False),
            _norm(STEM_CHANNELS),
            nn.ReLU6(inplace=True),
        )
        channels, stages = STEM_CHANNELS, []
        for blocks in STAGES:
            stage = []
            for kernel, stride, expansion, out in blocks:
                stage.append(InvertedResidual(channels, kernel, stride, expansion, out))
                channels = out
            stages.append(nn.Sequential(*stage))
        self.stages = nn.ModuleList(stages)
        self.motion = Motion() if previous_image else None
        self.prior_stem = _added_stem(1) if prior_heatmap else None

    def forward(
        self, image: Tensor, previous_image: Tensor | None, prior_heatmap: Tensor | None
    ) -> list[Tensor]:
        """Return the maps at strides 4, 8, 16 and 32; arguments as in `JointTrackNet.features`."""
        x = self.stages[0](self.stem(image))
        if prior_heatmap is not None:
            if self.prior_stem is None:
                raise ValueError('this network has no stem for a prior heat map')
            x = x + self.prior_stem(prior_heatmap)
        outputs = [x]
        for stage in self.stages[1:]:
            outputs.append(stage(outputs[-1]))
        if previous_image is not None and self.motion is None:
            raise ValueError('this network does not take a previous image')
        if self.motion is None:
            return outputs
        motion = self.motion(image, image if previous_image is None else previous_image)
        joined = [torch.cat(maps, 1) for maps in zip(outputs, motion, strict=False)]
        return joined + outputs[len(joined) :]


def level_channels(previous_image: bool) -> tuple[int, ...]:
    """Return the channels of the maps that `EfficientNetLite0` returns."""
    added = MOTION_CHANNELS if previous_image else ()
    return tuple(
        channels + more for channels, more in zip_longest(LEVEL_CHANNELS, added, fillvalue=0)
    )


def _norm(channels: int) -> nn.BatchNorm2d:
    """Return a batch norm with the published settings."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _added_stem(in_channels: int) -> nn.Sequential:
    """Return a stem to stride 4 whose initial output is zero."""
    last = nn.Conv2d(ADDED_CHANNELS, LEVEL_CHANNELS[0], 3, 2, 1, bias=False)
    nn.init.zeros_(last.weight)
    return nn.Sequential(conv_bn_relu(in_channels, ADDED_CHANNELS, 3, 2), last)


def from_imagenet(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the published ImageNet tensors under the names of `EfficientNetLite0`.

    The channels of the first convolution are reversed, because images are BGR here.

    Raises:
        KeyError: if the tensors are not those of EfficientNet-Lite0.
    """
    renamed = {}

    def take(source: str, target: str, parts: Mapping[str, str]) -> None:
        for published, own in parts.items():
            for name in (key for key in state if key.startswith(f'{source}{published}.')):
                renamed[f'{target}{own}.{name.rpartition(".")[2]}'] = state[name]

    take('', 'stem.', {'_conv_stem': '0', '_bn0': '1'})
    renamed['stem.0.weight'] = torch.flip(renamed['stem.0.weight'], (1,))
    number = 0
    for stage, blocks in enumerate(STAGES):
        for block in range(len(blocks)):
            take(
                f'_blocks.{number}.', f'stages.{stage}.{block}.',
                {
                    '_expand_conv': 'expand.0', '_bn0': 'expand.1',
                    '_depthwise_conv': 'filter.0', '_bn1': 'filter.1',
                    '_project_conv': 'project.0', '_bn2': 'project.1',
                },
            )  # fmt: skip
            number += 1
    return renamed
