"""Verification of embeddings: values computed by hand, and matching with ground truth."""

import numpy as np
import pytest

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.evaluation.sightings import match_best_first
from jtn_ros.evaluation.verification import Sightings
from jtn_ros.evaluation.verification import verify

from tables import annotations_of
from tables import detections_of


def sightings(*rows: tuple[float, ...]) -> Sightings:
    """Return sightings from rows of (id, time, angle in degrees), of class 0 or as given."""
    ids, times, angles = np.array([row[:3] for row in rows], np.float64).reshape(-1, 3).T
    turns = np.radians(angles)
    return Sightings(
        ids=ids.astype(np.int64),
        class_ids=np.array([(*row, 0)[3] for row in rows], np.int32),
        times_s=times,
        embeddings=np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32),
    )


def distance(*angles: float) -> object:
    """Return the middle of cosine distances of angles in degrees."""
    return pytest.approx(np.mean(1 - np.cos(np.radians(angles))), abs=1e-6)


def test_two_objects_in_two_frames() -> None:
    # The same: 20 and 40 degrees. Others in a frame: 90, 30; in the sequence: 50, 70.
    result = verify([sightings((1, 0, 0), (2, 0, 90), (1, 1, 20), (2, 1, 50))])
    assert (result.sequences, result.objects, result.sightings) == (1, 2, 4)
    assert (result.same_objects, result.same_pairs) == (2, 2)
    frame, sequence = result.in_one_frame, result.in_one_sequence
    assert (frame.auc, frame.eer) == pytest.approx((75, 50))
    assert frame.pairs == 2
    assert frame.distance == distance(30, 40)
    assert (sequence.auc, sequence.eer) == pytest.approx((100, 0))
    assert sequence.pairs == 2
    assert sequence.distance == distance(40, 50)
    assert result.rank1 == pytest.approx(100)
    assert result.rank1_cases == 4
    others = result.in_other_sequences
    assert (others.auc, others.eer, others.distance, others.pairs) == (None, None, None, 0)


def test_rank_1_is_about_all_in_the_other_frame() -> None:
    # To 1 at 0 degrees, 2 at 10 is nearer than 1 at 20. To 1 at 20, 1 at 0 is the nearest: a hit.
    # To 2 at 80, 1 at 20 is nearer than 2 at 10; to 2 at 10, 1 at 0 is nearer than 2 at 80.
    seen = sightings((1, 0, 0), (2, 0, 80), (1, 1, 20), (2, 1, 10))
    result = verify([seen])
    assert result.rank1 == pytest.approx(25)
    assert result.rank1_cases == 4
    alone = sightings((1, 0, 0), (1, 5, 90))
    assert verify([alone]).rank1_cases == 0
    assert verify([alone]).rank1 is None
    # Without 2 in the first frame there is one case, a miss of 1: three objects weigh the same.
    unequal = verify([seen.select(np.array([0, 2, 3])), seen])
    assert unequal.rank1_cases == 5
    assert unequal.rank1 == pytest.approx(100 * (0 + 0.5 + 0) / 3)


def test_an_object_weighs_the_same_however_long_it_is_seen() -> None:
    # One object has a pair 0 degrees apart, the other pairs 30, 30 and 60 apart, of 1/3 each.
    first = sightings((1, 0, 0), (1, 1, 0))
    second = sightings((2, 0, 0), (2, 1, 30), (2, 2, 60))
    others = sightings((3, 0, 0), (4, 0, 45))
    result = verify([first, second, others])
    assert (result.same_objects, result.same_pairs) == (2, 4)
    assert result.in_one_frame.auc == pytest.approx(100 * (0.5 + 0.5 * 2 / 3))
    # Within 30 degrees are 5/6 of the same and no others; from 45 on all others are.
    assert result.in_one_frame.eer == pytest.approx(100 * (0 + 1 / 6) / 2)
    assert result.in_one_frame.distance == distance(30, 45)
    assert result.in_one_sequence.pairs == 0


def test_equal_distances_count_half() -> None:
    result = verify([sightings((1, 0, 0), (1, 1, 40), (2, 5, 0), (3, 5, 40))])
    assert result.in_one_frame.auc == pytest.approx(50)


def test_sightings_closer_than_the_minimum_gap_are_not_paired() -> None:
    seen = sightings((1, 0, 0), (1, 0.4, 10), (1, 1, 20), (2, 0.4, 50))
    assert verify([seen]).same_pairs == 1
    assert verify([seen], 0.5).same_pairs == 2
    assert verify([seen], 0.5).in_one_sequence.pairs == 1
    assert verify([seen]).in_one_sequence.pairs == 0
    assert verify([seen]).in_one_frame.pairs == 1


def test_other_sequences_are_apart_and_give_one_sighting_each() -> None:
    first = sightings((1, 0, 0), (1, 1, 20), (1, 2, 10))
    second = sightings((1, 0, 90), (1, 1, 30), (2, 5, 180), (7, 5, 0, 1))
    result = verify([first, second, sightings((5, 0, 0)).select(np.zeros(0, np.intp))])
    assert (result.sequences, result.objects) == (2, 4)
    # The middle sightings: 1 at 20 against 1 at 30 and 2 at 180; 7 is of another class. Against 10
    # degrees, two of the three pairs of the first object (20, 10, 10) tie, and the others lose.
    others = result.in_other_sequences
    assert others.pairs == 2
    near, tie, far = 0, 0.5 * 2 / 3, 0.5 * 1 / 3 + 0.5
    assert others.auc == pytest.approx(100 * ((near + tie / 2) + 1) / 2)
    assert near + tie + far == pytest.approx(1)
    assert result.in_one_frame.pairs == 0, 'classes are not compared'


def test_of_long_sequences_frames_are_compared_that_lie_evenly() -> None:
    seen = sightings(*[(n, t, n) for t in range(600) for n in (1, 2, 3, 4)])
    thinned = seen.thinned(1000)
    assert len(thinned) == 4 * 200
    np.testing.assert_array_equal(np.unique(thinned.times_s), np.arange(0, 600, 3))
    assert verify([seen]).sightings == 800
    np.testing.assert_array_equal(seen.thinned(2400).ids, seen.ids)


def test_the_best_detection_chooses_first() -> None:
    boxes = [(0, 0, 10, 10), (0, 0, 10, 9), (30, 0, 40, 10), (60, 0, 70, 10), (0, 50, 10, 60)]
    found = detections_of(boxes, scores=[0.3, 0.9, 0.8, 0.7, 0.6], class_ids=[0, 0, 0, 1, 0])
    objects = annotations_of(
        [(0, 0, 10, 10), (0, 2, 10, 12), (34, 0, 44, 10), (60, 0, 70, 10), (0, 50, 10, 60)],
        ignored=[False, False, False, False, True],
    )
    rows, places = match_best_first(found, objects)
    # Row 2 overlaps by 6 / 14, row 3 is of another class, row 4 lies on an ignored one.
    assert list(zip(rows.tolist(), places.tolist(), strict=True)) == [(1, 0), (0, 1)]
    rows, places = match_best_first(found, Annotations.empty())
    assert len(rows) == len(places) == 0
    rows, places = match_best_first(found.select(found.scores > 1), objects)
    assert len(rows) == len(places) == 0
