"""Prediction heads, evaluated everywhere or only at the peaks.

Only the heat map is needed at every output cell. The other heads are only needed at the K
peaks, so they can be evaluated on K neighborhoods of 3x3 cells, with the same results and less
computation.
"""

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional


def make_head(in_channels: int, hidden_channels: int, out_channels: int) -> nn.Sequential:
    """Return a head: 3x3 convolution, ReLU, 1x1 convolution (CenterNet, section 4)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, hidden_channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(hidden_channels, out_channels, 1),
    )


def peak_neighborhoods(features: Tensor, indices: Tensor) -> Tensor:
    """Gather the 3x3 neighborhoods of some cells, zero outside the map.

    Args:
        features: (B, C, h, w).
        indices: int64 (B, K), ``y * w + x``.

    Returns:
        (B, K, 9 C), ordered by row, column, channel.
    """
    batch, channels, height, width = features.shape
    rows = functional.pad(features, (1, 1, 1, 1)).permute(0, 2, 3, 1).reshape(-1, channels)
    y, x = indices // width, indices % width
    corner = y * (width + 2) + x
    steps = torch.arange(3, device=indices.device)
    window = ((width + 2) * steps[:, None] + steps[None, :]).reshape(-1)
    start = torch.arange(batch, device=indices.device) * ((height + 2) * (width + 2))
    taken = rows.index_select(0, (start[:, None, None] + corner[:, :, None] + window).reshape(-1))
    return taken.reshape(batch, indices.shape[1], 9 * channels)


def head_at_peaks(head: nn.Sequential, neighborhoods: Tensor) -> Tensor:
    """Evaluate a head on neighborhoods (B, K, 9 C) and return (B, K, outputs)."""
    first, last = head[0], head[2]
    if not isinstance(first, nn.Conv2d) or not isinstance(last, nn.Conv2d):
        raise TypeError('a head is a 3x3 convolution, a ReLU and a 1x1 convolution')
    weight = first.weight.permute(0, 2, 3, 1).flatten(1)
    hidden = functional.relu(functional.linear(neighborhoods, weight, first.bias))
    return functional.linear(hidden, last.weight.flatten(1), last.bias)
