"""A slow camera is not reported as silent between its images."""

from collections.abc import Callable
from pathlib import Path
from time import sleep

import pytest
from rosgraph_msgs.msg import Clock
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.tracker.intervals import Intervals

from nodes.harness import Harness
from nodes.scene import SECOND
from nodes.scene import message


class Time:
    """A clock that is set."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def silent_after(intervals: Intervals, time: Time, least_s: float = 3.0) -> float:
    """Return after how many seconds a camera is silent, in steps of a tenth."""
    begin = time.seconds
    while not intervals.exceeded(least_s):
        time.seconds += 0.1
    elapsed, time.seconds = time.seconds - begin, begin
    return elapsed


@pytest.mark.parametrize(
    ('steps', 'expected'),
    [
        ([], 3),  # nothing is known yet
        ([0.04] * 9, 3),
        ([5], 15),
        ([5] * 9, 15),
        ([60] * 9, 180),
        ([0.04] * 9 + [100], 3),  # one pause
        ([100, 0.04], 3),
        ([5, 5, 100, 5], 15),
        ([0.04] * 9 + [5] * 3, 15),  # the camera has become slow
        ([5] * 9 + [0.04] * 3, 3),  # or fast
        ([0.04] * 9 + [-1000], 3),  # time jumped back
    ],
)
def test_silence_is_three_seconds_and_three_usual_intervals(
    steps: list[float], expected: float
) -> None:
    time = Time()
    intervals = Intervals(time)
    time.seconds += 1000  # before the first image: no interval
    for step in [0, *steps]:
        time.seconds += step
        intervals.note()
    assert silent_after(intervals, time) == pytest.approx(expected, abs=0.15)


@pytest.mark.ros
def test_outputs_of_a_slow_camera_end_empty_after_several_of_its_intervals(
    make: Callable[..., Harness], block_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('jtn_ros.nodes.tracker.camera_worker.SILENCE_S', 0.2)
    harness = make(model=str(block_model), use_sim_time=True, lost_time=60.0)
    clock = harness.user.create_publisher(Clock, '/clock', 10)
    harness.start()
    arrays = harness.listen(MarkerArray, 'markers')
    harness.wait(lambda: clock.get_subscription_count() >= 1, 'a listener to the clock')
    now = harness.tracker.get_clock().now

    def set_clock(second: int) -> None:
        def told() -> bool:
            clock.publish(Clock(clock=ns_to_stamp(second * SECOND)))
            return now().nanoseconds == second * SECOND

        harness.wait(told, 'the simulated time')

    def emptied() -> int:
        """Return how many messages only delete all markers."""
        return [[m.action for m in a.markers] for a in arrays].count([Marker.DELETEALL])

    outputs = []
    for second in (100, 110, 120):
        set_clock(second)
        outputs.append(harness.track(message(0, stamp_ns=second * SECOND)))
        if second == 100:  # not known to be slow yet
            set_clock(104)
            harness.wait(lambda: emptied() == 1, 'the end of the markers')
    set_clock(149)
    # In reality, the intervals were short.
    sleep(1.5)
    assert emptied() == 1
    set_clock(151)
    harness.wait(lambda: emptied() == 2, 'the end of the markers')
    assert [o.header for o in outputs] == [
        message(0, stamp_ns=second * SECOND).header for second in (100, 110, 120)
    ]
    assert [len(o.objects) for o in outputs] == [2, 2, 2]
    assert len({bytes(o.session.uuid) for o in outputs}) == 1


@pytest.mark.ros
def test_a_slow_camera_is_not_reported_as_silent_between_images(active: Harness) -> None:
    def logged(text: str, count: int) -> None:
        active.wait(lambda: active.log.count(text) == count, f'{text} {count} times')

    for number in range(2):
        logged('no image for', number + 1)
        sleep(0.5 * number)
        active.track(message(number))
        logged('is resolved', number + 1)
    sleep(0.8)
    active.track(message(2))
    assert active.log.count('no image for') == 2
