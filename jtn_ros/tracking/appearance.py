"""Appearance embeddings of tracks."""

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def normalize(vectors: Vectors) -> Vectors:
    """Return vectors (..., D) of length 1; zero vectors (unknown appearance) remain zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def blend(means: Vectors, seen: Vectors, weights: NDArray[np.floating]) -> Vectors:
    """Return the mean appearances (N, D) after new views (N, D) with weights (N,) 0 to 1."""
    known = means.any(axis=1)
    weights = np.where(known, weights, 1).astype(np.float32)[:, None]
    return normalize((1 - weights) * means + weights * seen)


def distances(seen: Vectors, means: Vectors) -> NDArray[np.float32]:
    """Return the (N, M) cosine distances of views (N, D) and mean appearances (M, D)."""
    return 1 - seen @ means.T
