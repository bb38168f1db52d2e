"""What is wrong with an annotation file, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jtn_ros.errors import JtnError


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        path: the file.
        line: line of the file from 1; 0 when it is not about a line.
        text: what is wrong.
    """

    path: Path
    line: int
    text: str

    def __str__(self) -> str:
        """Return place and text, as error messages have them."""
        place = f'{self.path}, line {self.line}' if self.line else f'{self.path}'
        return f'{place}: {self.text}'


def refuse(problems: Sequence[Problem]) -> None:
    """Raise a ValueError that names the first problem of a file, if it has any."""
    if problems:
        raise JtnError(str(min(problems, key=lambda problem: problem.line)))
