"""A small network with random weights, exported once."""

from pathlib import Path

import pytest
import torch

from jtn_ros.inference.export import export_onnx
from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig

from inference.enliven import enliven


@pytest.fixture(scope='session')
def light_network() -> JointTrackNet:
    """Return a random light network with lively normalizations, in evaluation mode."""
    torch.set_num_threads(1)  # tests share their machine
    torch.manual_seed(3)
    return enliven(
        JointTrackNet(
            NetworkConfig(
                name='random_light',
                backbone='light',
                class_names=('person', 'cart'),
                heads={'hm': 2, 'embedding': 16, 'tracking': 2, 'ltrb_amodal': 4},
                head_channels=32,
                input_height=96,
                input_width=160,
                top_k=40,
                training_data='nothing',
                licence='Apache-2.0',
            )
        )
    )


@pytest.fixture(scope='session')
def light_model(light_network: JointTrackNet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the path of that network as ONNX."""
    path = tmp_path_factory.mktemp('models') / 'random_light.onnx'
    export_onnx(light_network, path)
    return path
