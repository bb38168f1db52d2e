"""Validation of a network by its tracks in videos and its detections in still images."""

import copy
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.average_precision import evaluate_detections
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.stills import detect
from jtn_ros.evaluation.trackeval_data import Recording
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.peak_network import PeakNetwork
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import Tracks
from jtn_ros.training import processes
from jtn_ros.training.annotated_pairs import load


@dataclass(frozen=True)
class Validation:
    """Scores in percent; None if there is no data for them.

    Attributes:
        hota: see `jtn_ros.evaluation.metrics.Scores`, also for `mota` and `idf1`; of all videos,
            the mean of the classes.
        mota: multiple object tracking accuracy.
        idf1: F1 score of identities.
        ap50: see `jtn_ros.evaluation.average_precision.DetectionScores`; of all still images, the
            mean of their sources.
    """

    hota: float | None = None
    mota: float | None = None
    idf1: float | None = None
    ap50: float | None = None

    @property
    def score(self) -> float:
        """Return the score that selects the best weights: the mean of HOTA and AP50, or either."""
        return float(np.mean([value for value in (self.hota, self.ap50) if value is not None]))

    def as_record(self) -> dict[str, float]:
        """Return the available scores by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def validate(network: JointTrackNet, clips: Sequence[Clip], device: str) -> Validation:
    """Evaluate the tracks in videos, with the default tracker, and the detections in still images.

    The processes of a run share the clips; all of them must call this.

    Raises:
        JtnError: if no clip has an object.
        ImportError: if TrackEval or pycocotools is needed and not installed.
    """
    engine = TorchEngine(PeakNetwork(copy.deepcopy(network)), device=device, precision='f32')
    videos = [clip for clip in clips if len(clip.images) > 1]
    stills = [clip for clip in clips if len(clip.images) == 1]
    scores = replace(_score_videos(engine, videos), ap50=_score_stills(engine, stills))
    if not scores.as_record():
        raise JtnError('the footage for validation has no objects of the classes')
    return scores


def _score_videos(engine: TorchEngine, clips: Sequence[Clip]) -> Validation:
    """Return HOTA, MOTA and IDF1; none if no clip has an object."""
    # Videos of different files may have the same name.
    clips = [replace(clip, name=f'{number} {clip.name}') for number, clip in enumerate(clips)]
    tracked = _everywhere({clip.name: track_clip(engine, clip) for clip in _mine(clips)})
    scores = [
        scored.combined
        for class_id in range(len(engine.info.class_names))
        if (sequences := _of_class(clips, tracked, class_id))
        for scored in [evaluate(sequences)]
    ]
    if not scores:
        return Validation()
    return Validation(
        hota=float(np.mean([score.hota for score in scores])),
        mota=float(np.mean([score.mota for score in scores])),
        idf1=float(np.mean([score.idf1 for score in scores])),
    )


def _score_stills(engine: TorchEngine, clips: Sequence[Clip]) -> float | None:
    """Return the mean AP50 of the sources; None if no image has an object."""
    numbered = _mine(list(enumerate(clips)))
    pixels = (clip.images[0].read() for _, clip in numbered)
    found = {
        number: detections
        for (number, _), detections in zip(numbered, detect(engine, pixels), strict=True)
    }
    detections = _everywhere(found)
    if not clips:
        return None
    report = evaluate_detections(
        [clip.images[0].annotations for clip in clips],
        [detections[number] for number in range(len(clips))],
        [clip.source for clip in clips],
        threshold=engine.info.confident_score,
    )
    return report.mean.ap50


def _mine[T](items: Sequence[T]) -> Sequence[T]:
    """Return the share of this process."""
    return items[processes.rank() :: processes.count()]


def _everywhere[K, V](results: Mapping[K, V]) -> dict[K, V]:
    """Return the results of all processes."""
    return {key: value for part in processes.gather(results) for key, value in part.items()}


def track_clip(engine: TorchEngine, clip: Clip) -> dict[int, Tracks]:
    """Return the tracks as in result files: confirmed, reliable tracks, by frame number."""
    pipeline = TrackingPipeline(engine=engine)
    tracks = {}
    for image in clip.images:
        stamp_ns = round(image.number * 1e9 / clip.frame_rate)
        found = pipeline.process(load(image)[0], stamp_ns).tracks
        tracks[image.number] = found.reported
    return tracks


def _of_class(
    clips: Sequence[Clip], tracked: Mapping[str, Mapping[int, Tracks]], class_id: int
) -> dict[str, Recording]:
    """Return the clips with objects of one class, which becomes the evaluated class."""
    sequences = {}
    for clip in clips:
        truth = {image.number: _one_class(image.annotations, class_id) for image in clip.images}
        if not any((~objects.ignored).any() for objects in truth.values()):
            continue
        results = {}
        for number, tracks in tracked[clip.name].items():
            kept = tracks.select(tracks.class_ids == class_id)
            results[number] = TrackedBoxes(kept.ids, kept.boxes, kept.scores)
        sequences[clip.name] = Recording(
            annotations=truth,
            tracks=results,
            frames=clip.images[-1].number,
        )
    return sequences


def _one_class(objects: Annotations, class_id: int) -> Annotations:
    """Return one class, and all ignored regions, as the evaluated class."""
    kept = objects.select((objects.class_ids == class_id) | objects.ignored)
    return replace(kept, class_ids=np.zeros(len(kept), np.int32))
