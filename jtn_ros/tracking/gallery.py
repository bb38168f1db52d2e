"""A gallery of diverse appearance embeddings (views) of one person or of several people."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.tracking import appearance
from jtn_ros.tracking.appearance import Vectors


class Gallery:
    """A limited number of views. If it is full, the most redundant view is replaced.

    Args:
        capacity: maximum number of views.
        novelty: minimum cosine distance to the stored views at which a view is added.
    """

    def __init__(self, capacity: int, novelty: float) -> None:
        self._capacity = capacity
        self._novelty = novelty
        self._views: Vectors | None = None

    def __len__(self) -> int:
        """Return the number of views."""
        return 0 if self._views is None else len(self._views)

    def distances(self, seen: Vectors) -> NDArray[np.float32]:
        """Return the cosine distances (N,) of views (N, D) to the nearest one in the gallery.

        Infinite where the gallery is empty.
        """
        if self._views is None:
            return np.full(len(seen), np.inf, np.float32)
        nearest: NDArray[np.float32] = appearance.distances(seen, self._views).min(axis=1)
        return nearest

    def add(self, seen: Vectors) -> None:
        """Add the most novel of some views (N, D), if it is novel enough."""
        if not len(seen):
            return
        distances = self.distances(seen)
        newest = int(distances.argmax())
        if distances[newest] < self._novelty:
            return
        view = seen[newest : newest + 1]
        views = view if self._views is None else np.concatenate([self._views, view])
        if len(views) > self._capacity:
            apart = appearance.distances(views, views)
            np.fill_diagonal(apart, np.inf)
            views = np.delete(views, apart.min(axis=1).argmin(), axis=0)
        self._views = views

    def discard(self, others: Vectors, own: Vectors, limit: float) -> None:
        """Discard the views that show other objects (N, D) rather than the one of `own` (D,)."""
        if self._views is None or not len(others):
            return
        wrong = appearance.distances(self._views, others).min(axis=1) < limit
        wrong &= appearance.distances(self._views, own[None])[:, 0] >= limit
        self._views = self._views[~wrong] if not wrong.all() else None
