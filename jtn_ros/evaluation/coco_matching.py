"""Evaluation of ground truth and detections with pycocotools, for subsets of the images."""

import copy
import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.detections import Detections
from jtn_ros.errors import packages_for
from jtn_ros.geometry import box_sizes

_MOST_DETECTIONS = 100
_IOU_50 = 0  # index in COCO's IoU thresholds, 0.5 to 0.95
_ALL_SIZES = 0  # index in COCO's sizes: all, small, medium, large


class Outcomes:
    """True and false positives among the detections, by decreasing score, without a threshold.

    Detections are matched by decreasing score, so their outcome does not depend on a threshold.
    """

    def __init__(self, scores: NDArray[np.float32], hits: NDArray[np.bool_], objects: int) -> None:
        order = np.argsort(-scores, kind='stable')
        self.scores, self.hits, self.objects = scores[order], hits[order], objects

    def shares(self, threshold: float) -> dict[str, float | None]:
        """Return precision, recall and F1 in percent of the detections above a threshold."""
        kept = self.scores > threshold  # as in decoding: float32, and equal scores are dropped
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
        """Return the maximum F1 in percent and the highest threshold with this F1.

        The threshold is midway between the lowest score that is kept and the next lower score.
        """
        if not len(self.scores) or not self.objects:
            return _percent(0, self.objects), None
        lower = np.append(self.scores[1:], np.float32(0))
        f1 = 2 * np.cumsum(self.hits) / (np.arange(1, len(self.hits) + 1) + self.objects)
        f1[self.scores == lower] = -1  # equal scores are kept or dropped together
        best = int(f1.argmax())
        return 100 * float(f1[best]), (float(self.scores[best]) + float(lower[best])) / 2


class CocoMatching:
    """Detections and ground truth of all images, matched once."""

    def __init__(self, truths: Sequence[Annotations], detections: Sequence[Detections]) -> None:
        """Match detections and ground truth.

        Args:
            truths: ground truth of each image.
            detections: detections of each image.

        Raises:
            JtnError: if pycocotools is not installed.
        """
        with packages_for('average precision needs', 'pycocotools'):
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval
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

    def outcomes(self, images: NDArray[np.intp]) -> Outcomes:
        """Return the outcomes of the detections in some images at an IoU of 0.5."""
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
        return Outcomes(scores[~ignored].astype(np.float32), hits[~ignored], objects)

    def _by_image(self, images: NDArray[np.intp]) -> NDArray[np.object_]:
        """Return the pycocotools results of some images as (classes, sizes, images)."""
        params = self._evaluator.params
        results = np.empty(len(self._evaluator.evalImgs), object)
        results[:] = self._evaluator.evalImgs
        return results.reshape(len(params.catIds), len(params.areaRng), -1)[..., images]

    def accumulate(
        self, images: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return precision (IoUs, recalls, classes, sizes) and recall (IoUs, classes, sizes).

        The IoU thresholds are 0.5 to 0.95, the recalls are 0 to 1 in steps of 0.01, and the sizes
        are all, small, medium and large. Both are -1 for classes and sizes without objects.
        """
        part = copy.copy(self._evaluator)
        part.evalImgs = self._by_image(images).ravel().tolist()
        part.params = copy.copy(part.params)
        part.params.imgIds = images.tolist()
        part._paramsEval = part.params  # as if evaluate() had processed only these images
        with redirect_stdout(io.StringIO()):
            part.accumulate()
        return part.eval['precision'][..., 0], part.eval['recall'][..., 0]


def _dataset(
    parts: Sequence[Annotations | Detections],
    classes: int,
    column: str,
    values: Sequence[NDArray[Any]],
) -> dict[str, Any]:
    """Return the boxes of all images in the layout of a COCO file, with one more column."""
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
            number = len(entries) + 1  # 0 would mean no match
            entries.append(
                {
                    'id': number,
                    'image_id': image,
                    'category_id': class_id,
                    'bbox': box,
                    'area': area,
                    column: value,
                }
            )
    return {
        'images': [{'id': image} for image in range(len(parts))],
        'categories': [{'id': class_id} for class_id in range(classes)],
        'annotations': entries,
    }


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
