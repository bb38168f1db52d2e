"""DLA-34 and its neck against the published network: keys, start values, goldens."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig
from jtn_ros.network.dla_up import Upsample

from parity_weights import parity_weights
from places import SHARED

GOLDENS = Path(__file__).parent / 'goldens'
SHARED = SHARED / 'parity' / 'forward'
INPUTS = {'pre_img_pre_hm': 3, 'pre_img': 2, 'image_only': 1}
TOLERANCE = 1e-4


@pytest.fixture(scope='module')
def network() -> JointTrackNet:
    network = JointTrackNet()
    tensors = {name: torch.from_numpy(value) for name, value in parity_weights(101).items()}
    network.load_state_dict(tensors)
    return network.eval()


def golden_inputs(seed: int, height: int, width: int) -> list[torch.Tensor]:
    """Return image, previous image and prior heat map of the goldens, drawn by their rule."""
    rng = np.random.default_rng([seed, height, width])
    coarse = rng.standard_normal((1, 3, height // 8, width // 8))
    image = coarse.repeat(8, 2).repeat(8, 3) + 0.5 * rng.standard_normal((1, 3, height, width))
    previous = np.roll(image, (3, -5), (2, 3)) + 0.2 * rng.standard_normal(image.shape)
    peak_y, peak_x = rng.integers(0, height, 6), rng.integers(0, width, 6)
    sigma = rng.uniform(2, 8, 6)
    y, x = np.mgrid[:height, :width]
    squared = (y - peak_y[:, None, None]) ** 2 + (x - peak_x[:, None, None]) ** 2
    prior = np.exp(-squared / (2 * sigma[:, None, None] ** 2)).max(0)[None, None]
    return [torch.from_numpy(array.astype(np.float32)) for array in (image, previous, prior)]


def test_keys_shapes_and_order_are_the_published_ones() -> None:
    listing = json.loads((GOLDENS / 'state_dict_keys.json').read_text())
    state = JointTrackNet().state_dict()
    found = [[name, list(value.shape), str(value.dtype)[6:]] for name, value in state.items()]
    assert found == listing
    assert sum(parameter.numel() for parameter in JointTrackNet().parameters()) == 20_136_363


@pytest.mark.parametrize('seed', [101, 202])
def test_weights_of_the_goldens_are_drawn_right(seed: int) -> None:
    sums = json.loads((GOLDENS / 'weights_check.json').read_text())[str(seed)]['float64_sum']
    state = parity_weights(seed)
    for name, value in sums.items():
        assert state[name].astype(np.float64).sum() == pytest.approx(value, abs=1e-9)


@pytest.mark.parametrize('variant', INPUTS)
def test_heads_match_the_goldens(network: JointTrackNet, variant: str) -> None:
    golden = np.load(GOLDENS / 'forward_seed101_96x160.npz')
    with torch.inference_mode():
        maps = network(*golden_inputs(101, 96, 160)[: INPUTS[variant]])
    for name, found in maps.items():
        # Every fourth channel of the embedding is kept beside the tests.
        kept = found[:, ::4] if name == 'embedding' else found
        np.testing.assert_allclose(kept, golden[f'{variant}/{name}'], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize('variant', INPUTS)
@pytest.mark.parametrize(('height', 'width'), [(96, 160), (128, 192)])
def test_every_channel_matches_the_goldens(
    network: JointTrackNet, variant: str, height: int, width: int
) -> None:
    path = SHARED / f'forward_seed101_{height}x{width}.npz'
    if not path.exists():
        pytest.skip('the full parity goldens are not beside this checkout')
    golden = np.load(path)
    images = golden_inputs(101, height, width)[: INPUTS[variant]]
    with torch.inference_mode():
        neck = network.features(*images, *[None] * (3 - len(images)))
        maps = network(*images)
    for name, found in maps.items():
        np.testing.assert_allclose(found, golden[f'{variant}/{name}'], rtol=0, atol=TOLERANCE)
    kept = golden[f'{variant}/neck'].astype(np.float32)
    np.testing.assert_allclose(neck, kept, rtol=0, atol=2e-3)


@pytest.mark.parametrize('variant', INPUTS)
def test_every_stage_matches_the_goldens(network: JointTrackNet, variant: str) -> None:
    stages = json.loads((GOLDENS / 'stages_seed101_96x160.json').read_text())[variant]
    seen = {}
    hooks = [
        network.get_submodule(stage['module']).register_forward_hook(
            lambda _module, _input, output, name=stage['module']: seen.update({name: output})
        )
        for stage in stages
    ]
    with torch.inference_mode():
        network(*golden_inputs(101, 96, 160)[: INPUTS[variant]])
    for hook in hooks:
        hook.remove()
    assert list(seen) == [stage['module'] for stage in stages]
    for stage in stages:
        values = seen[stage['module']]
        flat = values.double().flatten()
        middle = len(flat) // 2
        assert list(values.shape) == stage['shape']
        assert flat.mean() == pytest.approx(stage['mean'], abs=1e-5), stage['module']
        assert flat.norm() == pytest.approx(stage['l2'], rel=1e-5), stage['module']
        assert flat.min() == pytest.approx(stage['min'], abs=TOLERANCE), stage['module']
        assert flat.max() == pytest.approx(stage['max'], abs=TOLERANCE), stage['module']
        np.testing.assert_allclose(flat[:8], stage['first8'], rtol=0, atol=TOLERANCE)
        np.testing.assert_allclose(
            flat[middle : middle + 8], stage['mid8'], rtol=0, atol=TOLERANCE
        )


def test_a_network_without_the_prior_stem_equals_one_that_is_given_no_heat_map(
    network: JointTrackNet,
) -> None:
    smaller = JointTrackNet(NetworkConfig(prior_heatmap=False)).eval()
    state = network.state_dict()
    assert set(state) - set(smaller.state_dict()) == {
        f'base.pre_hm_layer.{name}'
        for name in (
            '0.weight',
            '1.weight',
            '1.bias',
            '1.running_mean',
            '1.running_var',
            '1.num_batches_tracked',
        )
    }
    smaller.load_state_dict({name: state[name] for name in smaller.state_dict()})
    image, previous, prior = golden_inputs(101, 64, 64)
    with torch.inference_mode():
        assert torch.equal(smaller(image, previous)['hm'], network(image, previous)['hm'])
        with pytest.raises(ValueError, match='without a prior heat map'):
            smaller(image, previous, prior)


def test_the_previous_image_needs_its_stem() -> None:
    network = JointTrackNet(NetworkConfig(previous_image=False, prior_heatmap=False)).eval()
    image = torch.zeros(1, 3, 32, 32)
    assert network(image)['hm'].shape == (1, 1, 8, 8)
    with pytest.raises(ValueError, match='without a previous image'):
        network(image, image)


def test_the_outer_projections_influence_nothing(network: JointTrackNet) -> None:
    images = golden_inputs(101, 64, 64)
    maps = network.train()(*images)
    sum(value.sum() for value in maps.values()).backward()
    idle = {name for name, value in network.named_parameters() if value.grad is None}
    assert idle == {
        f'base.level{level}.project.{name}'
        for level in (3, 4)
        for name in ('0.weight', '1.weight', '1.bias')
    }


def test_start_values() -> None:
    torch.manual_seed(0)
    network = JointTrackNet()
    for name, value in network.state_dict().items():
        if name == 'hm.2.bias':
            assert (value == -4.6).all()
        elif 'conv_offset_mask' in name:
            assert not value.any(), name
        elif name.endswith('.bias') and (name.count('.') == 2 or name.endswith('conv.bias')):
            assert value.any() == (name == 'hm.0.bias'), name
    x = torch.ones(1, 64, 5, 5)
    for name, factor in (('up_1', 2), ('up_2', 4)):
        up = network.get_submodule(f'ida_up.{name}')
        expected = functional.interpolate(x, scale_factor=factor, mode='bilinear')
        inner = slice(factor, -factor)
        np.testing.assert_allclose(up(x).detach()[..., inner, inner], expected[..., inner, inner])


@pytest.mark.parametrize('factor', [2, 4])
def test_upsampling_by_subpixels_gives_the_same_sums(factor: int) -> None:
    torch.manual_seed(factor)
    up = Upsample(5, factor).double()
    up.weight.data += torch.randn_like(up.weight)
    x = torch.randn(2, 5, 4, 7, dtype=torch.float64)
    assert up(x).shape == (2, 5, 4 * factor, 7 * factor)
    np.testing.assert_allclose(up.by_subpixels(x).detach(), up(x).detach(), rtol=0, atol=1e-12)
