"""Two processes give the same training result as one process with the whole batch."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from jtn_ros.network.checkpoint import load_checkpoint
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.training import processes
from jtn_ros.training.data import open_training_data
from jtn_ros.training.recipe import read_recipe
from jtn_ros.training.trainer import train

SCRIPT = Path(__file__).with_name('train_in_processes.py')
# Batch norms would see half a batch each; with their statistics kept, two processes equal one.
RECIPE = """
network: {backbone: light, head_channels: 16, input_height: 96, input_width: 160,
          heads: {hm: 1, reg: 2, wh: 2, embedding: 16, tracking: 2, ltrb_amodal: 4}}
data: {train: walk, validation: val.json}
batch_size: 4
max_objects: 8
augmentation: {shift: 0.5, scale: [1.5, 2.5]}  # unequal numbers of people
identity_loss: ce
optimizer: sgd
learning_rate: 0.01
freeze_batch_norm: true
precision: f32
steps: 3
warm_up: 2
validations: 1
"""


def write_validation(folder: Path) -> None:
    """Label the drawn images as one video and three stills of two sources."""
    images: list[dict[str, object]]
    images = [{'id': n, 'file_name': f'walk/img1/{n:06d}.png'} for n in range(1, 7)]
    for n in (1, 2, 3):
        images[n - 1] |= {'video_id': 1, 'frame_id': n}
        images[n + 2] |= {'source': ['office', 'hall'][n % 2]}
    people = [
        {'id': n, 'image_id': n, 'category_id': 1, 'bbox': [8, 16, 24, 56]} for n in range(1, 7)
    ]
    content = {
        'images': images,
        'annotations': people,
        'categories': [{'id': 1, 'name': 'person'}],
    }
    (folder / 'val.json').write_text(json.dumps(content))


def run_two(folder: Path) -> list[dict[str, Any]]:
    """Train in two processes, and return the final result of each."""
    launcher = [sys.executable, '-m', 'torch.distributed.run', '--standalone']
    paths = map(str, (SCRIPT, folder / 'recipe.yaml', folder, folder / 'two'))
    command = [*launcher, '--nproc-per-node', '2', *paths]
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / 'two' / f'process_{k}.pt', weights_only=True) for k in range(2)]


def test_two_processes_equal_one_with_the_whole_batch(
    tmp_path: Path, draw_sequence: Callable[..., Path]
) -> None:
    draw_sequence(tmp_path / 'walk', 6)
    write_validation(tmp_path)
    (tmp_path / 'recipe.yaml').write_text(RECIPE)
    recipe = read_recipe(tmp_path / 'recipe.yaml')
    torch.manual_seed(1)
    alone = JointTrackNet(recipe.network)
    records = list(train(recipe, tmp_path / 'one', data=tmp_path, workers=0, initial=alone))
    first, second = run_two(tmp_path)
    for name, value in alone.state_dict().items():
        torch.testing.assert_close(first['network'][name], second['network'][name], rtol=0, atol=0)
        torch.testing.assert_close(first['network'][name], value, rtol=1e-4, atol=1e-6)
    assert {'hota', 'ap50'} <= set(records[-1])
    for one, other in zip(records, first['records'], strict=True):
        for name in set(one) - {'seconds'}:
            assert other[name] == pytest.approx(one[name], rel=1e-4, abs=1e-6), name
    losses = [record['total'] for record in records]
    assert losses[2] < losses[0]
    saved = load_checkpoint(tmp_path / 'two' / 'weights.safetensors').state_dict()
    for name, value in (
        load_checkpoint(tmp_path / 'one' / 'weights.safetensors').state_dict().items()
    ):
        torch.testing.assert_close(saved[name], value, rtol=1e-4, atol=1e-6)
    assert 'hota' in first['records'][2]
    assert 'hota' in second['records'][2]


def test_a_batch_that_cannot_be_shared_is_refused(
    tmp_path: Path, draw_sequence: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_sequence(tmp_path / 'walk', 2)
    (tmp_path / 'recipe.yaml').write_text(RECIPE.replace('batch_size: 4', 'batch_size: 3'))
    data = open_training_data(read_recipe(tmp_path / 'recipe.yaml'), tmp_path)
    monkeypatch.setattr(processes, 'count', lambda: 2)
    with pytest.raises(ValueError, match='3 items of a source, which 2 processes cannot share'):
        data.batches(0, workers=0)
