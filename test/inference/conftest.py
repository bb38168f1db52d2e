"""Small networks with random weights, exported once, and the weights of the parity goldens."""

import pytest

HEADS = {'hm': 2, 'embedding': 16, 'tracking': 2, 'ltrb_amodal': 4}


@pytest.fixture(scope='session')
def light_network():
    """Return a random light network with lively normalizations, in evaluation mode."""
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
def parity_network(parity_state):
    """Return a function that builds the published network with the weights of the goldens."""
    torch = pytest.importorskip('torch')

    from jtn_ros.network import JointTrackNet
    from jtn_ros.network import NetworkConfig

    def build(seed, **settings):
        network = JointTrackNet(NetworkConfig(**settings))
        state = {name: torch.from_numpy(value) for name, value in parity_state(seed).items()}
        network.load_state_dict({name: state[name] for name in network.state_dict()})
        return network.eval()

    return build
