"""The training loop: convergence, exact resumption, and abort on invalid values."""

import json
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch

from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.readers import read_clips
from jtn_ros.datasets.targets import PriorNoise
from jtn_ros.network.checkpoint import load_checkpoint
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.training import trainer
from jtn_ros.training.annotated_pairs import AnnotatedPairs
from jtn_ros.training.data import open_training_data
from jtn_ros.training.recipe import AnnotatedData
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.recipe import SyntheticData
from jtn_ros.training.synthetic_pairs import SyntheticPairs
from jtn_ros.training.trainer import train
from jtn_ros.training.training_step import precision_for
from jtn_ros.training.validation import Validation


@pytest.fixture
def recipe() -> Recipe:
    """Return a recipe that is done in seconds."""
    return Recipe(
        network=NetworkConfig(
            backbone='light', head_channels=16, input_height=96, input_width=160
        ),
        data=(SyntheticData(),),
        prior_noise=PriorNoise(),
        steps=4,
        batch_size=4,
        max_objects=16,
        warm_up=2,
        precision='f32',
        checkpoint_every=2,
    )


def weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a checkpoint."""
    return load_checkpoint(path).state_dict()


def test_a_resumed_run_equals_an_unbroken_one(recipe: Recipe, tmp_path: Path) -> None:
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


def test_a_state_of_another_recipe_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    list(train(replace(recipe, steps=1), tmp_path, workers=0))
    wider = replace(recipe, network=replace(recipe.network, head_channels=24))
    with pytest.raises(ValueError, match=r'last\.pt cannot be resumed with this recipe.*--output'):
        list(train(wider, tmp_path, workers=0))
    (tmp_path / 'last.pt').write_bytes(b'cut off')
    with pytest.raises(ValueError, match=r'last\.pt cannot be resumed'):
        list(train(recipe, tmp_path, workers=0))


def test_a_resumed_run_on_footage_equals_an_unbroken_one(
    recipe: Recipe, tmp_path: Path, draw_sequence: Callable[..., Path]
) -> None:
    draw_sequence(tmp_path / 'walk', 3)
    recipe = replace(
        recipe,
        data=(AnnotatedData(train='walk'),),
        batch_size=2,
        max_objects=8,
        epochs=3,
        identity_loss='focal',
        optimizer='sgd',
        schedule='step',
        drops=(0.5,),
        precision='bf16',
        checkpoint_every=3,
    )
    whole = list(train(recipe, tmp_path / 'whole', data=tmp_path, workers=0))
    first = train(recipe, tmp_path / 'parts', data=tmp_path, workers=0)
    parts = [next(first) for _ in range(3)]
    first.close()
    parts += list(train(recipe, tmp_path / 'parts', data=tmp_path, workers=0))
    assert [record['step'] for record in parts] == [1, 2, 3, 4, 5]
    for one, other in zip(whole, parts, strict=True):
        for name in set(one) - {'seconds'}:
            assert other[name] == pytest.approx(one[name], rel=1e-6), name
    states = [
        torch.load(tmp_path / run / 'last.pt', weights_only=True)['loss']
        for run in ('whole', 'parts')
    ]
    assert 'identity.classifier.weight' in states[0]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-6, atol=1e-7)


def test_every_parameter_of_the_published_network_learns(recipe: Recipe, tmp_path: Path) -> None:
    heads = {'hm': 1, 'reg': 2, 'wh': 2, 'embedding': 8, 'tracking': 2, 'ltrb_amodal': 4}
    network = JointTrackNet(
        NetworkConfig(head_channels=8, input_height=64, input_width=64, heads=heads)
    )
    recipe = replace(recipe, network=network.config, steps=1, warm_up=0)
    before = {name: value.clone() for name, value in network.named_parameters()}
    list(train(recipe, tmp_path, workers=0, initial=network))
    still = {
        name for name, value in network.named_parameters() if torch.equal(value, before[name])
    }
    assert {name.rsplit('.', 2)[0] for name in still} == {
        'base.level3.project',
        'base.level4.project',
    }, 'these exist in published checkpoints without influencing anything'


@pytest.mark.parametrize('precision', ['bf16', 'f16'])
def test_mixed_precision_follows_full_precision(
    recipe: Recipe, tmp_path: Path, precision: Literal['bf16', 'f16']
) -> None:
    recipe = replace(recipe, steps=2)
    full = list(train(recipe, tmp_path / 'f32', workers=0))
    mixed = list(train(replace(recipe, precision=precision), tmp_path / precision, workers=0))
    assert mixed[0]['total'] != full[0]['total']
    assert mixed[0]['total'] == pytest.approx(full[0]['total'], rel=0.05)
    if precision == 'bf16':  # f16 starts with a scale that is too large, and skips steps
        assert mixed[1]['total'] == pytest.approx(full[1]['total'], rel=0.05)
    state = torch.load(tmp_path / precision / 'last.pt', weights_only=True)
    assert bool(state['scaler']) == (precision == 'f16')
    for value in state['network'].values():
        assert value.dtype != torch.float16
        assert torch.isfinite(value).all()


def test_by_default_the_device_decides_about_the_precision(recipe: Recipe, tmp_path: Path) -> None:
    assert Recipe(network=recipe.network, data=recipe.data).precision == 'auto'
    assert precision_for('cuda') == 'bf16'
    totals = [
        next(train(replace(recipe, precision=name), tmp_path / name, workers=0))['total']
        for name in ('auto', precision_for('cpu'))
    ]
    assert totals[0] == totals[1]


def test_frozen_batch_norms_keep_their_statistics(recipe: Recipe, tmp_path: Path) -> None:
    for frozen in (True, False):
        network = JointTrackNet(recipe.network)
        before = network.get_buffer('base.base_layer.1.running_mean').clone()
        changed = replace(recipe, steps=1, freeze_batch_norm=frozen)
        list(train(changed, tmp_path / str(frozen), workers=0, initial=network))
        assert torch.equal(network.get_buffer('base.base_layer.1.running_mean'), before) == frozen


@pytest.mark.parametrize(
    'judgments',
    [
        [{'hota': 10.0}, {'hota': 30.0}, {'hota': 20.0}],
        [{'ap50': 10.0}, {'ap50': 30.0}, {'ap50': 20.0}],
        [{'hota': 45.0, 'ap50': 10.0}, {'hota': 20.0, 'ap50': 40.0}, {'hota': 10.0, 'ap50': 45.0}],
    ],
)
def test_the_best_weights_are_those_of_the_best_score(
    recipe: Recipe,
    tmp_path: Path,
    draw_sequence: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    judgments: list[dict[str, float]],
) -> None:
    draw_sequence(tmp_path / 'walk', 2)
    clips = read_clips(tmp_path / 'walk')
    scores = iter(judgments)
    seen = []

    def judge(network: JointTrackNet, judged: Sequence[Clip], device: str) -> Validation:
        seen.append(({name: v.clone() for name, v in network.state_dict().items()}, judged))
        return Validation(**next(scores))

    monkeypatch.setattr(trainer, 'validate', judge)
    recipe = replace(recipe, steps=3, validations=3)
    records = list(train(recipe, tmp_path / 'run', validation=clips, workers=0))
    for record, judgment in zip(records, judgments, strict=True):
        assert {name: record[name] for name in ('hota', 'ap50') if name in record} == judgment
    assert seen[0][1] == clips
    for name, value in weights(tmp_path / 'run' / 'best.safetensors').items():
        assert torch.equal(value, seen[1][0][name]), name
    assert torch.load(tmp_path / 'run' / 'last.pt', weights_only=True)['best'] == 30


@pytest.mark.parametrize(('steps', 'times', 'due'), [(10, 3, [4, 7, 10]), (3, 1, [3]), (4, 0, [])])
def test_validations_are_spread_evenly(steps: int, times: int, due: list[int]) -> None:
    assert [step + 1 for step in range(steps) if trainer._is_due(step, steps, times)] == due


def test_a_loss_that_is_not_finite_stops_the_run(
    recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = SyntheticPairs(recipe, SyntheticData())[0]
    scene['prior_heatmap'] = scene['prior_heatmap'] * float('nan')
    monkeypatch.setattr(SyntheticPairs, '__getitem__', lambda *_: scene)
    with pytest.raises(FloatingPointError, match='lower learning_rate'):
        list(train(recipe, tmp_path, workers=0))
    assert not (tmp_path / 'weights.safetensors').exists()
    saved = torch.load(tmp_path / 'bad_batch.pt', weights_only=True)
    assert torch.isnan(saved['prior_heatmap']).all()


def test_a_gradient_that_is_not_finite_stops_the_run(recipe: Recipe, tmp_path: Path) -> None:
    network = JointTrackNet(recipe.network)
    network.get_parameter('hm.0.weight').register_hook(lambda gradient: gradient * float('inf'))
    before = {name: value.clone() for name, value in network.named_parameters()}
    with pytest.raises(FloatingPointError, match=r'the gradient is (inf|nan) at step 0'):
        list(train(recipe, tmp_path, workers=0, initial=network))
    assert (tmp_path / 'bad_batch.pt').exists()
    assert all(torch.equal(value, before[name]) for name, value in network.named_parameters())


def test_pairs_contain_the_objects_of_the_scene(recipe: Recipe) -> None:
    scene = SyntheticPairs(recipe, SyntheticData())[3]
    assert scene['image'].shape == (4, 96, 160, 3)
    mask = scene['mask'] > 0
    peaks = scene['hm'].reshape(4, -1)
    rows, slots = mask.nonzero()
    assert len(rows)
    assert (peaks[rows, scene['ind'][rows, slots]] == 1).all()
    assert (scene['identity'][rows, slots] > 3 * 10_000).all()


def mixed(recipe: Recipe) -> Recipe:
    """Return a recipe of synthetic scenes and of footage that shows everyone twice."""
    footage = AnnotatedData(train='walk', views=2, mosaic=0.5, cut_boxes=True)
    return replace(
        recipe,
        data=(SyntheticData(share=0.5), replace(footage, share=0.5)),
        batch_size=8,
    )


def test_every_batch_mixes_the_sources_by_their_shares(
    recipe: Recipe, tmp_path: Path, draw_sequence: Callable[..., Path]
) -> None:
    draw_sequence(tmp_path / 'walk', 3)
    data = open_training_data(mixed(recipe), tmp_path)
    assert [source.per_step for source in data.sources] == [1, 2]
    batches = list(data.batches(1, 0))
    assert len(batches) == 3
    drawn = 0
    for batch in batches:
        assert len(batch['image']) == 8
        identities = batch['identity'][batch['mask'] > 0]
        real = identities >= 1 << 48
        assert real.any()
        drawn += len(real) - int(real.sum())
        assert set((identities[real] - (1 << 48)).tolist()) <= {1, 2}
    assert drawn > 0, 'synthetic people'
    again = next(iter(data.batches(2, 0)))
    assert all(torch.equal(again[name], value) for name, value in batches[1].items())


def test_a_mixed_run_resumes_exactly(
    recipe: Recipe, tmp_path: Path, draw_sequence: Callable[..., Path]
) -> None:
    draw_sequence(tmp_path / 'walk', 3)
    recipe = replace(mixed(recipe), box_loss='giou')
    whole = list(train(recipe, tmp_path / 'whole', data=tmp_path, workers=0))
    first = train(recipe, tmp_path / 'parts', data=tmp_path, workers=0)
    records = [next(first) for _ in range(2)]
    first.close()
    records += list(train(recipe, tmp_path / 'parts', data=tmp_path, workers=0))
    assert [record['total'] for record in records] == pytest.approx(
        [record['total'] for record in whole], rel=1e-6
    )
    assert all(0 < record['overlap'] < 2 for record in whole)


def test_sources_of_a_file_are_chosen_by_name(
    recipe: Recipe, tmp_path: Path, draw_sequence: Callable[..., Path]
) -> None:
    sequence = draw_sequence(tmp_path / 'walk', 3)
    images = [
        {
            'id': number,
            'file_name': f'{number:06d}.png',
            'source': 'street' if number > 1 else 'hall',
        }
        for number in (1, 2, 3)
    ]
    box = {'category_id': 1, 'bbox': [8, 16, 24, 56]}
    content = {
        'images': images,
        'annotations': [{'id': image['id'], 'image_id': image['id'], **box} for image in images],
        'categories': [{'id': 1, 'name': 'person'}],
    }
    (sequence / 'img1' / 'train.json').write_text(json.dumps(content))
    streets = AnnotatedData(train='train.json', sources=('street',), views=2)
    data = open_training_data(replace(recipe, data=(streets,)), sequence / 'img1')
    (source,) = data.sources
    assert isinstance(source.samples, AnnotatedPairs)
    assert len(source.samples.clips) == 2
    with pytest.raises(ValueError, match=r"no images of the source 'road'; known: hall, street"):
        open_training_data(
            replace(recipe, data=(replace(streets, sources=('road',)),)), sequence / 'img1'
        )


def test_frozen_modules_stay_and_the_backbone_learns_at_its_own_rate(
    recipe: Recipe, tmp_path: Path
) -> None:
    config = replace(recipe.network, backbone='efficientnet_lite0')
    recipe = replace(
        recipe,
        network=config,
        steps=1,
        warm_up=0,
        freeze=('base.stem',),
        backbone_rate=0.5,
        learning_rate=1e-3,
        weight_decay=0.0,
        gradient_clip=1e9,
    )
    network = JointTrackNet(config)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    list(train(recipe, tmp_path, workers=0, initial=network))
    moved = {
        name: float((value - before[name]).abs().max())
        for name, value in network.state_dict().items()
    }
    assert all(change == 0 for name, change in moved.items() if name.startswith('base.stem'))
    # The first step of AdamW is as long as its rate.
    assert moved['base.stages.1.0.expand.0.weight'] == pytest.approx(5e-4, rel=0.01)
    assert moved['neck.node.0.0.weight'] == pytest.approx(1e-3, rel=0.01)
    with pytest.raises(ValueError, match=r"freeze names 'base\.stam'"):
        list(train(replace(recipe, freeze=('base.stam',)), tmp_path / 'other', workers=0))
