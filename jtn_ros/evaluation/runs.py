"""The inputs of an evaluation: ground truth of a sequence, and a run of a tracker over it."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.benchmarks import Benchmark
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.sequence_images import is_sequence
from jtn_ros.datasets.sequence_images import sequence_info
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.alignment import align
from jtn_ros.evaluation.metrics import Report
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.trackeval_data import Recording
from jtn_ros.media.bag_paths import is_bag
from jtn_ros.media.results import reported_boxes
from jtn_ros.media.timeline import Timeline
from jtn_ros.offline import TrackedFrame

if TYPE_CHECKING:
    from jtn_ros.media.bags.recorded_tracks import RecordedTracks

_NO_STAMPS = np.zeros(0, np.int64)


@dataclass(frozen=True, kw_only=True)
class Truth:
    """The ground truth of a sequence.

    Attributes:
        name: name of the sequence.
        annotations: objects by frame number, from 1.
        stamps_ns: int64 (F,), stamps of the frames; empty if unknown.
        frames: number of frames.
    """

    name: str
    annotations: Mapping[int, Annotations]
    stamps_ns: NDArray[np.int64]
    frames: int

    def with_stamps(self, stamps_ns: NDArray[np.int64]) -> 'Truth':
        """Return the ground truth with the stamps of a recording with at least as many frames.

        Raises:
            JtnError: if the recording is shorter than the ground truth.
        """
        if (last := max(self.annotations, default=0)) > len(stamps_ns):
            raise JtnError(
                f'{self.name}: the ground truth has frame {last}, but the recording '
                f'{len(stamps_ns)} images; is it that of this recording?'
            )
        return replace(self, stamps_ns=stamps_ns, frames=len(stamps_ns))


@dataclass(frozen=True, kw_only=True)
class Run:
    """The tracks of one sequence, and information about their recording.

    Attributes:
        tracks: tracks by frame number.
        model: name of the model, or of the file that was read.
        frames_without: int64, frames without a message; their objects are false negatives.
        unmatched_ns: int64, stamps of messages without a frame; they are ignored.
        latencies: int64 (L, 2), stamps of frames and nanoseconds from image to tracks.
    """

    tracks: Mapping[int, TrackedBoxes]
    model: str
    frames_without: NDArray[np.int64] = field(default_factory=lambda: _NO_STAMPS)
    unmatched_ns: NDArray[np.int64] = field(default_factory=lambda: _NO_STAMPS)
    latencies: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))


def evaluate_folder(ground_truth: Path, tracks: Path) -> Report:
    """Compare result files with MOTChallenge ground truth.

    Args:
        ground_truth: a sequence (``gt/gt.txt`` inside) or a folder of sequences.
        tracks: folder with ``<sequence>.txt``, or one such file for one sequence.

    Raises:
        OSError: if a file cannot be read.
        JtnError: if a file is not valid, the results of a sequence are missing, or TrackEval is
            not installed.
    """
    truths = [read_truth(folder) for folder in find_sequences(Path(ground_truth))]
    return evaluate({t.name: compared(t, read_run(Path(tracks), t, 0.0)) for t in truths})


def compared(truth: Truth, run: Run) -> Recording:
    """Return ground truth and tracks as input for the metrics."""
    frames = truth.frames if len(truth.stamps_ns) else max([truth.frames, *run.tracks])
    return Recording(
        annotations=truth.annotations,
        tracks=run.tracks,
        frames=frames,
    )


def read_truth(path: Path, topic: str | None = None, benchmark: Benchmark | None = None) -> Truth:
    """Read ground truth from a MOTChallenge sequence (``gt/gt.txt`` inside) or a bag of tracks.

    Args:
        path: folder or bag.
        topic: topic of the tracks; required if the bag has several.
        benchmark: see `jtn_ros.datasets.mot_challenge.read_annotations`.

    Raises:
        OSError: if a file cannot be read.
        JtnError: if a file is not valid, or contains no object to evaluate.
    """
    name = path.resolve().name
    if is_bag(path):
        messages = sorted(_read_messages(path, topic), key=lambda message: message.stamp_ns)
        tracks = _tracks_of(messages, range(1, len(messages) + 1))
        return Truth(
            name=name,
            annotations={number: as_truth(boxes) for number, boxes in tracks.items()},
            stamps_ns=np.array([message.stamp_ns for message in messages], np.int64),
            frames=len(messages),
        )
    truth_file = path / 'gt' / 'gt.txt'
    annotations = read_annotations(truth_file, benchmark)
    if annotations and all(objects.ignored.all() for objects in annotations.values()):
        raise JtnError(
            f'{truth_file}: all rows are distractors or flagged 0, so there are no objects'
        )
    frames, stamps = max(annotations, default=0), _NO_STAMPS
    if (path / 'seqinfo.ini').is_file():
        info = sequence_info(path)
        frames = info.length
        stamps = np.array([f.stamp_ns for f in Timeline(name, info.frame_rate, frames)], np.int64)
    elif is_sequence(path):
        frames = max(frames, sequence_info(path).length)
    return Truth(
        name=name,
        annotations=annotations,
        stamps_ns=stamps,
        frames=frames,
    )


def read_run(path: Path, truth: Truth, tolerance_s: float, topic: str | None = None) -> Run:
    """Read the tracks of a sequence from a result file, a bag, or a folder of either.

    Args:
        path: the file, the bag, or the folder that contains ``<sequence>.txt`` or the bag of the
            same name.
        truth: ground truth of the sequence.
        tolerance_s: maximum difference between the stamps of a frame and its tracks, in seconds.
        topic: topic of the tracks; required if the bag has several.

    Raises:
        OSError: if a file cannot be read.
        JtnError: if a file is not valid, there is none, or no stamp matches.
    """
    candidates = [path, path / truth.name, path / f'{truth.name}.mcap']
    if bag := next((c for c in candidates if is_bag(c) and c.exists()), None):
        return _read_bag_run(bag, truth, tolerance_s, topic)
    results = path if path.is_file() else path / f'{truth.name}.txt'
    if not results.is_file():
        raise JtnError(f'{results}: no results of the sequence {truth.name}')
    return Run(tracks=read_results(results), model=results.name)


def _read_messages(path: Path, topic: str | None) -> list['RecordedTracks']:
    from jtn_ros.media.bags.bag import BagReader  # only bags require rosbags
    from jtn_ros.media.bags.recorded_tracks import read_tracks

    with BagReader(path) as bag:
        return list(read_tracks(bag, topic))


def _read_bag_run(path: Path, truth: Truth, tolerance_s: float, topic: str | None) -> Run:
    if not len(truth.stamps_ns):
        raise JtnError(
            f'{truth.name} has no seqinfo.ini, so its frames have no timestamps to match with '
            f'{path}; specify the recording that was played (--bag)'
        )
    messages = _read_messages(path, topic)
    stamps = [message.stamp_ns for message in messages]
    try:
        alignment = align(truth.stamps_ns, stamps, round(tolerance_s * 1e9))
    except JtnError as error:
        raise JtnError(f'{path}: {error}') from error
    latencies = [(m.stamp_ns, round(m.latency_s * 1e9)) for m in messages if m.latency_s]
    return Run(
        tracks=_tracks_of(messages, alignment.frames.tolist()),
        model=messages[0].model_name,
        frames_without=alignment.frames_without,
        unmatched_ns=alignment.unmatched_ns,
        latencies=np.array(latencies, np.int64).reshape(-1, 2),
    )


def collect_run(
    frames: Iterable[TrackedFrame], model: str, class_names: Sequence[str], length: int
) -> Run:
    """Return a run of frames tracked here; objects in unreadable frames are false negatives.

    Args:
        frames: tracked frames.
        model: name of the model.
        class_names: names by class id.
        length: number of frames of the recording.
    """
    tracks: dict[int, TrackedBoxes] = {}
    latencies = []
    for item in frames:
        tracks[item.frame.index + 1] = reported_boxes(item.result.tracks, class_names)
        latency_ns = round(1e9 * sum(item.result.latencies.values()))
        latencies.append((item.frame.stamp_ns, latency_ns))
    return Run(
        tracks=tracks,
        model=model,
        frames_without=np.setdiff1d(np.arange(1, length + 1), list(tracks)),
        latencies=np.array(latencies, np.int64).reshape(-1, 2),
    )


def _tracks_of(
    messages: Sequence['RecordedTracks'], numbers: Iterable[int]
) -> dict[int, TrackedBoxes]:
    """Return the reported tracks of messages by frame number; messages with number 0 are skipped.

    Ids are changed to be unique over the sessions of the recording.
    """
    names: dict[int, str] = {}
    for message in messages:
        names |= message.class_names
    class_names = [names.get(i, f'class {i}') for i in range(max(names, default=-1) + 1)]
    offsets: dict[UUID, int] = {}
    highest = 0
    tracks = {}
    for message, number in zip(messages, numbers, strict=True):
        offset = offsets.setdefault(message.session, highest)
        highest = max(highest, offset + int(message.tracks.ids.max(initial=0)))
        if number:
            boxes = reported_boxes(message.tracks, class_names)
            tracks[number] = boxes._replace(ids=boxes.ids + offset)
    return tracks


def as_truth(boxes: TrackedBoxes) -> Annotations:
    """Return tracked objects as ground truth: all visible, none ignored."""
    number = len(boxes.ids)
    classes = np.zeros(number, np.int32) if boxes.class_ids is None else boxes.class_ids
    return Annotations(
        ids=boxes.ids,
        boxes=boxes.boxes,
        class_ids=classes,
        visibilities=np.ones(number, np.float32),
        ignored=np.zeros(number, np.bool_),
    )
