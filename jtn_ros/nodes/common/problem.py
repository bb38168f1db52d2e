"""What keeps a node from its work."""

from typing import NamedTuple
from typing import Self

from jtn_ros.errors import JtnError


class ProblemError(JtnError):
    """An error whose text changes from one time to the next.

    Attributes:
        kind: what stays the same.
    """

    def __init__(self, kind: str, text: str) -> None:
        """Keep the kind beside the text."""
        super().__init__(text)
        self.kind = kind


class Problem(NamedTuple):
    """Something that is wrong; it is logged when its kind changes.

    Attributes:
        kind: what it is, without the numbers in its text.
        text: for people, with the remedy.
    """

    kind: str
    text: str

    @classmethod
    def of(cls, error: JtnError, prefix: str = '') -> Self:
        """Return the problem that an error tells."""
        kind = error.kind if isinstance(error, ProblemError) else str(error)
        return cls(kind, f'{prefix}{error}')
