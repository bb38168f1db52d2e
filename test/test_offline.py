"""Tracking of recordings: one step per frame, and a new session if time or size jumps."""

from collections.abc import Iterator
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from jtn_ros.detections import Detections
from jtn_ros.media import Frame
from jtn_ros.offline import REPORTED_SESSIONS
from jtn_ros.offline import StoredTracking
from jtn_ros.offline import TrackedFrame
from jtn_ros.offline import track_frames
from jtn_ros.tracking import ReferenceTracker
from jtn_ros.tracking import Tracker
from jtn_ros.tracking.frame_tracker import FrameTracker

from tables import detections_of

PERIOD = 100_000_000


def seen(x: float) -> Detections:
    return detections_of([[x, 10, x + 20, 60]])


def frames_of(stamps: list[int], sizes: Mapping[int, tuple[int, int]]) -> Iterator[Frame]:
    for index, stamp in enumerate(stamps):
        height, width = sizes.get(index, (80, 120))
        yield Frame(index, stamp, np.zeros((height, width, 3), np.uint8))


def run(
    stamps: list[int],
    sizes: Mapping[int, tuple[int, int]] = MappingProxyType({}),
    tracker: FrameTracker | None = None,
) -> list[TrackedFrame]:
    stored = {index: seen(10 + index) for index in range(len(stamps))}
    return list(
        track_frames(frames_of(stamps, sizes), StoredTracking(tracker or Tracker(), stored))
    )


def test_every_frame_comes_out_with_its_detections() -> None:
    results = run([i * PERIOD for i in range(5)])
    assert [item.frame.index for item in results] == [0, 1, 2, 3, 4]
    assert {item.session for item in results} == {1}
    assert [item.result.tracks.ids.tolist() for item in results] == [[1]] * 5
    np.testing.assert_array_equal(results[3].result.detections.boxes, [[13, 10, 33, 60]])


def test_a_jump_back_begins_a_session_with_new_ids(caplog: pytest.LogCaptureFixture) -> None:
    stamps = [0, PERIOD, 2 * PERIOD, 0, PERIOD]
    for tracker in (Tracker(), ReferenceTracker(new_thresh=0.4)):
        results = run(stamps, tracker=tracker)
        assert [item.session for item in results] == [1, 1, 1, 2, 2]
        before = {i for item in results[:3] for i in item.result.tracks.ids.tolist()}
        after = {i for item in results[3:] for i in item.result.tracks.ids.tolist()}
        assert before
        assert after
        assert not before & after
        assert [item.frame.stamp_ns for item in results] == stamps


def test_small_steps_back_are_jitter() -> None:
    stamps = [0, PERIOD, PERIOD - 50_000_000, 2 * PERIOD]
    results = run(stamps)
    assert {item.session for item in results} == {1}
    assert [item.result.tracks.ids.tolist() for item in results] == [[1]] * 4


def test_of_many_sessions_the_first_ones_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    number = REPORTED_SESSIONS + 5
    sizes = {index: (80, 120 + index % 2) for index in range(number + 1)}
    results = run([PERIOD * index for index in range(number + 1)], sizes)
    assert results[-1].session == number + 1
    assert caplog.text.count('a new session begins') == REPORTED_SESSIONS
    assert caplog.text.count('further ones are not reported') == 1


def test_another_image_size_begins_a_session() -> None:
    results = run([i * PERIOD for i in range(4)], sizes={2: (40, 60), 3: (40, 60)})
    assert [item.session for item in results] == [1, 1, 2, 2]
    assert results[3].result.tracks.ids.min() > results[1].result.tracks.ids.max()


def test_frames_without_stored_detections_count_as_empty() -> None:
    stored = {0: seen(10), 1: seen(11)}
    stamps = [i * PERIOD for i in range(6)]
    results = list(track_frames(frames_of(stamps, {}), StoredTracking(Tracker(), stored)))
    assert [int(item.result.tracks.observed.sum()) for item in results] == [1, 1, 0, 0, 0, 0]
    assert results[5].result.tracks.unseen_ns.tolist() == [4 * PERIOD]
