"""Checkpoints: the published ones (PyTorch pickles), and this project's own (safetensors).

No code in a file is executed. Every tensor is either loaded into the network or reported.
"""

import json
import logging
import re
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from jtn_ros.errors import JtnError
from jtn_ros.files import what_came_instead
from jtn_ros.files import written_atomically
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.network.published import recognize

logger = logging.getLogger(__name__)

METADATA_KEY = 'jtn_ros.network_config'
# The classifier of the backbone's ImageNet training, which no network of the family uses.
UNUSED_PREFIX = 'base.fc.'
COUNTER = 'num_batches_tracked'


def save_checkpoint(path: str | Path, network: JointTrackNet) -> None:
    """Write a network and its configuration as one safetensors file, atomically.

    Raises:
        OSError: if the file cannot be written.
    """
    tensors = {
        key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()
    }
    metadata = {METADATA_KEY: json.dumps(asdict(network.config))}
    with written_atomically(path) as temporary:
        temporary.write_bytes(safetensors.torch.save(tensors, metadata))


def load_checkpoint(path: str | Path, **settings: Any) -> JointTrackNet:
    """Read a network, in evaluation mode, from a published checkpoint or one of this project.

    Published checkpoints are those of JointTrackNet, CenterTrack and FairMOT. The
    tensors determine which one a file is (see `jtn_ros.network.published`).

    Args:
        path: path of the file.
        settings: fields of `NetworkConfig` that override those of the file, such as
            `class_names`. `prior_heatmap=False` removes that stem.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not such a checkpoint, or if a tensor is missing, is unexpected or has
            another shape.
    """
    path = Path(path)
    try:
        state, metadata = read_tensors(path)
        text = metadata.get(METADATA_KEY)
        config = recognize(state, path.stem) if text is None else config_from_json(text)
        return _fill(replace(config, **settings), state).eval()
    except JtnError as error:
        raise JtnError(f'{path}: {error}') from error


def config_from_json(text: str) -> NetworkConfig:
    """Read the configuration that `save_checkpoint` wrote.

    Raises:
        JtnError: if a setting is unknown or of the wrong type.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JtnError(f'the metadata is not JSON: {error}') from error
    return NetworkConfig.from_mapping(values, 'the metadata')


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a file; its first bytes determine its format.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a checkpoint.
    """
    if (what := what_came_instead(path)) is not None:
        raise JtnError(f'the file is {what}')
    with path.open('rb') as file:
        start = file.read(9)
    if start[8:] == b'{':
        try:
            with safetensors.safe_open(path, framework='pt') as opened:
                tensors = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
                return tensors, opened.metadata() or {}
        except safetensors.SafetensorError as error:
            raise JtnError(f'damaged safetensors file, fetch it again ({error})') from error
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # the reader raises many kinds of errors for damaged files
        if call := re.search(r'GLOBAL (\S+)', str(error)):
            raise JtnError(
                f'refused, because reading it would call {call[1]}; save the state dict alone, '
                'which contains only tensors'
            ) from error
        raise JtnError(
            'neither a PyTorch checkpoint nor a safetensors file, or damaged: fetch it again'
        ) from error
    return _state_dict(content), {}


def _state_dict(content: Any) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint, which may also contain an epoch and an optimizer."""
    state = content.get('state_dict', content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not state:
        raise JtnError(f'the file contains {type(content).__name__}, not a state dict')
    if nested := list(_nested_states(state)):
        expression = ''.join(f'[{key!r}]' for key in nested[0])
        raise JtnError(
            f'the file contains {", ".join(map(repr, state))} instead of tensors; the weights are '
            f'under {" and under ".join(".".join(map(str, keys)) for keys in nested)}. Save them '
            f'alone: torch.save(torch.load(OLD, weights_only=True){expression}, NEW)'
        )
    for key, value in state.items():
        if not isinstance(key, str) or not isinstance(value, Tensor) or not _is_plain(value):
            raise JtnError(f'the state dict contains no plain tensor under {key!r}')
    return {key.removeprefix('module.'): value for key, value in state.items()}


def _nested_states(content: Mapping[Any, Any], depth: int = 2) -> Iterator[tuple[Any, ...]]:
    """Yield the keys that lead to the state dicts inside a checkpoint of another project."""
    for key, value in content.items():
        if not isinstance(value, Mapping) or not value:
            continue
        if all(isinstance(item, Tensor) for item in value.values()):
            yield (key,)
        elif depth > 1:
            yield from ((key, *inner) for inner in _nested_states(value, depth - 1))


def _is_plain(tensor: Tensor) -> bool:
    """Return whether a tensor's values are all in the file (not sparse, expanded or empty)."""
    if tensor.layout != torch.strided or tensor.device.type != 'cpu' or tensor.is_quantized:
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _fill(config: NetworkConfig, state: Mapping[str, Tensor]) -> JointTrackNet:
    """Return a network with these tensors.

    It is first created without memory, so that a file cannot cause an allocation larger than
    itself.
    """
    try:
        with torch.device('meta'):
            network = JointTrackNet(config)
    except (KeyError, RuntimeError, TypeError) as error:
        raise JtnError(f'no network can be built from its heads and sizes: {error}') from error
    wanted = network.state_dict()
    unused = [key for key in state if key.startswith(UNUSED_PREFIX)]
    if not config.prior_heatmap:
        unused += [key for key in state if key.startswith('base.pre_hm_layer.')]
    counters = [key for key in wanted if key.endswith(COUNTER) and key not in state]
    problems = [
        *(f'missing {_shown(key, wanted)}' for key in wanted.keys() - state.keys() - {*counters}),
        *(f'left over {_shown(key, state)}' for key in state.keys() - wanted.keys() - {*unused}),
        *(
            f'{_shown(key, state)} instead of {tuple(wanted[key].shape)}'
            for key in wanted.keys() & state.keys()
            if wanted[key].shape != state[key].shape
        ),
    ]
    if problems:
        raise JtnError(
            f'the tensors do not fit this network ({config.backbone}): '
            + '; '.join(sorted(problems))
        )
    if unused:
        logger.warning(
            'not used by this network: %s', ', '.join(_shown(key, state) for key in unused)
        )
    if counters:
        logger.warning('missing counters of batches start at 0: %s', ', '.join(counters))
    tensors = {key: torch.zeros((), dtype=torch.int64) for key in counters} | {
        key: state[key].detach().to(value.dtype).clone()
        for key, value in wanted.items()
        if key in state
    }
    network.load_state_dict(tensors, assign=True)
    return network


def _shown(key: str, tensors: Mapping[str, Tensor]) -> str:
    """Return a key with the shape of its tensor."""
    return f'{key} {tuple(tensors[key].shape)}'
