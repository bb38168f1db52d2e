"""`jtn evaluate` of many recordings: same scores as separately, stored results, failures."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from jtn_ros.cli.main import main

from cli.archives import write_images
from evaluation.test_bag_evaluation import write_recording
from evaluation.test_bag_evaluation import write_truth
from nodes.block_model import write_block_model


@pytest.fixture(scope='module')
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, sequences in two folders, and their recordings."""
    folder = tmp_path_factory.mktemp('archive')
    write_block_model(folder / 'blocks.onnx')
    for name, frames in (('north/drive', 12), ('south/drive', 8), ('south/walk', 10)):
        write_truth(folder / 'truth' / name, frames)
        write_recording(folder / 'recordings' / name, frames)
    return folder


def evaluate(archive: Path, output: Path, *options: object, code: int = 0) -> dict[str, Any]:
    """Evaluate the sequences and return the scores."""
    given = ['--ground-truth', archive / 'truth' / '*', '--model', archive / 'blocks.onnx']
    assert main(['evaluate', *map(str, [*given, *options, '--json', output])]) == code
    return json.loads(output.read_text())


def test_many_recordings_have_the_scores_of_each_in_any_number_of_processes(
    archive: Path, tmp_path: Path
) -> None:
    cache = tmp_path / 'cache'
    options = ['--bag', archive / 'recordings']
    scores = evaluate(archive, tmp_path / 'a.json', *options)
    names = ['north/drive', 'south/drive', 'south/walk']
    assert list(scores['sequences']) == names
    assert scores['combined']['frames'] == 30
    for name in names:
        alone = ['--ground-truth', archive / 'truth' / name, '--json', tmp_path / 'one.json']
        model = ['--bag', archive / 'recordings' / name, '--model', archive / 'blocks.onnx']
        assert main(['evaluate', *map(str, [*alone, *model])]) == 0
        one = json.loads((tmp_path / 'one.json').read_text())
        assert one['combined'] == scores['sequences'][name]
    evaluate(archive, tmp_path / 'b.json', *options, '--jobs', '2', '--cache', cache)
    assert (tmp_path / 'b.json').read_bytes() == (tmp_path / 'a.json').read_bytes()
    stored = {path: path.stat().st_mtime_ns for path in cache.rglob('*.npz')}
    assert len(stored) == 3
    evaluate(archive, tmp_path / 'c.json', *options, '--cache', cache)
    assert (tmp_path / 'c.json').read_bytes() == (tmp_path / 'a.json').read_bytes()
    assert {path: path.stat().st_mtime_ns for path in cache.rglob('*.npz')} == stored
    evaluate(archive, tmp_path / 'd.json', *options, '--cache', cache, '--tracker', 'reference')
    assert len(list(cache.rglob('*.npz'))) == 6


def test_results_of_an_archive_are_scored_where_they_are(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, model = tmp_path / 'out', archive / 'blocks.onnx'
    command = ['track', archive / 'recordings', '--output', output, '--model', model]
    assert main([str(argument) for argument in command]) == 0
    scores = evaluate(archive, tmp_path / 'a.json', '--tracks', output, '--jobs', '2')
    now = evaluate(archive, tmp_path / 'b.json', '--bag', archive / 'recordings')
    for name, values in now['sequences'].items():
        assert scores['sequences'][name] == pytest.approx(values, abs=0.1)  # files round boxes


def test_a_recording_that_fails_is_named_and_the_others_are_scored(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings = tmp_path / 'recordings'
    shutil.copytree(archive / 'recordings', recordings)
    shutil.rmtree(recordings / 'south' / 'drive')
    write_images(recordings / 'south' / 'drive', 5)  # fewer than the truth has
    options = ['--bag', recordings, '--report', tmp_path / 'report.html']
    scores = evaluate(archive, tmp_path / 'a.json', *options, code=1)
    assert list(scores['sequences']) == ['north/drive', 'south/walk']
    assert 'but the recording 5 images' in scores['failed']['south/drive']
    *_, last = capsys.readouterr().err.splitlines()
    assert 'jtn evaluate: 1 of 3 recordings failed: south/drive; ' in last
    assert 'north/drive' in (tmp_path / 'report.html').read_text()
    shutil.rmtree(recordings / 'south' / 'drive')
    given = ['--ground-truth', archive / 'truth' / '*', '--bag', recordings]
    assert main(['evaluate', *map(str, given)]) == 1
    assert 'no recording of the sequence south/drive' in capsys.readouterr().err


def test_options_for_one_dataset_reject_several(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, both = str(archive / 'truth' / 'north'), str(archive / 'truth' / '*')
    model = str(archive / 'blocks.onnx')
    for options, reason in (
        (['--synthetic', '--trackers', '--jobs', '2'], '--jobs and --ray cannot be combined with'),
        (['--ground-truth', truth, truth, '--embeddings'], '2 were given'),
        (['--ground-truth', truth, '--tracks', truth, '--cache', truth], '--cache is for --bag'),
        (['--ground-truth', truth, '--tracks', truth, '--json', str(tmp_path)], 'is a folder'),
        (['--ground-truth', both, '--tracks', model], 'has the tracks of one sequence, but there'),
    ):
        assert main(['evaluate', *options]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line
