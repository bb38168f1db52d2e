"""`jtn import`: a published checkpoint becomes a file of this project."""

from pathlib import Path

import pytest
import torch

from jtn_ros.cli.main import main
from jtn_ros.network import load_checkpoint

from parity_weights import parity_weights


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / 'mot17.pth'
    state = {f'module.{name}': torch.from_numpy(v) for name, v in parity_weights(101).items()}
    torch.save({'epoch': 30, 'state_dict': state}, path)
    return path


def test_import(checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / 'new' / 'mot17.safetensors'
    options = [
        '--classes',
        'pedestrian',
        '--input',
        '384x672',
        '--letterbox',
        'published',
        '--confident-score',
        '0.35',
        '--no-prior-heatmap',
        '--license',
        'CC BY-NC-SA 3.0',
        '--training-data',
        'MOT17',
        '--name',
        'mot17_small',
    ]
    assert main(['import', str(checkpoint), str(output), *options]) == 0
    assert '20.1 M' in capsys.readouterr().out
    network = load_checkpoint(output)
    config = network.config
    assert config.class_names == ('pedestrian',)
    assert (config.input_height, config.input_width) == (384, 672)
    assert (config.letterbox, config.confident_score) == ('published', 0.35)
    assert (config.name, config.licence) == ('mot17_small', 'CC BY-NC-SA 3.0')
    assert config.training_data == 'MOT17'
    assert not config.prior_heatmap
    original = load_checkpoint(checkpoint)
    images = torch.rand(2, 1, 3, 64, 64)
    with torch.inference_mode():
        for name, values in original(*images).items():
            assert torch.equal(network(*images)[name], values)


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (['nothing.pth', 'a.safetensors'], 1, 'nothing.pth'),
        (['small.onnx', 'a.safetensors'], 2, 'specify the family with --detector'),
        (['mot17.pth', 'a.onnx'], 1, 'must end in .safetensors'),
        (['mot17.pth', 'a.safetensors', '--classes', 'a,b'], 1, '1 channels for the 2 classes'),
        (['mot17.pth', 'a.safetensors', '--input', '100x100'], 1, 'multiple of 32'),
        (['mot17.pth', 'a.safetensors', '--input', '100'], 2, 'is not a size'),
        (['mot17.pth', 'a.safetensors', '--classes', 'a,,b'], 2, 'not a list of names'),
    ],
)
def test_errors(
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(checkpoint.parent)
    found: object
    try:
        found = main(['import', *arguments])
    except SystemExit as stop:
        found = stop.code
    assert found == code
    assert message in capsys.readouterr().err
    assert not (checkpoint.parent / 'a.safetensors').exists()
