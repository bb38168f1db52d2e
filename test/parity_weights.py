"""The weights of the published network with which the parity goldens were made."""

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def parity_weights(seed: int) -> dict[str, NDArray[np.generic]]:
    """Return the weights of a seed, by the names of the published network."""
    listing = Path(__file__).parent / 'network' / 'goldens' / 'state_dict_keys.json'
    entries = json.loads(listing.read_text())
    names = {name for name, _, _ in entries}
    state = {}
    for index, (name, shape, dtype) in enumerate(entries):
        rng = np.random.default_rng([seed, index])
        normalizes = f'{name.rpartition(".")[0]}.running_mean' in names
        state[name] = _draw(rng, name, shape, normalizes, seed).astype(dtype)
    return state


def _draw(
    rng: np.random.Generator, name: str, shape: list[int], normalizes: bool, seed: int
) -> NDArray[np.float64]:
    """Draw one tensor by the goldens' rule: every name its own distribution."""
    parts = name.split('.')
    leaf, fan_in = parts[-1], np.prod(shape[1:])
    head_scales = {'hm': 10, 'reg': 0.5, 'wh': 6, 'embedding': 2, 'tracking': 3, 'ltrb_amodal': 3}
    head_biases = {
        'hm': {101: -5.7, 202: -3.0}.get(seed, -2.0),
        'reg': 0.5,
        'wh': 6,
        'ltrb_amodal': (-3, -6, 3, 6),
    }
    if leaf == 'num_batches_tracked':
        return np.zeros(shape)
    if leaf == 'running_var':
        return rng.uniform(0.5, 1.5, shape)
    if normalizes and leaf == 'weight':
        # Residual branches are damped, so that activations keep their size with depth.
        damping = 0.5 if parts[-2] == 'bn2' else 0.7 if parts[-3:-1] == ['root', 'bn'] else 1
        return rng.uniform(0.8, 1.2, shape) * damping
    noise = rng.standard_normal(shape)
    if normalizes:
        return 0.1 * noise
    if parts[-2] == 'conv_offset_mask':
        return noise * (0.3 if leaf == 'bias' else 0.02 * np.sqrt(576 / fan_in))
    if parts[-2].startswith('up_'):
        ramp = 1 - np.abs((np.arange(shape[2]) + 0.5) / (shape[2] / 2) - 1)
        return np.outer(ramp, ramp) * (1 + 0.1 * noise)
    if parts[0] in head_scales and parts[1] == '2':
        if leaf == 'bias':
            return np.asarray(head_biases.get(parts[0], 0)) + 0.05 * noise
        return noise * head_scales[parts[0]] / np.sqrt(fan_in)
    if leaf == 'bias':
        return 0.05 * noise
    return noise * np.sqrt(2 / fan_in) * (4 if name == 'base.pre_hm_layer.0.weight' else 1)
