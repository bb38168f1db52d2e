"""The lock on one target: states, recognition, doubts, and detectors without embeddings."""

import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.tracking import Tracks
from jtn_ros.tracking.gallery import Gallery
from jtn_ros.tracking.target_lock import LockState
from jtn_ros.tracking.target_lock import Target
from jtn_ros.tracking.target_lock import TargetLock
from jtn_ros.tracking.target_lock import TargetLockSettings
from jtn_ros.tracking.target_selection import largest_row
from jtn_ros.tracking.target_selection import nearest_row
from jtn_ros.tracking.target_selection import row_at
from jtn_ros.tracking.target_selection import row_with_id
from jtn_ros.tracking.track import TrackState

from tables import detections_of
from tables import tracks_of

PERIOD = 100_000_000
LOOKS = np.eye(8, dtype=np.float32)


class Person:
    """A person at a position in the image, whose appearance is one of the unit vectors."""

    def __init__(self, track_id: int, x: float, look: int, unseen: float = 0.0) -> None:
        self.track_id, self.x, self.look, self.unseen = track_id, x, look, unseen


def frame(*people: Person, looks: NDArray[np.float32] | None = LOOKS) -> tuple[Tracks, Detections]:
    """Return the tracks of a frame, and the detections of the people visible in it."""
    seen = np.array([person.unseen == 0 for person in people], bool)
    boxes = np.array([[p.x - 20, 100, p.x + 20, 200] for p in people], np.float32).reshape(-1, 4)
    rows = np.array([person.look for person in people], np.intp)
    tracks = tracks_of(
        boxes,
        ids=[person.track_id for person in people],
        states=[
            TrackState.LOST if person.unseen > 0.25 else TrackState.CONFIRMED for person in people
        ],
        ages=9,
        hits=9,
        unseen_ns=[round(person.unseen * 1e9) for person in people],
        seen=seen,
        embeddings=None if looks is None else looks[rows],
    )
    detections = detections_of(
        boxes[seen], scores=1.0, embeddings=None if looks is None else looks[rows[seen]]
    )
    return tracks, detections


class Scene:
    """Shows frames to a lock."""

    def __init__(
        self, looks: NDArray[np.float32] | None = LOOKS, start_ns: int = 1_700_000_000 * 10**9
    ) -> None:
        self.lock = TargetLock()
        self.number = 0
        self.start_ns = start_ns
        self.looks = looks

    def show(self, *people: Person, times: int = 1, places: object = None) -> Target:
        for _ in range(times):
            tracks, detections = frame(*people, looks=self.looks)
            self.number += 1
            where = None if places is None else np.array(places, np.float64)
            stamp_ns = self.start_ns + self.number * PERIOD
            target = self.lock.update(tracks, detections, stamp_ns, where)
        return target

    def select(self, row: int, *people: Person) -> None:
        self.lock.select(frame(*people, looks=self.looks)[0], row)


def selected() -> tuple[Scene, Person, Person]:
    """Return a scene in which the first of two people was selected, and seen for two seconds."""
    scene, one, other = Scene(), Person(1, 100, 0), Person(2, 300, 1)
    assert scene.show(one, other, times=5).state is LockState.NONE
    scene.select(0, one, other)
    target = scene.show(one, other, times=20)
    assert (target.state, target.track_id, target.certain) == (LockState.LOCKED, 1, True)
    assert target.distance == pytest.approx(0, abs=1e-6)
    return scene, one, other


def test_the_lock_finds_the_target_under_a_new_id_and_says_so() -> None:
    scene, _, other = selected()
    hidden = scene.show(Person(1, 100, 0, unseen=0.5), other)
    assert (hidden.state, hidden.track_id) == (LockState.OCCLUDED, 1)
    lost = scene.show(other, times=30)
    assert (lost.state, lost.track_id, lost.certain) == (LockState.LOST, 0, False)
    assert np.isnan(lost.distance)
    back = scene.show(other, Person(7, 500, 0), times=3)
    assert (back.state, back.track_id, back.switches) == (LockState.LOCKED, 7, 1)
    scene.lock.release()
    assert scene.show(other).state is LockState.NONE


def test_the_lock_is_not_certain_for_long_while_the_target_is_hidden() -> None:
    scene, _, other = selected()
    states = [scene.show(Person(1, 100, 0, unseen=unseen / 10), other) for unseen in range(1, 15)]
    certain = [target.certain for target in states]
    assert certain == [True] * 8 + [False] * 6, 'for 0.8 s'


def test_a_track_that_switches_to_another_person_is_detected() -> None:
    scene, _, other = selected()
    scene.show(Person(1, 100, 0, unseen=0.5), other, times=10)
    target = scene.show(Person(1, 100, 2), other, times=2)
    assert target.state is not LockState.LOST, 'too few views to tell'
    assert not target.certain
    assert scene.show(Person(1, 100, 2), other).state is LockState.LOST
    found = scene.show(Person(1, 100, 2), other, Person(8, 500, 0), times=3)
    assert (found.state, found.track_id, found.switches) == (LockState.LOCKED, 8, 1)


def similar(scene: Scene, look: int, distance: float) -> None:
    """Let a look of a scene be at a cosine distance from that of the target."""
    scene.looks = LOOKS.copy()
    scene.looks[look, 0] = 1 - distance
    scene.looks[look, look] = np.sqrt(1 - (1 - distance) ** 2)


def test_a_target_must_be_recognized_after_a_gap() -> None:
    scene, _, other = selected()
    similar(scene, 2, 0.15)  # an unknown person, more similar to the target than to others
    scene.show(Person(1, 100, 0, unseen=0.5), other, times=10)
    target = scene.show(Person(1, 100, 2), other, times=9)
    assert (target.state, target.track_id, target.certain) == (LockState.OCCLUDED, 1, False)
    assert target.distance == pytest.approx(0.15, abs=1e-3)
    back = scene.show(Person(1, 100, 0), other, times=15)
    assert (back.state, back.certain, back.switches) == (LockState.LOCKED, True, 0)


def test_after_a_crossing_looks_that_are_only_a_little_closer_prove_nothing() -> None:
    scene, one, other = selected()
    scene.looks = LOOKS.copy()
    scene.looks[2, :3] = (0.74, 0.62, np.sqrt(1 - 0.74**2 - 0.62**2))
    scene.show(Person(1, 200, 2), Person(2, 210, 1), times=3)
    target = scene.show(Person(1, 100, 2), other, times=15)
    assert target.distance == pytest.approx(0.26, abs=0.02)
    assert (target.state, target.certain) == (LockState.OCCLUDED, False)
    assert scene.show(one, other, times=15).certain


def test_nothing_is_learned_from_a_track_before_it_was_the_target_for_a_while() -> None:
    scene, _, other = selected()
    similar(scene, 3, 0.05)
    scene.show(other, times=20)
    found = Person(7, 500, 3)
    assert scene.show(other, found, times=3).track_id == 7
    assert scene.show(other, found, times=9).distance == pytest.approx(0.05, abs=1e-3)
    assert scene.show(other, found, times=5).distance == pytest.approx(0, abs=1e-3)


def test_looks_that_would_not_be_recognized_are_not_learned() -> None:
    scene, _, other = selected()
    similar(scene, 3, 0.05)
    scene.lock.config = TargetLockSettings(recognition_margin=1.5)
    assert scene.show(Person(1, 100, 3), other, times=30).distance == pytest.approx(0.05, abs=1e-3)
    scene.lock.config = TargetLockSettings()
    assert scene.show(Person(1, 100, 3), other, times=9).distance == pytest.approx(0, abs=1e-3)


def test_ids_that_are_exchanged_in_a_crossing_are_followed_to_the_right_person() -> None:
    scene, *_ = selected()
    scene.show(Person(1, 200, 0), Person(2, 210, 1), times=3)
    target = scene.show(Person(1, 300, 1), Person(2, 100, 0), times=8)
    assert (target.state, target.track_id, target.switches) == (LockState.LOCKED, 2, 1)


def test_people_with_the_same_appearance_are_candidates() -> None:
    scene, _, other = selected()
    scene.show(other, times=10)
    twins = Person(5, 100, 0), Person(6, 500, 0)
    target = scene.show(other, *twins, times=5)
    assert (target.state, target.track_id) == (LockState.CANDIDATES, 0)
    assert sorted(target.candidates.tolist()) == [5, 6]
    np.testing.assert_allclose(target.candidate_distances, 0, atol=1e-6)
    scene.select(2, other, *twins)
    chosen = scene.show(other, *twins)
    assert (chosen.state, chosen.track_id, chosen.switches) == (LockState.LOCKED, 6, 0)


def test_a_person_similar_to_a_companion_of_the_target_is_not_a_certain_candidate() -> None:
    looks = LOOKS.copy()
    looks[1] = (
        np.cos(0.2),
        np.sin(0.2),
        *np.zeros(6),
    )  # a cosine distance of 0.02 from the target
    scene, one, other = Scene(looks), Person(1, 100, 0), Person(2, 300, 1)
    scene.show(one, other, times=5)
    scene.select(0, one, other)
    scene.show(one, other, times=20)
    scene.show(times=10)
    target = scene.show(Person(9, 100, 0), times=10)
    assert (target.state, target.candidates.tolist()) == (LockState.CANDIDATES, [9])


def test_tracks_out_of_reach_of_the_target_are_not_recognized() -> None:
    scene, one, other = Scene(), Person(1, 100, 0), Person(2, 300, 1)
    scene.show(one, other, times=5, places=[(0, 0, 5), (2, 0, 5)])
    scene.select(0, one, other)
    scene.show(one, other, times=10, places=[(0, 0, 5), (2, 0, 5)])
    far = Person(3, 500, 0)
    target = scene.show(other, far, times=5, places=[(2, 0, 5), (9, 0, 5)])
    assert (target.state, len(target.candidates)) == (LockState.LOST, 0)
    # After 3 seconds, a person can be there: 1 m and 3 m/s.
    target = scene.show(other, far, times=25, places=[(2, 0, 5), (9, 0, 5)])
    assert (target.state, target.track_id) == (LockState.LOCKED, 3)


@pytest.mark.parametrize(
    ('seconds', 'state'), [(0.8, LockState.LOCKED), (2.0, LockState.CANDIDATES)]
)
def test_similar_objects_are_learned_only_after_they_were_clear_for_one_second(
    seconds: float, state: LockState
) -> None:
    scene, one, other = selected()
    similar(scene, 3, 0.05)  # like a person whom the target partly occludes
    scene.show(one, other, Person(5, 500, 3), times=round(10 * seconds))
    scene.show(other, times=30)
    back = scene.show(other, Person(7, 100, 0), times=4)
    assert back.state is state
    assert back.track_id == (7 if state is LockState.LOCKED else 0)


def test_the_appearance_survives_a_new_session() -> None:
    scene, _, other = selected()
    scene.lock.restart()
    scene.number = scene.start_ns = 0
    target = scene.show(Person(2, 100, 0), Person(1, 300, 1), times=3)
    assert (target.state, target.track_id) == (LockState.LOCKED, 2)
    assert other.track_id == 2


@pytest.mark.parametrize('start_ns', [-PERIOD, 1_700_000_000 * 10**9])
def test_the_lock_is_the_same_where_time_begins_at_0(start_ns: int) -> None:
    scene, one, other = Scene(start_ns=start_ns), Person(1, 100, 0), Person(2, 300, 1)
    scene.show(one, other)
    scene.select(0, one, other)
    # Views are learned from the beginning.
    similar(scene, 3, 0.05)
    learned = scene.show(Person(1, 100, 3), other, times=9)
    assert learned.distance == pytest.approx(0, abs=0.01)
    scene.select(0, one, other)
    # The track crosses another one at once, before a clear view.
    scene.looks = np.zeros_like(LOOKS)
    crossing = Person(1, 200, 0), Person(2, 210, 1)
    certain = [scene.show(*crossing).certain for _ in range(12)]
    assert certain == [True] * 8 + [False] * 4, 'for 0.8 s'


def test_after_an_interruption_the_target_has_to_be_recognized() -> None:
    scene, one, other = selected()
    target = scene.lock.interrupt()
    assert (target.state, target.track_id, target.certain) == (LockState.LOST, 0, False)
    scene.number += 20
    back = scene.show(one, other, times=2)
    assert (back.state, back.track_id, back.certain) == (LockState.OCCLUDED, 1, False)
    back = scene.show(one, other)
    assert (back.state, back.track_id, back.switches) == (LockState.LOCKED, 1, 0)
    scene.lock.interrupt()
    scene.number += 20
    target = scene.show(Person(1, 100, 2), other, times=3)
    assert (target.state, target.track_id) == (LockState.LOST, 0), 'the track shows another person'
    scene.lock.release()
    assert scene.lock.interrupt().state is LockState.NONE


def test_without_embeddings_the_lock_survives_an_interruption_with_its_track() -> None:
    scene, one, other = Scene(None), Person(1, 100, 0), Person(2, 300, 1)
    scene.show(one, other)
    scene.select(0, one, other)
    scene.show(one, other)
    assert scene.lock.interrupt().state is LockState.LOST
    scene.number += 20
    target = scene.show(one, other)
    assert (target.state, target.track_id, target.certain) == (LockState.LOCKED, 1, True)


def test_without_embeddings_the_lock_lasts_as_long_as_the_track() -> None:
    scene, one, other = Scene(None), Person(1, 100, 0), Person(2, 300, 1)
    scene.show(one, other, times=5)
    scene.select(0, one, other)
    target = scene.show(one, other, times=20)
    assert (target.state, target.track_id) == (LockState.LOCKED, 1)
    assert np.isnan(target.distance)
    assert scene.show(Person(1, 100, 0, unseen=0.4), other).state is LockState.OCCLUDED
    assert scene.show(one, other).state is LockState.LOCKED
    target = scene.show(other, Person(3, 100, 0), times=20)
    assert (target.state, target.track_id, len(target.candidates)) == (LockState.LOST, 0, 0)


def test_a_target_without_embeddings_is_locked_as_long_as_its_track() -> None:
    scene = Scene(np.zeros_like(LOOKS))
    one, other = Person(1, 100, 0), Person(2, 300, 1)
    scene.show(one, other)
    scene.select(0, one, other)
    scene.looks = LOOKS
    target = scene.show(one, other, times=9)
    assert (target.state, target.track_id, target.certain) == (LockState.LOCKED, 1, True)
    assert np.isnan(target.distance)


def test_a_full_gallery_loses_its_most_redundant_view() -> None:
    angles = np.radians([0, 30, 33, 80])
    views = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    gallery = Gallery(capacity=3, novelty=0.001)
    assert gallery.distances(views).tolist() == [np.inf] * 4
    for view in views:
        gallery.add(view[None])
    assert len(gallery) == 3
    assert gallery.distances(views).tolist() == pytest.approx([0, 0.00137, 0, 0], abs=1e-5)
    gallery.add(views[:1])  # adds nothing
    assert len(gallery) == 3


def test_selection_by_id_point_size_and_distance() -> None:
    tracks, _ = frame(Person(4, 100, 0), Person(5, 110, 1), Person(6, 300, 2, unseen=0.4))
    boxes = tracks.boxes.copy()
    boxes[1] = (95, 90, 135, 220)
    tracks = tracks.replace(boxes=boxes)
    everybody = np.ones(3, bool)
    assert row_with_id(tracks, 6, everybody) == 2
    assert row_at(tracks, 99, 150, everybody) == 0, 'nearer to the middle of that box'
    assert row_at(tracks, 116, 150, everybody) == 1
    assert row_at(tracks, 99, 150, np.array([False, True, True])) == 1
    assert largest_row(tracks, everybody) == 1
    assert nearest_row(tracks, np.array([2.0, 3.0, 1.0]), everybody) == 0
    assert nearest_row(tracks, np.array([np.nan, 3.0, 1.0]), everybody) == 1
    with pytest.raises(JtnError, match=r'no track has the id 9; .* live tracks: 4, 5, 6'):
        row_with_id(tracks, 9, everybody)
    with pytest.raises(JtnError, match=r'track is at \(300, 150\)'):
        row_at(tracks, 300, 150, everybody)
    with pytest.raises(JtnError, match=r'track is at \(nan, 0\)'):
        row_at(tracks, np.nan, 0, everybody)
    with pytest.raises(JtnError, match='nothing can be selected'):
        largest_row(tracks, ~everybody)
    with pytest.raises(JtnError, match='set the parameter positions'):
        nearest_row(tracks, np.full(3, np.nan), everybody)
