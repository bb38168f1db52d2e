"""int8 from the command line: calibrated on a recording, and its cost reported."""

import json
from pathlib import Path

import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.evaluation.quantisation import SamplingEngine
from jtn_ros.evaluation.quantisation import compare_tracks
from jtn_ros.evaluation.quantisation import track_recordings
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import random_inputs

pytest.importorskip('torch')
CHECKPOINT = Path(__file__).parents[2] / 'models' / 'jtn_light.safetensors'


@pytest.fixture(scope='module')
def sequence(tmp_path_factory):
    """Return a generated sequence with ground truth, which no training sees."""
    folder = tmp_path_factory.mktemp('sequences')
    options = ['--seconds', '2', '--fps', '15', '--seed', str(2**31 + 11)]
    assert main(['synthesize', str(folder), *options]) == 0
    (found,) = folder.iterdir()
    return found


def test_the_verb_quantises_and_reports_the_cost(sequence, tmp_path, capsys):
    output = tmp_path / 'small.onnx'
    assert main(['export', str(CHECKPOINT), str(output), '--int8', str(sequence)]) == 0
    printed = capsys.readouterr().out
    assert 'int8 against f32' in printed
    assert 'agrees with PyTorch before it was quantised' in printed
    (loss,) = json.loads((tmp_path / 'small.accuracy.json').read_text())
    assert loss['source'] == sequence.name
    assert loss['agreement']['hota'] > 60
    assert loss['before']['hota'] > 5
    assert loss['before']['true_objects'] == loss['after']['true_objects'] > 100
    assert abs(loss['before']['hota'] - loss['after']['hota']) < 12
    assert f'{loss["after"]["hota"]:.1f}' in printed
    assert load_engine(output).info.precision == 'int8'


def test_the_same_tracks_lose_nothing(sequence, tmp_path):
    tracked = track_recordings(load_engine(), [str(sequence)])
    (loss,) = compare_tracks(tracked, tracked)
    assert loss.before == loss.after
    assert loss.agreement.hota == pytest.approx(100)
    (without_truth,) = compare_tracks({'clip': tracked[str(sequence)]}, {'clip': {}})
    assert without_truth.before is None
    assert without_truth.agreement.hota == 0
    with pytest.raises(ValueError, match='clip: nothing is tracked there'):
        compare_tracks({'clip': {}}, {'clip': {}})


def test_samples_are_spread_evenly_over_all_frames():
    engine = load_engine()
    sampling = SamplingEngine(engine, 4)
    inputs = random_inputs(engine.info)
    for number in range(37):
        inputs['images'][0, 0, 0, 0] = number
        peaks = sampling.run(**inputs)
    np.testing.assert_array_equal(peaks.scores, engine.run(**inputs).scores)
    numbers = [int(sample['images'][0, 0, 0, 0]) for sample in sampling.samples]
    assert numbers == [0, 8, 16, 24, 32]
