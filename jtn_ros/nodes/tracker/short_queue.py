"""A queue between a subscription and a worker, with a limited waiting time."""

from collections import deque
from collections.abc import Callable
from threading import Condition
from time import monotonic

# Longest time for which an item may wait while newer ones arrive. [s]
LONGEST_WAIT_S = 0.1
# A consumer keeps up if it was idle before this number of consecutive items.
_PROOF = 10


class ShortQueue[Item]:
    """Passes on every item while the consumer keeps up, otherwise only the newest one.

    A consumer that is occasionally late processes the items that arrived meanwhile, so jitter
    causes no losses. After an item has waited too long, newer items replace waiting ones, which
    are counted: the consumer is too slow, but there is never a backlog. This mode ends when the
    consumer was idle before several consecutive items.
    """

    def __init__(self, now: Callable[[], float] = monotonic) -> None:
        """Create an open, empty queue.

        Args:
            now: the time in seconds.
        """
        self._now = now
        self._condition = Condition()
        self._waiting = deque[tuple[float, Item]]()
        self._behind = False
        self._idle = 0
        self._dropped = 0
        self._woken = False
        self._closed = False

    @property
    def dropped(self) -> int:
        """Return the number of items that were replaced before they were taken."""
        with self._condition:
            return self._dropped

    @property
    def ended(self) -> bool:
        """Return whether it is closed and empty."""
        with self._condition:
            return self._closed and not self._waiting

    def put(self, item: Item) -> None:
        """Add an item. A closed queue ignores it."""
        with self._condition:
            if self._closed:
                return
            self._waiting.append((self._now(), item))
            self._shed()
            self._condition.notify()

    def take(self, patience_s: float | None = None) -> Item | None:
        """Wait for an item and return it; None when the queue is empty and closed, or woken.

        Args:
            patience_s: timeout in seconds, after which it returns None; by default unlimited.
        """
        with self._condition:
            self._idle = 0 if self._waiting else self._idle + 1
            if self._idle >= _PROOF:
                self._behind = False
            self._condition.wait_for(
                lambda: self._waiting or self._woken or self._closed, patience_s
            )
            self._shed()
            if self._waiting:
                return self._waiting.popleft()[1]
            self._woken = False
            return None

    def wake(self) -> None:
        """Wake the consumer from its current or next wait, after it has taken waiting items."""
        with self._condition:
            self._woken = True
            self._condition.notify()

    def close(self) -> None:
        """Accept no more items; waiting items can still be taken, then `take` returns None."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _shed(self) -> None:
        """Drop all items except the newest if the consumer does not keep up."""
        if len(self._waiting) < 2:
            return
        self._behind |= self._now() - self._waiting[0][0] > LONGEST_WAIT_S
        if self._behind:
            self._dropped += len(self._waiting) - 1
            self._waiting = deque([self._waiting[-1]])
