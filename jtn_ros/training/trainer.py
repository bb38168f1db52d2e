"""The training loop, from the first batch to the weights that are kept."""

import copy
import json
import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import nn
from torch.utils.data import DataLoader

from jtn_ros.files import written_atomically
from jtn_ros.network.checkpoint import save_checkpoint
from jtn_ros.network.heads import head_at_peaks
from jtn_ros.network.heads import peak_neighbourhoods
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.peak_network import PeakNetwork
from jtn_ros.training.losses import IdentityContrast
from jtn_ros.training.losses import JointLoss
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.synthetic_pairs import SyntheticPairs
from jtn_ros.training.synthetic_pairs import join_scenes

logger = logging.getLogger(__name__)


def train(
    recipe: Recipe,
    output: Path,
    *,
    device: str = 'cpu',
    workers: int = 1,
    initial: JointTrackNet | None = None,
) -> Iterator[dict[str, float]]:
    """Train and yield the losses of every step.

    Leaves `last.pt` (everything needed to resume exactly) and `weights.safetensors` (the moving
    average of the weights, ready for export) in `output`, and continues from `last.pt` when it
    is there.

    Args:
        recipe: what to train.
        output: folder for checkpoints; created when missing.
        device: torch device.
        workers: processes that draw data.
        initial: network to start from; fresh weights when None.

    Raises:
        FloatingPointError: if the loss is not finite; the batch is saved as `bad_batch.pt`.
    """
    output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    network = initial or JointTrackNet(recipe.network)
    network = network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    with_images = PeakNetwork(network).to(device)
    average = copy.deepcopy(network).requires_grad_(requires_grad=False)
    loss = JointLoss(IdentityContrast(recipe.temperature), recipe.network.embedding_head)
    loss = loss.to(device)
    optimizer = torch.optim.AdamW(
        [
            {'params': network.parameters(), 'weight_decay': recipe.weight_decay},
            {'params': loss.parameters(), 'weight_decay': 0.0},
        ],
        lr=recipe.learning_rate,
    )
    saved = {'network': network, 'average': average, 'loss': loss, 'optimizer': optimizer}
    start = _resume(output / 'last.pt', saved)

    pairs = SyntheticPairs(recipe)
    batches = DataLoader(
        pairs,
        batch_size=recipe.scenes_per_step,
        sampler=range(start * recipe.scenes_per_step, len(pairs)),
        collate_fn=join_scenes,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
    )
    for step, batch in enumerate(batches, start):
        began = time.monotonic()
        batch = {name: tensor.to(device) for name, tensor in batch.items()}
        rate = _learning_rate(recipe, step)
        for group in optimizer.param_groups:
            group['lr'] = rate

        with torch.autocast(device, torch.bfloat16, enabled=recipe.precision == 'bf16'):
            heatmap, at_slots = _predict(with_images, batch)
        total, parts = loss(heatmap, at_slots, batch)
        if not torch.isfinite(total):
            torch.save(batch, output / 'bad_batch.pt')
            raise FloatingPointError(
                f'the loss is {total.item()} at step {step}; the batch is in '
                f'{output / "bad_batch.pt"}; lower learning_rate or use precision f32'
            )
        optimizer.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip)
        optimizer.step()
        _update_average(average, network, min(recipe.ema_decay, (step + 1) / (step + 10)))

        if (step + 1) % recipe.checkpoint_every == 0 or step + 1 == recipe.steps:
            _save(output / 'last.pt', step + 1, saved)
            save_checkpoint(output / 'weights.safetensors', average)
        yield {
            'step': step + 1,
            'total': total.item(),
            **{name: value.item() for name, value in parts.items()},
            'learning_rate': rate,
            'seconds': time.monotonic() - began,
        }


def _predict(network: PeakNetwork, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the raw heat map, and the other heads at the targets' slots."""
    config, heads = network.config, network.network
    features = heads.features(
        network.normalise(batch['image']),
        network.normalise(batch['previous_image']) if config.previous_image else None,
        batch['prior_heatmap'] if config.prior_heatmap else None,
    )
    around = peak_neighbourhoods(features, batch['ind'])
    names = [name for name in config.heads if name != 'hm']
    at_slots = {name: head_at_peaks(heads.head(name), around) for name in names}
    return heads.head('hm')(features), at_slots


def _learning_rate(recipe: Recipe, step: int) -> float:
    """Return linear warm-up followed by half a cosine down to a hundredth."""
    if step < recipe.warm_up:
        return recipe.learning_rate * (step + 1) / recipe.warm_up
    progress = (step - recipe.warm_up) / max(1, recipe.steps - recipe.warm_up)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


@torch.no_grad()
def _update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Move the average towards the network; counters are copied."""
    for mean, value in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def _save(path: Path, step: int, parts: dict[str, Any]) -> None:
    """Write everything that a resumed run needs."""
    state = {name: part.state_dict() for name, part in parts.items()}
    with written_atomically(path) as temporary:
        torch.save({'step': step, **state}, temporary)


def _resume(path: Path, parts: dict[str, Any]) -> int:
    """Load what `_save` wrote, if it is there, and return the next step."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location='cpu', weights_only=True)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    logger.info('resumed %s at step %d', path, state['step'])
    return int(state['step'])


def write_log(path: Path, record: dict[str, float]) -> None:
    """Append one step to a file of JSON lines."""
    with path.open('a') as file:
        file.write(json.dumps(record) + '\n')
