"""The hand-over between a subscription and a worker: items wait shortly, or the newest alone."""

from collections import deque
from collections.abc import Callable
from threading import Condition
from time import monotonic

# How long an item may wait while newer ones come.
LONGEST_WAIT_S = 0.1
# A consumer that has waited for so many items, one after the other, keeps up.
_PROOF = 10


class ShortQueue[Item]:
    """Hand over every item while the consumer keeps up, and the newest one while it does not.

    A consumer that is late now and then works off what came meanwhile, so that jitter loses
    nothing. Once an item has waited too long, newer ones replace those that wait, and these are
    counted: the consumer is too slow, and never gets a backlog. That ends when it has waited for
    several items.
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
        """Return how many items were replaced before anybody took them."""
        with self._condition:
            return self._dropped

    @property
    def ended(self) -> bool:
        """Return whether it is closed and empty."""
        with self._condition:
            return self._closed and not self._waiting

    def put(self, item: Item) -> None:
        """Offer an item. A closed queue takes nothing."""
        with self._condition:
            if self._closed:
                return
            self._waiting.append((self._now(), item))
            self._shed()
            self._condition.notify()

    def take(self, patience_s: float | None = None) -> Item | None:
        """Wait for an item and return it; None when the queue is empty and closed, or woken.

        Args:
            patience_s: seconds after which it returns None; by default it waits for ever.
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
        """End the present or next waiting of the consumer, once it has taken what waits."""
        with self._condition:
            self._woken = True
            self._condition.notify()

    def close(self) -> None:
        """Take no more items; what waits can still be taken, then `take` returns None."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def _shed(self) -> None:
        """Drop all but the newest item where the consumer does not keep up."""
        if len(self._waiting) < 2:
            return
        self._behind |= self._now() - self._waiting[0][0] > LONGEST_WAIT_S
        if self._behind:
            self._dropped += len(self._waiting) - 1
            self._waiting = deque([self._waiting[-1]])
