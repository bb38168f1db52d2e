"""`jtn train` from a recipe and a folder to weights, and its error messages."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from jtn_ros.cli.main import main
from jtn_ros.network.checkpoint import load_checkpoint

RECIPE = """
network: {backbone: light, head_channels: 8, input_height: 96, input_width: 160, top_k: 20,
          heads: {hm: 1, tracking: 2, ltrb_amodal: 4}, embedding_head: ''}
data: {train: footage, validation: footage, halves: true}
batch_size: 2
max_objects: 8
epochs: 1
precision: f32
validations: 1
"""


Command = Callable[..., int]


@pytest.fixture
def command(tmp_path: Path, draw_sequence: Callable[..., Path]) -> Command:
    """Return a function that runs `jtn train` with more arguments, on a drawn sequence."""
    draw_sequence(tmp_path / 'data' / 'footage', 6)
    (tmp_path / 'recipe.yaml').write_text(RECIPE)
    usual = [
        'train',
        str(tmp_path / 'recipe.yaml'),
        '--output',
        str(tmp_path / 'run'),
        '--workers',
        '0',
        '--device',
        'cpu',
    ]
    return lambda *more: main([*usual, *more])


def test_a_run_leaves_weights_logs_and_a_state_to_resume(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ('--data', str(tmp_path / 'data'))
    assert command(*data) == 0
    run = tmp_path / 'run'
    assert f'weights: {run / "weights.safetensors"}' in capsys.readouterr().out
    records = [json.loads(line) for line in (run / 'log.jsonl').read_text().splitlines()]
    assert [(record['step'], record['steps']) for record in records] == [(1, 2), (2, 2)]
    assert 0 <= records[1]['hota'] <= 100
    assert load_checkpoint(run / 'best.safetensors').config.input_width == 160
    assert list((run / 'tensorboard').iterdir())
    assert command(*data) == 0, 'a finished run has nothing left to do'
    assert len((run / 'log.jsonl').read_text().splitlines()) == 2


def test_a_run_is_validated_on_stills(command: Command, tmp_path: Path) -> None:
    images = [{'id': n, 'file_name': f'footage/img1/{n:06d}.png'} for n in (1, 2)]
    people = [{'id': n, 'image_id': n, 'category_id': 1, 'bbox': [8, 16, 24, 56]} for n in (1, 2)]
    (tmp_path / 'data' / 'stills.json').write_text(
        json.dumps(
            {'images': images, 'annotations': people, 'categories': [{'id': 1, 'name': 'person'}]}
        )
    )
    text = RECIPE.replace('validation: footage, halves: true', 'validation: stills.json')
    (tmp_path / 'recipe.yaml').write_text(text)
    assert command('--data', str(tmp_path / 'data')) == 0
    run = tmp_path / 'run'
    *_, record = [json.loads(line) for line in (run / 'log.jsonl').read_text().splitlines()]
    assert 0 <= record['ap50'] <= 100
    assert 'hota' not in record
    assert torch.load(run / 'last.pt', weights_only=True)['best'] == record['ap50']
    assert (run / 'best.safetensors').exists()


def test_a_run_starts_from_other_weights(command: Command, tmp_path: Path) -> None:
    data = ('--data', str(tmp_path / 'data'))
    assert command(*data) == 0
    (tmp_path / 'run' / 'weights.safetensors').rename(tmp_path / 'start.safetensors')
    for path in (tmp_path / 'run').glob('last.pt'):
        path.unlink()
    text = RECIPE + 'learning_rate: 1e-12\nfreeze_batch_norm: true\nweight_decay: 0.0\n'
    (tmp_path / 'recipe.yaml').write_text(text)
    assert command(*data, '--initial', str(tmp_path / 'start.safetensors')) == 0
    end = load_checkpoint(tmp_path / 'run' / 'weights.safetensors').state_dict()
    for name, value in load_checkpoint(tmp_path / 'start.safetensors').state_dict().items():
        torch.testing.assert_close(end[name], value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
    ('more', 'message'),
    [
        ((), 'this recipe trains on annotated footage: specify its folder (--data DIR)'),
        (('--data', 'nowhere'), 'nowhere/footage does not exist; see docs/training.md'),
        (('--data', '.', '--initial', 'x.pth'), "the initial weights 'x.pth' were not found"),
    ],
)
def test_missing_inputs_are_reported_in_one_line(
    command: Command, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], message: str
) -> None:
    assert command(*more) == 1
    error = capsys.readouterr().err.strip()
    assert error.startswith('jtn train: ')
    assert message in error
    assert '\n' not in error


def test_unknown_recipes_and_keys_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['train', 'mot18', '--output', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert (
        "no recipe 'mot18': specify a YAML file or one of crowdhuman, dancetrack, footage" in error
    )
    (tmp_path / 'mine.yaml').write_text(RECIPE + 'learningrate: 1\n')
    assert main(['train', str(tmp_path / 'mine.yaml'), '--output', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert "unknown setting 'learningrate' (did you mean learning_rate?)" in error


def test_a_diverging_run_ends_in_one_line(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = RECIPE.replace('epochs: 1', 'epochs: 9') + 'learning_rate: 1e30\nwarm_up: 0\n'
    (tmp_path / 'recipe.yaml').write_text(text)
    assert command('--data', str(tmp_path / 'data')) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert 'jtn train: the loss is' in errors[-1]
    assert (tmp_path / 'run' / 'bad_batch.pt').exists()
