"""Small networks with random weights, exported once, and the weights of the parity goldens."""

import json
from pathlib import Path

import numpy as np
import pytest

SHARED = Path(__file__).resolve().parents[3] / 'shared'
HEADS = {'hm': 2, 'embedding': 16, 'tracking': 2, 'ltrb_amodal': 4}


@pytest.fixture(scope='session')
def light_network():
    """Return a random light network with lively normalisations, in evaluation mode."""
    torch = pytest.importorskip('torch')
    from jtn_ros.network import JointTrackNet
    from jtn_ros.network import NetworkConfig

    torch.set_num_threads(1)  # tests share their machine
    torch.manual_seed(3)
    network = JointTrackNet(
        NetworkConfig(
            name='random_light',
            backbone='light',
            class_names=('person', 'cart'),
            heads=HEADS,
            head_channels=32,
            input_height=96,
            input_width=160,
            top_k=40,
            training_data='nothing',
            licence='Apache-2.0',
        )
    )
    return _enliven(network)


@pytest.fixture(scope='session')
def enliven():
    """Return the function that draws lively weights."""
    return _enliven


def _enliven(network):
    """Draw weights and statistics that keep signals alive through all layers."""
    import torch

    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.2)
                module.bias.normal_(0, 0.1)
            elif isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        for name in network.config.heads:
            network.head(name)[2].weight *= 0.05
        network.head('hm')[2].bias.copy_(torch.tensor([-3.0, 0.0])[: network.config.heads['hm']])
    return network.eval()


@pytest.fixture(scope='session')
def light_model(light_network, tmp_path_factory):
    """Return the path of that network as ONNX."""
    from jtn_ros.inference.export import export_onnx

    path = tmp_path_factory.mktemp('models') / 'random_light.onnx'
    export_onnx(light_network, path)
    return path


@pytest.fixture(scope='session')
def parity_network():
    """Return a function that builds the published network with the weights of the goldens."""
    pytest.importorskip('torch')
    keys = SHARED / 'parity' / 'state_dict_keys.json'
    if not keys.exists():
        pytest.skip('the parity goldens are not beside this checkout')
    entries = json.loads(keys.read_text())['entries']
    return lambda seed, **settings: build_parity_network(entries, seed, settings)


def build_parity_network(entries, seed, settings):
    """Load the weights that the goldens were made with: one random stream a tensor."""
    import torch

    from jtn_ros.network import JointTrackNet
    from jtn_ros.network import NetworkConfig

    normalised = {
        entry['name'].rpartition('.')[0]
        for entry in entries
        if entry['name'].endswith('.running_mean')
    }
    state = {}
    for index, entry in enumerate(entries):
        name, shape = entry['name'], tuple(entry['shape'])
        owner, _, kind = name.rpartition('.')
        rng = np.random.default_rng([seed, index])
        value = parity_tensor(rng, name, kind, shape, owner in normalised)
        state[name] = torch.from_numpy(np.ascontiguousarray(value, np.float32))
        if kind == 'num_batches_tracked':
            state[name] = torch.zeros((), dtype=torch.int64)
    network = JointTrackNet(NetworkConfig(**settings))
    wanted = network.state_dict().keys()
    network.load_state_dict({name: state[name] for name in wanted})
    return network.eval()


def parity_tensor(rng, name, kind, shape, normalisation):
    """Draw one tensor by the rule of the goldens."""
    head = name.split('.')[0]
    fan_in = np.prod(shape[1:])
    scales = {'hm': 10.0, 'reg': 0.5, 'wh': 6.0, 'embedding': 2.0, 'tracking': 3.0,
              'ltrb_amodal': 3.0}  # fmt: skip
    offsets = {'hm': -5.7, 'reg': 0.5, 'wh': 6.0, 'ltrb_amodal': (-3.0, -6.0, 3.0, 6.0)}
    if kind == 'num_batches_tracked':
        return 0
    if kind == 'running_var':
        return rng.uniform(0.5, 1.5, shape)
    if normalisation and kind == 'weight':
        damping = {'.bn2.weight': 0.5, 'root.bn.weight': 0.7}
        factor = [value for end, value in damping.items() if name.endswith(end)]
        return rng.uniform(0.8, 1.2, shape) * (factor or [1.0])[0]
    noise = rng.standard_normal(shape)
    if kind == 'running_mean' or normalisation:
        return 0.1 * noise
    if '.conv_offset_mask.' in name:
        return 0.3 * noise if kind == 'bias' else 0.02 * noise * np.sqrt(576 / fan_in)
    if '.up_' in name:
        factor = shape[2] // 2
        middle = (2 * factor - 1) / (2 * factor)
        line = 1 - np.abs(np.arange(shape[2]) / factor - middle)
        return np.outer(line, line) * (1 + 0.1 * noise)
    if head in scales and name.split('.')[1] == '2':
        if kind == 'bias':
            return np.asarray(offsets.get(head, 0.0)) + 0.05 * noise
        return scales[head] * noise / np.sqrt(fan_in)
    if kind == 'bias':
        return 0.05 * noise
    return noise * np.sqrt(2 / fan_in) * (4.0 if name == 'base.pre_hm_layer.0.weight' else 1.0)
