"""Average precision by hand, and compared with pycocotools on the same data as COCO files."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import ArrayLike
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.detections import Detections
from jtn_ros.evaluation.average_precision import THRESHOLDS
from jtn_ros.evaluation.average_precision import evaluate_detections

from tables import annotations_of
from tables import detections_of


def people(*boxes: ArrayLike, ignored: ArrayLike = (), class_ids: ArrayLike = 0) -> Annotations:
    """Return objects; `ignored` are their indices."""
    return annotations_of(
        np.array(boxes), class_ids=class_ids, ignored=np.isin(np.arange(len(boxes)), ignored)
    )


def seen(*rows: tuple[ArrayLike, float], class_ids: ArrayLike = 0) -> Detections:
    """Return detections of rows (box, score)."""
    return detections_of(
        np.array([box for box, _ in rows]),
        scores=[score for _, score in rows],
        class_ids=class_ids,
    )


LEFT, RIGHT, SMALL = (0, 0, 100, 200), (300, 0, 400, 200), (10, 10, 20, 30)
TALLER = (0, 0, 100, 320)  # overlaps LEFT by 200 / 320 = 0.625


def test_values_known_by_hand() -> None:
    report = evaluate_detections(
        [people(LEFT, RIGHT), people(), people(LEFT, (500, 0, 900, 400), ignored=[1])],
        [
            seen((LEFT, 0.9), (LEFT, 0.8)),  # found twice, and one missed
            seen((RIGHT, 0.7)),  # an empty image
            seen((TALLER, 0.6), ((550, 100, 600, 200), 0.95), ((600, 100, 650, 200), 0.9)),
        ],
        ['street', 'street', 'hall'],
        threshold=0.75,
    )
    street, hall = report.sources['street'], report.sources['hall']
    assert (street.images, street.objects) == (2, 2)
    # Precision 1 up to recall 0.5: 51 of the 101 recalls.
    assert [street.ap50, street.ap, street.ap_large] == pytest.approx([100 * 51 / 101] * 3)
    assert street.ap_small is street.ap_medium is None
    assert street.ar == pytest.approx(50)
    assert (street.precision, street.recall, street.f1) == (50, 50, 50)
    assert street.best_f1 == pytest.approx(100 * 2 / 3)
    assert street.best_threshold == pytest.approx(0.85)
    # The overlap of 0.625 is enough for three of ten; what is in the crowd does not count.
    assert hall.ap50 == pytest.approx(100)
    assert (hall.ap, hall.ar) == pytest.approx((30, 30))
    assert (hall.precision, hall.recall, hall.f1) == (None, 0, 0)
    assert hall.best_f1 == 100
    assert hall.best_threshold == pytest.approx(0.3)
    assert report.mean.ap50 == pytest.approx((100 * 51 / 101 + 100) / 2)
    assert report.mean.precision == 50
    assert report.mean.best_threshold is None
    assert (report.mean.images, report.mean.objects) == (3, 3)
    # All: hit 0.9, two false at 0.8 and 0.7, hit 0.6; recalls to 1/3 at 1, to 2/3 at 2/4.
    assert report.combined.ap50 == pytest.approx(100 * (34 + 33 / 2) / 101)
    assert report.combined_curve == pytest.approx([100] * 34 + [50] * 33 + [0] * 34)
    assert report.curves['hall'] == pytest.approx([100] * 101)
    at = THRESHOLDS.index(0.65)
    shares = {name: values[at] for name, values in report.threshold_curves.items()}
    assert shares == pytest.approx({'precision': 100 / 3, 'recall': 100 / 3, 'f1': 100 / 3})


def test_equal_scores_are_kept_or_dropped_together() -> None:
    report = evaluate_detections(
        [people(LEFT, RIGHT)],
        [seen((LEFT, 0.5), (SMALL, 0.5), (RIGHT, 0.25))],
        threshold=0.5,
    )
    assert report.combined.precision is None, 'what equals the threshold is dropped'
    assert report.combined.best_f1 == pytest.approx(80)
    assert report.combined.best_threshold == pytest.approx(0.125)
    assert report.sources[''] == report.mean == report.combined


def test_classes_are_matched_apart_and_averaged() -> None:
    report = evaluate_detections(
        [people(LEFT, RIGHT, class_ids=[0, 1])],
        [seen((LEFT, 0.9), (RIGHT, 0.8), class_ids=[0, 0])],
        threshold=0.4,
    )
    assert report.combined.ap50 == pytest.approx(50)
    assert (report.combined.precision, report.combined.recall) == (50, 50)


@pytest.mark.parametrize('found', [seen(), seen((LEFT, 0.9))])
def test_images_without_people(found: Detections) -> None:
    scores = evaluate_detections([people(LEFT, ignored=[0])], [found], threshold=0.4).combined
    assert scores.ap is scores.ap50 is scores.ar is scores.recall is scores.best_threshold is None
    assert (scores.images, scores.objects) == (1, 0)


def test_people_without_detections() -> None:
    scores = evaluate_detections([people(LEFT)], [seen()], threshold=0.4).combined
    assert (scores.ap, scores.ar, scores.recall, scores.best_f1) == (0, 0, 0, 0)
    assert scores.precision is scores.best_threshold is None


def test_invalid_inputs_are_rejected() -> None:
    with pytest.raises(ValueError, match='no images'):
        evaluate_detections([], [], threshold=0.4)
    with pytest.raises(ValueError, match='1 images with truth, 2 with detections and 1 sources'):
        evaluate_detections([people()], [seen(), seen()], threshold=0.4)


def made_up(seed: int, images: int = 40) -> tuple[list[Annotations], list[Detections]]:
    """Draw people of two classes, crowds, empty images, duplicates, near misses and ties."""
    rng = np.random.default_rng(seed)
    truths, detections = [], []
    for _ in range(images):
        number = int(rng.integers(0, 6))
        corners, sizes = rng.uniform(0, 400, (number, 2)), np.exp(rng.uniform(2, 5.5, (number, 2)))
        truth = people(
            *np.hstack([corners, corners + sizes]),
            ignored=np.flatnonzero(rng.random(number) < 0.2),
            class_ids=rng.integers(0, 2, number).astype(np.int32),
        )
        truths.append(truth)
        again = rng.integers(0, 3, number)
        boxes = np.repeat(truth.boxes.astype(float), again, axis=0)
        spread = 0.15 * np.repeat(sizes, again, axis=0)
        boxes = boxes + np.tile(spread, 2) * rng.standard_normal((len(boxes), 4))
        stray = rng.uniform(0, 300, (int(rng.integers(0, 4)), 2))
        boxes = np.vstack([boxes, np.hstack([stray, stray + 60])])
        boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
        classes = np.append(np.repeat(truth.class_ids, again), np.zeros(len(stray), int))
        scores = rng.integers(1, 20, len(boxes)) / 20
        detections.append(seen(*zip(boxes, scores, strict=True), class_ids=classes))
    return truths, detections


def plain_coco(truths: list[Annotations], detections: list[Detections], folder: Path) -> COCOeval:
    """Return pycocotools' evaluation of the same, written as COCO files and read by it."""
    annotations: list[dict[str, object]] = []
    results: list[dict[str, object]] = []
    for image, (truth, found) in enumerate(zip(truths, detections, strict=True), 1):
        for box, kind, crowd in zip(
            truth.boxes.astype(float),
            truth.class_ids.tolist(),
            truth.ignored.tolist(),
            strict=True,
        ):
            size = (box[2:] - box[:2]).tolist()
            annotations.append(
                {
                    'id': len(annotations) + 1,
                    'image_id': image,
                    'bbox': [*box[:2].tolist(), *size],
                    'area': size[0] * size[1],
                    'category_id': kind + 1,
                    'iscrowd': int(crowd),
                }
            )
        for box, kind, score in zip(
            found.boxes.astype(float), found.class_ids.tolist(), found.scores.tolist(), strict=True
        ):
            size = (box[2:] - box[:2]).tolist()
            results.append(
                {
                    'image_id': image,
                    'category_id': kind + 1,
                    'score': score,
                    'bbox': [*box[:2].tolist(), *size],
                }
            )
    content = {
        'images': [{'id': image + 1} for image in range(len(truths))],
        'annotations': annotations,
        'categories': [{'id': 1, 'name': 'person'}, {'id': 2, 'name': 'car'}],
    }
    (folder / 'truth.json').write_text(json.dumps(content))
    (folder / 'found.json').write_text(json.dumps(results))
    truth = COCO(str(folder / 'truth.json'))
    evaluator = COCOeval(truth, truth.loadRes(str(folder / 'found.json')), 'bbox')
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return evaluator


@pytest.mark.parametrize('seed', [1, 2, 3])
def test_scores_are_those_of_pycocotools(seed: int, tmp_path: Path) -> None:
    truths, detections = made_up(seed)
    sources = ['indoor', 'street', 'street', 'hall'] * 10
    report = evaluate_detections(truths, detections, sources, threshold=0.4)
    for source, ours in [*report.sources.items(), (None, report.combined)]:
        rows = [i for i, name in enumerate(sources) if source in (None, name)]
        part = [truths[i] for i in rows], [detections[i] for i in rows]
        stats = plain_coco(*part, tmp_path).stats
        expected = [100 * stats[i] for i in (0, 1, 3, 4, 5, 8)]
        values = [ours.ap, ours.ap50, ours.ap_small, ours.ap_medium, ours.ap_large, ours.ar]
        assert values == pytest.approx(expected)
        assert ours.ap is not None
        assert ours.ap50 is not None
        assert 5 < ours.ap < ours.ap50 < 95, 'neither all found nor all missed'


@pytest.mark.parametrize('seed', [4, 5])
def test_recall_and_precision_are_those_of_the_detections_above_the_threshold(
    seed: int, tmp_path: Path
) -> None:
    truths, detections = made_up(seed)
    truths = [replace(truth, class_ids=np.zeros(len(truth), np.int32)) for truth in truths]
    detections = [replace(found, class_ids=found.class_ids * 0) for found in detections]
    best = []
    for threshold in (0.0, 0.3, 0.72):
        report = evaluate_detections(truths, detections, threshold=threshold)
        kept = [found.select(found.scores > threshold) for found in detections]
        evaluator = plain_coco(truths, kept, tmp_path)
        found = false = 0
        for image in evaluator.evalImgs[: len(truths)]:  # all sizes, people
            if image is not None:
                counted = ~image['dtIgnore'][0].astype(bool)
                found += (image['dtMatches'][0][counted] > 0).sum()
                false += (image['dtMatches'][0][counted] == 0).sum()
        recall = 100 * evaluator.eval['recall'][0, 0, 0, 2]
        assert report.combined.recall == pytest.approx(recall)
        assert report.combined.precision == pytest.approx(100 * found / (found + false))
        best.append((report.combined.best_f1, report.combined.best_threshold))
    ((best_f1, best_threshold),) = set(best)  # the same with every threshold
    assert best_f1 is not None
    assert best_threshold is not None
    scores = np.unique(np.concatenate([found.scores for found in detections]))
    for threshold in [0.0, *(scores[:-1] + scores[1:]) / 2]:
        f1 = evaluate_detections(truths, detections, threshold=threshold).combined.f1
        assert f1 is not None
        assert f1 <= best_f1 + 1e-9
    at_best = evaluate_detections(truths, detections, threshold=best_threshold).combined
    assert at_best.f1 == pytest.approx(best_f1)
