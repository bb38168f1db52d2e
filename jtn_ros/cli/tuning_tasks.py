"""The tasks of `jtn tune` for one sequence or one trial, in any process."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jtn_ros.cli.job_arguments import shared_engine
from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.datasets.mot_challenge import read_detections
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.metrics import mean_hota
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import collect_run
from jtn_ros.evaluation.runs import compared
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.evaluation.tuning import SeenSequence
from jtn_ros.evaluation.tuning import cache_key
from jtn_ros.evaluation.tuning import hota_of
from jtn_ros.evaluation.tuning import load_detections
from jtn_ros.evaluation.tuning import save_detections
from jtn_ros.media import open_frames
from jtn_ros.media.recordings import fingerprint
from jtn_ros.offline import track_frames

# The network returns all detections that a trial could use.
_LEAST_SCORE = 0.05


@dataclass(frozen=True, kw_only=True)
class SequenceTask:
    """A sequence, and how to compute its detections.

    Attributes:
        folder: of the sequence.
        settings: settings that affect the detections.
        stored_detections: whether det/det.txt is used instead of the network.
        cache: folder for the detections of the network; None for none.
        elsewhere: whether other processes need the detections from the cache.
    """

    folder: Path
    settings: OfflineSettings
    stored_detections: bool
    cache: Path | None
    elsewhere: bool


@dataclass(frozen=True)
class Stored:
    """The location of detections: the sequence, and the file or None for det/det.txt."""

    folder: Path
    file: Path | None


@dataclass(frozen=True, kw_only=True)
class Sight:
    """The detections in a sequence, or their location.

    Attributes:
        seen: either of these.
        trusted: confidence threshold of the model; None without a model.
    """

    seen: SeenSequence | Stored
    trusted: float | None


@dataclass(frozen=True, kw_only=True)
class TrialTask:
    """A set of values to score on the detections."""

    sights: tuple[Sight, ...]
    settings: OfflineSettings
    values: Mapping[str, Any]


def look(task: SequenceTask) -> Sight:
    """Return the detections in a sequence, of the network or of its det/det.txt.

    Raises:
        OSError, JtnError: if the sequence or the model cannot be used.
    """
    if task.stored_detections:
        seen = _read_detections(task.folder)
        return Sight(seen=Stored(task.folder, None) if task.elsewhere else seen, trusted=None)
    settings = task.settings.with_values({'score_threshold': _LEAST_SCORE})
    engine = shared_engine(settings)
    trusted = engine.info.confident_score
    truth = read_truth(task.folder)
    file = None
    if task.cache is not None:
        key = cache_key(
            settings.decisive(),
            engine.description,
            fingerprint(task.folder),
            truth.frames,
        )
        file = task.cache / f'{truth.name}-{key}.npz'
        if file.exists():
            stored = Stored(task.folder, file)
            return Sight(seen=stored if task.elsewhere else _load(stored), trusted=trusted)
    seen = _run_network(task.folder, truth, settings)
    if file is not None:
        save_detections(file, seen)
        if task.elsewhere:
            return Sight(seen=Stored(task.folder, file), trusted=trusted)
    return Sight(seen=seen, trusted=trusted)


def score(task: TrialTask) -> float:
    """Return the mean HOTA of a set of values.

    Raises:
        OSError, JtnError: if what was seen cannot be read anymore.
    """
    chosen = task.settings.with_values(task.values)
    sequences = [
        _load(sight.seen) if isinstance(sight.seen, Stored) else sight.seen
        for sight in task.sights
    ]
    (trusted,) = {sight.trusted for sight in task.sights}
    return hota_of(sequences, chosen.tracker_settings(trusted), chosen.score_threshold)


def confirm(task: SequenceTask) -> float:
    """Return the HOTA of a sequence with the network in the loop.

    Raises:
        OSError, JtnError: if the sequence or the model cannot be used.
    """
    truth = read_truth(task.folder)
    tracking = task.settings.track_with(shared_engine(task.settings))
    with open_frames(task.folder) as source:
        tracked = track_frames(source, tracking)
        shown = show_progress(tracked, f'tracking {truth.name}', source.length)
        run = collect_run(shown, '', (), truth.frames)
    return mean_hota({truth.name: compared(truth, run)})


@cache
def _load(stored: Stored) -> SeenSequence:
    """Read the detections, once per process."""
    if stored.file is None:
        return _read_detections(stored.folder)
    return load_detections(stored.file, read_truth(stored.folder))


def _run_network(folder: Path, truth: Truth, settings: OfflineSettings) -> SeenSequence:
    stamps, detections, motions = {}, {}, {}
    with open_frames(folder) as source:
        tracked = track_frames(source, settings.track_with(shared_engine(settings)))
        for item in show_progress(tracked, f'detecting in {truth.name}', source.length):
            number = item.frame.index + 1
            stamps[number] = item.frame.stamp_ns
            detections[number] = item.result.detections
            if item.result.camera_motion is not None:
                motions[number] = item.result.camera_motion
    return SeenSequence(
        truth=truth, stamps_ns=stamps, detections=detections, camera_motions=motions
    )


def _read_detections(folder: Path) -> SeenSequence:
    """Return the stored detections of a sequence."""
    truth = read_truth(folder)
    if not len(truth.stamps_ns):
        raise JtnError(f'{folder} has no seqinfo.ini, so its frames have no timestamps')
    found = read_detections(folder / 'det' / 'det.txt')
    stamps = dict(enumerate(truth.stamps_ns.tolist(), start=1))
    return SeenSequence(
        truth=truth,
        stamps_ns=stamps,
        detections={number: found.get(number, Detections.empty()) for number in stamps},
    )
