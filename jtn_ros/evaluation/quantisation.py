"""What int8 is calibrated on, and what it costs: tracks before and after, compared by HOTA."""

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.evaluation.metrics import Scores
from jtn_ros.evaluation.metrics import Sequence
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.metrics import has_classes
from jtn_ros.inference import Engine
from jtn_ros.media import open_frames
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking.track import TrackState

Boxes = Mapping[int, TrackedBoxes]


@dataclass(frozen=True, kw_only=True)
class Loss:
    """How the tracks of a model and of its quantised twin score on one recording.

    Attributes:
        source: name of the recording.
        agreement: the twin's tracks, with those of the model taken for the truth.
        before: the model's tracks, against ground truth; None where there is none.
        after: the twin's tracks, the same.
    """

    source: str
    agreement: Scores
    before: Scores | None
    after: Scores | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, for JSON."""
        return asdict(self)


class SamplingEngine(Engine):
    """An engine that keeps some of its inputs, evenly spread over all frames."""

    def __init__(self, engine: Engine, count: int) -> None:
        """Wrap an engine; between `count` and twice as many inputs are kept."""
        super().__init__(engine.info, engine.description)
        self.samples: list[dict[str, NDArray[Any]]] = []
        self._engine = engine
        self._count = count
        self._stride = 1
        self._seen = 0

    def _infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        if self._seen % self._stride == 0:
            self.samples.append({name: array.copy() for name, array in inputs.items()})
        self._seen += 1
        if len(self.samples) == 2 * self._count:
            self.samples = self.samples[::2]
            self._stride *= 2
        return vars(self._engine.run(**inputs))


def track_recordings(engine: Engine, sources: Iterable[str]) -> dict[str, Boxes]:
    """Return the confirmed tracks seen in every frame, which count from 1, by source.

    Raises:
        OSError, ValueError: if a source cannot be read.
    """
    tracked: dict[str, Boxes] = {}
    for source in sources:
        pipeline = TrackingPipeline(engine=engine)
        boxes: dict[int, TrackedBoxes] = {}
        with open_frames(source) as frames:
            for frame in frames:
                tracks = pipeline.step(frame.image, frame.stamp_ns)
                tracks = tracks.select(tracks.observed & (tracks.states == TrackState.CONFIRMED))
                if len(tracks):
                    row = TrackedBoxes(tracks.ids, tracks.boxes, tracks.scores)
                    boxes[frame.index + 1] = row
        tracked[source] = boxes
    return tracked


def compare_tracks(before: Mapping[str, Boxes], after: Mapping[str, Boxes]) -> list[Loss]:
    """Return what changed on every recording; both arguments as `track_recordings` returns them.

    Ground truth is used where a source is a MOTChallenge sequence that has it.

    Raises:
        OSError, ValueError: if ground truth cannot be read.
        ValueError: if nothing was tracked before.
        ImportError: if TrackEval is not installed.
    """
    losses = []
    for source, boxes in before.items():
        if not boxes:
            raise ValueError(f'{source}: nothing is tracked there; give footage with objects')
        frames = max(*boxes, *after[source], 1)
        pseudo_truth = {number: _as_truth(row) for number, row in boxes.items()}
        truth = Path(source) / 'gt' / 'gt.txt'
        scores: list[Scores | None] = [None, None]
        if truth.is_file():
            annotations, classes = read_annotations(truth), has_classes(truth)
            length = max(frames, *annotations)
            scores = [
                _score(source, annotations, found, length, classes)
                for found in (boxes, after[source])
            ]
        agreement = _score(source, pseudo_truth, after[source], frames, False)
        losses.append(
            Loss(source=Path(source).name, agreement=agreement, before=scores[0], after=scores[1])
        )
    return losses


def _score(
    name: str,
    annotations: Mapping[int, Annotations],
    tracks: Boxes,
    frames: int,
    forgive_ignored: bool,
) -> Scores:
    sequence = Sequence(
        annotations=annotations, tracks=tracks, frames=frames, forgive_ignored=forgive_ignored
    )
    return evaluate({name: sequence}).combined


def _as_truth(row: TrackedBoxes) -> Annotations:
    """Return tracks as if they were true; all classes count as one."""
    number = len(row.ids)
    return Annotations(
        ids=row.ids,
        boxes=row.boxes,
        class_ids=np.zeros(number, np.int32),
        visibilities=np.ones(number, np.float32),
        ignored=np.zeros(number, np.bool_),
    )
