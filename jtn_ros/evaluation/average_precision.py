"""How well objects are found in images: average precision, precision and recall.

Boxes are matched by pycocotools with COCO's rules: the best detection chooses first, a true object
has one detection at most, and what lies on ignored regions counts neither for nor against. No more
than the best 100 detections of an image and class count. Sizes are areas of true boxes in source
pixels.
"""

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.coco_matching import CocoMatching

RECALLS = tuple(round(0.01 * step, 2) for step in range(101))
THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(100))
_NOT_SHARES = ('best_threshold', 'images', 'objects')


@dataclass(frozen=True, kw_only=True)
class DetectionScores:
    """How well detections match the truth of some images.

    Shares are percentages, 100 is perfect; None where there is nothing to take a share of. Over
    several classes, average precision and recall are means of the classes, as in COCO, and the
    values at a threshold count all objects.

    Attributes:
        ap: average precision, the mean over the overlaps (IoU) 0.5, 0.55, ... 0.95.
        ap50: average precision at an overlap of 0.5.
        ap_small: `ap` of objects of less than 32x32 pixels.
        ap_medium: `ap` of objects between.
        ap_large: `ap` of objects of more than 96x96 pixels.
        ar: average recall, the mean over the same overlaps.
        precision: share of the detections above the threshold that are right, at overlap 0.5.
        recall: share of the objects that they find.
        f1: harmonic mean of the two.
        best_f1: the greatest there is at any threshold.
        best_threshold: the threshold (0 to 1) that gives it; None for a mean of several.
        images: images compared.
        objects: true objects in them, without ignored ones.
    """

    ap: float | None
    ap50: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    ar: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    best_f1: float | None
    best_threshold: float | None
    images: int
    objects: int


@dataclass(frozen=True, kw_only=True)
class DetectionReport:
    """The scores of every source of images, and of all of them.

    Attributes:
        threshold: the score above which detections count for `precision`, `recall` and `f1`.
        sources: by name of the source.
        mean: mean over the sources, in which large and small ones weigh the same.
        combined: over all images as if they were of one source.
        curves: by source, the precision in per cent at each of `RECALLS` at overlap 0.5, 0 where
            that recall is not reached; empty without objects.
        combined_curve: the same over all images.
        threshold_curves: precision, recall and f1 in per cent over all images, None where there
            is no such share, at each of `THRESHOLDS`.
    """

    threshold: float
    sources: dict[str, DetectionScores]
    mean: DetectionScores
    combined: DetectionScores
    curves: dict[str, list[float]]
    combined_curve: list[float]
    threshold_curves: dict[str, list[float | None]]

    def as_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, for JSON."""
        return asdict(self)

    def rows(self) -> dict[str, DetectionScores]:
        """Return the scores as the rows of a table: sources, their mean, and all together."""
        if len(self.sources) == 1:
            return {next(iter(self.sources)) or 'all': self.combined}
        named = {name or 'no source': scores for name, scores in self.sources.items()}
        return named | {'mean': self.mean, 'all': self.combined}


def evaluate_detections(
    truths: Sequence[Annotations],
    detections: Sequence[Detections],
    sources: Sequence[str] | None = None,
    *,
    threshold: float,
) -> DetectionReport:
    """Compare the detections in images with their truth.

    Args:
        truths: of every image.
        detections: of every image, down to low scores.
        sources: where every image comes from; None for one source without a name.
        threshold: see `DetectionReport`.

    Raises:
        JtnError: if there are no images, or the arguments have different lengths.
        ImportError: if pycocotools is not installed.
    """
    if not truths:
        raise JtnError('there are no images to evaluate')
    names = list(sources) if sources is not None else [''] * len(truths)
    if not len(truths) == len(detections) == len(names):
        raise JtnError(
            f'{len(truths)} images with truth, {len(detections)} with detections and '
            f'{len(names)} sources; specify one of each for every image'
        )
    matching = CocoMatching(truths, detections)
    rows = {
        name: np.flatnonzero([other == name for other in names]) for name in dict.fromkeys(names)
    }
    everything = np.arange(len(truths))
    parts = {name: _score(matching, images, threshold) for name, images in rows.items()}
    combined, curve = _score(matching, everything, threshold)
    scores = {name: part for name, (part, _) in parts.items()}
    shares = matching.outcomes(everything).shares_over(THRESHOLDS)
    return DetectionReport(
        threshold=threshold,
        sources=scores,
        mean=_mean(list(scores.values())),
        combined=combined,
        curves={name: part for name, (_, part) in parts.items()},
        combined_curve=curve,
        threshold_curves=shares,
    )


def _score(
    matching: CocoMatching, images: NDArray[np.intp], threshold: float
) -> tuple[DetectionScores, list[float]]:
    """Return the scores of some images, and their precision at each of `RECALLS`."""
    precision, recall = matching.accumulate(images)
    outcomes = matching.outcomes(images)
    best_f1, best_threshold = outcomes.best()
    by_size = [_mean_percent(precision[..., size]) for size in range(precision.shape[3])]
    curves = precision[0, :, :, 0]  # at overlap 0.5, of all sizes
    scores = DetectionScores(
        ap=by_size[0],
        ap50=_mean_percent(curves),
        ap_small=by_size[1],
        ap_medium=by_size[2],
        ap_large=by_size[3],
        ar=_mean_percent(recall[..., 0]),
        **outcomes.shares(threshold),
        best_f1=best_f1,
        best_threshold=best_threshold,
        images=len(images),
        objects=outcomes.objects,
    )
    known = curves[:, (curves >= 0).all(axis=0)]  # classes with objects
    return scores, (100 * known.mean(axis=1)).tolist() if known.size else []


def _mean_percent(values: NDArray[np.float64]) -> float | None:
    """Return the mean of what is known (not -1), in per cent."""
    known = values[values >= 0]
    return 100 * float(known.mean()) if len(known) else None


def _mean(parts: Sequence[DetectionScores]) -> DetectionScores:
    """Return the mean of shares, each over those that have it, and the sum of counts."""
    rows = [asdict(part) for part in parts]

    def mean(name: str) -> float | None:
        known = [row[name] for row in rows if row[name] is not None]
        return float(np.mean(known)) if known else None

    return DetectionScores(
        **{name: mean(name) for name in rows[0] if name not in _NOT_SHARES},
        best_threshold=parts[0].best_threshold if len(parts) == 1 else None,
        images=sum(part.images for part in parts),
        objects=sum(part.objects for part in parts),
    )
