"""The data of a report as plain values: scores, identity timelines, and frames with errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.evaluation.matching import Matches
from jtn_ros.evaluation.matching import match
from jtn_ros.evaluation.metrics import Report
from jtn_ros.evaluation.metrics import benchmark_class
from jtn_ros.evaluation.metrics import scored_classes
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import compared

_SWITCH_WEIGHT = 3  # an identity switch is worse than a false negative
_MOMENTS = 6
_APART_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The results of a run over sequences, with its scores.

    Attributes:
        truths: ground truth by name of the sequence.
        runs: runs by name of the sequence.
        report: the scores.
    """

    truths: Mapping[str, Truth]
    runs: Mapping[str, Run]
    report: Report


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A frame with many errors.

    Attributes:
        sequence: name of the sequence.
        frame: number of the frame, from 1.
        missed: number of objects without a track.
        false: number of tracks without an object.
        switches: number of objects that changed their track.
    """

    sequence: str
    frame: int
    missed: int
    false: int
    switches: int

    @property
    def weight(self) -> int:
        """Return the weighted number of errors."""
        return self.missed + self.false + _SWITCH_WEIGHT * self.switches


AllMatches = dict[str, dict[str, Matches]]


def match_all(evaluation: Evaluation) -> AllMatches:
    """Return the matches of each sequence by the name of the class."""
    sequences = {
        name: compared(truth, evaluation.runs[name]) for name, truth in evaluation.truths.items()
    }
    class_ids, _ = scored_classes(sequences)
    return {
        name: {benchmark_class(c): match(name, sequence, c) for c in class_ids}
        for name, sequence in sequences.items()
    }


def report_values(
    evaluation: Evaluation,
    matches: AllMatches,
    moments: list[Moment],
    *,
    against: Evaluation | None,
    parameters: Mapping[str, Any],
    version: str,
) -> dict[str, Any]:
    """Return the data of a report without its images, for JSON."""
    return {
        'version': version,
        'models': sorted({run.model for run in evaluation.runs.values()}),
        'parameters': dict(parameters),
        'scores': evaluation.report.as_dict(),
        'against': None if against is None else against.report.as_dict(),
        'sequences': {
            name: {
                'frames': truth.frames,
                'identities': {kind: _life_lines(found) for kind, found in matches[name].items()},
                'frames_without_tracks': evaluation.runs[name].frames_without.tolist(),
                'messages_without_frame_ns': evaluation.runs[name].unmatched_ns.tolist(),
                'timing': _timing(evaluation.runs[name]),
                'timing_against': None if against is None else _timing(against.runs[name]),
            }
            for name, truth in evaluation.truths.items()
        },
        'moments': [vars(moment) for moment in moments],
    }


def worst_moments(evaluation: Evaluation, matches: AllMatches) -> list[Moment]:
    """Return the frames with the most errors in decreasing order, at least a second apart."""
    found = [
        moment
        for name, by_class in matches.items()
        for moment in _moments(name, evaluation.truths[name].frames, list(by_class.values()))
        if moment.weight
    ]
    found.sort(key=lambda moment: (-moment.weight, moment.sequence, moment.frame))
    chosen: list[Moment] = []
    for moment in found:
        apart = _frames_apart(evaluation.truths[moment.sequence])
        if all(
            other.sequence != moment.sequence or abs(other.frame - moment.frame) >= apart
            for other in chosen
        ):
            chosen.append(moment)
        if len(chosen) == _MOMENTS:
            break
    return chosen


def _frames_apart(truth: Truth) -> int:
    if len(truth.stamps_ns) < 2:
        return 25
    return max(1, round(_APART_S * 1e9 / float(np.median(np.diff(truth.stamps_ns)))))


def _moments(name: str, frames: int, by_class: list[Matches]) -> list[Moment]:
    def count(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(numbers, minlength=frames + 1)

    missed = np.sum([count(found.frames[found.missed]) for found in by_class], axis=0)
    switches = np.sum([count(found.frames[found.switches]) for found in by_class], axis=0)
    false = [
        sum(len(found.false_tracks.get(frame, ())) for found in by_class)
        for frame in range(frames + 1)
    ]
    return [
        Moment(
            sequence=name,
            frame=frame,
            missed=int(missed[frame]),
            false=false[frame],
            switches=int(switches[frame]),
        )
        for frame in range(1, frames + 1)
    ]


def _life_lines(found: Matches) -> list[dict[str, Any]]:
    """Return the spans of frames of each object with one track; track 0 means none."""
    lines = []
    for true_id in np.unique(found.true_ids):
        own = found.true_ids == true_id
        frames, tracks = found.frames[own], found.track_ids[own]
        breaks = np.flatnonzero((np.diff(frames) > 1) | (np.diff(tracks) != 0)) + 1
        starts, ends = np.r_[0, breaks], np.r_[breaks, len(frames)] - 1
        spans = np.column_stack([frames[starts], frames[ends], tracks[starts]])
        lines.append(
            {
                'object': int(true_id),
                'spans': spans.tolist(),
                'switches': frames[found.switches[own]].tolist(),
            }
        )
    return lines


def _timing(run: Run) -> dict[str, list[float]] | None:
    """Return seconds since the first frame, latency in milliseconds, and frames per second."""
    if len(run.latencies) < 2:
        return None
    ordered = run.latencies[np.argsort(run.latencies[:, 0], kind='stable')]
    seconds = (ordered[:, 0] - ordered[0, 0]) / 1e9
    whole = np.arange(int(seconds[-1]) + 1)
    complete = whole[whole + 1 <= seconds[-1]]
    rate = np.bincount(seconds.astype(int), minlength=len(whole))[: len(complete)]
    return {
        'seconds': np.round(seconds, 3).tolist(),
        'latency_ms': np.round(ordered[:, 1] / 1e6, 2).tolist(),
        'rate_seconds': (complete + 0.5).tolist(),
        'rate': rate.tolist(),
    }
