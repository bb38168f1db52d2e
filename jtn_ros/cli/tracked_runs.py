"""Recordings that `jtn evaluate` tracks itself, in any process, and their stored results."""

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.cli.job_arguments import shared_engine
from jtn_ros.cli.progress import show_progress
from jtn_ros.cli.tracking_arguments import OfflineSettings
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import collect_run
from jtn_ros.files import written_atomically
from jtn_ros.media import open_frames
from jtn_ros.media.read_ahead import read_ahead
from jtn_ros.offline import track_frames


@dataclass(frozen=True, kw_only=True)
class RecordingTask:
    """A recording to track.

    Attributes:
        recording: where it is.
        topic: image topic, if it is a bag that has several.
        truth: the objects.
        has_times: whether the truth has the times of its frames; otherwise, the recording has.
        settings: settings of the tracking.
        stored: file of the stored result; None for none.
    """

    recording: Path
    topic: str | None
    truth: Truth
    has_times: bool
    settings: OfflineSettings
    stored: Path | None


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A recording that was tracked.

    Attributes:
        run: its tracks.
        stamps_ns: int64 (F,), of its frames; -1 where one cannot be read.
        parameters: what it was tracked with, for reports.
    """

    run: Run
    stamps_ns: NDArray[np.int64]
    parameters: Mapping[str, Any]


def track_run(task: RecordingTask) -> TrackedRun:
    """Track every frame of a recording, or read what an earlier run stored.

    Raises:
        OSError, JtnError: if the recording, the model or what is stored cannot be used.
    """
    if task.stored is not None and task.stored.exists():
        return _load(task.stored)
    settings = task.settings
    with open_frames(task.recording, topic=task.topic) as source:
        truth = task.truth
        if not task.has_times:
            truth = truth.with_stamps(time_line(source.stamps()))
        with closing(read_ahead(source)) as frames:
            engine = shared_engine(settings)
            info = engine.info
            tracking = settings.track_with(engine)
            tracked = track_frames(frames, tracking, settings.backward_tolerance)
            shown = show_progress(tracked, source.name, source.length)
            run = collect_run(shown, info.name, info.class_names, truth.frames)
    used = {'model': info.name, 'engine': engine.description}
    parameters = settings.as_dict(info.confident_score) | used
    found = TrackedRun(run=run, stamps_ns=truth.stamps_ns, parameters=parameters)
    if task.stored is not None:
        _save(task.stored, found)
    return found


def time_line(stamps: Mapping[int, int]) -> NDArray[np.int64]:
    """Return the stamps of frames by their index as a row, with -1 where there is none."""
    return np.array([stamps.get(index, -1) for index in range(max(stamps, default=-1) + 1)])


def _save(path: Path, found: TrackedRun) -> None:
    """Write a run as one .npz file."""
    run = found.run
    frames = list(run.tracks)
    parts = list(run.tracks.values())
    columns: dict[str, Any] = {
        'frames': np.array(frames, np.int64),
        'counts': np.array([len(part.ids) for part in parts], np.int64),
        'ids': np.concatenate([np.zeros(0, np.int64), *(part.ids for part in parts)]),
        'boxes': np.concatenate([np.zeros((0, 4), np.float32), *(part.boxes for part in parts)]),
        'scores': np.concatenate([np.zeros(0, np.float32), *(part.scores for part in parts)]),
        'frames_without': run.frames_without,
        'latencies': run.latencies,
        'stamps_ns': found.stamps_ns,
        'about': np.array(json.dumps({'model': run.model, 'parameters': found.parameters})),
    }
    classes = [part.class_ids for part in parts if part.class_ids is not None]
    if classes and len(classes) == len(parts):
        columns['class_ids'] = np.concatenate(classes)
    with written_atomically(path) as temporary, temporary.open('wb') as file:
        np.savez(file, **columns)


def _load(path: Path) -> TrackedRun:
    """Read what `_save` wrote.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = dict(file)
        ends = np.cumsum(columns['counts'])[:-1]
        names = [name for name in TrackedBoxes._fields if name in columns]
        rows = zip(*(np.split(columns[name], ends) for name in names), strict=True)
        boxes = [TrackedBoxes(**dict(zip(names, row, strict=True))) for row in rows]
        about = json.loads(str(columns['about']))
        run = Run(
            tracks=dict(zip(columns['frames'].tolist(), boxes, strict=True)),
            model=about['model'],
            frames_without=columns['frames_without'],
            latencies=columns['latencies'],
        )
        return TrackedRun(run=run, stamps_ns=columns['stamps_ns'], parameters=about['parameters'])
    except OSError:
        raise
    except Exception as error:  # zipfile, NumPy and we ourselves find different words
        raise JtnError(f'{path} is damaged ({error}); remove it') from error
