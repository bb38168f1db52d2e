"""A table as a dataclass: arrays of equal length, one row per object."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import fields
from dataclasses import replace
from typing import Any
from typing import Self

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.bool_] | NDArray[np.intp] | slice


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Base of frozen dataclasses whose fields are arrays of one length, or None."""

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(getattr(self, fields(self)[0].name))

    def select(self, index: Index) -> Self:
        """Return the rows selected by a boolean mask, an index array or a slice."""
        return self._map(lambda array: array[index])

    def replace(self, **columns: NDArray[Any]) -> Self:
        """Return the same rows with other columns."""
        return replace(self, **columns)

    def with_rows(self, index: Index, **columns: NDArray[Any]) -> Self:
        """Return the table with other values of some columns in the rows of an index."""
        changed = {}
        for name, values in columns.items():
            changed[name] = getattr(self, name).copy()
            changed[name][index] = values
        return self.replace(**changed)

    def extend(self, other: Self) -> Self:
        """Return copies of these rows followed by those of another table.

        A table without rows fits any other, whatever the widths of its columns.
        """
        tables = [table for table in (self, other) if len(table)] or [self]
        return type(self)(
            **{
                field.name: np.concatenate([getattr(table, field.name) for table in tables])
                for field in fields(self)
                if getattr(self, field.name) is not None
            }
        )

    def _map(self, function: Callable[[NDArray[Any]], NDArray[Any]]) -> Self:
        columns = {field.name: getattr(self, field.name) for field in fields(self)}
        return type(self)(
            **{name: None if array is None else function(array) for name, array in columns.items()}
        )
