"""The interface of pools that run tasks, and the simplest pool: this process."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Self

from jtn_ros.jobs.outcome import Outcome
from jtn_ros.jobs.outcome import attempt


class Pool(ABC):
    """Runs tasks, each of which succeeds or fails by itself. Use it as a context manager.

    Functions and tasks have to be picklable, and paths in them absolute.

    Attributes:
        width: number of parallel tasks; there may be more on a cluster that grows.
    """

    width = 1

    @abstractmethod
    def run[T, R](
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Iterator[tuple[int, Outcome[R]]]:
        """Yield the number of every task, from 0, and its outcome, as they are finished."""

    def close(self) -> None:
        """Release the workers after the last task."""
        return

    def cancel(self) -> None:
        """Stop running tasks, which remove their partial results, and release the workers."""
        self.close()

    def __enter__(self) -> Self:
        """Return the pool, which is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Release the workers, or stop them after an exception."""
        if kind is None:
            self.close()
        else:
            self.cancel()


class SerialPool(Pool):
    """Runs one task after another in this process."""

    def run[T, R](
        self, function: Callable[[T], R], tasks: Sequence[T]
    ) -> Iterator[tuple[int, Outcome[R]]]:
        """Yield the outcomes in the order of the tasks."""
        for number, task in enumerate(tasks):
            yield number, attempt(function, task)
