"""Depth-wise convolutions: the fast gradients are those of PyTorch."""

import pytest
import torch
from torch.nn import functional

from jtn_ros.network.depthwise import DepthwiseConv2d


@pytest.mark.parametrize('kernel', [3, 5])
@pytest.mark.parametrize('stride', [1, 2])
@pytest.mark.parametrize('size', [(8, 12), (2, 2), (7, 12)])
def test_values_and_gradients_are_those_of_a_plain_convolution(
    kernel: int, stride: int, size: tuple[int, int]
) -> None:
    torch.manual_seed(3)
    layer = DepthwiseConv2d(6, kernel, stride).double()
    x = torch.randn(2, 6, *size, dtype=torch.float64)
    results = []
    for convolve in (
        layer,
        lambda x: functional.conv2d(x, layer.weight, None, stride, kernel // 2, 1, 6),
    ):
        layer.zero_grad()
        inputs = x.clone().requires_grad_()
        out = convolve(inputs)
        (out * torch.arange(out.numel()).view_as(out).cos()).sum().backward()
        assert layer.weight.grad is not None
        results.append((out.detach(), inputs.grad, layer.weight.grad.clone()))
    for fast, plain in zip(*results, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-12, atol=1e-12)


def test_bfloat16_gradients_follow_float32() -> None:
    torch.manual_seed(3)
    layer = DepthwiseConv2d(16, 5, 2)
    x = torch.randn(2, 16, 16, 16)
    gradients = []
    for kind in (torch.float32, torch.bfloat16):
        layer.zero_grad()
        layer(x.to(kind)).float().square().sum().backward()
        assert layer.weight.grad is not None
        gradients.append(layer.weight.grad.clone())
    error = (gradients[1] - gradients[0]).norm() / gradients[0].norm()
    assert error < 0.02


@pytest.mark.parametrize(('kernel', 'stride'), [(4, 1), (3, 3), (7, 2)])
def test_other_shapes_are_refused(kernel: int, stride: int) -> None:
    with pytest.raises(ValueError, match='known: 3 and 5 with 1 and 2'):
        DepthwiseConv2d(4, kernel, stride)
