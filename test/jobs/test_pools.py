"""Tasks in this process and in others: results, failures, warnings, lost workers."""

from pathlib import Path

import pytest

from jtn_ros.errors import UsageError
from jtn_ros.jobs import open_pool
from jtn_ros.jobs.manifest import NAME
from jtn_ros.jobs.manifest import Manifest

from jobs.work import die
from jobs.work import process_id
from jobs.work import square


@pytest.mark.parametrize('jobs', [1, 2])
def test_every_task_has_an_outcome(jobs: int) -> None:
    with open_pool(jobs, None, 1) as pool:
        outcomes = dict(pool.run(square, [3, -1, 5]))
    assert [outcomes[n].value for n in range(3)] == [9, None, 25]
    assert 'internal error' in str(outcomes[1].error)
    assert 'ValueError: -1 is negative' in str(outcomes[1].error)
    assert 'in square' in outcomes[1].trace
    if jobs == 2:  # in other processes, they would be lost
        assert [outcomes[n].warnings for n in range(3)] == [('3 was here',), (), ('5 was here',)]


def test_processes_stay_for_the_next_tasks() -> None:
    with open_pool(2, None, 1) as pool:
        first = {outcome.value for _, outcome in pool.run(process_id, [0] * 4)}
        second = {outcome.value for _, outcome in pool.run(process_id, [0] * 4)}
    assert len(first) == 2
    assert second == first


def test_a_task_that_loses_its_process_is_repeated_a_limited_number_of_times(
    tmp_path: Path,
) -> None:
    tasks = [tmp_path / f'{times}' for times in (0, 2, 9)]
    with open_pool(2, None, 1) as pool:
        outcomes = dict(pool.run(die, tasks))
    assert [outcomes[n].value for n in range(3)] == ['0', '2', None]
    assert [len(path.read_text()) for path in tasks] == [1, 3, 3]
    assert 'its process was lost 3 times (SIGKILL); ' in str(outcomes[2].error)


def test_a_manifest_keeps_complete_entries(tmp_path: Path) -> None:
    with Manifest(tmp_path) as manifest:
        manifest.put('a', key='1', place='.', result={})
        manifest.put('b', key='2', place='.', result={})
        manifest.put('a', key='3', place='.', result={})
        with pytest.raises(UsageError, match='another process is writing to'):
            Manifest(tmp_path)
    path = tmp_path / NAME
    path.write_text(path.read_text() + '{"name": "c", "key": "4"')
    with Manifest(tmp_path) as manifest:
        assert [manifest.get(name).get('key') for name in 'abc'] == ['3', '2', None]
    assert len(path.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    'text', ['[]\n', '{"name": "a", "key": "1"}\n', 'no JSON\n{"name": "a"}\n']
)
def test_another_file_of_the_name_of_the_manifest_is_kept(tmp_path: Path, text: str) -> None:
    path = tmp_path / NAME
    path.write_text(text)
    for _ in range(2):  # the first one releases its lock
        with pytest.raises(UsageError, match='line 1, is not an entry of a manifest'):
            Manifest(tmp_path)
    assert path.read_text() == text
