"""MOTChallenge folders: ``seqinfo.ini``, ``gt/gt.txt``, ``det/det.txt`` and result files.

In files, a box is ``left, top, width, height``, and frames and classes are numbered from 1. In
memory, boxes are ``x1 y1 x2 y2``, and classes are numbered from 0. All readers return only frames
with rows.
"""

import configparser
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.benchmarks import Benchmark
from jtn_ros.datasets.benchmarks import default_benchmark
from jtn_ros.datasets.benchmarks import find_benchmark
from jtn_ros.datasets.box_table import BoxTable
from jtn_ros.datasets.problems import Problem
from jtn_ros.datasets.problems import refuse
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.files import written_atomically
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes

_DISTRACTOR = 8
_PERSON = 1
COLUMNS = (7, 8, 9, 10)  # valid numbers of columns
_KEYS = ('name', 'imDir', 'frameRate', 'seqLength', 'imWidth', 'imHeight', 'imExt')


@dataclass(frozen=True, kw_only=True)
class SequenceInfo:
    """The contents of ``seqinfo.ini``.

    Attributes:
        name: name of the sequence.
        frame_rate: frames per second.
        length: number of frames.
        width: image width in pixels.
        height: image height in pixels.
        image_dir: folder of the images, relative to the sequence.
        image_extension: extension of the images, with the dot, such as ``.jpg``.
    """

    name: str
    frame_rate: float
    length: int
    width: int
    height: int
    image_dir: str = 'img1'
    image_extension: str = '.jpg'


class TrackedBoxes(NamedTuple):
    """The tracked objects of one frame of a result file.

    Attributes:
        ids: int64 (N,), positive.
        boxes: float32 (N, 4), ``x1 y1 x2 y2`` in source pixels.
        scores: float32 (N,); -1 if the file has none.
        class_ids: int32 (N,), class numbers of the benchmark minus one; None if all are persons.
    """

    ids: NDArray[np.int64]
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32] | None = None


def read_sequence_info(folder: Path) -> SequenceInfo:
    """Read ``seqinfo.ini`` of a sequence folder.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if a key is missing or its value is not valid.
    """
    path = Path(folder) / 'seqinfo.ini'
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding='utf-8-sig'))
        section = parser['Sequence']
        info = SequenceInfo(
            name=section['name'],
            frame_rate=float(section['frameRate']),
            length=int(section['seqLength']),
            width=int(section['imWidth']),
            height=int(section['imHeight']),
            image_dir=section.get('imDir', 'img1'),
            image_extension='.' + section.get('imExt', '.jpg').strip().removeprefix('.'),
        )
    except (configparser.Error, KeyError, ValueError) as error:
        reason = ' '.join(str(error).split())
        raise JtnError(
            f'{path}: {reason}; expected a section [Sequence] with {", ".join(_KEYS)}'
        ) from error
    if not (0 < info.frame_rate < float('inf')) or min(info.length, info.width, info.height) < 1:
        raise JtnError(f'{path}: frameRate, seqLength, imWidth and imHeight must be positive')
    return info


def write_sequence_info(folder: Path, info: SequenceInfo) -> None:
    """Write ``seqinfo.ini`` to a sequence folder, which is created if necessary."""
    rate = int(info.frame_rate) if float(info.frame_rate).is_integer() else info.frame_rate
    values = (
        info.name,
        info.image_dir,
        rate,
        info.length,
        info.width,
        info.height,
        info.image_extension,
    )
    lines = [f'{key}={value}\n' for key, value in zip(_KEYS, values, strict=True)]
    _write_text(Path(folder) / 'seqinfo.ini', '[Sequence]\n' + ''.join(lines))


def find_sequences(folder: Path) -> list[Path]:
    """Return the sequence folders at or directly below a folder, sorted by name.

    Raises:
        JtnError: if there is none.
    """
    if not folder.exists():
        raise JtnError(f'{folder} does not exist; check the path')
    if (folder / 'gt' / 'gt.txt').is_file():
        return [folder]
    found = sorted(path.parent.parent for path in folder.glob('*/gt/gt.txt'))
    if not found:
        raise JtnError(
            f'{folder}: no ground truth; expected gt/gt.txt in it or in folders inside it'
        )
    return found


def read_annotations(path: Path, benchmark: Benchmark | None = None) -> dict[int, Annotations]:
    """Read a ground-truth file, ``gt.txt``.

    Rows whose flag (column 7) is 0 are ignored, and results on them are false positives.
    Distractors (static persons, reflections, ...) are returned as ignored persons, and results on
    them are not false positives. Other classes keep their number, minus one.

    Args:
        path: the file.
        benchmark: benchmark whose rules apply; None uses the benchmark of its sequence
            (`benchmark_of`), or else the default for its number of columns.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if a row is not valid, with file and line, or there is no object to evaluate.
    """
    table = BoxTable.read(path, columns=COLUMNS)
    benchmark = benchmark or benchmark_of(path.parent.parent)
    ids, classes = check_ground_truth(table, benchmark)
    refuse(table.problems)
    benchmark = benchmark or default_benchmark(table.values.shape[1])
    visibilities = np.ones(len(ids), np.float32)
    if table.values.shape[1] == 9:
        visibilities = table.values[:, 8].astype(np.float32).clip(0, 1)
    distractor = np.isin(classes, benchmark.distractors)
    objects = Annotations(
        ids=ids,
        boxes=table.boxes(),
        class_ids=np.where(distractor, 0, classes - 1).astype(np.int32),
        visibilities=visibilities,
        ignored=distractor | ~_flagged(table),
        forgiven=distractor,
    )
    return {frame: objects.select(rows) for frame, rows in table.frames()}


def benchmark_of(folder: Path) -> Benchmark | None:
    """Return the benchmark of a sequence, identified by its names, or None."""
    try:
        name = read_sequence_info(folder).name
    except (OSError, JtnError):  # reading the sequence reports it
        name = ''
    return find_benchmark(folder, name)


def check_ground_truth(
    table: BoxTable, benchmark: Benchmark | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Apply the rules of a ground-truth file, and return its identities and class numbers.

    Violations are added to `table.problems`.
    """
    ids = table.identities()
    columns = table.values.shape[1]
    if len(ids) and not _flagged(table).any():
        table.problems.append(
            Problem(
                table.path,
                0,
                'every row is flagged 0 (column 7), so there are no objects; set the flag of '
                'objects to 1',
            )
        )
    # Ten columns rarely contain classes: the last three are usually -1 or world coordinates.
    classes = columns in (8, 9) or (columns == 10 and (table.values[:, 7] >= 1).all())
    if not classes or not (benchmark or default_benchmark(columns)).has_classes:
        return ids, np.full(len(ids), _PERSON, np.int64)
    return ids, table.integers(7, 'class')


def _flagged(table: BoxTable) -> NDArray[np.bool_]:
    """Return which rows are objects to find; like TrackEval, truncates the flag to an integer."""
    return np.trunc(table.values[:, 6]) != 0


def write_ground_truth(path: Path, annotations_by_frame: Mapping[int, Annotations]) -> None:
    """Write a ground-truth file with nine columns, as in MOT17.

    Ignored persons are written as distractors, so that evaluators skip them.
    """
    rows = []
    for frame, objects in sorted(annotations_by_frame.items()):
        classes = objects.class_ids + 1
        classes = np.where(objects.ignored & (classes == _PERSON), _DISTRACTOR, classes)
        columns = [
            *_box_columns(frame, objects.ids, objects.boxes),
            ~objects.ignored,
            classes,
            objects.visibilities,
        ]
        rows.append(np.column_stack(columns))
    _write_rows(path, rows, ['%d', '%d', *['%.3f'] * 4, '%d', '%d', '%.5f'])


def read_detections(path: Path) -> dict[int, Detections]:
    """Read a detection file, ``det.txt``: persons, without displacements or embeddings.

    Centers are the centers of the boxes. Scores are not changed. Many public detectors write
    unbounded scores (margins of a classifier), which do not fit thresholds from 0 to 1.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if a row is not valid; the message names file and line.
    """
    table = BoxTable.read(path, columns=COLUMNS)
    refuse(table.problems)
    boxes = table.boxes()
    scores = table.values[:, 6].astype(np.float32)
    return {
        frame: Detections(
            boxes=boxes[rows],
            scores=scores[rows],
            class_ids=np.zeros(len(boxes[rows]), np.int32),
            centers=box_centers(boxes[rows]).astype(np.float32),
        )
        for frame, rows in table.frames()
    }


def read_results(path: Path) -> dict[int, TrackedBoxes]:
    """Read a result file: tracked boxes by frame.

    The class is in column 8, as written by `write_results`; a file without classes has persons.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if a row is not valid; the message names file and line.
    """
    table = BoxTable.read(path, columns=COLUMNS)
    ids = table.identities()
    classes: NDArray[np.int32] | None = None
    if table.values.shape[1] > 7 and (table.values[:, 7] > 0).any():
        classes = (table.integers(7, 'class') - 1).astype(np.int32)
    refuse(table.problems)
    boxes = table.boxes()
    scores = table.values[:, 6].astype(np.float32)
    return {
        frame: TrackedBoxes(
            ids[rows], boxes[rows], scores[rows], None if classes is None else classes[rows]
        )
        for frame, rows in table.frames()
    }


def write_results(path: Path, tracks_by_frame: Mapping[int, TrackedBoxes]) -> None:
    """Write a result file; column 8 contains the class, or -1 if all objects are persons."""
    rows = []
    for frame, tracked in sorted(tracks_by_frame.items()):
        number = len(tracked.ids)
        classes = np.full(number, -1) if tracked.class_ids is None else tracked.class_ids + 1
        columns = _box_columns(frame, tracked.ids, tracked.boxes)
        rows.append(np.column_stack([*columns, tracked.scores, classes, np.full((number, 2), -1)]))
    _write_rows(path, rows, ['%d', '%d', *['%.3f'] * 4, '%.5f', '%d', '%d', '%d'])


def _box_columns(
    frame: int,
    ids: NDArray[np.int64],
    boxes: NDArray[np.float32],
) -> tuple[NDArray[np.generic], ...]:
    """Return frame, identity, (left, top) and (width, height) as columns."""
    if frame < 1:
        raise JtnError(f'frame {frame}: frame numbers start at 1')
    return np.full(len(ids), frame), ids, boxes[:, :2], box_sizes(boxes)


def _write_rows(path: Path, rows: list[NDArray[np.float64]], formats: list[str]) -> None:
    text = io.StringIO()
    table = np.concatenate(rows) if rows else np.zeros((0, len(formats)))
    np.savetxt(text, table, fmt=formats, delimiter=',')
    _write_text(path, text.getvalue())


def _write_text(path: Path, text: str) -> None:
    with written_atomically(path) as temporary:
        temporary.write_text(text, encoding='utf-8')
