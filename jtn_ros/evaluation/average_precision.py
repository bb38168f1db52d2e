"""Detection metrics for images: average precision, precision and recall.

Boxes are matched by pycocotools with COCO's rules: detections are matched in the order of their
scores, each ground-truth object has at most one detection, and detections on ignored regions are
neither true nor false positives. At most 100 detections per image and class are used, those with
the highest scores. Sizes are areas of ground-truth boxes in source pixels.
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
    """The scores of detections in a set of images.

    Scores are percentages; 100 is perfect, and None means undefined. For several classes, average
    precision and recall are means over the classes, as in COCO, and the values at a threshold
    are computed over all objects.

    Attributes:
        ap: average precision, the mean over the IoU thresholds 0.5, 0.55, ... 0.95.
        ap50: average precision at an IoU of 0.5.
        ap_small: `ap` of objects with less than 32x32 pixels.
        ap_medium: `ap` of objects between small and large ones.
        ap_large: `ap` of objects with more than 96x96 pixels.
        ar: average recall, the mean over the same IoU thresholds.
        precision: share of true positives among the detections above the score threshold, at an
            IoU of 0.5.
        recall: share of the objects with such a detection.
        f1: harmonic mean of precision and recall.
        best_f1: maximum F1 over all score thresholds.
        best_threshold: the score threshold (0 to 1) with the maximum F1; None for a mean of
            several sources.
        images: number of images.
        objects: number of ground-truth objects, without ignored ones.
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
    """The scores of each source of images, and of all sources.

    Attributes:
        threshold: confidence threshold; the detections above it are used for `precision`,
            `recall` and `f1`.
        sources: by name of the source.
        mean: mean over the sources, with equal weights regardless of their size.
        combined: over all images, treated as one source.
        curves: by source, the precision in percent at each of `RECALLS` at an IoU of 0.5; 0 where
            that recall is not reached; empty without objects.
        combined_curve: the same over all images.
        threshold_curves: precision, recall and F1 in percent over all images at each of
            `THRESHOLDS`; None where undefined.
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
        """Return the scores as the rows of a table: the sources, their mean, and all combined."""
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
    """Compare the detections in images with the ground truth.

    Args:
        truths: ground truth of each image.
        detections: detections of each image, including low scores.
        sources: name of the source of each image; None for a single unnamed source.
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
    """Return the scores of a set of images, and their precision at each of `RECALLS`."""
    precision, recall = matching.accumulate(images)
    outcomes = matching.outcomes(images)
    best_f1, best_threshold = outcomes.best()
    by_size = [_mean_percent(precision[..., size]) for size in range(precision.shape[3])]
    curves = precision[0, :, :, 0]  # at an IoU of 0.5, all sizes
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
    """Return the mean of the valid values (not -1), in percent."""
    known = values[values >= 0]
    return 100 * float(known.mean()) if len(known) else None


def _mean(parts: Sequence[DetectionScores]) -> DetectionScores:
    """Return the mean of the scores, ignoring undefined ones, and the sum of the counts."""
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
