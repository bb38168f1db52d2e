"""The deformable convolution: goldens, an independent float64 reference, gradients, types."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jtn_ros.network import deform_conv
from jtn_ros.network.deform_conv import modulated_deform_conv2d

GOLDENS = np.load(Path(__file__).parent / 'goldens' / 'deform_conv.npz')
CASES = sorted({name.split('/')[0] for name in GOLDENS})


# input, offset, mask, weight and bias
Arguments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def reference(*arguments: torch.Tensor) -> NDArray[np.float64]:
    """Evaluate the definition tap by tap in numpy, one output pixel at a time."""
    input, offset, mask, weight, bias = (value.detach().double().numpy() for value in arguments)
    number, _, height, width = input.shape
    kernel = weight.shape[2]
    output = np.zeros((number, len(weight), height, width)) + bias[:, None, None]
    for n, row, column, tap in np.ndindex(number, height, width, kernel**2):
        y = row + tap // kernel - kernel // 2 + offset[n, 2 * tap, row, column]
        x = column + tap % kernel - kernel // 2 + offset[n, 2 * tap + 1, row, column]
        sample = 0
        for v, u in ((0, 0), (0, 1), (1, 0), (1, 1)):
            corner_y, corner_x = int(np.floor(y)) + v, int(np.floor(x)) + u
            if 0 <= corner_y < height and 0 <= corner_x < width:
                share = (1 - abs(y - corner_y)) * (1 - abs(x - corner_x))
                sample = sample + share * input[n, :, corner_y, corner_x]
        taps = weight[:, :, tap // kernel, tap % kernel]
        output[n, :, row, column] += (
            taps @ (sample * np.ones(input.shape[1])) * (mask[n, tap, row, column])
        )
    return output


def random_arguments(
    seed: int,
    number: int = 2,
    inputs: int = 3,
    outputs: int = 4,
    height: int = 5,
    width: int = 6,
    kernel: int = 3,
    spread: float = 1.5,
    dtype: torch.dtype = torch.float64,
) -> Arguments:
    """Return input, offset, mask, weight and bias."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=dtype)

    taps = kernel**2
    return (
        normal(number, inputs, height, width),
        normal(number, 2 * taps, height, width) * spread,
        normal(number, taps, height, width).sigmoid(),
        normal(outputs, inputs, kernel, kernel),
        normal(outputs),
    )


@pytest.mark.parametrize('case', CASES)
def test_goldens(case: str) -> None:
    names = ('input', 'raw27', 'weight', 'bias', 'offset_weight', 'offset_bias', 'output')
    golden = {name: torch.from_numpy(GOLDENS[f'{case}/{name}']) for name in names}
    outputs, inputs = golden['weight'].shape[:2]
    layer = deform_conv.ModulatedDeformConv2d(inputs, outputs)
    layer.load_state_dict(
        {
            'weight': golden['weight'],
            'bias': golden['bias'],
            'conv_offset_mask.weight': golden['offset_weight'],
            'conv_offset_mask.bias': golden['offset_bias'],
        }
    )
    with torch.inference_mode():
        raw = layer.conv_offset_mask(golden['input'])
        output = layer(golden['input'])
    np.testing.assert_allclose(raw, golden['raw27'], rtol=0, atol=1e-5)
    np.testing.assert_allclose(output, golden['output'], rtol=0, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    kernel=st.sampled_from((1, 3, 5)),
    spread=st.sampled_from((0.0, 0.5, 3.0, 30.0, 1e9)),
)
def test_any_shape_and_offset_matches_the_definition(
    seed: int, height: int, width: int, kernel: int, spread: float
) -> None:
    arguments = random_arguments(
        seed, height=height, width=width, kernel=kernel, spread=spread, number=1
    )
    output = modulated_deform_conv2d(*arguments)
    np.testing.assert_allclose(output, reference(*arguments), rtol=0, atol=1e-12)


def test_float32_is_close_to_float64() -> None:
    arguments = random_arguments(1, inputs=16, height=12, width=10, spread=5)
    single = modulated_deform_conv2d(*(argument.float() for argument in arguments))
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single, reference(*arguments), rtol=0, atol=2e-5)


def test_more_pixels_than_a_block_give_the_same() -> None:
    arguments = random_arguments(2, height=31, width=29, dtype=torch.float32)
    assert 3 * deform_conv.BLOCK < 2 * 31 * 29
    whole = deform_conv._by_embedding_bag(*arguments, block=10**6)
    np.testing.assert_allclose(modulated_deform_conv2d(*arguments), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_positions_stay_exact_far_from_the_origin_in_half_precision(dtype: torch.dtype) -> None:
    # bfloat16 has no number between 500 and 502 and float16 none between 500 and 500.25.
    x = torch.zeros(1, 1, 1, 512, dtype=dtype)
    x[..., 501] = 1
    offset = torch.zeros(1, 18, 1, 512, dtype=dtype)
    offset[:, 9] = 0.125
    mask = torch.zeros(1, 9, 1, 512, dtype=dtype)
    mask[:, 4] = 1
    weight = torch.zeros(1, 1, 3, 3, dtype=dtype)
    weight[..., 1, 1] = 1
    output = modulated_deform_conv2d(x, offset, mask, weight, torch.zeros(1, dtype=dtype))
    assert output.dtype == dtype
    assert output[0, 0, 0, 499:503].tolist() == [0, 0.125, 0.875, 0]


def test_gradients_match_finite_differences_in_float64() -> None:
    arguments = random_arguments(3, height=3, width=4)
    for argument in arguments:
        argument.requires_grad_()
    assert torch.autograd.gradcheck(modulated_deform_conv2d, arguments)


def test_values_and_gradients_match_torchvision() -> None:
    ops = pytest.importorskip('torchvision.ops')
    ours = [argument.requires_grad_() for argument in random_arguments(4, inputs=8, spread=3)]
    theirs = [argument.detach().clone().requires_grad_() for argument in ours]
    first = modulated_deform_conv2d(*ours)
    input, offset, mask, weight, bias = theirs
    second = ops.deform_conv2d(input, offset, weight, bias, padding=1, mask=mask)
    np.testing.assert_allclose(first.detach(), second.detach(), rtol=0, atol=1e-13)
    upstream = torch.randn(first.shape, dtype=torch.float64)
    first.backward(upstream)
    second.backward(upstream)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.grad is not None
        assert other.grad is not None
        np.testing.assert_allclose(mine.grad, other.grad, rtol=0, atol=1e-12)


def test_the_path_of_cuda_computes_the_same() -> None:
    pytest.importorskip('torchvision')
    arguments = random_arguments(5, dtype=torch.float32)
    np.testing.assert_allclose(
        deform_conv._by_torchvision(*arguments),
        modulated_deform_conv2d(*arguments),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_cuda_computes_the_same() -> None:
    arguments = random_arguments(6, dtype=torch.float32)
    on_device = modulated_deform_conv2d(*(argument.cuda() for argument in arguments)).cpu()
    np.testing.assert_allclose(on_device, reference(*arguments), rtol=0, atol=1e-4)


def test_only_the_gradients_that_are_asked_for() -> None:
    input, offset, mask, weight, bias = random_arguments(7)
    weight.requires_grad_()
    modulated_deform_conv2d(input, offset, mask, weight, bias).sum().backward()
    assert weight.grad is not None
    assert input.grad is None


def test_trains_in_mixed_precision() -> None:
    torch.manual_seed(0)
    layer = deform_conv.DeformConv(8, 4)
    x = torch.randn(2, 8, 6, 7)
    layer.eval()
    expected = torch.autograd.grad(layer(x).square().sum(), layer.conv.weight)[0]
    with torch.autocast('cpu', torch.bfloat16):
        loss = layer(x).float().square().sum()
    found = torch.autograd.grad(loss, layer.conv.weight)[0]
    assert found.dtype == torch.float32
    assert (found - expected).norm() < 0.03 * expected.norm()


def test_starts_as_a_plain_convolution_at_half_strength() -> None:
    torch.manual_seed(0)
    layer = deform_conv.ModulatedDeformConv2d(16, 8)
    bound = 1 / np.sqrt(9 * 16)
    assert 0.9 * bound < layer.weight.abs().max() <= bound
    assert not layer.bias.any()
    x = torch.randn(1, 16, 9, 9)
    plain = torch.nn.functional.conv2d(x, 0.5 * layer.weight, padding=1)
    np.testing.assert_allclose(layer(x).detach(), plain.detach(), rtol=0, atol=1e-5)


def test_operator_obeys_the_rules_of_the_framework() -> None:
    arguments = tuple(argument.requires_grad_() for argument in random_arguments(8))
    rules = ('test_schema', 'test_autograd_registration', 'test_faketensor')
    results = torch.library.opcheck(deform_conv.OPERATOR, arguments, test_utils=rules)
    assert results == dict.fromkeys(rules, 'SUCCESS')
