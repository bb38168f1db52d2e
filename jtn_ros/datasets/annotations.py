"""The ground truth of one frame, as arrays; all readers and generators return it."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import fields
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """N annotated objects of one frame, in source-image pixels.

    Attributes:
        ids: int64 (N,), positive identities, stable over a sequence.
        boxes: float32 (N, 4), ``x1 y1 x2 y2`` of the whole object (amodal): hidden parts and
            parts outside the image included.
        class_ids: int32 (N,), 0-based; 0 is a person.
        visibilities: float32 (N,), visible share of the box, 0 to 1.
        ignored: bool (N,), regions that are neither objects to detect nor background.
        forgiven: bool (N,), ignored regions in which a result is not a false positive; all ignored
            regions by default.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    visibilities: NDArray[np.float32]
    ignored: NDArray[np.bool_]
    forgiven: NDArray[np.bool_] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Set the default of `forgiven`: all ignored regions."""
        if self.forgiven is None:
            object.__setattr__(self, 'forgiven', self.ignored)

    def __len__(self) -> int:
        """Return the number of objects."""
        return len(self.ids)

    @classmethod
    def empty(cls) -> Self:
        """Return the annotations of a frame without objects."""
        return cls(
            ids=np.zeros(0, np.int64),
            boxes=np.zeros((0, 4), np.float32),
            class_ids=np.zeros(0, np.int32),
            visibilities=np.zeros(0, np.float32),
            ignored=np.zeros(0, np.bool_),
        )

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the objects of several annotations as one, in their order."""
        return cls(
            **{
                field.name: np.concatenate([getattr(part, field.name) for part in parts])
                for field in fields(cls)
            }
        )

    def select(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return the objects selected by a boolean mask or an index array."""
        return type(self)(
            ids=self.ids[index],
            boxes=self.boxes[index],
            class_ids=self.class_ids[index],
            visibilities=self.visibilities[index],
            ignored=self.ignored[index],
            forgiven=self.forgiven[index],
        )
