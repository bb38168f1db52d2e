"""Background threads that overlap reading, inference and writing.

Decoders, encoders and networks release the GIL. Each thread runs one of them in order, a few items
ahead of or behind the caller.
"""

from collections import deque
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any
from typing import Protocol
from typing import Self

# Enough to compensate for slow frames; each waiting item is an image in memory.
_DEPTH = 4


def read_ahead[T](items: Iterable[T], depth: int = _DEPTH) -> Generator[T]:
    """Yield the items, which a thread fetches up to `depth` items ahead of the caller.

    Exceptions of the thread are raised here, in order. If the caller stops early, the item that is
    being fetched is awaited, and the remaining items are not fetched.
    """
    iterator, end = iter(items), object()

    def fetch() -> object:
        return next(iterator, end)

    pool = ThreadPoolExecutor(1, 'read_ahead')
    try:
        waiting = deque(pool.submit(fetch) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            waiting.append(pool.submit(fetch))
            yield item  # type: ignore[misc]
    finally:
        pool.shutdown(cancel_futures=True)


class Sink[T](Protocol):
    """A sink that is opened, written incrementally, and closed."""

    def write(self, item: T) -> None:
        """Write the next item."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Close it, or undo it after an exception."""


class WriteBehind[T, S: Sink[Any]]:
    """Opens, fills and closes a sink on one thread, up to `depth` items late.

    Use it as a context manager: it exits when everything is written and closed. Exceptions of
    writing are raised by a later `put` or on exit.

    Args:
        open_sink: returns the sink; it runs on the thread, as databases require.
        depth: maximum number of waiting items; if it is reached, `put` waits for the oldest.

    Attributes:
        sink: the opened sink.
    """

    def __init__(self, open_sink: Callable[[], S], depth: int = _DEPTH) -> None:
        self._depth = depth
        self._waiting: deque[Future[None]] = deque()
        self._pool = ThreadPoolExecutor(1, 'write_behind')
        self._pool.submit(int).result()  # starts the thread, which cannot be interrupted then
        opening: Future[S] = Future()
        try:
            self._pool.submit(_open, opening, open_sink)
            self.sink = opening.result()
        except BaseException as error:
            # An interruption does not stop the thread, and the sink may be open.
            opening.cancel()
            self._pool.submit(_undo, opening, error)
            self._pool.shutdown()
            raise

    def put(self, item: T) -> None:
        """Add the next item."""
        while self._waiting and (len(self._waiting) >= self._depth or self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self.sink.write, item))

    def __enter__(self) -> Self:
        """Return the writer, which is already running."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write waiting items and close the sink; after an exception, drop them and undo it."""
        try:
            while error is None and self._waiting:
                self._waiting.popleft().result()
        except BaseException as failure:
            kind, error, trace = type(failure), failure, failure.__traceback__
            raise
        finally:
            for future in self._waiting:
                future.cancel()
            closing = self._pool.submit(self.sink.__exit__, kind, error, trace)
            self._pool.shutdown()
            closing.result()


def _open[S](opening: Future[S], open_sink: Callable[[], S]) -> None:
    """Open the sink, unless this was canceled."""
    if opening.set_running_or_notify_cancel():
        try:
            opening.set_result(open_sink())
        except BaseException as error:
            opening.set_exception(error)


def _undo(opening: Future[Any], error: BaseException) -> None:
    """Undo the sink, if it was opened."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().__exit__(type(error), error, error.__traceback__)
