"""Optimization: optimizer, learning rate, and moving average of the weights."""

import math

import torch
from torch import nn

from jtn_ros.network.backbones import find_backbone
from jtn_ros.training.recipe import Recipe

MOMENTUM = 0.9


def make_optimizer(recipe: Recipe, network: nn.Module, loss: nn.Module) -> torch.optim.Optimizer:
    """Return the optimizer of the recipe, without weight decay for the parameters of the loss.

    Each parameter group has a `factor` for the learning rate.
    """
    parameters = [
        (name, value) for name, value in network.named_parameters() if value.requires_grad
    ]
    pretrained = find_backbone(recipe.network.backbone).pretrained
    backbone = [value for name, value in parameters if name.startswith(pretrained)]
    rest = [value for name, value in parameters if not name.startswith(pretrained)]
    groups = [
        {'params': rest, 'weight_decay': recipe.weight_decay, 'factor': 1.0},
        {'params': loss.parameters(), 'weight_decay': 0.0, 'factor': 1.0},
        {'params': backbone, 'weight_decay': recipe.weight_decay, 'factor': recipe.backbone_rate},
    ]
    if recipe.optimizer == 'sgd':
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=MOMENTUM)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """Return the learning rate of a step: linear warm-up, then the recipe's schedule.

    Args:
        recipe: the recipe.
        step: number of the step, from 0.
        steps: number of steps of the run.
    """
    if step < recipe.warm_up:
        return recipe.learning_rate * (step + 1) / recipe.warm_up
    if recipe.schedule == 'step':
        return recipe.learning_rate * 0.1 ** sum(step >= share * steps for share in recipe.drops)
    progress = (step - recipe.warm_up) / max(1, steps - recipe.warm_up)
    return recipe.learning_rate * (0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the network, faster in the first steps; counters are copied."""
    decay = min(decay, (step + 1) / (step + 10))
    for mean, value in zip(
        average.state_dict().values(), network.state_dict().values(), strict=True
    ):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
