from collections.abc import Sequence
from threading import Thread
from time import sleep

import numpy as np
import pytest

from jtn_ros.nodes.tracker.short_queue import LONGEST_WAIT_S
from jtn_ros.nodes.tracker.short_queue import ShortQueue


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def run(rate: float, work_s: Sequence[float]) -> tuple[list[float], int, int]:
    """Let a camera meet a consumer that needs some time for each item.

    Return how long the items waited that it took, how many were put, and how many were dropped.
    """
    clock = Clock()
    queue = ShortQueue[float](clock)
    ages: list[float] = []
    put = 0
    next_arrival = now = clock.seconds
    for work in work_s:
        taken = None
        while taken is None:
            while next_arrival <= now:
                clock.seconds = next_arrival
                queue.put(next_arrival)
                put += 1
                next_arrival += 1 / rate
            clock.seconds = now
            taken = queue.take(0.0)
            if taken is None:
                now = next_arrival
        ages.append(now - taken)
        now += work
    return ages, put, queue.dropped


@pytest.mark.parametrize('stall_s', [0.04, 0.07, 0.12])
def test_a_consumer_that_keeps_up_receives_all_items_despite_jitter(stall_s: float) -> None:
    work = np.full(3000, 0.02)
    work[::17] = stall_s
    ages, put, dropped = run(30, work.tolist())
    assert dropped == 0
    assert put == pytest.approx(3000, abs=4)
    assert max(ages) <= LONGEST_WAIT_S
    # It catches up before the next stall.
    assert np.median(ages) < 0.001


@pytest.mark.parametrize(('rate', 'work_s'), [(30, 0.04), (83, 0.027), (30, 0.3)])
def test_a_slow_consumer_receives_the_newest_item(rate: float, work_s: float) -> None:
    ages, put, dropped = run(rate, [work_s] * 500)
    assert max(ages) <= LONGEST_WAIT_S
    # Once that is known, nothing waits for longer than the camera needs for the next item.
    assert max(ages[50:]) <= 1 / rate + 1e-6
    assert put - dropped == pytest.approx(500, abs=4)
    assert dropped == pytest.approx(500 * (work_s * rate - 1), rel=0.05)


def test_after_an_overload_every_item_is_handed_over_again() -> None:
    work = [0.02] * 50 + [0.05] * 50 + [0.02] * 50
    _, _, dropped_before = run(30, work)
    _, _, dropped = run(30, [*work, *[0.02, 0.02, 0.02, 0.06, 0.02] * 50])
    assert dropped == dropped_before > 10


def test_items_wait_in_their_order() -> None:
    queue = ShortQueue[int]()
    for item in range(3):
        queue.put(item)
    assert [queue.take() for _ in range(3)] == [0, 1, 2]
    assert queue.dropped == 0


def test_the_newest_item_may_wait_for_as_long_as_it_is_the_newest() -> None:
    clock = Clock()
    queue = ShortQueue[int](clock)
    for item in range(3):
        queue.put(item)
    clock.seconds += 1
    assert queue.take() == 2
    queue.put(3)
    clock.seconds += 1
    assert queue.take() == 3
    assert queue.dropped == 2


def test_closing_leaves_the_items_that_wait_then_ends() -> None:
    queue = ShortQueue[int]()
    queue.put(1)
    queue.put(2)
    queue.close()
    queue.put(3)
    assert [queue.take(), queue.take(), queue.take()] == [1, 2, None]
    assert queue.dropped == 0


def test_waking_ends_one_wait_after_the_waiting_items_are_taken() -> None:
    queue = ShortQueue[int]()
    queue.put(1)
    queue.wake()
    assert [queue.take(), queue.take(), queue.take(0.01)] == [1, None, None]
    queue.put(2)
    queue.close()
    assert not queue.ended
    assert queue.take() == 2
    assert queue.ended


def test_closing_wakes_a_waiting_consumer() -> None:
    queue = ShortQueue[int]()
    taken: list[int | None] = []
    consumer = Thread(target=lambda: taken.append(queue.take()))
    consumer.start()
    sleep(0.05)
    queue.close()
    consumer.join(timeout=5)
    assert not consumer.is_alive()
    assert taken == [None]


def test_every_item_is_taken_or_dropped_under_load() -> None:
    queue = ShortQueue[int]()
    taken: list[int] = []

    def consume() -> None:
        while (item := queue.take()) is not None:
            taken.append(item)

    consumer = Thread(target=consume)
    consumer.start()
    for item in range(20000):
        queue.put(item)
    queue.close()
    consumer.join(timeout=10)
    assert taken == sorted(set(taken))
    assert taken[-1] == 19999
    assert len(taken) + queue.dropped == 20000
