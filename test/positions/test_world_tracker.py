"""One identity from two cameras, for simulated people with known identities."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from jtn_ros.positions import Positions
from jtn_ros.positions.world_tracker import WorldFrame
from jtn_ros.positions.world_tracker import WorldSettings
from jtn_ros.positions.world_tracker import WorldTracker
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

SECOND = 1_000_000_000
PERIOD_S = 0.1
NOISE_M = 0.15
Floats = NDArray[np.float64]


def tracks_of(
    ids: list[int], class_ids: list[int] | None = None, embeddings: Floats | None = None
) -> Tracks:
    """Return confirmed tracks of a camera, of which only identity and appearance matter."""
    count = len(ids)
    return Tracks(
        ids=np.array(ids, np.int64),
        boxes=np.zeros((count, 4), np.float32),
        scores=np.full(count, 0.9, np.float32),
        class_ids=np.array(class_ids or [0] * count, np.int32),
        centers=np.zeros((count, 2), np.float32),
        velocities=np.zeros((count, 2), np.float32),
        velocity_covariances=np.zeros((count, 2, 2), np.float32),
        states=np.full(count, TrackState.CONFIRMED, np.uint8),
        ages=np.ones(count, np.int32),
        hits=np.ones(count, np.int32),
        unseen_ns=np.zeros(count, np.int64),
        detection_indices=np.arange(count, dtype=np.int32),
        embeddings=None if embeddings is None else embeddings.astype(np.float32),
    )


def located(points: Floats | list[list[float]], velocities: Floats | None = None) -> Positions:
    """Return positions with the noise of the simulation."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    count = len(points)
    covariance = np.diag([NOISE_M**2] * 3 + [0.2**2] * 3)
    return Positions(
        'map',
        np.ones(count, bool),
        points,
        np.zeros((count, 3)) if velocities is None else velocities,
        np.repeat(covariance[None], count, axis=0),
    )


def update(
    tracker: WorldTracker,
    camera: str,
    seconds: float,
    ids: list[int],
    points: Floats | list[list[float]],
    session: str = 'first',
) -> dict[int, int]:
    """Track a frame; return the identity of each track of the camera that is live."""
    frame = tracker.update(
        camera, session, tracks_of(ids), located(points), round(seconds * SECOND)
    )
    return identities(frame, tracker, camera)


def identities(frame: WorldFrame, tracker: WorldTracker, camera: str) -> dict[int, int]:
    members = frame.members.select(frame.members.cameras == tracker.cameras.index(camera))
    return dict(zip(members.track_ids.tolist(), members.world_ids.tolist(), strict=True))


def test_objects_of_two_cameras_at_one_position_have_one_identity() -> None:
    tracker = WorldTracker(WorldSettings())
    assert update(tracker, 'a', 0.0, [1, 2], [[0, 0, 0], [4, 0, 0]]) == {1: 1, 2: 2}
    assert update(tracker, 'b', 0.02, [7, 8], [[4.2, 0, 0], [0, 0.3, 0]]) == {7: 2, 8: 1}
    frame = tracker.update(
        'b', 'first', tracks_of([7, 8]), located([[4.2, 0, 0], [0, 0.3, 0]]), SECOND // 10
    )
    assert frame.stamp_ns == SECOND // 10
    assert frame.tracks.ids.tolist() == [1, 2]
    assert frame.members.world_ids.tolist() == [1, 1, 2, 2]
    # Between the positions of the two cameras, and not more certain than either.
    np.testing.assert_allclose(frame.tracks.means[0, :3], [0, 0.15, 0], atol=0.02)
    assert NOISE_M**2 <= frame.tracks.covariances[0, 0, 0] < 1.5 * NOISE_M**2


def test_two_tracks_of_one_camera_are_never_one_object() -> None:
    tracker = WorldTracker(WorldSettings())
    for step in range(20):
        seconds = step * PERIOD_S
        update(tracker, 'a', seconds, [1], [[0, 0, 0]])
        found = update(tracker, 'b', seconds, [7, 8], [[0.1, 0, 0], [0.2, 0, 0]])
        assert found == {7: 1, 8: 2}


def test_other_classes_and_other_looks_are_other_objects() -> None:
    looks = np.eye(3)
    tracker = WorldTracker(WorldSettings())
    here = located([[0, 0, 0]])
    tracker.update('a', 1, tracks_of([1], [0], looks[:1]), here, 0)
    other_class = tracker.update('b', 1, tracks_of([1], [1], looks[:1]), here, 0)
    assert other_class.tracks.ids.tolist() == [1, 2]
    other_look = tracker.update('c', 1, tracks_of([1], [0], looks[1:2]), here, 0)
    assert other_look.tracks.ids.tolist() == [1, 2, 3]
    unknown = tracker.update('d', 1, tracks_of([1], [0], np.zeros((1, 3))), here, 0)
    assert Counter(unknown.members.world_ids.tolist()).most_common(1)[0][1] == 2


def test_a_camera_without_objects_has_no_embeddings_and_is_tracked() -> None:
    tracker = WorldTracker(WorldSettings())
    looks = np.eye(1, 8)
    here = located([[0, 0, 0]])
    frame = tracker.update('a', 'first', tracks_of([1], None, looks), here, 0)
    assert identities(frame, tracker, 'a') == {1: 1}
    frame = tracker.update('b', 'first', tracks_of([]), located([]), SECOND // 100)
    assert frame.tracks.ids.tolist() == [1]
    frame = tracker.update('b', 'first', tracks_of([5], None, looks), here, SECOND // 10)
    assert identities(frame, tracker, 'b') == {5: 1}
    frame = tracker.update('a', 'second', tracks_of([]), located([]), SECOND // 9)
    assert frame.members.track_ids.tolist() == [5]


def test_appearance_may_become_known_later() -> None:
    tracker = WorldTracker(WorldSettings())
    looks = np.eye(2, 8)
    near = located([[0, 0, 0]])
    tracker.update('a', 'first', tracks_of([1]), near, 0)
    frame = tracker.update('b', 'first', tracks_of([5], None, looks[:1]), near, SECOND // 100)
    assert identities(frame, tracker, 'b') == {5: 1}, 'nothing is known against it'
    frame = tracker.update('a', 'first', tracks_of([1, 2], None, looks),
                           located([[0, 0, 0], [0.4, 0, 0]]), SECOND // 10)  # fmt: skip
    assert identities(frame, tracker, 'a') == {1: 1, 2: 2}
    frame = tracker.update('c', 'first', tracks_of([9]), located([[8, 0, 0]]), SECOND // 9)
    assert identities(frame, tracker, 'c') == {9: 3}


def test_an_object_keeps_its_identity_from_one_camera_to_the_next() -> None:
    tracker = WorldTracker(WorldSettings())
    for step in range(40):
        seconds, x = step * PERIOD_S, step * PERIOD_S
        if step < 20:
            assert update(tracker, 'a', seconds, [1], [[x, 0, 0]]) == {1: 1}
        else:
            update(tracker, 'a', seconds, [], np.zeros((0, 3)))
        if step >= 25:  # not visible for half a second
            assert update(tracker, 'b', seconds, [5], [[x + 0.2, 0, 0]]) == {5: 1}


def test_a_track_that_is_not_seen_any_more_does_not_keep_its_identity_from_the_next() -> None:
    tracker = WorldTracker(WorldSettings())
    update(tracker, 'a', 0.0, [1], [[0, 0, 0]])
    update(tracker, 'b', 0.0, [7], [[0, 0, 0]])
    for step in range(1, 12):  # the first track of a is lost, but it is not over
        seconds = step * PERIOD_S
        tracks = tracks_of([1, 2]).replace(
            states=np.array([TrackState.LOST, TrackState.CONFIRMED], np.uint8)
        )
        points = located([[0, 0, 0], [0.1, 0, 0]])
        frame = tracker.update('a', 'first', tracks, points, round(seconds * SECOND))
        found = identities(frame, tracker, 'a')
        # For a moment, the new one may be another person.
        assert found[2] == (2 if step < 6 else found[2])
        assert update(tracker, 'b', seconds, [7], [[0, 0, 0]]) == {7: 1}
    assert found == {2: 1}
    again = update(tracker, 'a', 1.2, [1, 2], [[4, 0, 0], [0.1, 0, 0]])
    assert again == {1: 3, 2: 1}


def test_after_a_reset_of_a_camera_its_new_tracks_find_their_objects() -> None:
    tracker = WorldTracker(WorldSettings())
    update(tracker, 'a', 0.0, [1], [[0, 0, 0]])
    update(tracker, 'b', 0.0, [1], [[0, 0, 0]])
    assert update(tracker, 'a', 0.1, [1], [[0, 0, 0]], session='second') == {1: 1}
    # Far away in the third session, though the number is the same.
    assert update(tracker, 'a', 0.2, [1], [[9, 0, 0]], session='third') == {1: 2}


def test_a_wrong_assignment_is_corrected() -> None:
    tracker = WorldTracker(WorldSettings())
    update(tracker, 'a', 0.0, [1], [[0, 0, 0]])
    assert update(tracker, 'b', 0.0, [7], [[0.5, 0, 0]]) == {7: 1}
    for step in range(1, 20):  # they turn out to be two people, the second of a stays with b
        seconds, x = step * PERIOD_S, step * PERIOD_S
        first = update(tracker, 'a', seconds, [1, 2], [[-x, 0, 0], [0.5 + x, 0.2, 0]])
        second = update(tracker, 'b', seconds, [7], [[0.5 + x, 0, 0]])
    assert first[1] == 1
    assert first[2] == second[7] == 2


def test_when_time_begins_anew_nothing_is_remembered() -> None:
    tracker = WorldTracker(WorldSettings())
    update(tracker, 'a', 100.0, [1], [[0, 0, 0]])
    assert update(tracker, 'b', 1.0, [1], [[0, 0, 0]]) == {1: 2}


# A pair of cameras whose views overlap, by the range of x that each sees. [m]
VIEWS = {'west': (0.0, 8.0), 'east': (4.0, 12.0)}


class Sight(NamedTuple):
    """What a camera tracks at one time: truth, track and place of each person."""

    camera: str
    seconds: float
    people: list[int]
    tracks: list[int]
    points: Floats
    velocities: Floats
    looks: Floats


@dataclass
class Simulation:
    """People who walk in a hall, and the tracks of two cameras with errors.

    Calibrations differ by 0.2 m, people are lost for up to two seconds (occlusion) and
    return as other tracks, and a camera confuses two people who pass each other.
    """

    people: int
    seconds: float
    seed: int

    def run(self) -> Iterator[Sight]:
        rng = np.random.default_rng(self.seed)
        places = rng.uniform((0, 0), (12, 6), (self.people, 2))
        goals = rng.uniform((0, 0), (12, 6), (self.people, 2))
        speeds = rng.uniform(0.6, 1.6, self.people)
        looks = rng.normal(size=(self.people, 32))
        biases = {camera: rng.normal(0, 0.1, 3) * (1, 1, 0) for camera in VIEWS}
        next_track = dict.fromkeys(VIEWS, 1)
        live: dict[str, dict[int, int]] = {camera: {} for camera in VIEWS}
        hidden: dict[str, Floats] = {camera: np.zeros(self.people) for camera in VIEWS}
        for step in range(round(self.seconds / PERIOD_S)):
            ways = goals - places
            lengths = np.linalg.norm(ways, axis=1)
            velocities = ways / lengths[:, None] * speeds[:, None]
            places = places + velocities * PERIOD_S
            reached = lengths < 0.3
            goals[reached] = rng.uniform((0, 0), (12, 6), (int(reached.sum()), 2))
            for camera, (low, high) in VIEWS.items():
                lost = rng.random(self.people) < 0.01
                hidden[camera] = np.where(
                    lost, rng.uniform(0.3, 2.0, self.people), hidden[camera] - PERIOD_S
                )
                inside = (places[:, 0] >= low) & (places[:, 0] <= high) & (hidden[camera] <= 0)
                seen = np.flatnonzero(inside).tolist()
                tracks = live[camera]
                for person in [person for person in tracks if person not in seen]:
                    del tracks[person]
                for person in seen:
                    if person not in tracks:
                        tracks[person] = next_track[camera]
                        next_track[camera] += 1
                if len(seen) > 1 and rng.random() < 0.01:
                    pairs = np.linalg.norm(places[seen][:, None] - places[seen], axis=2)
                    np.fill_diagonal(pairs, np.inf)
                    first, second = np.unravel_index(int(pairs.argmin()), pairs.shape)
                    if pairs.min() < 1:
                        one, two = seen[int(first)], seen[int(second)]
                        tracks[one], tracks[two] = tracks[two], tracks[one]
                count = len(seen)
                points = np.column_stack([places[seen], np.zeros(count)])
                points += biases[camera] + rng.normal(0, NOISE_M, points.shape)
                vectors = looks[seen] + 0.6 * rng.normal(size=(count, 32))
                yield Sight(
                    camera,
                    step * PERIOD_S + (0.03 if camera == 'east' else 0),
                    seen,
                    [tracks[person] for person in seen],
                    points,
                    np.column_stack([velocities[seen], np.zeros(count)])
                    + rng.normal(0, 0.2, points.shape),
                    vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
                )


class Agreement(NamedTuple):
    """How the identities agree with the truth.

    Attributes:
        joined: share of the views of people in both cameras at once with one identity.
        wrong: share of the identities seen by both cameras that are two people.
        idf1: IDF1 of all views, with the joined identities.
        apart: IDF1 with those of the single cameras.
    """

    joined: float
    wrong: float
    idf1: float
    apart: float


def agreement(simulation: Simulation, *, looks: bool) -> Agreement:
    """Return how well the identities of the joined cameras agree with the truth."""
    tracker = WorldTracker(WorldSettings())
    latest: dict[str, dict[int, int]] = {camera: {} for camera in VIEWS}
    world_views: Counter[tuple[int, int]] = Counter()
    camera_views: Counter[tuple[int, str]] = Counter()
    both = joined = pairs = wrong = 0
    for sight in simulation.run():
        frame = tracker.update(
            sight.camera,
            'session',
            tracks_of(sight.tracks, embeddings=sight.looks if looks else None),
            located(sight.points, sight.velocities),
            round(sight.seconds * SECOND),
        )
        worlds = {camera: identities(frame, tracker, camera) for camera in tracker.cameras}
        latest[sight.camera] = dict(zip(sight.people, sight.tracks, strict=True))
        for person, track in latest[sight.camera].items():
            world_views[person, worlds[sight.camera][track]] += 1
            camera_views[person, f'{sight.camera} {track}'] += 1
        if sight.camera == 'west':
            continue
        people = {
            camera: {worlds[camera][track]: person for person, track in seen.items()}
            for camera, seen in latest.items()
        }
        common = people['west'].keys() & people['east'].keys()
        pairs += len(common)
        wrong += sum(people['west'][number] != people['east'][number] for number in common)
        for person in latest['west'].keys() & latest['east'].keys():
            both += 1
            west, east = latest['west'][person], latest['east'][person]
            joined += worlds['west'][west] == worlds['east'][east]
    assert min(both, pairs) > 100
    return Agreement(joined / both, wrong / pairs, idf1(world_views), idf1(camera_views))


def idf1[Identity](views: Counter[tuple[int, Identity]]) -> float:
    """Return IDF1 of views, counted by person and identity, where nothing else is missing."""
    people = sorted({person for person, _ in views})
    numbers = list({number for _, number in views})
    table = np.zeros((len(people), len(numbers)))
    for (person, number), count in views.items():
        table[people.index(person), numbers.index(number)] = count
    return float(table[linear_sum_assignment(-table)].sum() / table.sum())


@pytest.mark.parametrize(
    ('looks', 'least'),
    [(False, Agreement(0.94, 0.06, 0.55, 0.3)), (True, Agreement(0.97, 0.03, 0.7, 0.3))],
)
def test_two_cameras_agree_on_identities(looks: bool, least: Agreement) -> None:
    found = agreement(Simulation(people=6, seconds=40, seed=0), looks=looks)
    assert found.joined > least.joined
    assert found.wrong < least.wrong
    assert found.idf1 > least.idf1
    # The separate cameras have two identities for each person, and new ones after each gap.
    assert found.apart < least.apart
