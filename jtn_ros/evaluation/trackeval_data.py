"""Ground truth and tracks as input for TrackEval, after its preprocessing for MOTChallenge."""

import io
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import redirect_stderr
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.geometry import box_sizes

# Class numbers of the benchmark. TrackEval scores only class 1, so the class to be scored gets
# that number. All other classes get a number that is neither scored nor a distractor.
_SCORED, _DISTRACTOR, _OTHER = 1, 8, 13


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Ground truth and tracks of one sequence, by frame number.

    Attributes:
        annotations: the ground truth.
        tracks: the evaluated tracks; without classes they are persons (0).
        frames: number of frames, which is also the maximum frame number.
    """

    annotations: Mapping[int, Annotations]
    tracks: Mapping[int, TrackedBoxes]
    frames: int


def prepare(trackeval: Any, name: str, sequence: Recording, class_id: int = 0) -> dict[str, Any]:
    """Return one class of one sequence, by frame, after TrackEval's preprocessing.

    ``tracker_confidences`` contains the rows of `sequence.tracks` instead of scores, which no
    metric uses. It identifies the boxes that remain after preprocessing.

    Raises:
        JtnError: if there are no objects, or a frame is outside the sequence.
    """
    last = max([0, *sequence.annotations, *sequence.tracks])
    if last > sequence.frames:
        raise JtnError(f'{name}: frame {last}, but the sequence has {sequence.frames} frames')
    if not sequence.annotations:
        raise JtnError(f'{name}: the ground truth is empty')
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            'PRINT_CONFIG': False,
            # The annotations already contain the differences between the benchmarks.
            'BENCHMARK': 'MOT17',
            'SEQ_INFO': {name: sequence.frames},
            'SKIP_SPLIT_FOL': True,
            'TRACKERS_TO_EVAL': [],
            # The constructor requires an existing file; the data come from `sequence` instead.
            'GT_FOLDER': str(Path(__file__).parent),
            'GT_LOC_FORMAT': '{gt_folder}/' + Path(__file__).name,
        }
    )
    true_ids, tracked_ids = _ranks(sequence.annotations), _ranks(sequence.tracks)
    raw: dict[str, Any] = {'seq': name, 'num_timesteps': sequence.frames}
    columns: dict[str, list[Any]] = {key: [] for key in _RAW}
    for frame in range(1, sequence.frames + 1):
        truth = sequence.annotations.get(frame, _NO_ANNOTATIONS)
        found = sequence.tracks.get(frame, _NO_TRACKS)
        rows = np.flatnonzero(tracked_classes(found) == class_id)
        boxes = _left_top_width_height(truth.boxes)
        tracked = _left_top_width_height(found.boxes[rows])
        row = (
            np.searchsorted(true_ids, truth.ids),
            _benchmark_classes(truth, class_id),
            boxes,
            {'zero_marked': ~truth.ignored},
            np.searchsorted(tracked_ids, found.ids[rows]),
            np.ones(len(rows), np.int64),
            tracked,
            rows,
            dataset._calculate_similarities(boxes, tracked),
        )
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    try:
        data: dict[str, Any] = dataset.get_preprocessed_seq_data({**raw, **columns}, 'pedestrian')
    except trackeval.utils.TrackEvalException as error:
        raise JtnError(f'{name}: {error}') from error
    return data


def tracked_classes(tracked: TrackedBoxes) -> NDArray[np.int32]:
    """Return the class ids (N,) of tracked boxes; 0 (person) by default."""
    if tracked.class_ids is None:
        return np.zeros(len(tracked.ids), np.int32)
    return tracked.class_ids


def _benchmark_classes(truth: Annotations, class_id: int) -> NDArray[np.int64]:
    """Return the class numbers of ground-truth objects for scoring `class_id`."""
    numbers = np.where(truth.forgiven, _DISTRACTOR, _SCORED)
    return np.where(truth.class_ids == class_id, numbers, _OTHER)


def _ranks(frames: Mapping[int, Annotations] | Mapping[int, TrackedBoxes]) -> NDArray[np.int64]:
    """Return all identities, sorted: the tables of TrackEval have the size of the largest one."""
    ids = [part.ids for part in frames.values()]
    return np.unique(np.concatenate(ids)) if ids else np.zeros(0, np.int64)


_RAW = ('gt_ids', 'gt_classes', 'gt_dets', 'gt_extras', 'tracker_ids', 'tracker_classes',
        'tracker_dets', 'tracker_confidences', 'similarity_scores')  # fmt: skip
_NO_ANNOTATIONS = Annotations.empty()
_NO_TRACKS = TrackedBoxes(
    np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
)


def _left_top_width_height(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.hstack([boxes[:, :2], box_sizes(boxes)]).astype(np.float64)


@contextmanager
def quiet_trackeval() -> Iterator[Any]:
    """Yield the package with its output to stdout suppressed.

    Raises:
        JtnError: if it is not installed.
    """
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        with packages_for('scores need', 'trackeval'):
            import trackeval
        yield trackeval
