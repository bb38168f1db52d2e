"""Initialization from other checkpoints: matching weights are used, others are reported."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from jtn_ros.network.checkpoint import save_checkpoint
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.training.initial_weights import load_initial_weights

HEADS = {'hm': 1, 'reg': 2, 'wh': 2, 'tracking': 2, 'ltrb_amodal': 4}
SMALL = NetworkConfig(backbone='light', heads=HEADS, embedding_head='', head_channels=8)


Messages = Callable[[], list[str]]


@pytest.fixture
def messages(caplog: pytest.LogCaptureFixture) -> Messages:
    """Return the logged messages."""
    return lambda: list(dict.fromkeys(record.getMessage() for record in caplog.records))


def test_a_checkpoint_without_embedding_starts_a_network_with_one(
    tmp_path: Path, messages: Messages
) -> None:
    old = JointTrackNet(SMALL)
    save_checkpoint(tmp_path / 'crowd.safetensors', old)
    config = NetworkConfig(backbone='light', heads={**HEADS, 'embedding': 16}, head_channels=8)
    network = load_initial_weights(tmp_path / 'crowd.safetensors', config)
    assert network.config == config
    for name, tensor in old.state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], tensor)
    assert messages() == [
        'crowd.safetensors does not contain embedding: these weights are initialized randomly'
    ]


def test_other_classes_get_a_fresh_heat_map(tmp_path: Path, messages: Messages) -> None:
    save_checkpoint(tmp_path / 'old.safetensors', JointTrackNet(SMALL))
    config = NetworkConfig(
        backbone='light',
        heads={**HEADS, 'hm': 2},
        embedding_head='',
        head_channels=8,
        class_names=('person', 'car'),
        prior_heatmap=False,
    )
    network = load_initial_weights(tmp_path / 'old.safetensors', config)
    assert network.get_parameter('hm.2.weight').shape[0] == 2
    assert messages() == [
        'old.safetensors does not contain hm: these weights are initialized randomly',
        'not used of old.safetensors: base.pre_hm_layer, hm',
    ]


def test_imagenet_weights_fill_the_backbone(tmp_path: Path, messages: Messages) -> None:
    config = NetworkConfig(heads=HEADS, embedding_head='', head_channels=8)
    source = JointTrackNet(config)
    state = {
        name.removeprefix('base.'): tensor
        for name, tensor in source.state_dict().items()
        if name.startswith('base.') and 'pre_' not in name
    }
    state['fc.weight'] = torch.zeros(1000, 512, 1, 1)
    torch.save(state, tmp_path / 'dla34.pth')
    network = load_initial_weights(tmp_path / 'dla34.pth', config)
    name = 'base.level3.tree1.tree1.conv1.weight'
    torch.testing.assert_close(network.state_dict()[name], source.state_dict()[name])
    texts = messages()
    assert 'base.pre_hm_layer, base.pre_img_layer, dla_up' in texts[0]
    assert texts[1] == 'not used of dla34.pth: base.fc'


def test_another_backbone_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / 'light.safetensors', JointTrackNet(SMALL))
    with pytest.raises(
        ValueError, match=r"light\.safetensors: no tensor fits the backbone 'dla34'"
    ):
        load_initial_weights(tmp_path / 'light.safetensors', NetworkConfig())
    (tmp_path / 'bad.pth').write_bytes(b'nothing')
    with pytest.raises(ValueError, match=r'bad\.pth: neither a PyTorch checkpoint'):
        load_initial_weights(tmp_path / 'bad.pth', SMALL)
