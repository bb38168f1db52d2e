"""How well objects are found in images: average precision, precision and recall.

Boxes are matched by pycocotools with COCO's rules: the best detection chooses first, a true object
has one detection at most, and what lies on ignored regions counts neither for nor against. No more
than the best 100 detections of an image and class count. Sizes are areas of true boxes in source
pixels.
"""

import copy
import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.detections import Detections
from jtn_ros.geometry import box_sizes

RECALLS = tuple(round(0.01 * step, 2) for step in range(101))
THRESHOLDS = tuple(round(0.01 * step, 2) for step in range(100))
_MOST_DETECTIONS = 100
_IOU_50 = 0  # position among COCO's overlaps, 0.5 to 0.95
_ALL_SIZES = 0  # position among COCO's sizes: all, small, medium, large
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
        ValueError: if there are no images, or the arguments have different lengths.
        ImportError: if pycocotools is not installed.
    """
    if not truths:
        raise ValueError('there are no images to evaluate')
    names = list(sources) if sources is not None else [''] * len(truths)
    if not len(truths) == len(detections) == len(names):
        raise ValueError(
            f'{len(truths)} images with truth, {len(detections)} with detections and '
            f'{len(names)} sources; give one of each for every image'
        )
    matching = _Matching(truths, detections)
    rows = {
        name: np.flatnonzero([other == name for other in names]) for name in dict.fromkeys(names)
    }
    parts = {name: matching.score(images, threshold) for name, images in rows.items()}
    combined, curve = matching.score(np.arange(len(truths)), threshold)
    scores = {name: part for name, (part, _) in parts.items()}
    shares = matching.outcomes(np.arange(len(truths))).shares_over(THRESHOLDS)
    return DetectionReport(
        threshold=threshold,
        sources=scores,
        mean=_mean(list(scores.values())),
        combined=combined,
        curves={name: part for name, (_, part) in parts.items()},
        combined_curve=curve,
        threshold_curves=shares,
    )


class _Outcomes:
    """What became of the detections that count, whatever their score: the best first.

    Because the better detection chooses first, the outcome does not depend on a threshold.
    """

    def __init__(self, scores: NDArray[np.float32], hits: NDArray[np.bool_], objects: int) -> None:
        order = np.argsort(-scores, kind='stable')
        self.scores, self.hits, self.objects = scores[order], hits[order], objects

    def shares(self, threshold: float) -> dict[str, float | None]:
        """Return precision, recall and F1 in per cent of the detections above a threshold."""
        kept = self.scores > threshold  # as in decoding: float32, and what equals it is dropped
        found, number = int(self.hits[kept].sum()), int(kept.sum())
        return {
            'precision': _percent(found, number),
            'recall': _percent(found, self.objects),
            'f1': _percent(2 * found, number + self.objects),
        }

    def shares_over(self, thresholds: Sequence[float]) -> dict[str, list[float | None]]:
        """Return the same as lists over several thresholds."""
        rows = [self.shares(threshold) for threshold in thresholds]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def best(self) -> tuple[float | None, float | None]:
        """Return the greatest F1 in per cent and the highest threshold that gives it.

        It lies in the middle between the lowest score that is kept and the next lower one.
        """
        if not len(self.scores) or not self.objects:
            return _percent(0, self.objects), None
        lower = np.append(self.scores[1:], np.float32(0))
        f1 = 2 * np.cumsum(self.hits) / (np.arange(1, len(self.hits) + 1) + self.objects)
        f1[self.scores == lower] = -1  # equal scores are kept or dropped together
        best = int(f1.argmax())
        return 100 * float(f1[best]), (float(self.scores[best]) + float(lower[best])) / 2


class _Matching:
    """All images, matched once; scores of some of them."""

    def __init__(self, truths: Sequence[Annotations], detections: Sequence[Detections]) -> None:
        try:
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval
        except ImportError as error:
            raise ImportError(
                f'average precision needs pycocotools ({error}); install it with '
                '`pip install pycocotools==2.0.11`'
            ) from error
        class_ids = [part.class_ids for part in truths] + [part.class_ids for part in detections]
        classes = 1 + int(np.concatenate(class_ids).max(initial=0))
        true, found = COCO(), COCO()
        true.dataset = _dataset(truths, classes, 'iscrowd', [part.ignored for part in truths])
        found.dataset = _dataset(detections, classes, 'score', [d.scores for d in detections])
        with redirect_stdout(io.StringIO()):
            true.createIndex()
            found.createIndex()
            self._evaluator = COCOeval(true, found, 'bbox')
            self._evaluator.params.maxDets = [_MOST_DETECTIONS]
            self._evaluator.evaluate()

    def score(
        self, images: NDArray[np.intp], threshold: float
    ) -> tuple[DetectionScores, list[float]]:
        """Return the scores of some images, and their precision at each of `RECALLS`."""
        precision, recall = self._accumulate(images)
        outcomes = self.outcomes(images)
        best_f1, best_threshold = outcomes.best()
        _, small, medium, large = range(precision.shape[3])
        curves = precision[_IOU_50, :, :, _ALL_SIZES]
        scores = DetectionScores(
            ap=_mean_percent(precision[..., _ALL_SIZES]),
            ap50=_mean_percent(curves),
            ap_small=_mean_percent(precision[..., small]),
            ap_medium=_mean_percent(precision[..., medium]),
            ap_large=_mean_percent(precision[..., large]),
            ar=_mean_percent(recall[..., _ALL_SIZES]),
            **outcomes.shares(threshold),
            best_f1=best_f1,
            best_threshold=best_threshold,
            images=len(images),
            objects=outcomes.objects,
        )
        known = curves[:, (curves >= 0).all(axis=0)]  # classes with objects
        return scores, (100 * known.mean(axis=1)).tolist() if known.size else []

    def outcomes(self, images: NDArray[np.intp]) -> _Outcomes:
        """Return what became of the detections of some images at overlap 0.5."""
        matched = [
            one
            for by_image in self._by_image(images)[:, _ALL_SIZES]
            for one in by_image
            if one is not None  # an image with neither objects nor detections
        ]
        nothing: list[NDArray[Any]] = [np.zeros(0)]
        scores = np.concatenate(nothing + [one['dtScores'] for one in matched])
        hits = np.concatenate(nothing + [one['dtMatches'][_IOU_50] for one in matched]) > 0
        ignored = np.concatenate(nothing + [one['dtIgnore'][_IOU_50] for one in matched]) > 0
        objects = sum(int((one['gtIgnore'] == 0).sum()) for one in matched)
        return _Outcomes(scores[~ignored].astype(np.float32), hits[~ignored], objects)

    def _by_image(self, images: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return pycocotools' results of some images as (classes, sizes, images)."""
        params = self._evaluator.params
        results = np.empty(len(self._evaluator.evalImgs), object)
        results[:] = self._evaluator.evalImgs
        return results.reshape(len(params.catIds), len(params.areaRng), -1)[..., images]

    def _accumulate(
        self, images: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return precision (overlaps, recalls, classes, sizes) and recall (without recalls).

        Both are -1 for classes and sizes without objects.
        """
        part = copy.copy(self._evaluator)
        part.evalImgs = self._by_image(images).ravel().tolist()
        part.params = copy.copy(part.params)
        part.params.imgIds = images.tolist()
        part._paramsEval = part.params  # as if evaluate() had seen these images alone
        with redirect_stdout(io.StringIO()):
            part.accumulate()
        return part.eval['precision'][..., 0], part.eval['recall'][..., 0]


def _dataset(
    parts: Sequence[Annotations | Detections],
    classes: int,
    column: str,
    values: Sequence[NDArray[Any]],
) -> dict[str, Any]:
    """Return the boxes of all images as a COCO file holds them, with one more column."""
    entries: list[dict[str, Any]] = []
    for image, (part, column_values) in enumerate(zip(parts, values, strict=True)):
        corners = part.boxes[:, :2].astype(np.float64)
        sizes = box_sizes(part.boxes.astype(np.float64))
        for box, area, class_id, value in zip(
            np.hstack([corners, sizes]).tolist(),
            sizes.prod(axis=1).tolist(),
            part.class_ids.tolist(),
            column_values.tolist(),
            strict=True,
        ):
            number = len(entries) + 1  # 0 would mean that nothing matches
            entries.append(
                {'id': number, 'image_id': image, 'category_id': class_id, 'bbox': box,
                 'area': area, column: value}
            )  # fmt: skip
    return {
        'images': [{'id': image} for image in range(len(parts))],
        'categories': [{'id': class_id} for class_id in range(classes)],
        'annotations': entries,
    }


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None


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
