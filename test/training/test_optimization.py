"""Learning rates over a run, optimizers, and the moving average."""

from dataclasses import replace
from itertools import pairwise
from typing import Literal

import pytest
import torch

from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.training.optimization import learning_rate
from jtn_ros.training.optimization import make_optimizer
from jtn_ros.training.optimization import update_average
from jtn_ros.training.recipe import Recipe

RECIPE = Recipe(network=NetworkConfig(backbone='light'), learning_rate=0.1, warm_up=4)


def test_cosine_rises_and_falls_to_a_hundredth() -> None:
    rates = [learning_rate(RECIPE, step, 104) for step in range(105)]
    assert rates[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])
    assert rates[54] == pytest.approx(0.1 * 0.505)
    assert rates[104] == pytest.approx(0.001)
    assert all(later <= earlier for earlier, later in pairwise(rates[4:]))


def test_steps_fall_to_tenths_where_the_recipe_says() -> None:
    recipe = replace(RECIPE, schedule='step', drops=(0.5, 0.75), warm_up=0)
    rates = [learning_rate(recipe, step, 8) for step in range(8)]
    assert rates == pytest.approx([0.1] * 4 + [0.01] * 2 + [0.001] * 2)


@pytest.mark.parametrize('optimizer', ['sgd', 'adamw'])
def test_only_the_network_decays(optimizer: Literal['sgd', 'adamw']) -> None:
    network, loss = torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False)
    recipe = replace(RECIPE, optimizer=optimizer, weight_decay=0.5)
    made = make_optimizer(recipe, network, loss)
    before = [network.weight.item(), loss.weight.item()]
    for parameter in (network.weight, loss.weight):
        parameter.grad = torch.zeros_like(parameter)
    made.step()
    assert network.weight.item() == pytest.approx(before[0] * (1 - 0.1 * 0.5))
    assert loss.weight.item() == before[1]


def test_sgd_has_momentum() -> None:
    parameter = torch.nn.Linear(1, 1, bias=False)
    made = make_optimizer(
        replace(RECIPE, optimizer='sgd', weight_decay=0.0), parameter, torch.nn.Linear(1, 1)
    )
    with torch.no_grad():
        parameter.weight.fill_(0)
    for _ in range(2):
        parameter.weight.grad = torch.ones_like(parameter.weight)
        made.step()
    assert parameter.weight.item() == pytest.approx(-0.1 * (1 + 1.9))


def test_the_average_follows_quickly_at_first() -> None:
    average, network = torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1)
    assert average.num_batches_tracked is not None
    assert network.num_batches_tracked is not None
    with torch.no_grad():
        network.weight.fill_(3)
        network.num_batches_tracked.fill_(7)
    update_average(average, network, 0.999, step=0)
    assert average.weight.item() == pytest.approx(1 + 2 * 0.9)
    assert average.num_batches_tracked.item() == 7
    update_average(average, network, 0.5, step=1000)
    assert average.weight.item() == pytest.approx(2.9)
