"""The building blocks of both backbones (Deep Layer Aggregation, section 3)."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional


def conv_bn_relu(in_channels: int, channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Return a convolution without bias, batch norm and ReLU, padded to keep the size."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a residual that the parent tree provides."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        """Build the block; `stride` is that of the first convolution."""
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Add the residual (the input itself if there is none)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return self.relu(out + (x if residual is None else residual))


class Root(nn.Module):
    """The aggregation node of a tree: a 1x1 convolution over all its children."""

    def __init__(self, in_channels: int, channels: int) -> None:
        """Build the node for the sum of all its children's channels."""
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, *children: Tensor) -> Tensor:
        """Concatenate the children along their channels, and aggregate them."""
        return self.relu(self.bn(self.conv(torch.cat(children, 1))))


class Tree(nn.Module):
    """A one-level tree: two residual blocks whose results are aggregated by a root."""

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        *,
        level_root: bool = False,
        child_channels: int = 0,
    ) -> None:
        """Build the tree.

        Args:
            in_channels: channels of the input.
            channels: channels of both blocks and of the result.
            stride: 1 or 2, of the first block.
            level_root: whether the root also receives the (pooled) input.
            child_channels: channels of the additional maps that the root receives from the caller.
        """
        super().__init__()
        self.stride = stride
        self.level_root = level_root
        self.tree1 = ResidualBlock(in_channels, channels, stride)
        self.tree2 = ResidualBlock(channels, channels)
        root_channels = 2 * channels + child_channels + (in_channels if level_root else 0)
        self.root = Root(root_channels, channels)
        self.project = None
        if in_channels != channels:
            self.project = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor, children: Sequence[Tensor] = ()) -> Tensor:
        """Return the root's result at 1/stride of the input's size."""
        bottom = functional.max_pool2d(x, 2) if self.stride == 2 else x
        residual = bottom if self.project is None else self.project(bottom)
        inputs = [bottom, *children] if self.level_root else [*children]
        x1 = self.tree1(x, residual)
        x2 = self.tree2(x1)
        return self.root(x2, x1, *inputs)
