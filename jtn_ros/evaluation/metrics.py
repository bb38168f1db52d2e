"""HOTA, MOTA, IDF1 and their kin of MOTChallenge folders, computed by TrackEval.

TrackEval (Luiten et al., HOTA: A Higher Order Metric for Evaluating Multi-object Tracking, IJCV
2021) also does the preprocessing of the benchmark: results on distractors are taken out where
the ground truth names classes (MOT16 and later), and objects flagged 0 do not count.
"""

import io
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from contextlib import redirect_stderr
from contextlib import redirect_stdout
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.mot_challenge import read_sequence_info
from jtn_ros.geometry import box_sizes


@dataclass(frozen=True, kw_only=True)
class Scores:
    """How well tracks match the truth; shares are percentages, 100 is perfect.

    Attributes:
        hota: geometric mean of detection and association accuracy, averaged over overlaps.
        det_a: detection accuracy.
        ass_a: association accuracy.
        mota: 100 minus misses, false objects and switches, relative to the true objects.
        idf1: F1 score of identities.
        id_switches: times a true object changed its identity.
        fragmentations: times a tracked true object was lost and found again.
        frames: frames evaluated.
        true_objects: boxes in the ground truth.
        tracked_objects: boxes in the results, after preprocessing.
        true_identities: identities in the ground truth.
        tracked_identities: identities in the results.
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
    """The scores of every sequence, and of all of them as if they were one."""

    sequences: dict[str, Scores]
    combined: Scores

    def as_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, for JSON."""
        return asdict(self)


def mean(report: Report) -> Scores:
    """Return the mean over the sequences, in which short and long ones count alike."""
    rows = [asdict(scores) for scores in report.sequences.values()]
    return Scores(**{name: float(np.mean([row[name] for row in rows])) for name in rows[0]})


def evaluate_folder(ground_truth: Path, tracks: Path) -> Report:
    """Compare result files with MOTChallenge ground truth.

    Args:
        ground_truth: a sequence (``gt/gt.txt`` inside) or a folder of sequences.
        tracks: folder of ``<sequence>.txt``, or one such file for one sequence.

    Raises:
        OSError: if a file cannot be read.
        ValueError: if a file is not valid, or the results of a sequence are missing.
        ImportError: if TrackEval is not installed.
    """
    return evaluate(
        {
            folder.resolve().name: _read_sequence(folder, Path(tracks))
            for folder in find_sequences(Path(ground_truth))
        }
    )


@dataclass(frozen=True, kw_only=True)
class Sequence:
    """Truth and tracks of one sequence, by frame number.

    Attributes:
        annotations: objects of other classes than persons (0) do not count.
        tracks: what is evaluated.
        frames: number of frames; frame numbers go from 1 to this.
        forgive_ignored: take results on ignored persons out, as MOT16 and later do; otherwise
            they are false objects, as in MOT15.
    """

    annotations: Mapping[int, Annotations]
    tracks: Mapping[int, TrackedBoxes]
    frames: int
    forgive_ignored: bool = True


def evaluate(sequences: Mapping[str, Sequence]) -> Report:
    """Compare tracks with the truth of named sequences.

    Raises:
        ValueError: if a sequence has no objects or a frame outside its length.
        ImportError: if TrackEval is not installed.
    """
    with _quiet_trackeval() as trackeval:
        settings = {'PRINT_CONFIG': False}
        metrics = [
            trackeval.metrics.HOTA(),
            trackeval.metrics.CLEAR(settings),
            trackeval.metrics.Identity(settings),
        ]
        values: list[dict[str, Any]] = [{} for _ in metrics]
        counts = np.zeros((0, 5), np.int64)
        for name, sequence in sequences.items():
            data = _prepare(trackeval, name, sequence)
            for metric, results in zip(metrics, values, strict=True):
                results[name] = metric.eval_sequence(data)
            row = [data[key] for key in _COUNTS]
            counts = np.vstack([counts, row])
        scores = {
            name: _scores([results[name] for results in values], row)
            for name, row in zip(sequences, counts, strict=True)
        }
        total = [
            metric.combine_sequences(results)
            for metric, results in zip(metrics, values, strict=True)
        ]
    return Report(sequences=scores, combined=_scores(total, counts.sum(axis=0)))


_COUNTS = ('num_timesteps', 'num_gt_dets', 'num_tracker_dets', 'num_gt_ids', 'num_tracker_ids')
_PERSON, _DISTRACTOR = 1, 8  # class numbers of the benchmark


def _read_sequence(folder: Path, tracks: Path) -> Sequence:
    name = folder.resolve().name
    results = tracks if tracks.is_file() else tracks / f'{name}.txt'
    if not results.is_file():
        raise ValueError(f'{results}: no results of the sequence {name}')
    truth = folder / 'gt' / 'gt.txt'
    annotations, boxes = read_annotations(truth), read_results(results)
    frames = max([0, *annotations, *boxes])
    if (folder / 'seqinfo.ini').is_file():
        frames = read_sequence_info(folder).length
    return Sequence(
        annotations=annotations,
        tracks=boxes,
        frames=frames,
        forgive_ignored=has_classes(truth),
    )


def has_classes(ground_truth: Path) -> bool:
    """Return whether a ground-truth file names classes, as MOT16 and later do."""
    with ground_truth.open(encoding='utf-8-sig') as file:
        return file.readline().count(',') + 1 in (8, 9)


def _prepare(trackeval: Any, name: str, sequence: Sequence) -> dict[str, Any]:
    """Return one sequence as TrackEval's metrics take it, after TrackEval's preprocessing."""
    last = max([0, *sequence.annotations, *sequence.tracks])
    if last > sequence.frames:
        raise ValueError(f'{name}: frame {last}, but the sequence has {sequence.frames} frames')
    if not sequence.annotations:
        raise ValueError(f'{name}: the ground truth is empty')
    dataset = trackeval.datasets.MotChallenge2DBox(
        {
            'PRINT_CONFIG': False,
            'BENCHMARK': 'MOT17' if sequence.forgive_ignored else 'MOT15',
            'SEQ_INFO': {name: sequence.frames},
            'SKIP_SPLIT_FOL': True,
            'TRACKERS_TO_EVAL': [],
            # The constructor wants a file to be there; the data come from `sequence` instead.
            'GT_FOLDER': str(Path(__file__).parent),
            'GT_LOC_FORMAT': '{gt_folder}/' + Path(__file__).name,
        }
    )
    raw: dict[str, Any] = {'seq': name, 'num_timesteps': sequence.frames}
    columns: dict[str, list[Any]] = {key: [] for key in _RAW}
    for frame in range(1, sequence.frames + 1):
        truth = sequence.annotations.get(frame, _NO_ANNOTATIONS)
        found = sequence.tracks.get(frame, _NO_TRACKS)
        classes = truth.class_ids + 1
        distractor = truth.ignored & (classes == _PERSON)
        boxes = _left_top_width_height(truth.boxes)
        tracked = _left_top_width_height(found.boxes)
        row = (
            truth.ids,
            np.where(distractor, _DISTRACTOR, classes),
            boxes,
            {'zero_marked': ~truth.ignored},
            found.ids,
            np.ones(len(found.ids), np.int64),
            tracked,
            found.scores,
            dataset._calculate_similarities(boxes, tracked),
        )
        for values, value in zip(columns.values(), row, strict=True):
            values.append(value)
    try:
        data: dict[str, Any] = dataset.get_preprocessed_seq_data({**raw, **columns}, 'pedestrian')
    except trackeval.utils.TrackEvalException as error:
        raise ValueError(f'{name}: {error}') from error
    return data


_RAW = ('gt_ids', 'gt_classes', 'gt_dets', 'gt_extras', 'tracker_ids', 'tracker_classes',
        'tracker_dets', 'tracker_confidences', 'similarity_scores')  # fmt: skip
_NO_ANNOTATIONS = Annotations(
    ids=np.zeros(0, np.int64),
    boxes=np.zeros((0, 4), np.float32),
    class_ids=np.zeros(0, np.int32),
    visibilities=np.zeros(0, np.float32),
    ignored=np.zeros(0, np.bool_),
)
_NO_TRACKS = TrackedBoxes(
    np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
)


def _left_top_width_height(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.hstack([boxes[:, :2], box_sizes(boxes)]).astype(np.float64)


def _scores(values: list[dict[str, Any]], counts: NDArray[np.int64]) -> Scores:
    hota, clear, identity = values
    frames, true_objects, tracked_objects, true_identities, tracked_identities = counts.tolist()
    return Scores(
        hota=100 * float(np.mean(hota['HOTA'])),
        det_a=100 * float(np.mean(hota['DetA'])),
        ass_a=100 * float(np.mean(hota['AssA'])),
        mota=100 * float(clear['MOTA']),
        idf1=100 * float(identity['IDF1']),
        id_switches=int(clear['IDSW']),
        fragmentations=int(clear['Frag']),
        frames=frames,
        true_objects=true_objects,
        tracked_objects=tracked_objects,
        true_identities=true_identities,
        tracked_identities=tracked_identities,
    )


@contextmanager
def _quiet_trackeval() -> Iterator[Any]:
    """Yield the package, whose prints are swallowed."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            import trackeval
        except ImportError as error:
            raise ImportError(
                f'evaluation needs TrackEval ({error}); install it with '
                '`pip install --no-deps trackeval==1.3.0` and `pip install matplotlib scipy`'
            ) from error
        yield trackeval
