"""Search for the tracker thresholds with the highest HOTA on stored detections.

The network processes each sequence once; a trial only tracks and scores. The detections of a model
with a prior heat map depend slightly on the thresholds, so the result must be confirmed by running
the network with it.
"""

import hashlib
import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.evaluation.metrics import mean_hota
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import compared
from jtn_ros.files import written_atomically
from jtn_ros.media.results import reported_boxes
from jtn_ros.settings import settings_of
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking.settings import TrackingSettings

# All thresholds that can be searched; the maximum number of tracks is a choice of the user.
SEARCHABLE = (
    'score_threshold',
    *(field.name for field in fields(TrackerSettings) if field.name != 'max_tracks'),
)
# The thresholds that the node has as parameters.
NODE_PARAMETERS = (
    'score_threshold',
    'birth_score',
    'certain_score',
    'confirmation_hits',
    'coast_time',
    'lost_time',
)
_RANGES = {
    entry.name: (entry.constraints.low, entry.constraints.high)
    for entry in (*settings_of(TrackingSettings), *settings_of(TrackerSettings))
    if entry.constraints.low is not None and entry.constraints.high is not None
}
# A threshold is searched between a third of its start value and three times that value.
_REACH = 3.0
_MOST_HITS = 6


@dataclass(frozen=True, kw_only=True)
class SeenSequence:
    """The detections and the ground truth of a sequence.

    Attributes:
        truth: the ground truth.
        stamps_ns: stamps of the readable frames by frame number, from 1.
        detections: detections of the same frames.
        camera_motions: float64 (2, 3), motion since the previous frame, for the frames where it
            is known.
    """

    truth: Truth
    stamps_ns: Mapping[int, int]
    detections: Mapping[int, Detections]
    camera_motions: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)


def save_detections(path: Path, sequence: SeenSequence) -> None:
    """Write the detections of a sequence to one .npz file.

    Raises:
        OSError: if it cannot be written.
    """
    numbers = list(sequence.stamps_ns)
    found = [sequence.detections[number] for number in numbers]
    columns: dict[str, Any] = {
        'numbers': np.array(numbers, np.int64),
        'stamps_ns': np.array(list(sequence.stamps_ns.values()), np.int64),
        'counts': np.array([len(part) for part in found], np.int64),
        'moved': np.array(list(sequence.camera_motions), np.int64),
        'motions': np.array(list(sequence.camera_motions.values())).reshape(-1, 2, 3),
    }
    for column in fields(Detections):
        parts = [getattr(part, column.name) for part in found if len(part)]
        if parts and all(part is not None for part in parts):
            columns[column.name] = np.concatenate(parts)
    with written_atomically(path) as temporary, temporary.open('wb') as file:
        np.savez(file, **columns)


def load_detections(path: Path, truth: Truth) -> SeenSequence:
    """Read a file written by `save_detections`.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if the file is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = dict(file)
        ends = np.cumsum(columns['counts'])
        parts = {
            column.name: np.split(columns[column.name], ends[:-1])
            for column in fields(Detections)
            if column.name in columns
        }
        found = [
            Detections(**{name: part[row] for name, part in parts.items()})
            if count
            else Detections.empty()
            for row, count in enumerate(columns['counts'].tolist())
        ]
        numbers = columns['numbers'].tolist()
        stamps = dict(zip(numbers, columns['stamps_ns'].tolist(), strict=True))
        detections = dict(zip(numbers, found, strict=True))
        motions = dict(zip(columns['moved'].tolist(), columns['motions'], strict=True))
    except OSError:
        raise
    except Exception as error:  # zipfile, NumPy and this module raise different types
        raise JtnError(f'{path} is damaged ({error}); remove it') from error
    return SeenSequence(
        truth=truth, stamps_ns=stamps, detections=detections, camera_motions=motions
    )


def cache_key(*parts: object) -> str:
    """Return a short key of everything that a stored result depends on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def hota_of(
    sequences: Sequence[SeenSequence], config: TrackerSettings, score_threshold: float = 0.0
) -> float:
    """Return the mean HOTA of the tracker on stored detections, in percent.

    Args:
        sequences: at least one sequence.
        config: thresholds of the tracker.
        score_threshold: detections with at most this score are removed before tracking; with 0,
            the tracker decides, as with `DetectionGate`.
    """
    least = score_threshold or config.minimum_score
    scored = {}
    for number, sequence in enumerate(sequences):
        tracker = Tracker(config)
        tracks = {}
        for frame, stamp_ns in sequence.stamps_ns.items():
            found = sequence.detections[frame]
            found = found.select(found.scores > least)
            motion = sequence.camera_motions.get(frame)
            tracks[frame] = reported_boxes(tracker.update(found, stamp_ns, motion))
        scored[f'{number} {sequence.truth.name}'] = compared(
            sequence.truth, Run(tracks=tracks, model='')
        )
    return mean_hota(scored)


def search(
    objective: Callable[[Sequence[dict[str, Any]]], Iterable[float]],
    start: Mapping[str, Any],
    trials: int,
    seed: int,
    *,
    width: int = 1,
    storage: Path | None = None,
    name: str = '',
) -> Iterator[tuple[dict[str, Any], float]]:
    """Yield the best values so far and their objective after each trial; the start is the first.

    The same seed and width give the same result, also when a search continues from its storage.

    Args:
        objective: function to maximize; it evaluates several sets of values at once.
        start: start values of the thresholds to search.
        trials: number of trials, including those in the storage.
        seed: seed of the search.
        width: number of trials that are evaluated at once.
        storage: journal of the trials, which other searches may use at the same time; None for
            no storage.
        name: name of the search in the storage; searches with the same name share their trials.

    Raises:
        OSError: if the storage cannot be written.
        JtnError: if optuna is not installed, or the file is not an optuna journal.
    """
    with packages_for('the search needs', 'optuna'):
        import optuna
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space: dict[str, Any] = {}
    for key, value in start.items():
        low, high = search_range(key, value)
        if isinstance(value, int):
            space[key] = optuna.distributions.IntDistribution(int(low), int(high))
        else:
            space[key] = optuna.distributions.FloatDistribution(low, high, log=True)
    study = optuna.create_study(
        direction='maximize',
        storage=None if storage is None else _open_journal(storage),
        study_name=name or None,
        load_if_exists=True,
    )
    if not study.get_trials(deepcopy=False):
        study.enqueue_trial(dict(start))
    complete = (optuna.trial.TrialState.COMPLETE,)
    while (done := len(study.get_trials(deepcopy=False, states=complete))) < trials:
        drawn = int(np.random.SeedSequence([seed, done]).generate_state(1)[0])
        study.sampler = optuna.samplers.TPESampler(seed=drawn, multivariate=True)
        batch = [study.ask(space) for _ in range(min(width, trials - done))]
        scores = objective([trial.params for trial in batch])
        for trial, score in zip(batch, scores, strict=True):
            study.tell(trial, score)
            yield dict(study.best_params), float(study.best_value)
    yield dict(study.best_params), float(study.best_value)


def _open_journal(path: Path) -> Any:
    """Return an optuna journal, which is created if necessary.

    Raises:
        OSError: if the file cannot be written.
        JtnError: if the file is not an optuna journal.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if path.exists() and path.stat().st_size:
            with path.open('rb') as file:  # optuna would append to any file
                json.loads(file.readline())['op_code']
        return JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, LookupError, TypeError) as error:
        raise JtnError(f'{path} is not a journal of optuna; choose another --storage') from error


def search_range(name: str, start: float) -> tuple[float, float]:
    """Return the search range of a threshold: around its start, within its documented range."""
    low, high = _RANGES[name]
    if isinstance(start, int):
        return max(low, 1), min(high, max(_MOST_HITS, _REACH * start))
    return max(low, start / _REACH), min(high, start * _REACH)
