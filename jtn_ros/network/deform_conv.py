"""Modulated deformable convolution: one operator, with a fast path for every device.

Zhu et al., Deformable ConvNets v2, CVPR 2019. No compilation is needed: the CPU samples with
`embedding_bag`, CUDA uses torchvision, and an exported graph contains the ONNX operator
`DeformConv`.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from jtn_ros.errors import packages_for

BLOCK = 512
"""Output pixels that the CPU treats at a time: their samples stay in the cache."""


def modulated_deform_conv2d(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Convolve samples taken at learned offsets, each scaled by a learned mask.

    The stride is 1, there is one offset group, and the padding keeps the size. Samples are
    bilinear, with zeros outside the map. Positions are computed in float32 (float64 for float64
    input) for all types of maps: in half precision the error would be a pixel or more.

    Args:
        input: (N, C, H, W).
        offset: (N, 2 * k * k, H, W), for each tap in row-major order the vertical and then the
            horizontal displacement in pixels.
        mask: (N, k * k, H, W), the factor of each tap.
        weight: (O, C, k, k) with k odd.
        bias: (O,).

    Returns:
        (N, O, H, W) in the type of `input`.
    """
    output: Tensor = OPERATOR(input, offset, mask, weight, bias)
    return output


# Not registered with the decorator `custom_op`: it would import torch's compiler at the first
# call, which takes seconds.
torch.library.define(
    'jtn_ros::modulated_deform_conv2d',
    '(Tensor input, Tensor offset, Tensor mask, Tensor weight, Tensor bias) -> Tensor',
    tags=(torch.Tag.pt2_compliant_tag,),
)
OPERATOR = torch.ops.jtn_ros.modulated_deform_conv2d.default


@torch.library.impl('jtn_ros::modulated_deform_conv2d', 'CPU')
def _on_cpu(input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _by_embedding_bag(input, offset, mask, weight, bias, BLOCK)


@torch.library.impl('jtn_ros::modulated_deform_conv2d', 'CUDA')
def _on_cuda(input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return _by_torchvision(input, offset, mask, weight, bias)


@torch.library.register_fake('jtn_ros::modulated_deform_conv2d')
def _fake(input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    number, _, height, width = input.shape
    output = input.new_empty(number, height, width, weight.shape[0])
    return output.permute(0, 3, 1, 2)


def _by_embedding_bag(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor, block: int
) -> Tensor:
    """Sample with `embedding_bag` (a bag = a tap's four neighbors), then multiply.

    Args:
        input: see `modulated_deform_conv2d`, also for the other tensors.
        offset: see there.
        mask: see there.
        weight: see there.
        bias: see there.
        block: number of output pixels per step.
    """
    number, channels, height, width = input.shape
    outputs, taps = weight.shape[0], mask.shape[1]
    indices, factors = _neighbors(offset, mask, input)
    # The channels of a pixel must be contiguous: otherwise embedding_bag is many times slower.
    pixels = input.permute(0, 2, 3, 1).contiguous().view(-1, channels)
    matrix = weight.to(input.dtype).permute(2, 3, 1, 0).reshape(-1, outputs)
    products = []
    for some, theirs in zip(indices.split(block * taps), factors.split(block * taps), strict=True):
        samples = functional.embedding_bag(some, pixels, mode='sum', per_sample_weights=theirs)
        samples = samples.view(-1, taps * channels)
        products.append(torch.addmm(bias.to(input.dtype), samples, matrix))
    return torch.cat(products).view(number, height, width, outputs).permute(0, 3, 1, 2)


def _neighbors(offset: Tensor, mask: Tensor, input: Tensor) -> tuple[Tensor, Tensor]:
    """Return the four pixels around every sample, and their factors.

    Returns:
        int32 rows of the (N * H * W, C) pixel table, and factors in the type of the input,
        both (N * H * W * k * k, 4).
    """
    number, _, height, width = input.shape
    taps = mask.shape[1]
    kernel = math.isqrt(taps)
    precise = torch.promote_types(torch.float32, input.dtype)

    def steps(size: int) -> Tensor:
        return torch.arange(size, device=input.device)

    shift_y = steps(taps) // kernel - kernel // 2
    shift_x = steps(taps) % kernel - kernel // 2
    moved = offset.permute(0, 2, 3, 1).to(precise)
    y = moved[..., 0::2] + (steps(height)[:, None, None] + shift_y)
    x = moved[..., 1::2] + (steps(width)[:, None] + shift_x)

    rows, row_factors = _bracket(y, height)
    columns, column_factors = _bracket(x, width)
    scale = mask.permute(0, 2, 3, 1).to(precise)
    images = steps(number).to(torch.int32)[:, None, None, None] * height
    places = [(row + images) * width for row in rows]
    indices = torch.stack([place + column for place in places for column in columns], dim=-1)
    factors = torch.stack([f * scale * g for f in row_factors for g in column_factors], dim=-1)
    return indices.view(-1, 4), factors.to(input.dtype).view(-1, 4)


def _bracket(position: Tensor, size: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return the two grid points around every position, and their linear factors.

    A grid point outside 0 ... size - 1 has factor 0 and is replaced by a valid one.
    """
    low = position.detach().floor()
    high = low + 1
    share = position - low
    points = tuple(point.clamp(0, size - 1).to(torch.int32) for point in (low, high))
    inside = tuple((point >= 0) & (point < size) for point in (low, high))
    return (points[0], points[1]), ((1 - share) * inside[0], share * inside[1])


def _by_torchvision(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Use torchvision's kernel, in float32 because it computes positions in the input's type."""
    with packages_for('the deformable convolution on CUDA needs', 'torchvision'):
        from torchvision.ops import deform_conv2d
    exact = torch.promote_types(torch.float32, input.dtype)
    output: Tensor = deform_conv2d(
        input.to(exact),
        offset.to(exact),
        weight.to(exact),
        bias.to(exact),
        padding=weight.shape[-1] // 2,
        mask=mask.to(exact),
    )
    return output.to(input.dtype).contiguous(memory_format=torch.channels_last)


def _save_inputs(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    ctx.save_for_backward(*inputs)


def _backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
    """Compute the gradients with the implementation of the device.

    The samples (k * k times the input) are recomputed instead of stored: otherwise, a neck of 16
    such layers would need gigabytes between the two passes.
    """
    with torch.enable_grad():
        inputs = [
            tensor.detach().requires_grad_(needed)
            for tensor, needed in zip(ctx.saved_tensors, ctx.needs_input_grad, strict=True)
        ]
        input, offset, mask, weight, bias = inputs
        if gradient.is_cuda:
            output = _by_torchvision(input, offset, mask, weight, bias)
        else:  # in one block, because each block would allocate a full gradient of the input
            block = gradient[:, 0].numel()
            output = _by_embedding_bag(input, offset, mask, weight, bias, block)
    wanted = [tensor for tensor in inputs if tensor.requires_grad]
    gradients = iter(torch.autograd.grad(output, wanted, gradient))
    return tuple(next(gradients) if tensor.requires_grad else None for tensor in inputs)


torch.library.register_autograd(
    'jtn_ros::modulated_deform_conv2d', _backward, setup_context=_save_inputs
)


def onnx_translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return the `custom_translation_table` of `torch.onnx.export` for this operator.

    Raises:
        JtnError: if onnxscript is missing.
    """
    with packages_for('exporting needs', 'onnxscript'):
        from onnxscript import opset20

    def deform_conv(input: Any, offset: Any, mask: Any, weight: Any, bias: Any) -> Any:
        kernel = weight.shape[-1]
        return opset20.DeformConv(
            input,
            weight,
            offset,
            bias,
            mask,
            kernel_shape=[kernel, kernel],
            pads=[kernel // 2] * 4,
        )

    return {OPERATOR: deform_conv}


class ModulatedDeformConv2d(nn.Module):
    """A 3x3 deformable convolution whose offsets and mask are computed by a plain convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Initialize it as a plain convolution with factor 1/2: all offsets 0, all masks 1/2."""
        super().__init__()
        bound = 1 / math.sqrt(9 * inputs)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.conv_offset_mask = nn.Conv2d(inputs, 27, 3, padding=1)
        for parameter in self.conv_offset_mask.parameters():
            nn.init.zeros_(parameter)

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for (N, inputs, H, W)."""
        offset, mask = self.conv_offset_mask(input).split((18, 9), dim=1)
        return modulated_deform_conv2d(input, offset, mask.sigmoid(), self.weight, self.bias)


class DeformConv(nn.Module):
    """Deformable convolution, batch norm and ReLU: the building block of the DLA neck."""

    def __init__(self, inputs: int, outputs: int) -> None:
        """Build the block; the normalization is registered first, as in published checkpoints."""
        super().__init__()
        self.actf = nn.Sequential(nn.BatchNorm2d(outputs), nn.ReLU())
        self.conv = ModulatedDeformConv2d(inputs, outputs)

    def forward(self, input: Tensor) -> Tensor:
        """Return (N, outputs, H, W) for (N, inputs, H, W)."""
        result: Tensor = self.actf(self.conv(input))
        return result
