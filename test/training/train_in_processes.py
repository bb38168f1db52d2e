"""The program of each process in the test with two processes, under torchrun."""

import sys
from pathlib import Path

import torch

from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.training import processes
from jtn_ros.training.recipe import read_recipe
from jtn_ros.training.trainer import train

recipe_path, data, output = map(Path, sys.argv[1:])
torch.set_num_threads(1)
recipe = read_recipe(recipe_path)
torch.manual_seed(1)
network = JointTrackNet(recipe.network)
with processes.joined_processes('cpu'):
    records = list(train(recipe, output, data=data, workers=0, initial=network))
    torch.save(
        {'network': network.state_dict(), 'records': records},
        output / f'process_{processes.rank()}.pt',
    )
