"""The training loop."""

import copy
import time
from collections.abc import Generator
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from jtn_ros.datasets.clips import Clip
from jtn_ros.errors import JtnError
from jtn_ros.network.checkpoint import save_checkpoint
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.training import processes
from jtn_ros.training.data import open_training_data
from jtn_ros.training.data import open_validation_clips
from jtn_ros.training.optimization import learning_rate
from jtn_ros.training.optimization import make_optimizer
from jtn_ros.training.optimization import update_average
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.run_files import STATE_FILE
from jtn_ros.training.run_files import Record
from jtn_ros.training.run_files import load_state
from jtn_ros.training.run_files import require_finite
from jtn_ros.training.run_files import save_state
from jtn_ros.training.training_step import TrainingStep
from jtn_ros.training.training_step import precision_for
from jtn_ros.training.validation import validate


def train(
    recipe: Recipe,
    output: Path,
    *,
    data: Path | None = None,
    validation: Sequence[Clip] = (),
    device: str = 'cpu',
    workers: int = 1,
    initial: JointTrackNet | None = None,
) -> Generator[Record, None, None]:
    """Train, and yield the losses of each step and the scores of each validation.

    The files in `output` are `last.pt` (the exact state, from which a run resumes if the file
    exists), `weights.safetensors` (the moving average of the weights, ready for export) and, with
    validation, `best.safetensors` (the average with the best score: HOTA of videos, AP50 of still
    images, or the mean of the two).

    With `torchrun`, the processes share each batch, and the first one writes the files.

    Args:
        recipe: the recipe.
        output: folder for checkpoints; created if it does not exist.
        data: folder of the annotated footage of the recipe.
        validation: clips for validation, instead of those of the recipe.
        device: torch device.
        workers: number of processes that create the samples.
        initial: network to start from; random weights if None.

    Raises:
        FloatingPointError: if the loss is not finite; the batch is saved as `bad_batch.pt`.
        OSError, JtnError: if the data or `last.pt` cannot be used.
    """
    output.mkdir(parents=True, exist_ok=True)
    if recipe.precision == 'auto':
        recipe = replace(recipe, precision=precision_for(device))
    source = open_training_data(recipe, data)
    clips = list(validation) or open_validation_clips(recipe, data)
    steps, first = source.steps, processes.rank() == 0

    torch.manual_seed(recipe.seed)
    network = initial or JointTrackNet(recipe.network)
    network = network.to(device).to(memory_format=torch.channels_last)
    freeze(network, recipe)
    model = _prepare(TrainingStep(network, recipe, source.identities).to(device), recipe)
    average = copy.deepcopy(network).requires_grad_(requires_grad=False)
    optimizer = make_optimizer(recipe, network, model.loss)
    scaler = torch.amp.GradScaler(torch.device(device).type, enabled=recipe.precision == 'f16')
    state = {
        'network': network,
        'average': average,
        'loss': model.loss,
        'optimizer': optimizer,
        'scaler': scaler,
    }
    start, best = load_state(output / STATE_FILE, state)
    # Some parameters of published checkpoints are unused and have no gradient.
    shared = (
        DistributedDataParallel(model, find_unused_parameters=True)
        if processes.count() > 1
        else model
    )

    for step, batch in enumerate(source.batches(start, workers), start):
        began = time.monotonic()
        batch = {name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()}
        rate = learning_rate(recipe, step, steps)
        for group in optimizer.param_groups:
            group['lr'] = rate * group['factor']

        total, parts = shared(batch)
        losses = processes.mean_of_processes(torch.stack([total, *parts.values()]))
        optimizer.zero_grad()
        scaler.scale(total).backward()
        scaler.unscale_(optimizer)
        norm = nn.utils.clip_grad_norm_(network.parameters(), recipe.gradient_clip)
        # With f16, the scaler skips steps with gradients that are not finite.
        gradient = {} if scaler.is_enabled() else {'gradient': norm}
        require_finite(output, step, {'loss': losses[0], **gradient}, batch)
        scaler.step(optimizer)
        scaler.update()
        update_average(average, network, recipe.ema_decay, step)

        record = {'step': step + 1, 'steps': steps, 'learning_rate': rate}
        record |= dict(zip(['total', *parts], losses.tolist(), strict=True))
        if clips and _is_due(step, steps, recipe.validations):
            scores = validate(average, clips, device)
            record |= scores.as_record()
            if scores.score > best and first:
                save_checkpoint(output / 'best.safetensors', average)
            best = max(best, scores.score)
        if first and ((step + 1) % recipe.checkpoint_every == 0 or step + 1 == steps):
            save_checkpoint(output / 'weights.safetensors', average)
            save_state(output / STATE_FILE, step + 1, state, best)
        yield record | {'seconds': time.monotonic() - began}


def freeze(network: JointTrackNet, recipe: Recipe) -> None:
    """Exclude the frozen modules of the recipe from the training.

    Raises:
        JtnError: if the network has no such module.
    """
    for name in recipe.freeze:
        try:
            module = network.get_submodule(name)
        except AttributeError:
            raise JtnError(f'freeze names {name!r}, which the network does not have') from None
        module.requires_grad_(requires_grad=False)


def _prepare(model: TrainingStep, recipe: Recipe) -> TrainingStep:
    """Put the model into training mode, except the frozen parts."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and (
            recipe.freeze_batch_norm or not module.weight.requires_grad
        ):
            module.eval()
    return model


def _is_due(step: int, steps: int, times: int) -> bool:
    """Return whether one of `times` evenly spaced events is at a step."""
    return (step + 1) * times // steps > step * times // steps
