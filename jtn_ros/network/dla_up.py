"""The neck of CenterNet's DLA-34: iterative deep aggregation with deformable convolutions.

Parameter names are those of published checkpoints (`dla_up.*` and `ida_up.*`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from jtn_ros.network.deform_conv import DeformConv


class Upsample(nn.Module):
    """Depth-wise transposed convolution: kernel 2f, stride f, padding f/2, no bias."""

    def __init__(self, channels: int, factor: int) -> None:
        """Initialize it as bilinear interpolation; the weights are trainable."""
        super().__init__()
        self.factor = factor
        center = (2 * factor - 1) / (2 * factor)
        ramp = [1 - abs(tap / factor - center) for tap in range(2 * factor)]
        bilinear = torch.tensor([[row * column for column in ramp] for row in ramp])
        self.weight = nn.Parameter(bilinear.repeat(channels, 1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, f * H, f * W) for (N, C, H, W)."""
        if torch.compiler.is_exporting():
            return self.by_subpixels(x)
        return functional.conv_transpose2d(
            x, self.weight, stride=self.factor, padding=self.factor // 2, groups=len(self.weight)
        )

    def by_subpixels(self, x: Tensor) -> Tensor:
        """Return the same sums, from a depth-wise 3x3 convolution and a reordering.

        The convolution computes the f * f sub-pixels of every pixel. In exported graphs this is
        3 to 4 times as fast as a transposed convolution in bfloat16, and about 1.3 times slower
        in float32 (OpenVINO on a CPU).
        """
        channels, factor = len(self.weight), self.factor
        # Output f * i + r depends on input i + d (d = -1, 0, 1) through tap r + f / 2 - f * d.
        # Padded with zeros by f / 2, the taps form three rows of f: d = 1, 0, -1.
        taps = functional.pad(self.weight, [factor // 2] * 4)
        taps = taps.view(channels, 3, factor, 3, factor).flip(1, 3)
        taps = taps.permute(0, 2, 4, 1, 3).reshape(channels * factor**2, 1, 3, 3)
        subpixels = functional.conv2d(x, taps, padding=1, groups=channels)
        return functional.pixel_shuffle(subpixels, factor)


class IDAUp(nn.Module):
    """Upsample deeper maps, one after the other, to the size of the first, and merge them."""

    def __init__(self, outputs: int, inputs: Sequence[int], factors: Sequence[int]) -> None:
        """Build the merging steps.

        Args:
            outputs: channels of each result.
            inputs: channels of the deeper maps.
            factors: upsampling factor of each deeper map to the map that it is merged with.
        """
        super().__init__()
        for step, (channels, factor) in enumerate(zip(inputs, factors, strict=True), 1):
            self.add_module(f'proj_{step}', DeformConv(channels, outputs))
            self.add_module(f'up_{step}', Upsample(outputs, factor))
            self.add_module(f'node_{step}', DeformConv(outputs, outputs))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Return the result of every step.

        Args:
            maps: the map to start from, then the deeper ones.
        """
        results = [maps[0]]
        for step, deeper in enumerate(maps[1:], 1):
            raised = getattr(self, f'up_{step}')(getattr(self, f'proj_{step}')(deeper))
            results.append(getattr(self, f'node_{step}')(raised + results[-1]))
        return results[1:]


class DLAUp(nn.Module):
    """Merge the levels of the backbone pairwise until the first includes the deepest."""

    def __init__(self, channels: Sequence[int]) -> None:
        """Build the neck for levels of these channels, each half the size of the one before."""
        super().__init__()
        widths = list(channels)
        for step, level in enumerate(range(len(channels) - 2, -1, -1)):
            inputs = widths[level + 1 :]
            self.add_module(f'ida_{step}', IDAUp(channels[level], inputs, [2] * len(inputs)))
            widths[level + 1 :] = [channels[level]] * len(inputs)

    def forward(self, levels: Sequence[Tensor]) -> list[Tensor]:
        """Return one merged map per level, the finest first, in the shapes of the levels.

        Args:
            levels: (N, channels[i], H / 2**i, W / 2**i).
        """
        maps = list(levels)
        merged = [maps[-1]]
        for step, level in enumerate(range(len(maps) - 2, -1, -1)):
            maps[level + 1 :] = getattr(self, f'ida_{step}')(maps[level:])
            merged.insert(0, maps[-1])
        return merged
