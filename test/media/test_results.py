"""Result files hold what was tracked, and appear when they are complete."""

import json
from pathlib import Path

import numpy as np
import pytest

from jtn_ros.errors import UsageError
from jtn_ros.media.results import ResultFiles
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState


def tracks_of(states, seen) -> Tracks:
    """Return tracks 1, 2, ... in a row, 10 px wide, moving by 5 px/s."""
    n = len(states)
    left = np.arange(n, dtype=np.float32) * 20
    boxes = np.column_stack([left, left * 0, left + 10, left * 0 + 30])
    return Tracks(
        ids=np.arange(1, n + 1),
        boxes=boxes,
        scores=np.full(n, 0.75, np.float32),
        class_ids=np.arange(n, dtype=np.int32),
        centers=(boxes[:, :2] + boxes[:, 2:]) / 2,
        velocities=np.tile(np.float32([5, -2.5]), (n, 1)),
        velocity_covariances=np.zeros((n, 2, 2), np.float32),
        states=np.array(states, np.uint8),
        ages=np.ones(n, np.int32),
        hits=np.ones(n, np.int32),
        unseen_ns=np.zeros(n, np.int64),
        detection_indices=np.where(seen, np.arange(n), -1).astype(np.int32),
    )


def test_the_text_holds_confirmed_observed_tracks_and_the_lines_hold_all(tmp_path: Path) -> None:
    states = [TrackState.CONFIRMED, TrackState.TENTATIVE, TrackState.CONFIRMED, TrackState.LOST]
    with ResultFiles(tmp_path / 'out', 'walk', ['person', 'car']) as results:
        results.write(0, 0, tracks_of([], []))
        results.write(6, 240_000_000, tracks_of(states, [True, True, False, False]))
        assert results.track_count == 1
        assert not results.text_path.exists()
        assert not results.json_path.exists()
    assert results.text_path.read_text() == ('7,1,0.000,0.000,10.000,30.000,0.75000,1,-1,-1\n')
    first, second = [json.loads(line) for line in results.json_path.read_text().splitlines()]
    assert first == {'frame': 1, 'stamp_ns': 0, 'session': 1, 'tracks': []}
    assert (second['frame'], second['stamp_ns']) == (7, 240_000_000)
    assert second['tracks'][0] == {
        'id': 1, 'class': 'person', 'score': 0.75, 'box': [0, 0, 10, 30], 'velocity': [5, -2.5],
        'state': 'confirmed', 'predicted': False,
    }  # fmt: skip
    states = [(t['state'], t['predicted'], t['class']) for t in second['tracks'][1:]]
    assert states == [
        ('tentative', False, 'car'),
        ('confirmed', True, '2'),
        ('lost', True, '3'),
    ]
    assert sorted(p.name for p in (tmp_path / 'out').iterdir()) == ['walk.jsonl', 'walk.txt']


def test_nothing_is_left_after_an_exception(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match='stop'):  # noqa: PT012, SIM117
        with ResultFiles(tmp_path, 'walk') as results:
            results.write(0, 0, tracks_of([], []))
            raise RuntimeError('stop')
    assert list(tmp_path.iterdir()) == []


def test_two_runs_do_not_write_the_same_results(tmp_path: Path) -> None:
    (tmp_path / '.clip.jsonl.part').write_text('left by a process that was killed\n')
    with ResultFiles(tmp_path, 'clip') as first:
        with pytest.raises(UsageError, match=r'clip.jsonl; choose another --output'):
            ResultFiles(tmp_path, 'clip')
        first.write(0, 0, tracks_of([], []))
    assert len((tmp_path / 'clip.jsonl').read_text().splitlines()) == 1
    with ResultFiles(tmp_path, 'clip'):
        pass
    assert (tmp_path / 'clip.jsonl').read_text() == ''
