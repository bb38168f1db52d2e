"""The hand-over between a subscription and a worker: only the newest item waits."""

from threading import Condition


class LatestSlot[Item]:
    """Hold at most one item; a newer one replaces it, and the replaced ones are counted.

    A slow consumer therefore always works on the newest frame and never builds a backlog.
    """

    def __init__(self) -> None:
        """Create an open, empty slot."""
        self._condition = Condition()
        self._item: Item | None = None
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
            return self._closed and self._item is None

    def put(self, item: Item) -> None:
        """Offer an item; it replaces the one that waits. A closed slot takes nothing."""
        with self._condition:
            if self._closed:
                return
            if self._item is not None:
                self._dropped += 1
            self._item = item
            self._condition.notify()

    def take(self, patience_s: float | None = None) -> Item | None:
        """Wait for an item and return it; None when the slot is empty and closed, or woken.

        Args:
            patience_s: seconds after which it returns None; by default it waits for ever.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._item is not None or self._woken or self._closed, patience_s
            )
            item, self._item = self._item, None
            if item is None:
                self._woken = False
            return item

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
