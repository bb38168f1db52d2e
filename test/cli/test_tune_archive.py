"""`jtn tune` over several sequences: processes, a storage that continues, failures."""

from pathlib import Path

import optuna
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import write_sequence_info

from cli.archives import write_images
from cli.test_tune_verb import write_sequence
from evaluation.test_bag_evaluation import write_truth


def tune(given: list[Path], output: Path, *options: object, code: int = 0) -> bytes:
    """Tune on sequences and return the parameter file."""
    command = [*given, '--output', output, *options]
    assert main(['tune', *map(str, command)]) == code
    return output.read_bytes()


def finished_trials(storage: Path) -> list[int]:
    """Return how many trials of each search were finished."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = optuna.storages.journal.JournalFileBackend(str(storage))
    journal = optuna.storages.JournalStorage(backend)
    return [
        len(journal.get_all_trials(study._study_id, states=(optuna.trial.TrialState.COMPLETE,)))
        for study in journal.get_all_studies()
    ]


def test_a_search_continued_from_its_storage_has_the_result_of_one_search(
    tmp_path: Path,
) -> None:
    given = [write_sequence(tmp_path / name / 'Walk') for name in ('north', 'south')]
    options = ['--detections', '--seed', '3', '--parameters', 'birth_score,lost_time']
    once = tune(given, tmp_path / 'once.yaml', *options, '--trials', '14')
    storage = tmp_path / 'trials' / 'journal.log'
    for trials in (4, 11, 14, 14):
        again = tune(
            given, tmp_path / 'again.yaml', *options, '--trials', trials, '--storage', storage
        )
        assert finished_trials(storage) == [trials]
    assert again == once
    # Another sequence is another search in the same file.
    tune(given[:1], tmp_path / 'one.yaml', *options, '--trials', 3, '--storage', storage)
    assert sorted(finished_trials(storage)) == [3, 14]


def test_processes_share_detections_and_report_unreadable_sequences(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ('a', 'b'):
        folder = write_truth(tmp_path / 'archive' / name)
        write_images(folder / 'img1', 12)
        (folder / 'img1' / '0000.png').rename(folder / 'img1' / '0012.png')
        info = SequenceInfo(name=name, frame_rate=10, length=12, width=160, height=96)
        write_sequence_info(folder, info)
    good = [tmp_path / 'archive' / name for name in ('a', 'b')]
    options = ['--model', model, '--trials', '4', '--jobs', '2']
    expected = tune(good, tmp_path / 'good.yaml', *options)
    write_truth(tmp_path / 'archive' / 'broken')
    (tmp_path / 'archive' / 'broken' / 'img1').mkdir()
    cache = tmp_path / 'cache'
    capsys.readouterr()
    output = tmp_path / 'all.yaml'
    found = tune([tmp_path / 'archive'], output, *options, '--cache', cache, code=1)
    *_, last = capsys.readouterr().err.splitlines()
    assert f'1 of 3 recordings failed: {tmp_path / "archive" / "broken"}; ' in last
    assert len(list(cache.glob('*.npz'))) == 2
    values = [line for line in found.splitlines() if not line.startswith(b'#')]
    assert values == [line for line in expected.splitlines() if not line.startswith(b'#')]


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    base = ['tune', str(folder), '--output', str(tmp_path / 'p.yaml')]
    assert main([*base, '--ray', 'auto']) == 2
    assert '--ray needs --cache' in capsys.readouterr().err
    (tmp_path / 'notes.txt').write_text('no journal\n')
    assert main([*base, '--detections', '--storage', str(tmp_path / 'notes.txt')]) == 1
    assert 'notes.txt is not a journal of optuna' in capsys.readouterr().err
    assert (tmp_path / 'notes.txt').read_text() == 'no journal\n'
