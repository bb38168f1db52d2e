"""The association benchmark: several trackers on the same detections, without images.

The default tracker and the published association are compared with SORT, ByteTrack, OC-SORT,
BoT-SORT and C-BIoU of the package `trackers`, each with its defaults. The boxes that a tracker
reports in a frame are scored. The default tracker also reports reliable predictions (see
`Tracks.reported`).
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from jtn_ros.datasets.benchmarks import Benchmark
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.mot_challenge import read_detections
from jtn_ros.datasets.sequence_images import sequence_info
from jtn_ros.detections import Detections
from jtn_ros.errors import packages_for
from jtn_ros.evaluation.metrics import Report
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.trackeval_data import Recording
from jtn_ros.synthetic.association_streams import DetectionStream
from jtn_ros.tracking import ReferenceTracker
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import Tracks

Results = dict[int, TrackedBoxes]
Runner = Callable[[DetectionStream], Results]

_PEERS = {
    'SORT': 'SORTTracker',
    'ByteTrack': 'ByteTrackTracker',
    'OC-SORT': 'OCSORTTracker',
    'BoT-SORT': 'BoTSORTTracker',
    'C-BIoU': 'CBIoUTracker',
}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The results of a tracker on a set of streams.

    Attributes:
        report: scores of the tracker.
        milliseconds: mean processor time per frame.
    """

    report: Report
    milliseconds: float


def read_stream(folder: Path, benchmark: Benchmark | None = None) -> DetectionStream:
    """Read ``det/det.txt`` and ``gt/gt.txt`` of a MOTChallenge sequence.

    Args:
        folder: the sequence.
        benchmark: see `jtn_ros.datasets.mot_challenge.read_annotations`.

    Raises:
        OSError: if a file is missing.
        JtnError: if a file is not valid.
    """
    info = sequence_info(folder)
    detections = read_detections(folder / 'det' / 'det.txt')
    frames = range(1, info.length + 1)
    return DetectionStream(
        name=info.name,
        frame_rate=info.frame_rate,
        stamps_ns=[round((frame - 1) * 1e9 / info.frame_rate) for frame in frames],
        detections=[detections.get(frame, Detections.empty()) for frame in frames],
        annotations=read_annotations(folder / 'gt' / 'gt.txt', benchmark),
    )


def run_tracker(tracker: Tracker | ReferenceTracker, stream: DetectionStream) -> list[Tracks]:
    """Return the reported tracks of every frame."""
    frames = zip(stream.detections, stream.stamps_ns, strict=True)
    steps = (tracker.update(detections, stamp) for detections, stamp in frames)
    return [tracks.reported for tracks in steps]


def run_own(tracker: Tracker | ReferenceTracker, stream: DetectionStream) -> Results:
    """Return the reported boxes of every frame, by frame number."""
    frames = enumerate(run_tracker(tracker, stream), 1)
    return {n: TrackedBoxes(tracks.ids, tracks.boxes, tracks.scores) for n, tracks in frames}


def own_trackers() -> dict[str, Runner]:
    """Return the default tracker and the published one."""
    return {
        'Tracker': lambda stream: run_own(Tracker(), stream),
        'ReferenceTracker': lambda stream: run_own(ReferenceTracker(), stream),
    }


def peer_trackers() -> dict[str, Runner]:
    """Return the trackers of the package `trackers`, with their defaults.

    Their inputs are the frame rate of the sequence, and boxes, scores and classes.

    Raises:
        JtnError: if the package is not installed.
    """
    with packages_for('the comparison needs', 'trackers'):
        supervision = import_module('supervision')
        trackers = import_module('trackers')
    return {
        name: _peer(getattr(trackers, class_name), supervision)
        for name, class_name in _PEERS.items()
    }


def _peer(tracker_class: Any, supervision: Any) -> Runner:
    def run(stream: DetectionStream) -> Results:
        options: dict[str, Any] = {'frame_rate': stream.frame_rate}
        if tracker_class.__name__ == 'BoTSORTTracker':
            options['enable_cmc'] = False  # requires images
        tracker = tracker_class(**options)
        results: Results = {}
        for frame, detections in enumerate(stream.detections, 1):
            tracked = tracker.update(
                supervision.Detections(
                    xyxy=detections.boxes.astype(np.float64),
                    confidence=detections.scores.astype(np.float64),
                    class_id=detections.class_ids.astype(np.int64),
                )
            )
            if tracked.tracker_id is not None and len(tracked):
                tracked = tracked[tracked.tracker_id >= 0]
                results[frame] = TrackedBoxes(
                    tracked.tracker_id.astype(np.int64) + 1,
                    tracked.xyxy.astype(np.float32),
                    tracked.confidence.astype(np.float32),
                )
        return results

    return run


def compare(streams: Iterable[DetectionStream], runners: Mapping[str, Runner]) -> dict[str, Trial]:
    """Run each tracker on all streams and return its results."""
    streams = list(streams)
    return {name: _try(run, streams) for name, run in runners.items()}


def _try(run: Runner, streams: list[DetectionStream]) -> Trial:
    start = process_time()
    results = [run(stream) for stream in streams]
    seconds = process_time() - start
    recordings = {
        stream.name: Recording(
            annotations=stream.annotations, tracks=tracks, frames=len(stream.detections)
        )
        for stream, tracks in zip(streams, results, strict=True)
    }
    frames = sum(len(stream.detections) for stream in streams)
    return Trial(report=evaluate(recordings), milliseconds=1000 * seconds / max(frames, 1))


def agreement(first: Iterable[Tracks], second: Iterable[Tracks]) -> float:
    """Return the share of identities that are the same in two runs, 0 to 1.

    An identity of the first run agrees if all detections that it shares with the second run have
    the same identity there, and this identity has no other identity in the first run. Identities
    that share no detection with the second run are not counted.

    Args:
        first: tracks of consecutive frames.
        second: tracks of the same frames, from the same detections.
    """
    pairs = [np.zeros((0, 2), np.int64)]
    for one, other in zip(first, second, strict=True):
        _, rows, columns = np.intersect1d(
            one.detection_indices, other.detection_indices, return_indices=True
        )
        seen = one.detection_indices[rows] >= 0
        pairs.append(np.column_stack([one.ids[rows[seen]], other.ids[columns[seen]]]))
    both = np.unique(np.concatenate(pairs), axis=0)
    ids, partners = np.unique(both[:, 0], return_counts=True)
    others, claims = np.unique(both[:, 1], return_counts=True)
    alone = np.isin(both[:, 0], ids[partners == 1]) & np.isin(both[:, 1], others[claims == 1])
    return float(alone.sum() / max(len(ids), 1))
