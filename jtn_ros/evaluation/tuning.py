"""Search the tracker's thresholds for the best HOTA on what the network saw once.

The network runs once over every sequence; a trial only tracks and scores. A model that takes the
heat map of earlier tracks would see a little else with other thresholds: what was found has to be
confirmed with the network in the loop.
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

# All that can be searched; how many tracks there may be is a wish.
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
# A threshold is looked for between a third of where it starts and three times that.
_REACH = 3.0
_MOST_HITS = 6


@dataclass(frozen=True, kw_only=True)
class SeenSequence:
    """What the network saw in a sequence, and the truth.

    Attributes:
        truth: the objects.
        stamps_ns: of the frames that could be read, by number, from 1.
        detections: of the same frames.
        camera_motions: float64 (2, 3) from the frame before, of the frames where it is known.
    """

    truth: Truth
    stamps_ns: Mapping[int, int]
    detections: Mapping[int, Detections]
    camera_motions: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)


def save_detections(path: Path, sequence: SeenSequence) -> None:
    """Write what was seen as one .npz file.

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
    """Read what `save_detections` wrote.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is damaged.
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
    except Exception as error:  # zipfile, NumPy and we ourselves find different words
        raise JtnError(f'{path} is damaged ({error}); remove it') from error
    return SeenSequence(
        truth=truth, stamps_ns=stamps, detections=detections, camera_motions=motions
    )


def cache_key(*parts: object) -> str:
    """Return a short name for what a stored result depends on."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def hota_of(
    sequences: Sequence[SeenSequence], config: TrackerSettings, score_threshold: float = 0.0
) -> float:
    """Return the mean HOTA of the tracker on what was seen, in per cent.

    Args:
        sequences: at least one.
        config: thresholds of the tracker.
        score_threshold: detections that score no more are skipped before; 0 leaves that to the
            tracker, as `DetectionGate` does.
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
    """Yield the best values so far and what they give, after each trial; the start is the first.

    The same seed and width find the same, also when a search continues from its storage.

    Args:
        objective: what is to grow, of several sets of values at once.
        start: values of the thresholds that are searched.
        trials: number of trials, those in the storage included.
        seed: of the search.
        width: how many trials are made at once.
        storage: journal of the trials, which other searches may use at the same time; None for
            none.
        name: of the search in the storage; searches of the same name share their trials.

    Raises:
        OSError: if the storage cannot be written.
        JtnError: if optuna is not installed, or the file is not a journal.
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
    """Return a journal of optuna, which is made if need be.

    Raises:
        OSError: if it cannot be written.
        JtnError: if it is something else.
    """
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if path.exists() and path.stat().st_size:
            with path.open('rb') as file:  # optuna would append to anything
                json.loads(file.readline())['op_code']
        return JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, LookupError, TypeError) as error:
        raise JtnError(f'{path} is not a journal of optuna; choose another --storage') from error


def search_range(name: str, start: float) -> tuple[float, float]:
    """Return where a threshold is looked for: around its start, within its documented range."""
    low, high = _RANGES[name]
    if isinstance(start, int):
        return max(low, 1), min(high, max(_MOST_HITS, _REACH * start))
    return max(low, start / _REACH), min(high, start * _REACH)
