"""Errors in an annotation file, and their locations."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jtn_ros.errors import JtnError


@dataclass(frozen=True)
class Problem:
    """One error in a file.

    Attributes:
        path: the file.
        line: line number from 1; 0 if the error does not belong to a line.
        text: description of the error.
    """

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        """Return location and text in the form of error messages."""
        place = f'{self.path}, line {self.line}' if self.line else f'{self.path}'
        return f'{place}: {self.text}'


def refuse(problems: Sequence[Problem]) -> None:
    """Raise a ValueError with the first problem of a file, if it has any."""
    if problems:
        raise JtnError(str(min(problems, key=lambda problem: problem.line)))
