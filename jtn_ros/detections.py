"""The detections of one frame, as arrays."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Detections:
    """N detections of one frame, in source-image pixels.

    Attributes:
        boxes: float32 (N, 4), ``x1 y1 x2 y2``; can extend outside the image.
        scores: float32 (N,), 0 to 1.
        class_ids: int32 (N,), 0-based.
        centers: float32 (N, 2), the peaks found by the network (not always the middle of the
            box).
        displacements: float32 (N, 2) from `centers` to the middle of the object in the previous
            frame, or None if there is no motion estimate.
        embeddings: float32 (N, D), L2-normalized; a zero vector means unknown. None if no
            detection has an embedding.
        middles: float32 (N, 2), the middle of the visible part of the object, more accurate than
            `centers`. The motion is `middles - centers - displacements`. None uses `centers`.

    Raises:
        ValueError: if the arrays do not have these shapes.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    centers: NDArray[np.float32]
    displacements: NDArray[np.float32] | None = None
    embeddings: NDArray[np.float32] | None = None
    middles: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        """Convert to the documented types and check the shapes."""
        number = len(self.scores)
        shapes = {'boxes': (4,), 'scores': (), 'class_ids': (), 'centers': (2,),
                  'displacements': (2,), 'embeddings': (-1,), 'middles': (2,)}  # fmt: skip
        for name, tail in shapes.items():
            value = getattr(self, name)
            if value is None and name in ('displacements', 'embeddings', 'middles'):
                continue
            dtype = np.int32 if name == 'class_ids' else np.float32
            array = np.asarray(value, dtype)
            if number == 0 and array.size == 0 and tail != (-1,):
                array = array.reshape(0, *tail)
            fits = array.ndim == 1 + len(tail) and len(array) == number
            if not fits or (tail and tail != (-1,) and array.shape[1:] != tail):
                wanted = ', '.join(['N', *('D' if n == -1 else str(n) for n in tail)])
                raise ValueError(
                    f'detections: {name} has shape {array.shape}, expected ({wanted}) '
                    f'with N = {number}, the number of scores'
                )
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        """Return the number of detections."""
        return len(self.scores)

    def select(self, index: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Self:
        """Return the detections selected by a boolean mask, an index array or a slice."""
        return type(self)(
            boxes=self.boxes[index],
            scores=self.scores[index],
            class_ids=self.class_ids[index],
            centers=self.centers[index],
            displacements=None if self.displacements is None else self.displacements[index],
            embeddings=None if self.embeddings is None else self.embeddings[index],
            middles=None if self.middles is None else self.middles[index],
        )

    @classmethod
    def empty(cls) -> Self:
        """Return an empty set of detections."""
        return cls(
            boxes=np.zeros((0, 4), np.float32),
            scores=np.zeros(0, np.float32),
            class_ids=np.zeros(0, np.int32),
            centers=np.zeros((0, 2), np.float32),
        )
