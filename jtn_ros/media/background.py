"""Work on threads of their own, so that reading, inference and writing overlap.

Decoders, encoders and networks release Python's lock; each of these threads runs one of them,
in order, a few items ahead of or behind the caller.
"""

from collections import deque
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from typing import Self

# Enough to level out slow frames; every waiting item is an image in memory.
_DEPTH = 4


def read_ahead[T](items: Iterable[T], depth: int = _DEPTH) -> Generator[T]:
    """Yield the items, which a thread fetches up to `depth` items ahead of the caller.

    What fetching raises is raised here, in its place. When the caller stops early, the item that
    is being fetched is awaited and the rest is left alone.
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


class WriteBehind[T]:
    """Calls a function with one item after another, on a thread, up to `depth` items late.

    Use it as a context manager: it ends when everything is written. What the function raises is
    raised by a later `put` or at the end.

    Args:
        write: the function.
        depth: items that may wait; beyond that `put` waits for the oldest.
    """

    def __init__(self, write: Callable[[T], object], depth: int = _DEPTH) -> None:
        self._write = write
        self._depth = depth
        self._waiting: deque[Future[object]] = deque()
        self._pool = ThreadPoolExecutor(1, 'write_behind')

    def put(self, item: T) -> None:
        """Hand over the next item."""
        while self._waiting and (len(self._waiting) >= self._depth or self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(self._write, item))

    def __enter__(self) -> Self:
        """Return the writer, which is running already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Write what waits, or drop it after an exception."""
        try:
            while kind is None and self._waiting:
                self._waiting.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)
