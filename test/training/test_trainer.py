"""The training loop: it learns, it resumes exactly, and it stops on nonsense."""

from dataclasses import replace

import pytest
import torch

from jtn_ros.datasets.targets import PriorNoise
from jtn_ros.network.checkpoint import load_checkpoint
from jtn_ros.network.joint_track_net import NetworkConfig
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.recipe import SyntheticData
from jtn_ros.training.synthetic_pairs import SyntheticPairs
from jtn_ros.training.trainer import train


@pytest.fixture
def recipe():
    """Return a recipe that is done in seconds."""
    return Recipe(
        network=NetworkConfig(
            backbone='light', head_channels=16, input_height=96, input_width=160
        ),
        data=SyntheticData(max_objects=16),
        prior_noise=PriorNoise(),
        steps=4,
        scenes_per_step=1,
        warm_up=2,
        precision='f32',
        checkpoint_every=2,
    )


def weights(path):
    """Return the tensors of a checkpoint."""
    return load_checkpoint(path).state_dict()


def test_a_resumed_run_equals_an_unbroken_one(recipe, tmp_path):
    whole = list(train(recipe, tmp_path / 'whole', workers=0))
    first = train(recipe, tmp_path / 'parts', workers=0)
    records = [next(first) for _ in range(2)]
    first.close()
    records += list(train(recipe, tmp_path / 'parts', workers=0))
    assert [record['step'] for record in records] == [1, 2, 3, 4]
    for one, other in zip(whole, records, strict=True):
        assert one['total'] == pytest.approx(other['total'], rel=1e-6)
    expected = weights(tmp_path / 'whole' / 'weights.safetensors')
    for name, value in weights(tmp_path / 'parts' / 'weights.safetensors').items():
        torch.testing.assert_close(value, expected[name], rtol=1e-6, atol=1e-7)


def test_one_scene_is_learned(recipe, tmp_path, monkeypatch):
    recipe = replace(recipe, steps=20, learning_rate=5e-3, checkpoint_every=20)
    scene = SyntheticPairs(recipe)[0]
    monkeypatch.setattr(SyntheticPairs, '__getitem__', lambda *_: scene)
    records = list(train(recipe, tmp_path, workers=0))
    assert records[-1]['hm'] < 0.25 * records[0]['hm']
    assert records[-1]['ltrb_amodal'] < 0.5 * records[0]['ltrb_amodal']


def test_a_loss_that_is_not_finite_stops_the_run(recipe, tmp_path, monkeypatch):
    scene = SyntheticPairs(recipe)[0]
    scene['prior_heatmap'] = scene['prior_heatmap'] * float('nan')
    monkeypatch.setattr(SyntheticPairs, '__getitem__', lambda *_: scene)
    with pytest.raises(FloatingPointError, match='lower learning_rate'):
        list(train(recipe, tmp_path, workers=0))
    saved = torch.load(tmp_path / 'bad_batch.pt', weights_only=True)
    assert torch.isnan(saved['prior_heatmap']).all()


def test_pairs_hold_what_the_scene_shows(recipe):
    scene = SyntheticPairs(recipe)[3]
    assert scene['image'].shape == (4, 96, 160, 3)
    mask = scene['mask'] > 0
    peaks = scene['hm'].reshape(4, -1)
    rows, slots = mask.nonzero()
    assert (peaks[rows, scene['ind'][rows, slots]] == 1).all()
    assert (scene['identity'][rows, slots] > 3 * 10_000).all()
