"""Outputs that are written bit by bit and appear when they are complete."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Sequence
from typing import Self


class Output(ABC):
    """Something written that appears under its name when it is closed.

    Use it as a context manager: after an exception nothing is left behind.
    """

    @abstractmethod
    def finish(self) -> None:
        """Write what is left, still under a temporary name."""

    @abstractmethod
    def publish(self) -> None:
        """Give what is finished its name."""

    @abstractmethod
    def discard(self) -> None:
        """Remove what was written so far; never raises for a full disk."""

    def close(self) -> None:
        """Finish and publish it; where that fails, as on a full disk, remove it."""
        close_together([self])

    def __enter__(self) -> Self:
        """Return the output, which is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish it, or remove it after an exception."""
        if kind is None:
            self.close()
        else:
            self.discard()


def close_together(outputs: Sequence[Output]) -> None:
    """Publish all of the outputs, or where one cannot be finished, none."""
    try:
        for output in outputs:
            output.finish()
        for output in outputs:
            output.publish()
    except BaseException:
        for output in outputs:
            output.discard()
        raise
