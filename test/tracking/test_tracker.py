"""The default tracker: identities, velocities, states and bad input."""

from dataclasses import fields
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.detections import Detections
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking import Tracks
from jtn_ros.tracking import TrackState

from tables import detections_of

SECOND = 1_000_000_000


def people(
    *centers: tuple[float, float],
    scores: float | list[float] = 0.9,
    class_ids: int | list[int] = 0,
    displacements: list[tuple[float, float]] | None = None,
    looks: list[int] | None = None,
) -> Detections:
    """Return boxes of 40 x 100 pixels; `looks` picks unit vectors as embeddings."""
    middles = np.reshape(centers, (-1, 2))
    half = np.array([20, 50])
    return detections_of(
        np.hstack([middles - half, middles + half]),
        scores=scores,
        class_ids=class_ids,
        displacements=displacements,
        embeddings=None if looks is None else np.eye(8)[looks],
    )


def walk(
    tracker: Tracker, velocity: float, frames: int, rate: float = 20, start: int = 0
) -> Tracks:
    """Let one person walk to the right and return the tracks of the last frame."""
    for frame in range(start, start + frames):
        tracks = tracker.update(people((100 + velocity * frame / rate, 200)), stamp(frame, rate))
    return tracks


def stamp(frame: int, rate: float = 20) -> int:
    return round(frame * SECOND / rate)


@pytest.mark.parametrize('rate', [5, 15, 30, 60])
@pytest.mark.parametrize('velocity', [0, 30, -160])
def test_velocity_in_pixels_per_second_whatever_the_frame_rate(
    rate: float, velocity: float
) -> None:
    tracks = walk(Tracker(), velocity, round(rate) + 1, rate)
    assert len(tracks) == 1
    np.testing.assert_allclose(tracks.velocities, [[velocity, 0]], atol=0.1 * abs(velocity) + 0.1)
    end = 100 + velocity
    np.testing.assert_allclose(tracks.boxes, [[end - 20, 150, end + 20, 250]], atol=2)


def test_noisy_walks_come_within_15_percent_in_a_second() -> None:
    rng = np.random.default_rng(5)
    errors = []
    for velocity in rng.uniform(40, 200, 40):
        tracker = Tracker()
        for frame in range(25):
            noise = rng.normal(0, 1.5, 2)
            tracks = tracker.update(
                people((100 + velocity * frame / 24 + noise[0], 200 + noise[1])), stamp(frame, 24)
            )
        errors.append(abs(tracks.velocities[0, 0] / velocity - 1))
    assert np.median(errors) < 0.08
    assert np.mean(np.array(errors) < 0.15) >= 0.85


def test_irregular_stamps_give_the_same_velocity() -> None:
    tracker = Tracker()
    for seconds in (0, 0.04, 0.2, 0.24, 0.5, 0.55, 0.9, 0.95, 1.2):
        tracks = tracker.update(people((100 + 80 * seconds, 200)), round(seconds * SECOND))
    np.testing.assert_allclose(tracks.velocities, [[80, 0]], atol=6)
    assert tracks.ids.tolist() == [1]


def test_displacements_give_the_velocity_from_the_first_frame_on() -> None:
    tracker = Tracker(TrackerSettings(displacement_noise=0.04))
    tracker.update(people(), 0)
    tracks = tracker.update(people((100, 200), displacements=[(-6, 0)]), stamp(1))
    np.testing.assert_allclose(tracks.velocities, [[120, 0]], atol=25)
    assert tracks.velocity_covariances[0, 0, 0] > 0
    alone = Tracker().update(people((100, 200)), stamp(1))
    assert tracks.velocity_covariances[0, 0, 0] < alone.velocity_covariances[0, 0, 0]


def test_the_offset_of_a_peak_in_its_cell_is_not_motion() -> None:
    """The peak is a corner of its cell, and the displacement is relative to that corner."""
    for moved in (0, 6):
        seen = people((100, 200), displacements=[(3 - moved, 2)])
        seen = replace(
            seen, middles=seen.centers, centers=seen.centers - np.array([3, 2], np.float32)
        )
        tracker = Tracker(TrackerSettings(displacement_noise=1e-3))
        tracker.update(people(), 0)
        tracks = tracker.update(seen, stamp(1))
        np.testing.assert_allclose(tracks.velocities, [[20 * moved, 0]], atol=0.1)


@pytest.mark.parametrize(('score', 'scale'), [(1.0, 1), (0.7, 1), (1.0, 3)])
def test_displacements_are_trusted_by_score_and_size(score: float, scale: float) -> None:
    config = TrackerSettings(displacement_noise=0.1, initial_speed=2)
    seen = people((100, 200), scores=score, displacements=[(-6, 3)])
    middle = np.tile(seen.centers, 2)
    seen = replace(seen, boxes=middle + scale * (seen.boxes - middle))
    tracker = Tracker(config)
    tracker.update(people(), 0)
    tracks = tracker.update(seen, stamp(1))
    size = np.sqrt((tracks.boxes[0, 2:] - tracks.boxes[0, :2]).prod())
    measured = (0.1 * size * (2 - score) * 20) ** 2
    prior = (2 * size) ** 2
    expected = 1 / (1 / measured + 1 / prior)
    np.testing.assert_allclose(
        tracks.velocity_covariances[0], np.eye(2) * expected, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(
        tracks.velocities[0], np.array([120, -60]) * prior / (prior + measured), rtol=1e-4
    )


def test_same_detections_give_the_same_tracks() -> None:
    rng = np.random.default_rng(4)
    frames = [
        people(
            *rng.uniform(0, 300, (7, 2)),
            scores=rng.uniform(0.2, 1, 7).tolist(),
            displacements=rng.normal(0, 4, (7, 2)).tolist(),
            looks=rng.integers(0, 8, 7).tolist(),
        )
        for _ in range(30)
    ]
    one, other = Tracker(), Tracker()
    for frame, seen in enumerate(frames):
        first, second = one.update(seen, stamp(frame)), other.update(seen, stamp(frame))
        for field in fields(first):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(second, field.name))


def test_states_from_tentative_to_removed() -> None:
    config = TrackerSettings(coast_time=0.1, lost_time=0.5, certain_score=1)
    tracker = Tracker(config)
    assert walk(tracker, 40, 3).states.tolist() == [TrackState.TENTATIVE]
    assert walk(tracker, 40, 7, start=3).states.tolist() == [TrackState.CONFIRMED]
    states, deviations, positions = [], [], []
    for frame in range(10, 21):
        tracks = tracker.update(Detections.empty(), stamp(frame))
        states += tracks.states.tolist()
        deviations += tracks.velocity_covariances[:, 0, 0].tolist()
        positions += tracks.centers[:, 0].tolist()
        assert not tracks.observed.any()
    assert states == [TrackState.CONFIRMED] * 2 + [TrackState.LOST] * 8
    assert (np.diff(deviations) > 0).all()
    np.testing.assert_allclose(positions, 100 + 2 * np.arange(10, 20), atol=1)


@pytest.mark.parametrize(
    ('score', 'state'), [(0.89, TrackState.TENTATIVE), (0.91, TrackState.CONFIRMED)]
)
def test_one_certain_detection_confirms_a_track(score: float, state: TrackState) -> None:
    tracker = Tracker(TrackerSettings(confirmation_hits=3))
    tracks = tracker.update(people((100, 200), scores=score), 0)
    assert tracks.states.tolist() == [state]
    assert tracks.reported.ids.tolist() == [1] * (state == TrackState.CONFIRMED)
    # It stays confirmed when later detections are less certain.
    tracker.update(Detections.empty(), stamp(1))
    tracks = tracker.update(people((100, 200), scores=0.7), stamp(2))
    assert tracks.states.tolist() == [state]


def test_a_track_with_two_detections_can_be_lost_and_is_confirmed_when_found_again() -> None:
    tracker = Tracker(TrackerSettings(coast_time=0.1, certain_score=1))
    for frame in range(2):
        tracks = tracker.update(people((100, 200)), stamp(frame))
    assert tracks.states.tolist() == [TrackState.TENTATIVE]
    for frame in range(2, 5):
        tracks = tracker.update(Detections.empty(), stamp(frame))
    assert tracks.states.tolist() == [TrackState.LOST]
    tracks = tracker.update(people((100, 200)), stamp(5))
    assert (tracks.ids.tolist(), tracks.hits.tolist()) == ([1], [3])
    assert tracks.states.tolist() == [TrackState.CONFIRMED]


def test_no_detection_is_certain_enough_for_a_certain_score_of_one() -> None:
    # As of detectors that give no scores.
    tracker = Tracker(TrackerSettings(certain_score=1.0))
    tracks = tracker.update(people((100, 200), scores=1.0), 0)
    assert tracks.states.tolist() == [TrackState.TENTATIVE]


def missed(centers: list[tuple[float, float] | None], frames: int) -> list[list[float]]:
    """Return the x of the reported boxes of a person in the frames after the last detection.

    Two others stand at the left and right end of the image; None is a frame without the person.
    """
    tracker = Tracker()
    ends = [(20, 200), (620, 200)]
    found = []
    for frame in range(len(centers) + frames):
        center = centers[frame] if frame < len(centers) else None
        seen = ends if center is None else [*ends, center]
        tracks = tracker.update(people(*seen), stamp(frame)).reported
        found.append(tracks.centers[tracks.ids > 2, 0].tolist())
    return found[len(centers) :]


def test_gaps_are_filled_while_the_prediction_is_exact() -> None:
    walked: list[tuple[float, float] | None] = [(100 + 4 * n, 200) for n in range(10)]
    first, second, *later = missed(walked, 20)
    np.testing.assert_allclose([*first, *second], [140, 144], atol=1)
    assert later[-1] == []  # beyond coast_time


def test_gaps_of_intermittently_detected_tracks_are_not_filled() -> None:
    flicker: list[tuple[float, float] | None] = [(300, 200), (300, 200), None] * 4
    assert missed([*flicker, (300, 200), (300, 200)], 1) == [[]]
    steady: list[tuple[float, float] | None] = [(300, 200)] * 14
    np.testing.assert_allclose(missed(steady, 1), [[300]], atol=1)


def test_people_who_leave_the_image_are_not_reported() -> None:
    leaving: list[tuple[float, float] | None] = [(599 - 2 * n, 200) for n in range(10, -1, -1)]
    np.testing.assert_allclose(missed(leaving, 1), [[601]], atol=1)
    fast: list[tuple[float, float] | None] = [(615 - 6 * n, 200) for n in range(10, -1, -1)]
    assert missed(fast, 1) == [[]]


def test_tentative_tracks_go_soon() -> None:
    tracker = Tracker()
    tracker.update(people((100, 200)), 0)
    assert len(tracker.update(Detections.empty(), SECOND)) == 0


def test_ages_hits_and_time_unseen() -> None:
    tracker = Tracker()
    walk(tracker, 20, 4)
    tracks = tracker.update(Detections.empty(), stamp(4))
    assert tracks.ages.tolist() == [4]
    assert tracks.hits.tolist() == [4]
    assert tracks.unseen_ns.tolist() == [stamp(1)]
    assert tracks.detection_indices.tolist() == [-1]
    assert tracks.boxes.shape == (1, 4)


def test_crossing_people_keep_their_identities() -> None:
    tracker = Tracker()
    for frame in range(41):
        x = 4 * frame
        tracks = tracker.update(people((100 + x, 200), (260 - x, 204)), stamp(frame))
    by_row = dict(zip(tracks.detection_indices.tolist(), tracks.ids.tolist(), strict=True))
    assert by_row == {0: 1, 1: 2}


def test_order_of_detections_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    one, other = Tracker(), Tracker()
    for frame in range(30):
        places = [(100 + 90 * n + 3 * frame, 200 + 20 * n) for n in range(6)]
        order = rng.permutation(6)
        first = one.update(people(*places), stamp(frame))
        second = other.update(people(*[places[n] for n in order]), stamp(frame))
    row_first = first.ids[np.argsort(first.centers[:, 0])]
    row_second = second.ids[np.argsort(second.centers[:, 0])]
    assert len(set(row_first.tolist())) == 6
    assert len(set(row_second.tolist())) == 6
    assert sorted(first.ids) == sorted(second.ids) == [1, 2, 3, 4, 5, 6]


def test_weak_detections_keep_tracks_but_start_none() -> None:
    tracker = Tracker()
    walk(tracker, 20, 5)
    tracks = tracker.update(people((105, 200), (500, 200), scores=0.3), stamp(5))
    assert tracks.ids.tolist() == [1]
    assert tracks.detection_indices.tolist() == [0]
    np.testing.assert_allclose(tracks.scores, [0.3])


@pytest.mark.parametrize(('score', 'used'), [(0.25, False), (0.25 + 1e-6, True)])
@pytest.mark.parametrize('confident_score', [0.1, 0.9])
def test_scores_at_or_below_the_minimum_are_never_used(
    confident_score: float, score: float, used: bool
) -> None:
    config = TrackerSettings(minimum_score=0.25, confident_score=confident_score, birth_score=0.1)
    assert Tracker(config).minimum_score == 0.25
    tracker = Tracker(config)
    walk(tracker, 20, 5)
    tracks = tracker.update(people((105, 200), scores=score), stamp(5))
    assert tracks.observed.tolist() == [used]
    born = Tracker(config).update(people((105, 200), scores=score), 0)
    assert len(born) == used


def test_classes_never_share_a_track() -> None:
    tracker = Tracker()
    tracker.update(people((100, 200)), 0)
    tracks = tracker.update(people((100, 200), class_ids=2), stamp(1))
    assert tracks.class_ids.tolist() == [0, 2]
    assert tracks.ids.tolist() == [1, 2]


def test_appearance_finds_a_lost_person_where_motion_does_not() -> None:
    """Someone turns round behind a wall: the prediction runs on, the looks do not change."""
    for looks, expected in ((3, 1), (5, 2)):
        tracker = Tracker()
        for frame in range(20):
            tracker.update(people((100 + 4 * frame, 200), looks=[3]), stamp(frame))
        for frame in range(20, 36):
            tracker.update(Detections.empty(), stamp(frame))
        tracks = tracker.update(people((140, 200), looks=[looks]), stamp(36))
        assert tracks.ids[tracks.observed].tolist() == [expected]


@pytest.mark.parametrize('score', [0.3, 0.9])
def test_appearance_decides_between_two_people_who_meet(score: float) -> None:
    alike = np.zeros((2, 8), np.float32)
    alike[0, 0] = 1
    alike[1, :2] = 0.6, 0.8
    tracker = Tracker()
    for frame in range(10):
        seen = people((100, 200), (160, 200))
        tracker.update(replace(seen, embeddings=alike), stamp(frame))
    seen = people((128, 200), (132, 200), scores=score)
    tracks = tracker.update(replace(seen, embeddings=alike[::-1]), stamp(10))
    by_row = dict(zip(tracks.detection_indices.tolist(), tracks.ids.tolist(), strict=True))
    assert by_row == {0: 2, 1: 1}


@pytest.mark.parametrize('score', [0.3, 0.9])
def test_a_different_appearance_does_not_continue_a_track(score: float) -> None:
    for looks, expected in ((0, [1]), (1, [])):
        tracker = Tracker()
        for frame in range(10):
            tracker.update(people((100, 200), looks=[0]), stamp(frame))
        tracks = tracker.update(people((101, 200), scores=score, looks=[looks]), stamp(10))
        assert tracks.ids[tracks.observed & (tracks.ids == 1)].tolist() == expected


def test_a_returning_person_does_not_get_the_track_of_an_occluded_one() -> None:
    """Appearance outweighs a better prediction, even if the appearances differ only slightly."""
    looks = np.zeros((3, 8), np.float32)
    looks[0, 0] = 1  # the person who leaves
    looks[1, :2] = 0.5, np.sqrt(0.75)  # the occluded person
    looks[2, :3] = 0.85, 0.168, np.sqrt(1 - 0.85**2 - 0.168**2)  # returns, partly occluded
    np.testing.assert_allclose(1 - looks[2] @ looks[:2].T, [0.15, 0.43], atol=1e-3)
    tracker = Tracker()

    def see(places: list[tuple[float, float]], who: list[int], frame: int) -> Tracks:
        seen = people(*places)
        return tracker.update(replace(seen, embeddings=looks[who]), stamp(frame))

    for frame in range(20):
        see([(300 + 3 * frame, 200), (260, 200)], [0, 1], frame)
    for frame in range(20, 35):
        see([(260, 200)], [1], frame)
    for frame in range(35, 38):
        tracker.update(people(), stamp(frame))
    tracks = see([(255, 200)], [2], 38)
    assert tracks.ids[tracks.observed].tolist() == [1]


@pytest.mark.parametrize(('distance', 'expected'), [(0.15, [1]), (0.25, [2])])
def test_the_next_person_is_reidentified_only_with_the_same_appearance(
    distance: float, expected: list[int]
) -> None:
    looks = np.zeros((2, 8), np.float32)
    looks[0, 0] = 1
    looks[1, :2] = 1 - distance, np.sqrt(1 - (1 - distance) ** 2)
    tracker = Tracker()
    for frame in range(20):
        tracker.update(replace(people((100, 200)), embeddings=looks[:1]), stamp(frame))
    for frame in range(20, 55):
        tracker.update(people(), stamp(frame))
    for frame in range(55, 57):
        tracks = tracker.update(replace(people((220, 200)), embeddings=looks[1:]), stamp(frame))
    assert tracks.ids[tracks.observed].tolist() == expected


def test_a_jump_of_the_camera_moves_all_tracks_along() -> None:
    places = [(100, 200), (300, 260), (520, 180), (700, 240), (900, 220)]
    for given_motion in (None, np.array([[1.0, 0, 45], [0, 1, -20]])):
        tracker = Tracker()
        for frame in range(10):
            tracks = tracker.update(people(*places), stamp(frame))
        moved = [(x + 45, y - 20) for x, y in places]
        tracks = tracker.update(people(*moved), stamp(10), given_motion)
        assert tracks.ids.tolist() == [1, 2, 3, 4, 5]
        assert tracks.observed.all()
        np.testing.assert_allclose(tracks.velocities, np.zeros((5, 2)), atol=12)


def test_identities_are_never_used_again() -> None:
    tracker = Tracker()
    tracker.update(people((100, 200), (300, 200)), 0)
    tracker.reset()
    assert len(tracker.tracks) == 0
    assert tracker.update(people((100, 200)), 0).ids.tolist() == [3]


def test_prior_holds_every_live_track() -> None:
    tracker = Tracker()
    walk(tracker, 0, 3)
    tracker.update(Detections.empty(), stamp(3))
    boxes, scores = tracker.prior()
    np.testing.assert_allclose(boxes, [[80, 150, 120, 250]], atol=1)
    np.testing.assert_allclose(scores, [0.9])


def test_returned_tracks_do_not_change_later() -> None:
    tracker = Tracker()
    tracks = walk(tracker, 100, 3)
    before = tracks.boxes.copy()
    walk(tracker, 100, 3, start=3)
    np.testing.assert_array_equal(tracks.boxes, before)


def test_equal_stamps_are_taken_and_earlier_ones_refused() -> None:
    tracker = Tracker()
    tracker.update(people((100, 200), displacements=[(-1, 0)]), SECOND)
    assert len(tracker.update(people((100, 200), displacements=[(-1, 0)]), SECOND)) == 1
    with pytest.raises(ValueError, match=r'after one at 1000000000 ns; reset\(\) the tracker'):
        tracker.update(Detections.empty(), SECOND - 1)


def test_a_detection_with_unknown_appearance_matches_and_leaves_the_mean_unchanged() -> None:
    tracker = Tracker()
    for frame in range(4):
        tracker.update(people((100, 200), looks=[2]), stamp(frame))
    unknown = replace(people((100, 200)), embeddings=np.zeros((1, 8), np.float32))
    tracks = tracker.update(unknown, stamp(4))
    assert (tracks.ids.tolist(), tracks.hits.tolist()) == ([1], [5])
    assert tracks.embeddings is not None
    np.testing.assert_allclose(tracks.embeddings, np.eye(8)[[2]])
    # Another appearance at the same position is another person.
    assert tracker.update(people((100, 200), looks=[3]), stamp(5)).ids.tolist() == [1, 2]


def test_embeddings_may_come_later_but_not_change_length() -> None:
    tracker = Tracker()
    tracker.update(people((100, 200)), 0)
    tracks = tracker.update(people((100, 200), looks=[2]), stamp(1))
    assert tracks.embeddings is not None
    np.testing.assert_allclose(tracks.embeddings, np.eye(8)[[2]])
    tracker.update(people((100, 200)), stamp(2))
    wrong = detections_of([[0, 0, 9, 9]], embeddings=[[1, 0]])
    with pytest.raises(ValueError, match='embeddings of length 2 after length 8'):
        tracker.update(wrong, stamp(3))


@pytest.mark.parametrize(
    ('name', 'value'),
    [
        ('confident_score', 1.5),
        ('confirmation_hits', 0),
        ('lost_time', -1),
        ('position_noise', 0),
        ('motion_limit', float('nan')),
    ],
)
def test_thresholds_have_ranges(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f'{name} is .*; it must be'):
        TrackerSettings(**{name: value})  # type: ignore[arg-type]


_BOX = st.tuples(
    st.floats(-3000, 3000), st.floats(-3000, 3000), st.floats(-10, 900), st.floats(-10, 900)
)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3 * SECOND),
            st.lists(st.tuples(_BOX, st.floats(0, 1), st.integers(0, 2)), max_size=6),
            st.booleans(),
            st.booleans(),
        ),
        max_size=8,
    )
)
@settings(max_examples=120, deadline=None)
def test_any_detections_give_sound_tracks(
    frames: list[tuple[int, list[tuple[tuple[float, ...], float, int]], bool, bool]],
) -> None:
    tracker = Tracker()
    now = 0
    for wait, objects, with_displacements, with_embeddings in frames:
        now += wait
        boxes = np.array([box for box, _, _ in objects], np.float32).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        detections = detections_of(
            boxes,
            scores=[score for _, score, _ in objects],
            class_ids=[class_id for _, _, class_id in objects],
            displacements=boxes[:, :2] / 100 if with_displacements else None,
            embeddings=np.eye(6)[: len(objects)] if with_embeddings else None,
        )
        tracks = tracker.update(detections, now)
        assert len(np.unique(tracks.ids)) == len(tracks)
        assert (tracks.ids > 0).all()
        assert np.isfinite(tracks.boxes).all()
        assert np.isfinite(tracks.velocities).all()
        assert (tracks.velocity_covariances[:, [0, 1], [0, 1]] > 0).all()
        rows = tracks.detection_indices[tracks.observed]
        assert len(np.unique(rows)) == len(rows)
        np.testing.assert_array_equal(
            tracks.class_ids[tracks.observed], detections.class_ids[rows]
        )


def test_the_box_of_a_gradually_occluded_person_does_not_vanish() -> None:
    tracker = Tracker()
    for frame in range(20):
        seen = people((100, 200))
        seen.boxes[0, 3] -= 3 * frame  # is gradually occluded from the feet upward
        tracker.update(seen, stamp(frame))
    for frame in range(20, 50):
        tracks = tracker.update(Detections.empty(), stamp(frame))
    assert len(tracks) == 1
    height = tracks.boxes[0, 3] - tracks.boxes[0, 1]
    assert 30 < height < 60


@pytest.mark.parametrize(
    ('noise', 'memory', 'expected'), [(0, 300, 2), (12, 300, 1), (0, 1e9, 2), (12, 1e9, 2)]
)
def test_how_far_is_too_far_is_learned_from_the_scene(
    noise: float, memory: float, expected: int
) -> None:
    """A person jitters, or does not; then a person is detected 95 pixels away."""
    rng = np.random.default_rng(0)
    tracker = Tracker(TrackerSettings(error_memory=memory))
    for frame in range(200):
        x, y = (100, 200) + noise * rng.uniform(-1, 1, 2)
        tracks = tracker.update(people((x, y)), stamp(frame))
    assert tracks.ids.tolist() == [1]
    tracks = tracker.update(people((195, 200)), stamp(200))
    assert tracks.ids[tracks.observed].tolist() == [expected]


def test_statistics_of_a_scene_are_reset_with_it() -> None:
    rng = np.random.default_rng(0)
    tracker = Tracker()
    for frame in range(200):
        tracker.update(people((100 + rng.uniform(-12, 12), 200)), stamp(frame))
    tracker.reset()
    for frame in range(20):
        tracks = tracker.update(people((100, 200)), stamp(frame))
    (person,) = tracks.ids
    tracks = tracker.update(people((195, 200)), stamp(20))
    assert person not in tracks.ids[tracks.observed]


def test_no_more_tracks_start_than_are_allowed() -> None:
    tracker = Tracker(TrackerSettings(max_tracks=2))
    seen = people((100, 200), (300, 200), (500, 200), scores=[0.7, 0.95, 0.8])
    tracks = tracker.update(seen, stamp(0))
    assert tracks.centers[:, 0].tolist() == [300, 500], 'the best scores'
    assert len(tracker.update(seen, stamp(1))) == 2
    tracker.configure(TrackerSettings(max_tracks=0))
    assert len(tracker.update(seen, stamp(2))) == 3
    tracker.configure(TrackerSettings(max_tracks=1))
    assert len(tracker.update(seen, stamp(3))) == 3, 'tracks are not taken away'
