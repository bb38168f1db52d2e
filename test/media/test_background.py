"""Threads that read ahead and write behind: order, bounds, errors and early ends."""

import threading
import time
from contextlib import closing

import pytest

from jtn_ros.media.background import WriteBehind
from jtn_ros.media.background import read_ahead


def test_items_come_in_order_and_at_most_so_far_ahead():
    fetched = []

    def source():
        for number in range(20):
            fetched.append(number)
            yield number

    taken = []
    for number in read_ahead(source(), depth=3):
        assert len(fetched) <= number + 4  # this one, and three that wait
        taken.append(number)
    assert taken == list(range(20))


def test_reading_and_working_overlap():
    """Two stages that meet at a barrier can only go on if they run at the same time."""
    barrier = threading.Barrier(2, timeout=10)

    def source():
        yield 0
        barrier.wait()
        yield 1

    items = read_ahead(source())
    assert next(items) == 0
    barrier.wait()
    assert list(items) == [1]


def test_an_error_comes_in_its_place():
    def source():
        yield 1
        raise ValueError('broken')

    items = read_ahead(source())
    assert next(items) == 1
    with pytest.raises(ValueError, match='broken'):
        next(items)


def test_stopping_early_ends_the_thread_before_the_source_closes():
    reading = threading.Event()
    closed_while_reading = []

    def source():
        for number in range(1000):
            reading.set()
            time.sleep(0.01)
            reading.clear()
            yield number

    with closing(read_ahead(source())) as items:
        assert next(items) == 0
    closed_while_reading.append(reading.is_set())
    assert closed_while_reading == [False]
    assert not [t for t in threading.enumerate() if t.name.startswith('read_ahead')]


def test_everything_is_written_in_order_by_the_end():
    written = []
    with WriteBehind(written.append, depth=2) as writer:
        for number in range(50):
            writer.put(number)
    assert written == list(range(50))


def test_putting_waits_when_too_much_waits():
    release, started = threading.Event(), threading.Event()

    def write(_):
        started.set()
        release.wait(10)

    with WriteBehind(write, depth=2) as writer:
        writer.put(1)
        writer.put(2)
        started.wait(10)
        blocked = threading.Thread(target=writer.put, args=[3])
        blocked.start()
        blocked.join(0.1)
        assert blocked.is_alive()
        release.set()
        blocked.join(10)
        assert not blocked.is_alive()


def test_an_error_in_writing_reaches_the_caller():
    def write(number):
        if number == 3:
            raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'), WriteBehind(write) as writer:  # noqa: PT012
        for number in range(100):
            writer.put(number)
    with pytest.raises(OSError, match='disk full'), WriteBehind(write) as writer:
        writer.put(3)


def test_after_an_error_elsewhere_nothing_more_is_written():
    written, release = [], threading.Event()

    def write(number):
        release.wait(10)
        written.append(number)

    with pytest.raises(RuntimeError), WriteBehind(write) as writer:  # noqa: PT012
        for number in range(4):
            writer.put(number)
        release.set()
        raise RuntimeError
    assert written == list(range(len(written)))
