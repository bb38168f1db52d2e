"""EfficientNet-Lite0: the network of ImageNet, and stems that begin by adding nothing."""

import pytest
import torch
from torch import nn

from jtn_ros.network.efficientnet_lite import LEVEL_CHANNELS
from jtn_ros.network.efficientnet_lite import STAGES
from jtn_ros.network.efficientnet_lite import EfficientNetLite0
from jtn_ros.network.efficientnet_lite import InvertedResidual
from jtn_ros.network.efficientnet_lite import from_imagenet
from jtn_ros.network.efficientnet_lite import level_channels


def published_state(network: EfficientNetLite0) -> dict[str, torch.Tensor]:
    """Return tensors under the published names that give this network."""
    state, numbers = {}, iter(range(16))
    blocks = [block for block in network.modules() if isinstance(block, InvertedResidual)]
    parts: list[tuple[str, nn.Module, bool]]
    parts = [('_conv_stem', network.stem[0], True), ('_bn0', network.stem[1], False)]
    for number, block in zip(numbers, blocks, strict=False):
        names = {
            '_depthwise_conv': block.filter[0],
            '_bn1': block.filter[1],
            '_project_conv': block.project[0],
            '_bn2': block.project[1],
        }
        if block.expand is not None:
            names |= {'_expand_conv': block.expand[0], '_bn0': block.expand[1]}
        parts += [(f'_blocks.{number}.{name}', module, False) for name, module in names.items()]
    for name, module, red_first in parts:
        for key, value in module.state_dict().items():
            state[f'{name}.{key}'] = value.flip(1) if red_first else value
    return state | {'_fc.weight': torch.zeros(1000, 1280)}


def randomised(network: EfficientNetLite0) -> EfficientNetLite0:
    """Give every batch norm statistics of its own."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def test_published_tensors_arrive_with_the_image_channels_turned_round() -> None:
    torch.manual_seed(1)
    source = randomised(EfficientNetLite0(previous_image=False, prior_heatmap=False))
    network = EfficientNetLite0(previous_image=False, prior_heatmap=False).eval()
    network.load_state_dict(from_imagenet(published_state(source)))
    image = torch.randn(1, 3, 64, 96)
    for found, expected in zip(network(image, None, None), source(image, None, None), strict=True):
        assert torch.equal(found, expected)
    assert torch.equal(
        from_imagenet(published_state(source))['stem.0.weight'],
        source.get_parameter('stem.0.weight'),
    )


def test_maps_have_strides_4_to_32_and_added_stems_do_not_change_the_trunk() -> None:
    torch.manual_seed(1)
    network = randomised(EfficientNetLite0(previous_image=True, prior_heatmap=True))
    image, previous, prior = (
        torch.randn(1, 3, 64, 96),
        torch.randn(1, 3, 64, 96),
        torch.rand(1, 1, 64, 96),
    )
    alone = network(image, None, None)
    assert [tuple(level.shape[1:]) for level in alone] == [
        (channels, 64 // stride, 96 // stride)
        for channels, stride in zip(level_channels(True), (4, 8, 16, 32), strict=True)
    ]
    both = network(image, previous, prior)
    for level, channels in enumerate(LEVEL_CHANNELS):
        assert torch.equal(both[level][:, :channels], alone[level][:, :channels])
    for level, channels in enumerate(LEVEL_CHANNELS[:2]):
        assert not torch.equal(both[level][:, channels:], alone[level][:, channels:])
    nn.init.normal_(network.get_parameter('prior_stem.1.weight'))
    assert not torch.equal(network(image, previous, prior)[3], alone[3])


def test_without_a_previous_image_nothing_moves() -> None:
    network = randomised(EfficientNetLite0(previous_image=True, prior_heatmap=False))
    image = torch.randn(1, 3, 64, 96)
    for first, same in zip(network(image, None, None), network(image, image, None), strict=True):
        assert torch.equal(first, same)


@pytest.mark.parametrize(('inputs', 'name'), [((1, None), 'previous'), ((None, 1), 'prior')])
def test_an_input_that_the_network_does_not_take_is_refused(
    inputs: tuple[int | None, int | None], name: str
) -> None:
    network = EfficientNetLite0(previous_image=False, prior_heatmap=False)
    image = torch.zeros(1, 3, 64, 96)
    given = [None if value is None else image for value in inputs]
    with pytest.raises(ValueError, match=name):
        network(image, *given)


def test_there_are_sixteen_blocks() -> None:
    assert sum(map(len, STAGES)) == 16
