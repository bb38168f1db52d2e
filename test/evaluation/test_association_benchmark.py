"""The association benchmark: streams with known ground truth, and the results of trackers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.evaluation.association_benchmark import agreement
from jtn_ros.evaluation.association_benchmark import compare
from jtn_ros.evaluation.association_benchmark import own_trackers
from jtn_ros.evaluation.association_benchmark import peer_trackers
from jtn_ros.evaluation.association_benchmark import run_tracker
from jtn_ros.geometry import box_iou
from jtn_ros.synthetic.association_streams import StreamConfig
from jtn_ros.synthetic.association_streams import make_stream
from jtn_ros.synthetic.association_streams import standard_streams
from jtn_ros.tracking import Tracker

CONFIG = StreamConfig(name='test', seconds=8, people=8, pillars=2, pillar_width=0.15, seed=7)


def test_streams_are_reproducible_and_near_the_truth() -> None:
    one, other = make_stream(CONFIG), make_stream(CONFIG)
    assert len(one.detections) == len(one.annotations) == 240
    np.testing.assert_array_equal(one.detections[100].boxes, other.detections[100].boxes)
    assert one.stamps_ns[30] == 10**9
    found = total = 0
    for frame, detections in enumerate(one.detections, 1):
        truth = one.annotations[frame]
        clear = truth.select(truth.visibilities > 0.8)
        total += len(clear)
        overlaps = box_iou(clear.boxes, detections.boxes).max(axis=1, initial=0)
        found += int(np.count_nonzero(overlaps > 0.6))
    assert found > 0.85 * total


def test_displacements_reach_back_to_the_frame_that_was_kept() -> None:
    config = replace(CONFIG, people=3, pillars=0)
    kept = np.arange(240) % 3 == 0
    full, thin = make_stream(config), make_stream(config, kept)
    assert thin.stamps_ns == full.stamps_ns[::3]
    slow, fast = thin.detections[20], full.detections[60]
    np.testing.assert_array_equal(slow.boxes, fast.boxes)
    assert slow.displacements is not None
    assert fast.displacements is not None
    ratio = np.abs(slow.displacements[:, 0]).sum() / np.abs(fast.displacements[:, 0]).sum()
    assert 1.5 < ratio < 6


def test_hidden_people_are_not_detected_and_ignored() -> None:
    stream = make_stream(CONFIG)
    hidden = [a.visibilities < 0.1 for a in stream.annotations.values()]
    assert sum(h.sum() for h in hidden) > 20
    for frame, gone in enumerate(hidden, 1):
        assert stream.annotations[frame].ignored[gone].all()


def test_ours_beats_the_published_association_by_10_hota_where_people_hide() -> None:
    config = replace(CONFIG, seconds=12, people=10, pillars=2, pillar_width=0.2)
    streams = [
        make_stream(replace(config, name=name, seed=seed)) for name, seed in (('a', 21), ('b', 22))
    ]
    trials = compare(streams, own_trackers())
    ours, published = (trials[name].report.combined for name in ('Tracker', 'ReferenceTracker'))
    assert ours.hota > published.hota + 10
    assert ours.idf1 > published.idf1 + 10


def test_dropped_frames_do_not_change_the_identities() -> None:
    """30 fps against the same frames without every third, in crowds and behind pillars."""
    kept = np.arange(240) % 3 != 2
    shares = []
    for kind in standard_streams(seed=0)[:5]:
        config = replace(kind, seconds=8)
        full = run_tracker(Tracker(), make_stream(config))
        thin = run_tracker(Tracker(), make_stream(config, kept))
        shares.append(agreement([full[n] for n in np.flatnonzero(kept)], thin))
    assert np.mean(shares) >= 0.95


def test_agreement_counts_identities_that_map_one_to_one() -> None:
    tracks = run_tracker(Tracker(), make_stream(CONFIG))
    assert agreement(tracks, tracks) == 1
    renamed = [replace(frame, ids=frame.ids + 1000) for frame in tracks]
    assert agreement(tracks, renamed) == 1
    merged = [replace(frame, ids=np.minimum(frame.ids, 2)) for frame in tracks]
    assert 0 < agreement(tracks, merged) < 0.6


def test_peers_run_on_the_same_stream() -> None:
    pytest.importorskip('trackers', reason='the package `trackers` is not installed')
    trials = compare([make_stream(CONFIG)], peer_trackers())
    assert len(trials) == 5
    assert all(trial.report.combined.hota > 30 for trial in trials.values())
    assert all(trial.milliseconds > 0 for trial in trials.values())


def test_command_line_compares_trackers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = make_stream(replace(CONFIG, seconds=2))
    folder = tmp_path / 'walk'
    write_sequence_info(
        folder, SequenceInfo(name='walk', frame_rate=30, length=60, width=1280, height=720)
    )
    (folder / 'gt').mkdir()
    (folder / 'det').mkdir()
    truth, found = [], []
    for frame in range(1, 61):
        objects = stream.annotations[frame]
        for identity, (x1, y1, x2, y2) in zip(objects.ids, objects.boxes, strict=True):
            truth.append(f'{frame},{identity},{x1},{y1},{x2 - x1},{y2 - y1},1,1,1')
        detections = stream.detections[frame - 1]
        for score, (x1, y1, x2, y2) in zip(detections.scores, detections.boxes, strict=True):
            found.append(f'{frame},-1,{x1},{y1},{x2 - x1},{y2 - y1},{score}')
    (folder / 'gt' / 'gt.txt').write_text('\n'.join(truth))
    (folder / 'det' / 'det.txt').write_text('\n'.join(found))
    assert main(['evaluate', '--ground-truth', str(folder), '--trackers']) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[:3]] == ['tracker', 'Tracker', 'ReferenceTracker']
    assert float(lines[1][1]) > 30
    assert lines[0][-1] == 'ms'
    assert float(lines[1][-1]) > 0
    assert main(['evaluate', '--synthetic', '--tracks', str(tmp_path)]) == 2
