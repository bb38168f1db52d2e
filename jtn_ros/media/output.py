"""Outputs that are written incrementally and published atomically."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Sequence
from typing import Self


class Output(ABC):
    """An output that appears under its name when it is closed.

    Use it as a context manager: after an exception, the partial output is removed.
    """

    @abstractmethod
    def finish(self) -> None:
        """Write the remaining data, still under a temporary name."""

    @abstractmethod
    def publish(self) -> None:
        """Rename the finished output to its final name."""

    @abstractmethod
    def discard(self) -> None:
        """Remove the partial output; never raises for a full disk."""

    def close(self) -> None:
        """Finish and publish it; if that fails, as on a full disk, remove it."""
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
    """Publish all outputs, or none if one cannot be finished."""
    try:
        for output in outputs:
            output.finish()
        for output in outputs:
            output.publish()
    except BaseException:
        for output in outputs:
            output.discard()
        raise
