"""Problems that prevent a node from working."""

from typing import NamedTuple
from typing import Self

from jtn_ros.errors import JtnError


class ProblemError(JtnError):
    """An error with a text that varies between occurrences.

    Attributes:
        kind: identifies the error independently of its text.
    """

    def __init__(self, kind: str, text: str) -> None:
        """Store the kind in addition to the text."""
        super().__init__(text)
        self.kind = kind


class Problem(NamedTuple):
    """A problem; it is logged when its kind changes.

    Attributes:
        kind: identifies the problem, without the numbers in its text.
        text: for users, with the remedy.
    """

    kind: str
    text: str

    @classmethod
    def of(cls, error: JtnError, prefix: str = '') -> Self:
        """Return the problem for an error."""
        kind = error.kind if isinstance(error, ProblemError) else str(error)
        return cls(kind, f'{prefix}{error}')
