"""Reading and checking of comma-separated files of boxes in the MOTChallenge format."""

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.problems import Problem
from jtn_ros.errors import JtnError

logger = logging.getLogger(__name__)

_HIGHEST_FRAME = 2**31 - 1
_HIGHEST_IDENTITY = 2**53  # larger integers are not exact in float64


class BoxTable:
    """The rows of a file: frame, identity, left, top, width, height, confidence and more.

    Violations of rules are collected in `problems`; rows that are not numeric are skipped.

    Attributes:
        path: the file.
        values: float64 (N, C).
        lines: line number of each row in the file, from 1.
        problems: errors, in the order in which they were found.
    """

    def __init__(self, path: Path, values: NDArray[np.float64], lines: NDArray[np.intp]) -> None:
        """Create a table from rows and their line numbers."""
        self.path = path
        self.values = values
        self.lines = lines
        self.problems: list[Problem] = []

    @classmethod
    def read(cls, path: Path, columns: tuple[int, ...]) -> Self:
        """Read a file; its rows must have one of the given numbers of columns.

        Raises:
            OSError: if the file cannot be read.
            JtnError: if it is not a text file.
        """
        try:
            text = Path(path).read_text(encoding='utf-8-sig')
        except UnicodeDecodeError as error:
            raise JtnError(f'{path}: not a text file ({error.reason})') from error
        numbered = [(n, line) for n, line in enumerate(text.split('\n'), 1) if line.strip()]
        table, problems = cls._parse(path, numbered)
        table.problems += problems
        if not len(table.values):
            table.values = np.zeros((0, columns[0]))
        elif table.values.shape[1] not in columns:
            table.problems.append(
                Problem(
                    path,
                    int(table.lines[0]),
                    f'{table.values.shape[1]} columns; expected '
                    'frame, identity, left, top, width, height, confidence and at most three more',
                )
            )
            table.values, table.lines = np.zeros((0, columns[0])), table.lines[:0]
        table.require(np.isfinite(table.values).all(axis=1), 'a value is not finite')
        table.values[:, 0] = table.from_one(0, 'frame', _HIGHEST_FRAME)
        table.require((table.values[:, 4:6] >= 0).all(axis=1), 'width or height is negative')
        table.require((abs(table.values[:, 2:6]) < 1e9).all(axis=1), 'the box is out of range')
        return table

    @classmethod
    def _parse(cls, path: Path, numbered: list[tuple[int, str]]) -> tuple[Self, list[Problem]]:
        """Parse lines to numbers: all at once, or line by line if one of them is invalid."""
        lines = np.array([number for number, _ in numbered], np.intp)
        if not numbered:
            return cls(path, np.zeros((0, 0)), lines), []
        try:
            rows = [line for _, line in numbered]
            return cls(path, np.loadtxt(rows, delimiter=',', ndmin=2, comments=None), lines), []
        except ValueError:
            pass
        problems, kept, good = [], [], []
        # The most frequent number, so that an invalid first line does not invalidate all others.
        expected = Counter(line.count(',') for _, line in numbered).most_common(1)[0][0] + 1
        for number, line in numbered:
            try:
                row = np.loadtxt([line], delimiter=',', ndmin=1, comments=None)
            except ValueError:
                text = f'not numbers separated by commas: {line.strip()[:60]!r}'
                problems.append(Problem(path, number, text))
                continue
            if len(row) != expected:
                text = f'{len(row)} columns, most lines have {expected}'
                problems.append(Problem(path, number, text))
                continue
            kept.append(row)
            good.append(number)
        values = np.array(kept, np.float64).reshape(-1, expected)
        return cls(path, values, np.array(good, np.intp)), problems

    def require(self, good: NDArray[np.bool_], text: str) -> None:
        """Add a problem for each invalid row."""
        self.problems += [Problem(self.path, line, text) for line in self.lines[~good].tolist()]

    def integers(
        self, column: int, name: str, minimum: int = 1, maximum: int = _HIGHEST_FRAME
    ) -> NDArray[np.int64]:
        """Return a column of integers; other values are reported and become the minimum."""
        values = self.values[:, column]
        whole = (values == np.floor(values)) & (values >= minimum)
        self.require(whole, f'the {name} is not an integer from {minimum} on')
        self.require(~whole | (values <= maximum), f'the {name} is greater than {maximum}')
        return np.where(whole & (values <= maximum), values, minimum).astype(np.int64)

    def from_one(self, column: int, name: str, maximum: int) -> NDArray[np.int64]:
        """Return a column that starts at 1; 1 is added to a column that starts at 0."""
        zero = bool((self.values[:, column] == 0).any())
        numbers = self.integers(column, name, minimum=0 if zero else 1, maximum=maximum)
        if zero:
            logger.warning('%s: the %s starts at 0; 1 is added', self.path, name)
        return numbers + zero

    def identities(self) -> NDArray[np.int64]:
        """Return the identities, from 1; duplicates within a frame are reported."""
        ids = self.from_one(1, 'identity', _HIGHEST_IDENTITY)
        first = np.zeros(len(ids), np.bool_)
        first[np.unique(self.values[:, :2], axis=0, return_index=True)[1]] = True
        noted = np.isin(self.lines, [problem.line for problem in self.problems])
        self.require(first | noted, 'this identity occurs twice in the frame')
        return ids

    def boxes(self) -> NDArray[np.float32]:
        """Return the boxes (N, 4) as ``x1 y1 x2 y2``."""
        corners = self.values[:, 2:4]
        return np.hstack([corners, corners + self.values[:, 4:6]]).astype(np.float32)

    def frames(self) -> Iterable[tuple[int, NDArray[np.intp]]]:
        """Yield each frame number and its rows, in the order of the file."""
        order = np.argsort(self.values[:, 0], kind='stable')
        numbers, starts = np.unique(self.values[order, 0], return_index=True)
        groups = np.split(order, starts[1:]) if len(numbers) else []
        return ((int(n), rows) for n, rows in zip(numbers, groups, strict=True))
