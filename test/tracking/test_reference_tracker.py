"""The published tracker's identities, outputs and inner state, frame by frame."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.tracking import ReferenceTracker
from jtn_ros.tracking import TrackState

from tables import detections_of

GOLDENS = Path(__file__).parent / 'goldens'
MICRO = json.loads((GOLDENS / 'tracker_micro.json').read_text())
VARIANTS = (
    'joint_age50',
    'joint_age150',
    'joint_age-1',
    'joint_age5',
    'tracking_only_age50',
    'embedding_only_age50',
)


@cache
def load(name: str) -> dict[str, NDArray[Any]]:
    with np.load(GOLDENS / f'{name}.npz') as archive:
        return dict(archive)


def stream_frame(stream: dict[str, NDArray[Any]], frame: int, variant: str) -> Detections:
    rows = slice(stream['frame_ptr'][frame], stream['frame_ptr'][frame + 1])
    return Detections(
        boxes=stream['bbox'][rows],
        scores=stream['score'][rows],
        class_ids=stream['cls'][rows] - 1,
        centers=stream['ct'][rows],
        displacements=None if variant.startswith('embedding_only') else stream['tracking'][rows],
        embeddings=None if variant.startswith('tracking_only') else stream['embedding'][rows],
    )


@pytest.mark.parametrize('variant', VARIANTS)
@pytest.mark.parametrize('name', ['A_plain', 'C_occlusion'])
def test_golden_stream(name: str, variant: str) -> None:
    stream = load(f'stream_{name}')
    prefix = f'{variant}/'
    expected = {
        key.removeprefix(prefix): value
        for key, value in load(f'expected_{name}').items()
        if key.startswith(prefix)
    }
    tracker = ReferenceTracker(max_age=int(variant.rpartition('age')[2]), new_thresh=0.4)
    for frame in range(len(stream['frame_ptr']) - 1):
        detections = stream_frame(stream, frame, variant)
        tracks = tracker.update(detections, frame * 40_000_000)
        rows = slice(expected['out_ptr'][frame], expected['out_ptr'][frame + 1])
        np.testing.assert_array_equal(tracks.ids, expected['out_id'][rows], f'frame {frame}')
        index = expected['out_det'][rows]
        np.testing.assert_array_equal(tracks.detection_indices, index)
        np.testing.assert_array_equal(tracks.boxes, detections.boxes[index])
        np.testing.assert_array_equal(tracks.centers, detections.centers[index])
        np.testing.assert_array_equal(tracks.scores, detections.scores[index])

        state = tracker.state
        rows = slice(expected['state_ptr'][frame], expected['state_ptr'][frame + 1])
        np.testing.assert_array_equal(state.ids, expected['state_id'][rows])
        np.testing.assert_array_equal(state.ages, expected['state_age'][rows])
        np.testing.assert_array_equal(state.probation, expected['state_probation'][rows])
        np.testing.assert_array_equal(state.scores, expected['state_score'][rows])
        np.testing.assert_array_equal(state.boxes, expected['state_bbox'][rows])
        np.testing.assert_array_equal(state.centers, expected['state_ct'][rows])
        if variant != 'tracking_only_age50':
            np.testing.assert_array_equal(state.history_lengths, expected['state_n_hist'][rows])
        embeddings = expected.get(f'emb_frame{frame}')
        if embeddings is not None and embeddings.shape[1] == 2:
            sums = state.embeddings.astype(np.float64)
            summary = np.column_stack([sums.sum(axis=1), np.linalg.norm(sums, axis=1)])
            np.testing.assert_allclose(summary, embeddings, atol=1e-6)
        elif embeddings is not None:
            np.testing.assert_allclose(state.embeddings, embeddings, atol=1e-6)


@pytest.mark.parametrize('scenario', MICRO, ids=lambda scenario: scenario['name'])
def test_micro_scenario(scenario: dict[str, Any]) -> None:
    tracker = ReferenceTracker(scenario['max_age'], scenario['new_thresh'])
    for stamp, (given, expected) in enumerate(
        zip(scenario['frames'], scenario['expected'], strict=True)
    ):
        columns = {key: [row[key] for row in given] for key in given[0]} if given else None
        detections = Detections.empty()
        if columns is not None:
            detections = detections_of(
                columns['bbox'],
                scores=columns['score'],
                class_ids=np.array(columns['cls']) - 1,
                centers=columns['ct'],
                displacements=columns['tracking'] if 'tracking' in scenario['task'] else None,
                embeddings=columns['embedding'] if 'embedding' in scenario['task'] else None,
            )
        tracks = tracker.update(detections, stamp * 10**8)
        output = zip(tracks.ids.tolist(), tracks.detection_indices.tolist(), strict=True)
        assert [{'id': i, 'det': d} for i, d in output] == expected['output']
        state = tracker.state
        for row, track in enumerate(expected['tracks']):
            assert state.ids[row] == track['id']
            assert state.ages[row] == track['age']
            assert state.probation[row] == track['on_probation']
            np.testing.assert_array_equal(state.boxes[row], np.float32(track['bbox']))
            np.testing.assert_array_equal(state.centers[row], np.float32(track['ct']))
            assert state.scores[row] == np.float32(track['score'])
            if 'embedding' in scenario['task']:
                assert state.history_lengths[row] == track['n_hist']
                np.testing.assert_allclose(state.embeddings[row], track['embedding'], atol=1e-6)
        assert len(state) == len(expected['tracks'])


def one(x: float, score: float = 0.9, dimension: int = 0) -> Detections:
    return detections_of(
        [[x - 20, 0, x + 20, 80]],
        scores=score,
        class_ids=3,
        embeddings=np.eye(1, dimension) if dimension else None,
    )


def test_velocity_is_that_between_the_last_two_observations() -> None:
    tracker = ReferenceTracker()
    assert len(tracker.update(one(100), 0)) == 0
    tracker.update(Detections.empty(), 100_000_000)
    tracks = tracker.update(one(110), 200_000_000)
    np.testing.assert_allclose(tracks.velocities, [[50, 0]])
    assert tracks.class_ids.tolist() == [3]
    assert tracks.states.tolist() == [TrackState.CONFIRMED]
    assert tracks.ages.tolist() == [2]
    assert tracks.hits.tolist() == [2]
    assert tracks.unseen_ns.tolist() == [0]
    assert not tracks.velocity_covariances.any()


def test_all_live_tracks_and_the_prior() -> None:
    tracker = ReferenceTracker()
    tracker.update(one(100), 0)
    assert tracker.tracks.states.tolist() == [TrackState.TENTATIVE]
    before = tracker.tracks
    tracker.update(one(101), 10**9)
    tracker.update(Detections.empty(), 2 * 10**9)
    assert tracker.tracks.states.tolist() == [TrackState.LOST]
    assert tracker.tracks.unseen_ns.tolist() == [10**9]
    boxes, scores = tracker.prior()
    assert boxes.tolist() == [[81, 0, 121, 80]]
    np.testing.assert_allclose(scores, [0.9])
    assert before.boxes.tolist() == [[80, 0, 120, 80]]  # what was handed out stays
    tracker.reset()
    assert len(tracker.tracks) == 0
    tracker.update(one(100), 3 * 10**9)
    assert tracker.tracks.ids.tolist() == [1]


def test_change_of_embedding_length_is_refused() -> None:
    tracker = ReferenceTracker()
    tracker.update(one(100, dimension=4), 0)
    with pytest.raises(ValueError, match='length 8 after length 4; reset'):
        tracker.update(one(100, dimension=8), 1)
    with pytest.raises(ValueError, match='length 0 after length 4; reset'):
        tracker.update(one(100), 1)
