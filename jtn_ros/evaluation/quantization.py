"""Calibration data for int8, and the accuracy of tracks and detections before and after."""

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.average_precision import DetectionScores
from jtn_ros.evaluation.metrics import Scores
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.runs import Run
from jtn_ros.evaluation.runs import Truth
from jtn_ros.evaluation.runs import as_truth
from jtn_ros.evaluation.runs import compared
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.evaluation.stills import Still
from jtn_ros.inference import Engine
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.inference.prior_heatmap import render_prior_heatmap
from jtn_ros.media import open_frames
from jtn_ros.media.results import reported_boxes
from jtn_ros.offline import NetworkTracking
from jtn_ros.offline import track_frames
from jtn_ros.pipeline import TrackingPipeline

Boxes = Mapping[int, TrackedBoxes]

_TURN = 0.04  # of the image, between the two frames
_CORNERS = np.array([(0, 0), (1, 1), (1, 0), (0, 1)])


@dataclass(frozen=True, kw_only=True)
class Loss:
    """The scores of the tracks of a model and its quantized version on one recording.

    Attributes:
        source: name of the recording.
        agreement: scores of the quantized model, with the tracks of the original as ground truth.
        before: scores of the original model against ground truth; None without ground truth.
        after: scores of the quantized model against ground truth; None without ground truth.
    """

    source: str
    agreement: Scores
    before: Scores | None
    after: Scores | None

    def rows(self) -> dict[str, Scores]:
        """Return the available scores, by their label."""
        rows = {'f32': self.before, 'int8': self.after, 'int8 against f32': self.agreement}
        return {name: scores for name, scores in rows.items() if scores is not None}


@dataclass(frozen=True, kw_only=True)
class StillsLoss:
    """The scores of the detections of a model and its quantized version on annotated images.

    Attributes:
        source: name of the file.
        before: scores of the original model, the mean over the sources of the images.
        after: scores of the quantized model, the mean over the sources of the images.
    """

    source: str
    before: DetectionScores
    after: DetectionScores

    def rows(self) -> dict[str, DetectionScores]:
        """Return the scores, by their label."""
        return {'f32': self.before, 'int8': self.after}


class SamplingEngine(Engine):
    """An engine that keeps some of its inputs, evenly spread over all frames."""

    def __init__(self, engine: Engine, count: int) -> None:
        """Wrap an engine; between `count` and twice that number of inputs are kept."""
        super().__init__(engine.info, engine.description)
        self.samples: list[dict[str, NDArray[Any]]] = []
        self._engine = engine
        self._count = count
        self._stride = 1
        self._seen = 0

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the outputs; see `Engine.infer`."""
        if self._seen % self._stride == 0:
            self.samples.append({name: array.copy() for name, array in inputs.items()})
        self._seen += 1
        if len(self.samples) == 2 * self._count:
            self.samples = self.samples[::2]
            self._stride *= 2
        return self._engine.infer(inputs)


def look_twice(engine: Engine, stills: Iterable[Still]) -> None:
    """Run each image as the first frame of a camera, and as the second after a small rotation.

    The calibration data then contains motion, and prior heat maps in which all annotated objects
    are tracked. A network without previous image and prior heat map runs once per image.

    Raises:
        OSError, JtnError: if an image cannot be read.
    """
    info = engine.info
    size = (info.input_height, info.input_width)
    for number, still in enumerate(stills):
        pixels = still.image.read()
        height, width = pixels.shape[:2]
        turn = np.array([round(_TURN * width), round(_TURN * height)])
        # Views at opposite corners; the first corner changes with each image.
        place = turn * _CORNERS[number % len(_CORNERS)]
        views = []
        for left, top in (place, turn - place):
            view = pixels[top : top + height - turn[1], left : left + width - turn[0]]
            fitted, letterbox = letterbox_image(view, *size, info.letterbox)
            views.append(fitted[None])
        objects = still.image.annotations
        tracked = objects.boxes[~objects.ignored] - np.tile(place, 2)
        ones = np.ones(len(tracked), np.float32)
        prior = render_prior_heatmap(tracked, ones, letterbox, *size, info.prior_threshold)[None]
        previous = views[0] if info.previous_image else None
        engine.run(views[0], previous, 0 * prior if info.prior_heatmap else None)
        if info.previous_image or info.prior_heatmap:
            engine.run(views[1], previous, prior if info.prior_heatmap else None)


def track_recordings(engine: Engine, sources: Iterable[str]) -> dict[str, Boxes]:
    """Return the tracks of each frame that has any, by source; frame numbers start at 1.

    Raises:
        OSError, JtnError: if a source cannot be read.
    """
    tracked: dict[str, Boxes] = {}
    for source in sources:
        tracking = NetworkTracking(TrackingPipeline(engine=engine))
        with open_frames(source) as frames:
            found = {
                step.frame.index + 1: reported_boxes(step.result.tracks, engine.info.class_names)
                for step in track_frames(frames, tracking)
            }
        tracked[source] = {number: boxes for number, boxes in found.items() if len(boxes.ids)}
    return tracked


def compare_tracks(before: Mapping[str, Boxes], after: Mapping[str, Boxes]) -> list[Loss]:
    """Return the loss on each recording; both arguments are results of `track_recordings`.

    Ground truth is used if the source is a MOTChallenge sequence with ground truth.

    Raises:
        OSError, JtnError: if ground truth cannot be read.
        JtnError: if the original model has no tracks, or TrackEval is not installed.
    """
    losses = []
    for source, boxes in before.items():
        if not boxes:
            raise JtnError(f'{source}: nothing is tracked there; use footage with objects')
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
