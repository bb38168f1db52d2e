"""Matches agree with the counts of CLEAR MOT, and have the correct objects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.evaluation.matching import match
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.trackeval_data import Recording

from tables import annotations_of


def boxes(lefts: ArrayLike) -> NDArray[np.float32]:
    return np.array([[x, 0, x + 10, 20] for x in np.asarray(lefts)], np.float32).reshape(-1, 4)


def objects(
    ids: ArrayLike, lefts: ArrayLike, classes: ArrayLike = 0, ignored: ArrayLike = False
) -> Annotations:
    return annotations_of(boxes(lefts), ids=ids, class_ids=classes, ignored=ignored)


def tracked(ids: ArrayLike, lefts: ArrayLike, classes: ArrayLike | None = None) -> TrackedBoxes:
    return TrackedBoxes(
        np.array(ids, np.int64),
        boxes(lefts),
        np.ones(np.size(ids), np.float32),
        None if classes is None else np.array(classes, np.int32),
    )


def test_a_switch_a_miss_and_a_false_positive() -> None:
    truth = {frame: objects([7, 9], [0, 100]) for frame in range(1, 6)}
    tracks = {
        1: tracked([3, 4], [0, 100]),
        2: tracked([3], [0]),  # 9 is missed
        3: tracked([5, 3], [100, 1]),  # 9 returns as 5
        4: tracked([3, 5, 8], [0, 100, 50]),  # 8 is a false positive
        5: tracked([5, 3], [0, 100]),  # they swap
    }
    matches = match('s', Recording(annotations=truth, tracks=tracks, frames=5))
    seven, nine = matches.true_ids == 7, matches.true_ids == 9
    assert matches.track_ids[seven].tolist() == [3, 3, 3, 3, 5]
    assert matches.track_ids[nine].tolist() == [4, 0, 5, 5, 3]
    assert matches.frames[matches.switches].tolist() == [3, 5, 5]
    assert {f: ids.tolist() for f, ids in matches.false_tracks.items() if len(ids)} == {4: [8]}
    assert matches.true_boxes[nine][0].tolist() == [100, 0, 110, 20]
    assert matches.frames[matches.missed].tolist() == [2]


def test_other_classes_and_ignored_objects_do_not_count() -> None:
    truth = {1: objects([1, 2, 3], [0, 100, 200], [0, 2, 0], [False, False, True])}
    tracks = {1: tracked([1, 2, 3], [0, 100, 200], [0, 2, 0])}
    sequence = Recording(annotations=truth, tracks=tracks, frames=1)
    assert match('s', sequence).true_ids.tolist() == [1]
    assert match('s', sequence).false_tracks[1].tolist() == []
    assert match('s', sequence, class_id=2).true_ids.tolist() == [2]
    assert match('s', sequence, class_id=2).track_ids.tolist() == [2]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_counts_are_those_of_clear(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, tracks = {}, {}
    frames = int(rng.integers(1, 15))
    for frame in range(1, frames + 1):
        ids = np.flatnonzero(rng.random(5) < 0.8) + 1
        lefts = ids * 12.0 + rng.normal(0, 2, len(ids))
        truth[frame] = objects(ids, lefts)
        found = rng.random(len(ids)) < 0.8
        noisy = lefts[found] + rng.normal(0, 3, found.sum())
        tracks[frame] = tracked(rng.permutation(6)[: found.sum()] + 1, noisy)
    if not any(len(t.ids) for t in truth.values()):
        return
    sequence = Recording(annotations=truth, tracks=tracks, frames=frames)
    scores = evaluate({'s': sequence}).combined
    matches = match('s', sequence)
    false = sum(len(ids) for ids in matches.false_tracks.values())
    assert matches.switches.sum() == scores.id_switches
    errors = matches.missed.sum() + false + matches.switches.sum()
    assert scores.mota == pytest.approx(100 * (1 - errors / len(matches.frames)))
