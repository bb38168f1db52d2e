"""Judge a network by what matters: the tracks that the pipeline makes with it."""

import copy
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.evaluation.metrics import Sequence as ScoredSequence
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.peak_network import PeakNetwork
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import Tracks
from jtn_ros.tracking.track import TrackState
from jtn_ros.training import processes
from jtn_ros.training.annotated_pairs import load


@dataclass(frozen=True)
class Validation:
    """Scores over all clips, the mean of the classes; percentages.

    Attributes:
        hota: see `jtn_ros.evaluation.metrics.Scores`, as for the others.
        mota: multiple object tracking accuracy.
        idf1: F1 score of identities.
    """

    hota: float
    mota: float
    idf1: float


def validate(network: JointTrackNet, clips: Sequence[Clip], device: str) -> Validation:
    """Track the clips with the default tracker and compare with their truth.

    The processes of a run share the clips; all of them must call this.

    Raises:
        ValueError: if no clip has an object.
        ImportError: if TrackEval is not installed.
    """
    engine = TorchEngine(PeakNetwork(copy.deepcopy(network)), device=device, precision='f32')
    mine = clips[processes.rank() :: processes.count()]
    tracked = {clip.name: track_clip(engine, clip) for clip in mine}
    everywhere = {
        name: frames for part in processes.gather(tracked) for name, frames in part.items()
    }
    scores = [
        scored.combined
        for class_id in range(len(engine.info.class_names))
        if (sequences := _of_class(clips, everywhere, class_id))
        for scored in [evaluate(sequences)]
    ]
    if not scores:
        raise ValueError('the footage for validation has no objects of the classes')
    return Validation(
        hota=float(np.mean([score.hota for score in scores])),
        mota=float(np.mean([score.mota for score in scores])),
        idf1=float(np.mean([score.idf1 for score in scores])),
    )


def track_clip(engine: TorchEngine, clip: Clip) -> dict[int, Tracks]:
    """Return what a result file would hold: confirmed tracks seen in a frame, by frame number."""
    pipeline = TrackingPipeline(engine=engine)
    tracks = {}
    for image in clip.images:
        stamp_ns = round(image.number * 1e9 / clip.frame_rate)
        found = pipeline.step(load(image)[0], stamp_ns)
        tracks[image.number] = found.select(
            found.observed & (found.states == TrackState.CONFIRMED)
        )
    return tracks


def _of_class(
    clips: Sequence[Clip], tracked: Mapping[str, Mapping[int, Tracks]], class_id: int
) -> dict[str, ScoredSequence]:
    """Return the clips with objects of one class, which becomes the class that is scored."""
    sequences = {}
    for clip in clips:
        truth = {image.number: _one_class(image.annotations, class_id) for image in clip.images}
        if not any((~objects.ignored).any() for objects in truth.values()):
            continue
        results = {}
        for number, tracks in tracked[clip.name].items():
            kept = tracks.select(tracks.class_ids == class_id)
            results[number] = TrackedBoxes(kept.ids, kept.boxes, kept.scores)
        sequences[clip.name] = ScoredSequence(
            annotations=truth,
            tracks=results,
            frames=clip.images[-1].number,
            forgive_ignored=clip.forgive_ignored,
        )
    return sequences


def _one_class(objects: Annotations, class_id: int) -> Annotations:
    """Keep one class, and every ignored region, as the class that is scored."""
    kept = objects.select((objects.class_ids == class_id) | objects.ignored)
    return replace(kept, class_ids=np.zeros(len(kept), np.int32))
