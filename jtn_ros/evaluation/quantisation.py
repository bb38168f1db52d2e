"""What int8 is calibrated on, and what it costs: tracks before and after, compared by HOTA."""

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.metrics import Scores
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.offline import NetworkTracking
from jtn_ros.evaluation.offline import track_frames
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import as_truth
from jtn_ros.evaluation.runs import compared
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.inference import Engine
from jtn_ros.media import open_frames
from jtn_ros.media.results import reported_boxes
from jtn_ros.pipeline import TrackingPipeline

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
    """Return the tracks of every frame that has some, which count from 1, by source.

    Raises:
        OSError, JtnError: if a source cannot be read.
    """
    tracked: dict[str, Boxes] = {}
    for source in sources:
        tracking = NetworkTracking(TrackingPipeline(engine=engine))
        with open_frames(source) as frames:
            found = {
                step.frame.index + 1: reported_boxes(step.tracks, engine.info.class_names)
                for step in track_frames(frames, tracking)
            }
        tracked[source] = {number: boxes for number, boxes in found.items() if len(boxes.ids)}
    return tracked


def compare_tracks(before: Mapping[str, Boxes], after: Mapping[str, Boxes]) -> list[Loss]:
    """Return what changed on every recording; both arguments as `track_recordings` returns them.

    Ground truth is used where a source is a MOTChallenge sequence that has it.

    Raises:
        OSError, JtnError: if ground truth cannot be read.
        JtnError: if nothing was tracked before, or TrackEval is not installed.
    """
    losses = []
    for source, boxes in before.items():
        if not boxes:
            raise JtnError(f'{source}: nothing is tracked there; give footage with objects')
        name = Path(source).name
        model = Truth(
            name=name,
            annotations={number: as_truth(row) for number, row in boxes.items()},
            stamps_ns=np.zeros(0, np.int64),
            frames=max(boxes),
        )
        scores: list[Scores | None] = [None, None]
        if (Path(source) / 'gt' / 'gt.txt').is_file():
            truth = read_truth(Path(source))
            scores = [_score(truth, found) for found in (boxes, after[source])]
        agreement = _score(model, after[source])
        losses.append(Loss(source=name, agreement=agreement, before=scores[0], after=scores[1]))
    return losses


def _score(truth: Truth, tracks: Boxes) -> Scores:
    return evaluate({truth.name: compared(truth, Run(tracks=tracks, model=''))}).combined
