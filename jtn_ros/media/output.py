"""Outputs that are written bit by bit and appear when they are complete."""

from abc import ABC
from abc import abstractmethod
from typing import Self


class Output(ABC):
    """Something written that appears under its name when it is closed.

    Use it as a context manager: after an exception nothing is left behind.
    """

    @abstractmethod
    def close(self) -> None:
        """Finish it and give it its name."""

    @abstractmethod
    def discard(self) -> None:
        """Remove what was written so far."""

    def __enter__(self) -> Self:
        """Return the output, which is open already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Finish it, or remove it after an exception."""
        if kind is None:
            self.close()
        else:
            self.discard()
