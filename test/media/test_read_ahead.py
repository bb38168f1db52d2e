"""Threads that read ahead and write behind: order, bounds, errors and early ends."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from types import TracebackType

import pytest

from jtn_ros.media.read_ahead import WriteBehind
from jtn_ros.media.read_ahead import read_ahead


def test_items_are_in_order_and_fetched_at_most_depth_ahead() -> None:
    fetched = []

    def source() -> Iterator[int]:
        for number in range(20):
            fetched.append(number)
            yield number

    taken = []
    for number in read_ahead(source(), depth=3):
        assert len(fetched) <= number + 4  # this one, and three that wait
        taken.append(number)
    assert taken == list(range(20))


def test_reading_and_working_overlap() -> None:
    """Two stages that meet at a barrier can only go on if they run at the same time."""
    barrier = threading.Barrier(2, timeout=10)

    def source() -> Iterator[int]:
        yield 0
        barrier.wait()
        yield 1

    items = read_ahead(source())
    assert next(items) == 0
    barrier.wait()
    assert list(items) == [1]


def test_an_error_is_raised_in_the_order_of_the_items() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise ValueError('broken')

    items = read_ahead(source())
    assert next(items) == 1
    with pytest.raises(ValueError, match='broken'):
        next(items)


def test_stopping_early_ends_the_thread_before_the_source_closes() -> None:
    reading = threading.Event()
    closed_while_reading = []

    def source() -> Iterator[int]:
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


class Recorder:
    """A sink that records its items, their threads, and how it was closed."""

    def __init__(self, before: Callable[[int], object] = lambda item: None) -> None:
        self.before = before
        self.written: list[int] = []
        self.ended: list[type[BaseException] | None] = []
        self.threads = {threading.get_ident()}

    def write(self, item: int) -> None:
        self.threads.add(threading.get_ident())
        self.before(item)
        self.written.append(item)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.threads.add(threading.get_ident())
        self.ended.append(kind)


Writer = WriteBehind[int, Recorder]


def test_everything_is_written_in_order_by_the_end() -> None:
    with Writer(Recorder, depth=2) as writer:
        for number in range(50):
            writer.put(number)
    assert writer.sink.written == list(range(50))
    assert writer.sink.ended == [None]


def test_a_sink_lives_on_one_thread_that_is_not_ours() -> None:
    with Writer(Recorder) as writer:
        writer.put(1)
    assert len(writer.sink.threads) == 1
    assert threading.get_ident() not in writer.sink.threads


def test_putting_waits_when_too_much_waits() -> None:
    release, started = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        started.set()
        release.wait(10)

    with Writer(lambda: Recorder(wait), depth=2) as writer:
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
    assert writer.sink.written == [1, 2, 3]


@pytest.mark.parametrize('number', [4, 100])
def test_an_error_in_writing_reaches_the_caller_and_undoes_the_sink(number: int) -> None:
    def fail(item: int) -> None:
        if item == 3:
            raise OSError('disk full')

    failing = partial(Recorder, fail)
    with pytest.raises(OSError, match='disk full'), Writer(failing) as writer:  # noqa: PT012
        for item in range(number):
            writer.put(item)
    assert writer.sink.ended == [OSError]


def test_after_an_error_elsewhere_waiting_items_are_dropped_and_the_sink_is_undone() -> None:
    release = threading.Event()
    threading.Timer(0.2, release.set).start()
    slow = partial(Recorder, lambda _: release.wait(10))
    with pytest.raises(RuntimeError), Writer(slow) as writer:  # noqa: PT012
        for item in range(4):
            writer.put(item)
        raise RuntimeError
    assert writer.sink.ended == [RuntimeError]
    assert len(writer.sink.written) < 4


INTERRUPTED_OPENING = """
import signal, threading, time
from jtn_ros.media.read_ahead import WriteBehind

class Recorder:
    ended = []
    def __exit__(self, kind, *_):
        self.ended.append(kind.__name__)

opening, release, sink = threading.Event(), threading.Event(), Recorder()

def open_slowly():
    if AT_ONCE:
        interrupt()
    opening.set()
    release.wait(10)
    return sink

def interrupt():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

def interrupt_later():
    opening.wait(10)
    time.sleep(0.2)  # until the opening is awaited
    if not AT_ONCE:
        interrupt()
    time.sleep(0.2)
    release.set()

threading.Thread(target=interrupt_later).start()
try:
    WriteBehind(open_slowly)
except KeyboardInterrupt:
    print(sink.ended)
"""


@pytest.mark.parametrize('at_once', [True, False])
def test_a_sink_that_opens_after_an_interruption_is_undone(at_once: bool) -> None:
    """In a process of its own: libraries of other tests may have changed the signal stack."""
    done = subprocess.run(
        [sys.executable, '-c', f'AT_ONCE = {at_once}{INTERRUPTED_OPENING}'],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "['KeyboardInterrupt']\n", done.stderr


def test_a_sink_that_does_not_open_is_an_error() -> None:
    def refuse() -> Recorder:
        raise FileExistsError('it exists')

    with pytest.raises(FileExistsError, match='it exists'):
        Writer(refuse)
    assert not [t for t in threading.enumerate() if t.name.startswith('write_behind')]
