"""HOTA, MOTA, IDF1 and related metrics, computed by TrackEval.

TrackEval (Luiten et al., HOTA: A Higher Order Metric for Evaluating Multi-object Tracking, IJCV
2021) also applies the preprocessing of the benchmarks: results on distractors are removed, and
objects flagged 0 are not evaluated. `jtn_ros.datasets.benchmarks` defines the distractor classes.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.sequences import CLASS_NUMBERS
from jtn_ros.evaluation.trackeval_data import Recording
from jtn_ros.evaluation.trackeval_data import prepare
from jtn_ros.evaluation.trackeval_data import quiet_trackeval
from jtn_ros.evaluation.trackeval_data import tracked_classes

# IoU thresholds for a match; HOTA is the mean over them.
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The scores of tracks against ground truth; HOTA to IDF1 are percentages, 100 is perfect.

    Attributes:
        hota: geometric mean of detection and association accuracy, averaged over IoU thresholds.
        det_a: detection accuracy.
        ass_a: association accuracy.
        mota: 100 minus the percentage of false negatives, false positives and identity switches
            relative to the number of ground-truth objects.
        idf1: F1 score of identities.
        id_switches: number of times that a ground-truth object changed its identity.
        fragmentations: number of times that the track of a ground-truth object was interrupted.
        frames: number of frames.
        true_objects: number of boxes in the ground truth.
        tracked_objects: number of boxes in the results, after preprocessing.
        true_identities: number of identities in the ground truth.
        tracked_identities: number of identities in the results.
    """

    hota: float
    det_a: float
    ass_a: float
    mota: float
    idf1: float
    id_switches: float
    fragmentations: float
    frames: float
    true_objects: float
    tracked_objects: float
    true_identities: float
    tracked_identities: float


@dataclass(frozen=True, kw_only=True)
class Report:
    """The scores of each sequence and class, and the combined scores.

    Attributes:
        sequences: by name of the sequence; over all classes, weighted by their objects.
        classes: by name of the class, over all sequences.
        combined: over everything.
        curves: combined HOTA, DetA, AssA and LocA in percent at each of `THRESHOLDS`.
        left_out: number of ground-truth objects by class, for classes that no track has; they
            were not scored.
    """

    sequences: dict[str, Scores]
    classes: dict[str, Scores]
    combined: Scores
    curves: dict[str, list[float]]
    left_out: dict[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, for JSON."""
        return asdict(self)


def mean(report: Report) -> Scores:
    """Return the mean over the sequences, with equal weights regardless of their length."""
    rows = [asdict(scores) for scores in report.sequences.values()]
    return Scores(**{name: float(np.mean([row[name] for row in rows])) for name in rows[0]})


def evaluate(
    sequences: Mapping[str, Recording],
    spread: Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]] = map,
) -> Report:
    """Compare tracks with the ground truth of named sequences.

    The classes that occur in both the ground truth and the tracks are scored. If there are none,
    all classes of the ground truth are scored.

    Args:
        sequences: by name.
        spread: applies a function to the sequences, such as `map` or a parallel equivalent.

    Raises:
        JtnError: if a sequence has no objects or has a frame outside its length, or TrackEval is
            not installed.
    """
    scored, left_out = scored_classes(sequences)
    tasks = [(name, sequence, scored) for name, sequence in sequences.items()]
    results = dict(zip(sequences, spread(_score_sequence, tasks), strict=True))
    with quiet_trackeval() as trackeval:
        metrics = _metrics(trackeval)
        by_class = {
            class_id: _over_sequences(metrics, {n: results[n][class_id] for n in sequences})
            for class_id in scored
        }
        by_sequence = {name: _over_classes(metrics, results[name]) for name in sequences}
        total = _over_classes(metrics, by_class)
    return Report(
        sequences={name: _scores(result) for name, result in by_sequence.items()},
        classes={benchmark_class(c): _scores(result) for c, result in by_class.items()},
        combined=_scores(total),
        curves={
            name: (100 * total.values[0][key]).tolist()
            for name, key in (
                ('hota', 'HOTA'),
                ('det_a', 'DetA'),
                ('ass_a', 'AssA'),
                ('loc_a', 'LocA'),
            )
        },
        left_out={benchmark_class(c): number for c, number in left_out.items()},
    )


def mean_hota(sequences: Mapping[str, Recording]) -> float:
    """Return the mean HOTA of persons over sequences in percent, faster than `evaluate`.

    Raises:
        JtnError: see `evaluate`.
    """
    with quiet_trackeval() as trackeval:
        metric = trackeval.metrics.HOTA()
        values = [
            np.mean(metric.eval_sequence(prepare(trackeval, name, sequence))['HOTA'])
            for name, sequence in sequences.items()
        ]
    return 100 * float(np.mean(values))


def benchmark_class(class_id: int) -> str:
    """Return the benchmark's name of a class, or its number if it has no name."""
    names = {number - 1: name for name, number in reversed(CLASS_NUMBERS.items())}
    return names.get(class_id, f'class {class_id + 1}')


_COUNTS = ('num_gt_dets', 'num_tracker_dets', 'num_gt_ids', 'num_tracker_ids')


@dataclass(frozen=True)
class _Result:
    """TrackEval results for HOTA, CLEAR and identity, and the numbers of boxes and identities."""

    values: list[dict[str, Any]]
    counts: NDArray[np.int64]
    frames: int


def scored_classes(sequences: Mapping[str, Recording]) -> tuple[list[int], dict[int, int]]:
    """Return the classes that `evaluate` scores, and the object counts of the other classes."""
    true: dict[int, int] = {}
    tracked: set[int] = set()
    for sequence in sequences.values():
        for objects in sequence.annotations.values():
            counted = objects.class_ids[~objects.ignored]
            for class_id, number in zip(*np.unique(counted, return_counts=True), strict=True):
                true[int(class_id)] = true.get(int(class_id), 0) + int(number)
        for boxes in sequence.tracks.values():
            tracked |= set(np.unique(tracked_classes(boxes)).tolist())
    scored = sorted(set(true) & tracked or set(true) or {0})
    return scored, {c: number for c, number in sorted(true.items()) if c not in scored}


def _score_sequence(task: tuple[str, Recording, list[int]]) -> dict[int, _Result]:
    """Return the TrackEval results of a named sequence, by class."""
    name, sequence, class_ids = task
    results = {}
    with quiet_trackeval() as trackeval:
        metrics = _metrics(trackeval)
        for class_id in class_ids:
            data = prepare(trackeval, name, sequence, class_id)
            values = [metric.eval_sequence(data) for metric in metrics]
            counts = np.array([data[key] for key in _COUNTS])
            results[class_id] = _Result(values, counts, sequence.frames)
    return results


def _metrics(trackeval: Any) -> list[Any]:
    settings = {'PRINT_CONFIG': False}
    return [
        trackeval.metrics.HOTA(),
        trackeval.metrics.CLEAR(settings),
        trackeval.metrics.Identity(settings),
    ]


def _over_sequences(metrics: list[Any], parts: Mapping[str, _Result]) -> _Result:
    values = [
        metric.combine_sequences({name: part.values[i] for name, part in parts.items()})
        for i, metric in enumerate(metrics)
    ]
    counts = np.sum([part.counts for part in parts.values()], axis=0)
    return _Result(values, counts, sum(part.frames for part in parts.values()))


def _over_classes(metrics: list[Any], parts: Mapping[int, _Result]) -> _Result:
    first, *others = parts.values()
    if not others:
        return first
    values = [
        metric.combine_classes_det_averaged({c: part.values[i] for c, part in parts.items()})
        for i, metric in enumerate(metrics)
    ]
    return _Result(values, np.sum([part.counts for part in parts.values()], axis=0), first.frames)


def _scores(result: _Result) -> Scores:
    hota, clear, identity = result.values
    true_objects, tracked_objects, true_identities, tracked_identities = result.counts.tolist()
    return Scores(
        hota=100 * float(np.mean(hota['HOTA'])),
        det_a=100 * float(np.mean(hota['DetA'])),
        ass_a=100 * float(np.mean(hota['AssA'])),
        mota=100 * float(clear['MOTA']),
        idf1=100 * float(identity['IDF1']),
        id_switches=int(clear['IDSW']),
        fragmentations=int(clear['Frag']),
        frames=result.frames,
        true_objects=true_objects,
        tracked_objects=tracked_objects,
        true_identities=true_identities,
        tracked_identities=tracked_identities,
    )
