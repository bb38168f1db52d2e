"""Result files contain the tracks, and get their names when they are complete."""

import json
from pathlib import Path

import numpy as np
import pytest

from jtn_ros.errors import UsageError
from jtn_ros.media.results import ResultFiles
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

from tables import tracks_of


def tracks_in_a_row(states: list[TrackState], seen: list[bool]) -> Tracks:
    """Return tracks 1, 2, ... in a row, 10 px wide, moving by 5 px/s."""
    left = np.arange(len(states)) * 20
    return tracks_of(
        np.column_stack([left, left * 0, left + 10, left * 0 + 30]),
        scores=0.75,
        class_ids=np.arange(len(states)),
        velocities=(5, -2.5),
        states=states,
        seen=seen,
    )


def test_the_text_holds_confirmed_observed_tracks_and_the_lines_hold_all(tmp_path: Path) -> None:
    states = [TrackState.CONFIRMED, TrackState.TENTATIVE, TrackState.CONFIRMED, TrackState.LOST]
    with ResultFiles(tmp_path / 'out', 'walk', ['person', 'car']) as results:
        results.write(0, 0, tracks_in_a_row([], []))
        results.write(6, 240_000_000, tracks_in_a_row(states, [True, True, False, False]))
        assert results.track_count == 1
        assert not results.text_path.exists()
        assert not results.json_path.exists()
    assert results.text_path.read_text() == ('7,1,0.000,0.000,10.000,30.000,0.75000,1,-1,-1\n')
    first, second = [json.loads(line) for line in results.json_path.read_text().splitlines()]
    assert first == {'frame': 1, 'stamp_ns': 0, 'session': 1, 'tracks': []}
    assert (second['frame'], second['stamp_ns']) == (7, 240_000_000)
    assert second['tracks'][0] == {
        'id': 1, 'class': 'person', 'score': 0.75, 'box': [0, 0, 10, 30], 'velocity': [5, -2.5],
        'state': 'confirmed', 'predicted': False, 'reliable': True,
    }  # fmt: skip
    others = [(t['state'], t['predicted'], t['class']) for t in second['tracks'][1:]]
    assert others == [
        ('tentative', False, 'car'),
        ('confirmed', True, '2'),
        ('lost', True, '3'),
    ]
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['walk.jsonl', 'walk.txt']


def test_nothing_is_left_after_an_exception(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match='stop'):  # noqa: PT012, SIM117
        with ResultFiles(tmp_path, 'walk') as results:
            results.write(0, 0, tracks_in_a_row([], []))
            raise RuntimeError('stop')
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_write_the_same_results(tmp_path: Path) -> None:
    (tmp_path / '.clip.jsonl.part').write_text('left by a process that was killed\n')
    with ResultFiles(tmp_path, 'clip') as first:
        with pytest.raises(UsageError, match=r'clip.jsonl; choose another --output'):
            ResultFiles(tmp_path, 'clip')
        first.write(0, 0, tracks_in_a_row([], []))
    assert len((tmp_path / 'clip.jsonl').read_text().splitlines()) == 1
    with ResultFiles(tmp_path, 'clip'):
        pass
    assert (tmp_path / 'clip.jsonl').read_text() == ''
