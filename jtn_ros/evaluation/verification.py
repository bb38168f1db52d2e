"""Verification: how well embeddings distinguish the same object from other objects.

Cosine distances of the same object at different times are compared with those of different
objects. Each object has the same weight, regardless of how often it is seen: the pairs of an
object with itself, or of two objects, have a total weight of 1.
"""

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.tracking.appearance import distances

MINIMUM_GAP_S = 1.0
_MOST_SIGHTINGS = 1000  # per sequence, because the number of pairs is quadratic


@dataclass(frozen=True, kw_only=True)
class Sightings:
    """Detections of known objects in one sequence.

    Attributes:
        ids: int64 (N,), identity of the object; an object occurs at most once in a frame.
        class_ids: int32 (N,); only objects of the same class are compared.
        times_s: float64 (N,), time in seconds, the same within a frame.
        embeddings: float32 (N, D), L2-normalized.
    """

    ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    times_s: NDArray[np.float64]
    embeddings: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of sightings."""
        return len(self.ids)

    def select(self, index: NDArray[np.bool_] | NDArray[np.intp]) -> Self:
        """Return the sightings selected by a boolean mask or an index array."""
        return type(self)(**{name: values[index] for name, values in vars(self).items()})

    def thinned(self, most: int) -> Self:
        """Return the sightings in every n-th frame, so that about `most` remain."""
        _, frames = np.unique(self.times_s, return_inverse=True)
        return self.select(frames % max(1, -(-len(self) // most)) == 0)


@dataclass(frozen=True, kw_only=True)
class Separation:
    """How well the distance separates the same object from one kind of other objects.

    Attributes:
        auc: area under the ROC curve: probability in percent that the distance to the same object
            is smaller than to another object; None if there are no pairs.
        eer: equal error rate in percent: the share of pairs of the same object beyond `distance`
            equals the share of pairs of different objects within it.
        distance: cosine distance (0 to 2) at the equal error rate.
        pairs: number of pairs of different objects.
    """

    auc: float | None
    eer: float | None
    distance: float | None
    pairs: int


@dataclass(frozen=True, kw_only=True)
class Verification:
    """How well embeddings distinguish objects.

    Attributes:
        minimum_gap_s: minimum time between two compared sightings of the same object, in seconds.
        sequences: number of sequences with sightings.
        objects: number of objects.
        sightings: number of sightings.
        same_objects: number of objects that are seen again after the minimum gap.
        same_pairs: number of pairs of their sightings.
        rank1: share of cases in percent in which the nearest of all objects in another frame is
            the same object. The other frame is at least the minimum gap away, and shows the
            object and others.
        rank1_cases: number of such cases.
        in_one_frame: against other objects in the same frame, which are certainly different.
        in_one_sequence: against other objects in the same sequence, with the same minimum gap.
        in_other_sequences: against objects in other sequences, one sighting of each. They may be
            the same objects.
    """

    minimum_gap_s: float
    sequences: int
    objects: int
    sightings: int
    same_objects: int
    same_pairs: int
    rank1: float | None
    rank1_cases: int
    in_one_frame: Separation
    in_one_sequence: Separation
    in_other_sequences: Separation

    def as_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, for JSON."""
        return asdict(self)

    def rows(self) -> dict[str, Separation]:
        """Return the rows of a table, by the location of the other objects."""
        return {
            'one frame': self.in_one_frame,
            'one sequence': self.in_one_sequence,
            'other sequences': self.in_other_sequences,
        }


def verify(sequences: Sequence[Sightings], minimum_gap_s: float = MINIMUM_GAP_S) -> Verification:
    """Compare the distances of objects to themselves and to other objects.

    In a long sequence, about a thousand sightings in evenly spaced frames are compared.

    Args:
        sequences: sightings of each sequence; ids are unique within a sequence.
        minimum_gap_s: see `Verification`; more than 0.
    """
    seen = [sightings.thinned(_MOST_SIGHTINGS) for sightings in sequences if len(sightings)]
    within = _Within()
    for one in seen:
        within.add(one, minimum_gap_s)
    middles = [one.select(_middles(one)) for one in seen]
    return Verification(
        minimum_gap_s=minimum_gap_s,
        sequences=len(seen),
        objects=sum(map(len, middles)),
        sightings=sum(map(len, seen)),
        same_objects=within.same.groups,
        same_pairs=len(within.same.values),
        rank1=within.hits.mean_percent(),
        rank1_cases=len(within.hits.values),
        in_one_frame=_separate(within.same, within.frame),
        in_one_sequence=_separate(within.same, within.sequence),
        in_other_sequences=_separate(within.same, _between(middles)),
    )


class _Pairs:
    """Values of pairs; the pairs of a group have a total weight of 1."""

    def __init__(self) -> None:
        self._values = [np.zeros(0)]
        self._weights = [np.zeros(0)]
        self.groups = 0

    def add(self, values: NDArray[np.generic], groups: NDArray[np.int64]) -> None:
        """Add pairs and the numbers of their groups; each call has its own groups."""
        _, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
        self._values.append(values.astype(np.float64))
        self._weights.append(1 / counts[places])
        self.groups += len(counts)

    @property
    def values(self) -> NDArray[np.float64]:
        return np.concatenate(self._values)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Return the weights, 1 in total."""
        return np.concatenate(self._weights) / max(1, self.groups)

    def mean_percent(self) -> float | None:
        return 100 * float(self.values @ self.weights) if self.groups else None

    def shares_within(self, limits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weighted share of the pairs within each of the limits."""
        order = np.argsort(self.values)
        sums = np.concatenate([[0], np.cumsum(self.weights[order])])
        return np.asarray(sums[np.searchsorted(self.values[order], limits, side='right')])


class _Within:
    """The pairs within sequences: distances, and whether the nearest is the same object."""

    def __init__(self) -> None:
        self.same, self.frame, self.sequence, self.hits = (_Pairs() for _ in range(4))

    def add(self, seen: Sightings, minimum_gap_s: float) -> None:
        """Add the pairs of one sequence."""
        apart = distances(seen.embeddings, seen.embeddings)
        gaps = np.abs(seen.times_s[:, None] - seen.times_s)
        later = gaps >= minimum_gap_s - 1e-9
        names = _numbered(seen)
        same = names[:, None] == names
        others = ~same & (seen.class_ids[:, None] == seen.class_ids)
        for pairs, chosen in (
            (self.same, same & later),
            (self.frame, others & (gaps == 0)),
            (self.sequence, others & later),
        ):
            rows, columns = np.nonzero(np.triu(chosen))
            low, high = np.sort([names[rows], names[columns]], axis=0)
            pairs.add(apart[rows, columns], low * len(seen) + high)
        _, frames = np.unique(seen.times_s, return_inverse=True)
        to_others = np.where(others, apart, np.inf)
        nearest = np.stack(
            [to_others[:, frames == frame].min(axis=1) for frame in range(frames.max() + 1)],
            axis=1,
        )
        rows, columns = np.nonzero(same & later)
        rivals = nearest[rows, frames[columns]]
        hits = (apart[rows, columns] < rivals)[np.isfinite(rivals)]
        self.hits.add(hits, names[rows][np.isfinite(rivals)])


def _numbered(seen: Sightings) -> NDArray[np.int64]:
    """Return a number from 0 for the object and class of each sighting."""
    names = np.stack([seen.class_ids, seen.ids])
    _, numbers = np.unique(names, axis=1, return_inverse=True)
    return numbers.ravel().astype(np.int64)


def _middles(seen: Sightings) -> NDArray[np.intp]:
    """Return the row of the middle sighting of each object."""
    numbers = _numbered(seen)
    counts = np.bincount(numbers)
    return np.argsort(numbers, kind='stable')[np.cumsum(counts) - counts + counts // 2]


def _between(sequences: Sequence[Sightings]) -> _Pairs:
    """Return the pairs of objects of different sequences."""
    pairs = _Pairs()
    if sequences:
        places = np.repeat(np.arange(len(sequences)), [len(one) for one in sequences])
        classes = np.concatenate([one.class_ids for one in sequences])
        embeddings = np.concatenate([one.embeddings for one in sequences])
        chosen = (places[:, None] != places) & (classes[:, None] == classes)
        rows, columns = np.nonzero(np.triu(chosen))
        pairs.add(distances(embeddings, embeddings)[rows, columns], np.arange(len(rows)))
    return pairs


def _separate(same: _Pairs, others: _Pairs) -> Separation:
    """Return how well the distance separates two kinds of pairs."""
    pairs = len(others.values)
    if not same.groups or not pairs:
        return Separation(auc=None, eer=None, distance=None, pairs=pairs)
    values = np.unique(np.concatenate([same.values, others.values]))
    near = same.shares_within(values)
    wrong = others.shares_within(values)
    # If distances are equal, half of the other objects count as further away.
    ties = np.diff(wrong, prepend=0)
    auc = float(np.diff(near, prepend=0) @ (1 - wrong + ties / 2))
    best = int(np.argmin(np.round(np.abs(wrong - (1 - near)), 12)))
    following = values[min(best + 1, len(values) - 1)]
    return Separation(
        auc=100 * auc,
        eer=100 * float(wrong[best] + 1 - near[best]) / 2,
        distance=float(values[best] + following) / 2,
        pairs=pairs,
    )
