"""Initialization with published weights, weights of this project, or ImageNet weights."""

import logging
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from jtn_ros.errors import JtnError
from jtn_ros.installing import install_command
from jtn_ros.network.backbones import find_backbone
from jtn_ros.network.checkpoint import COUNTER
from jtn_ros.network.checkpoint import read_tensors
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.network_config import NetworkConfig

logger = logging.getLogger(__name__)


def load_initial_weights(path: Path, config: NetworkConfig) -> JointTrackNet:
    """Return a network with all tensors of a checkpoint that match in name and shape.

    Heads and stems that are not in the checkpoint keep their initial values, as in the published
    training. They are logged, as are unused tensors of the checkpoint.

    Args:
        path: a checkpoint of JointTrackNet, CenterTrack, FairMOT or this project, or the backbone
            trained on ImageNet (with names without ``base.``).
        config: the network to build.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a checkpoint, or does not contain the backbone of the network.
    """
    try:
        state, _ = read_tensors(path)
    except JtnError as error:
        raise JtnError(f'{path}: {error}') from error
    imagenet = find_backbone(config.backbone).imagenet
    if imagenet is not None and '_conv_stem.weight' in state:
        state = imagenet(state)
    if {'base_layer.0.weight', 'stem.0.weight'} & state.keys():
        state = {f'base.{name}': tensor for name, tensor in state.items()}
    network = JointTrackNet(config)
    own = network.state_dict()
    fitting = {
        name: tensor
        for name, tensor in state.items()
        if name in own and own[name].shape == tensor.shape
    }
    if not any(name.startswith(('base.level', 'base.stages')) for name in fitting):
        raise JtnError(f'{path}: no tensor fits the backbone {config.backbone!r} of the recipe')
    network.load_state_dict(fitting, strict=False)
    fresh = [name for name in own.keys() - fitting.keys() if not name.endswith(COUNTER)]
    if fresh:
        logger.warning(
            '%s does not contain %s: these weights are initialized randomly',
            path.name,
            _summary(fresh),
        )
    if unused := state.keys() - fitting.keys():
        logger.warning('not used of %s: %s', path.name, _summary(unused))
    return network


def imagenet_weights(backbone: str) -> Path:
    """Return the file of a backbone's ImageNet weights in a Python package.

    Raises:
        JtnError: if there is no such package, or it is not installed.
    """
    package = find_backbone(backbone).imagenet_package
    if not package:
        raise JtnError(f'no package contains ImageNet weights of {backbone}; specify a file')
    found = find_spec(package)
    if found is None or found.origin is None:
        raise JtnError(
            f'the ImageNet weights of {backbone} are not installed: {install_command(package)}'
        )
    return next((Path(found.origin).parent / 'models').glob('*.pth'))


def _summary(names: Iterable[str]) -> str:
    """Return the distinct modules of parameters as text."""
    modules = {
        '.'.join(name.split('.')[: 2 if name.startswith(('base.', 'neck.')) else 1])
        for name in names
    }
    return ', '.join(sorted(modules))
