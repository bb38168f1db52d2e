"""Archives on a Ray cluster of two nodes: the same bytes and scores as in one process."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from jtn_ros.cli.main import main

from cli.archives import first_worker_killed
from cli.archives import write_archive
from cli.test_track_archive import LONG
from cli.test_track_archive import check_report
from cli.test_track_archive import one_by_one
from cli.test_track_archive import results
from cli.test_track_archive import track
from cli.test_tune_verb import write_sequence
from evaluation.test_bag_evaluation import write_recording
from evaluation.test_bag_evaluation import write_truth
from jobs.cluster import two_nodes


@pytest.fixture(scope='module')
def cluster() -> Iterator[str]:
    """The address of the cluster."""
    with two_nodes() as address:
        yield address


def test_tracks_are_the_same_though_a_worker_is_killed(
    tmp_path: Path, model: Path, cluster: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / 'archive'
    names = write_archive(archive, LONG)
    output = tmp_path / 'out'
    with first_worker_killed(output / 'cam1' / '.walk.jsonl.part') as killed:
        assert track([archive], output, model, '--ray', cluster) == 1
    assert os.environ['RAY_USAGE_STATS_ENABLED'] == '0'  # set by the pool
    assert len(killed) == 1
    assert '4 recordings: 3 tracked, 0 done before, 1 failed; ' in capsys.readouterr().out
    check_report(output, archive, LONG)
    assert results(output) == one_by_one(archive, names, tmp_path / 'expected', model)


def test_scores_are_the_same(tmp_path: Path, model: Path, cluster: str) -> None:
    for name, frames in (('drive', 9), ('walk', 7)):
        write_truth(tmp_path / 'truth' / name, frames)
        write_recording(tmp_path / 'recordings' / name, frames)
    given = ['--ground-truth', tmp_path / 'truth', '--bag', tmp_path / 'recordings']
    for name, options in (('here', []), ('there', ['--ray', cluster])):
        command = [*given, '--model', model, '--json', tmp_path / name, *options]
        assert main(['evaluate', *map(str, command)]) == 0
    scores = json.loads((tmp_path / 'there').read_text())
    assert scores == json.loads((tmp_path / 'here').read_text())
    assert scores['combined']['frames'] == 16


def test_trials_find_the_same_as_in_as_many_processes(tmp_path: Path, cluster: str) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    for name, options in (('here', ['--jobs', '2']), ('there', ['--ray', cluster])):
        output = str(tmp_path / f'{name}.yaml')
        command = ['tune', str(folder), '--detections', '--trials', '8', '--output', output]
        assert main([*command, *options]) == 0
    found = (tmp_path / 'there.yaml').read_text()
    assert found == (tmp_path / 'here.yaml').read_text()
    assert len(yaml.safe_load(found)['/**']['ros__parameters']) == 6
