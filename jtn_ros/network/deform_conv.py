"""Modulated deformable convolution: one operator, with a fast path for every device.

Zhu et al., Deformable ConvNets v2, CVPR 2019. Nothing is compiled: the CPU samples with
`embedding_bag`, CUDA uses torchvision, and an exported graph holds ONNX's own `DeformConv`.
"""

from collections.abc import Callable
import math
from typing import Any

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional


@torch.library.custom_op('jtn_ros::modulated_deform_conv2d', mutates_args=(), device_types='cpu')
def modulated_deform_conv2d(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Convolve samples taken at learned offsets, each scaled by a learned mask.

    Stride 1, one offset group, as much padding as keeps the size. Samples are bilinear; what
    lies outside the map counts as 0. Positions are computed in float32 (float64 for float64
    input) whatever the type of the maps: in half precision they would miss by a pixel and more.

    Args:
        input: (N, C, H, W).
        offset: (N, 2 * k * k, H, W), for each tap in row-major order its vertical and then its
            horizontal displacement in pixels.
        mask: (N, k * k, H, W), the factor of each tap.
        weight: (O, C, k, k) with k odd.
        bias: (O,).

    Returns:
        (N, O, H, W) in the type of `input`.
    """
    return _by_embedding_bag(input, offset, mask, weight, bias)


@modulated_deform_conv2d.register_kernel('cuda')
def _on_cuda(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    return _by_torchvision(input, offset, mask, weight, bias)


@modulated_deform_conv2d.register_fake
def _fake(input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    number, _, height, width = input.shape
    output = input.new_empty(number, height, width, weight.shape[0])
    return output.permute(0, 3, 1, 2)


def _by_embedding_bag(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Sample with one `embedding_bag` (a bag = a tap's four neighbours), then multiply."""
    number, channels, height, width = input.shape
    outputs, _, kernel, _ = weight.shape
    indices, factors = _neighbours(offset, mask, input)
    pixels = input.permute(0, 2, 3, 1).reshape(-1, channels)
    samples = functional.embedding_bag(
        indices.reshape(-1, 4), pixels, mode='sum',
        per_sample_weights=factors.reshape(-1, 4).to(input.dtype),
    )  # fmt: skip
    product = torch.addmm(
        bias.to(input.dtype),
        samples.view(-1, kernel * kernel * channels),
        weight.to(input.dtype).permute(2, 3, 1, 0).reshape(-1, outputs),
    )
    return product.view(number, height, width, outputs).permute(0, 3, 1, 2)


def _neighbours(offset: Tensor, mask: Tensor, input: Tensor) -> tuple[Tensor, Tensor]:
    """Return the four pixels around every sample, and what each contributes.

    Returns:
        int32 rows of the (N * H * W, C) pixel table and their factors, both
        (N, H, W, k * k, 4).
    """
    number, _, height, width = input.shape
    taps = mask.shape[1]
    kernel = math.isqrt(taps)
    exact = torch.promote_types(torch.float32, input.dtype)

    def steps(size: int) -> Tensor:
        return torch.arange(size, dtype=exact, device=input.device)

    reach = kernel // 2
    offset = offset.permute(0, 2, 3, 1).to(exact)
    y = offset[..., 0::2] + steps(height)[:, None, None]
    y = y + (steps(kernel) - reach).repeat_interleave(kernel)
    x = offset[..., 1::2] + steps(width)[:, None]
    x = x + (steps(kernel) - reach).repeat(kernel)

    rows, row_factors = _bracket(y, height)
    columns, column_factors = _bracket(x, width)
    row_factors = row_factors * mask.permute(0, 2, 3, 1).to(exact)[..., None]
    images = torch.arange(number, dtype=torch.int32, device=input.device) * (height * width)
    rows = rows * width + images[:, None, None, None, None]
    indices = rows[..., :, None] + columns[..., None, :]
    factors = row_factors[..., :, None] * column_factors[..., None, :]
    return indices.flatten(-2), factors.flatten(-2)


def _bracket(position: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Return the two grid points (..., 2) around a position and their linear weights.

    Points outside 0 ... size - 1 get weight 0 and an index that is safe to read.
    """
    low = position.detach().floor()
    points = torch.stack((low, low + 1), dim=-1)
    share = position - low
    weights = torch.stack((1 - share, share), dim=-1)
    weights = weights * ((points >= 0) & (points < size))
    return points.clamp(0, size - 1).to(torch.int32), weights


def _by_torchvision(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Use torchvision's kernel, in float32 because it computes positions in the input's type."""
    try:
        from torchvision.ops import deform_conv2d
    except ImportError as error:
        raise ImportError(
            'the deformable convolution on CUDA needs torchvision: pip install torchvision'
        ) from error
    exact = torch.promote_types(torch.float32, input.dtype)
    output: Tensor = deform_conv2d(
        input.to(exact), offset.to(exact), weight.to(exact), bias.to(exact),
        padding=weight.shape[-1] // 2, mask=mask.to(exact),
    )  # fmt: skip
    return output.to(input.dtype).contiguous(memory_format=torch.channels_last)


def _save_inputs(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """Differentiate the device's own path.

    The samples (k * k times the input) are computed again rather than kept: a neck of 16 such
    layers would otherwise hold gigabytes between the two passes.
    """
    path = _by_torchvision if gradient.is_cuda else _by_embedding_bag
    with torch.enable_grad():
        inputs = [
            tensor.detach().requires_grad_(needed)
            for tensor, needed in zip(ctx.saved_tensors, ctx.needs_input_grad, strict=True)
        ]
        output = path(*inputs)
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    gradients = iter(torch.autograd.grad(output, wanted, gradient))
    return tuple(next(gradients) if tensor.requires_grad else None for tensor in inputs)


modulated_deform_conv2d.register_autograd(_backward, setup_context=_save_inputs)


def onnx_translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return what `torch.onnx.export(custom_translation_table=...)` needs for this operator.

    Raises:
        ImportError: if onnxscript is missing.
    """
    try:
        from onnxscript import opset20
    except ImportError as error:
        raise ImportError('exporting needs onnxscript: pip install onnxscript') from error

    def deform_conv(input: Any, offset: Any, mask: Any, weight: Any, bias: Any) -> Any:
        kernel = weight.shape[-1]
        return opset20.DeformConv(
            input, weight, offset, bias, mask,
            kernel_shape=[kernel, kernel], pads=[kernel // 2] * 4,
        )  # fmt: skip

    return {torch.ops.jtn_ros.modulated_deform_conv2d.default: deform_conv}


class ModulatedDeformConv2d(nn.Module):
    """A 3x3 deformable convolution whose offsets and mask come from a plain one beside it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Build it as a plain convolution at half strength: all offsets 0, all masks 1/2."""
        super().__init__()
        bound = 1 / math.sqrt(9 * inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.conv_offset_mask = nn.Conv2d(inputs, 27, 3, padding=1)
        nn.init.zeros_(self.conv_offset_mask.weight)
        nn.init.zeros_(self.conv_offset_mask.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for (N, inputs, H, W)."""
        offset, mask = self.conv_offset_mask(input).split((18, 9), dim=1)
        result: Tensor = modulated_deform_conv2d(
            input, offset, mask.sigmoid(), self.weight, self.bias
        )
        return result


class DeformConv(nn.Module):
    """Deformable convolution, batch norm, ReLU: the brick of the DLA neck."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Build the brick; the normalisation stands first, as in published checkpoints."""
        super().__init__()
        self.actf = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU())
        self.conv = ModulatedDeformConv2d(inputs, outputs)

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for (N, inputs, H, W)."""
        result: Tensor = self.actf(self.conv(input))
        return result
