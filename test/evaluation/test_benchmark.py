"""The benchmark: sums of times, alternating configurations, and the report."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from jtn_ros.cli.main import main
from jtn_ros.evaluation.benchmark import Configuration
from jtn_ros.evaluation.benchmark import ratio
from jtn_ros.evaluation.benchmark import report
from jtn_ros.evaluation.benchmark import run_benchmark
from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig
from jtn_ros.network import save_checkpoint
from jtn_ros.pipeline import STAGES


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small random network."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp('benchmark') / 'small.safetensors'
    heads = {'hm': 1, 'embedding': 8, 'tracking': 2, 'ltrb_amodal': 4}
    config = NetworkConfig(
        name='small',
        backbone='light',
        heads=heads,
        head_channels=8,
        input_height=64,
        input_width=96,
        top_k=20,
    )
    save_checkpoint(path, JointTrackNet(config))
    return path


def test_stages_add_up_and_configurations_take_turns(checkpoint: Path) -> None:
    images = [np.full((90, 160, 3), value, np.uint8) for value in (0, 255)]
    first = Configuration(model=str(checkpoint), device='cpu', threads=1)
    both = [first, Configuration(model=str(checkpoint), device='cpu', threads=1, batch=3)]
    single, batch = run_benchmark(both, images, frames=6, warm_up=1)
    assert {len(times) for times in single.seconds.values()} == {6}
    parts = sum(np.array(single.seconds[stage]) for stage in STAGES)
    total = np.array(single.seconds['total'])
    assert (parts <= total).all()
    assert (total - parts < 0.005).sum() >= 4  # a busy machine may interrupt between stages
    assert set(batch.seconds) == {'preprocess', 'inference', 'total', 'cpu'}
    assert ratio(single, single) == 1
    written = json.loads(json.dumps(report([single, batch], (90, 160))))
    assert written['results'][0]['engine'] == 'PyTorch CPU f32'
    assert written['results'][0]['input_size'] == [64, 96]
    median = written['results'][1]['stages_ms']['total']['median']
    assert written['results'][1]['images_per_second'] == pytest.approx(3e3 / median, rel=0.01)
    assert written['results'][1]['peaks_per_second'] == pytest.approx(60e3 / median, rel=0.01)
    assert written['ratios_to_first'][0]['total'] == pytest.approx(ratio(single, batch), abs=1e-3)


def test_the_verb_writes_json_and_a_table(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'benchmark.json'
    arguments = [
        'benchmark',
        '--model',
        str(checkpoint),
        '--frames',
        '2',
        '--size',
        '60x80',
        '--threads',
        '1',
    ]
    code = main([*arguments, '--against', 'batch=2,device=cpu', '--json', str(output)])
    assert code == 0
    written = json.loads(output.read_text())
    assert written['image_size'] == [60, 80]
    assert [result['configuration']['batch'] for result in written['results']] == [1, 2]
    table = capsys.readouterr().out
    assert 'small 64x96, PyTorch CPU f32, batch 2' in table
    assert f'{written["ratios_to_first"][0]["total"]:.2f}' in table


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--against', 'speed=high'], "'speed=high' is not KEY=VALUE; keys: model, backend"),
        (['--against', 'threads=many'], 'invalid literal'),
        (['--batch', '0'], 'a batch of 0 contains no image'),
        (['--frames', '0'], 'nothing to measure'),
        (['--model', 'nowhere'], "no model 'nowhere'"),
    ],
)
def test_wrong_requests_are_explained(
    checkpoint: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    model = [] if '--model' in arguments else ['--model', str(checkpoint)]
    assert main(['benchmark', '--size', '60x80', *model, *arguments]) == 1
    assert message in capsys.readouterr().err
