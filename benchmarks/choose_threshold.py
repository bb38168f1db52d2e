"""Compare confidence thresholds on annotated images and synthetic scenes.

    python benchmarks/choose_threshold.py models/jtn_people.onnx people/val.json

Prints the threshold with the best F1, and the results of the highest threshold whose F1 is within
`TOLERANCE` of it. A high threshold is better for tracking: a persistent false positive becomes a
track, while a false negative is bridged. All sources of the images have the same weight. The
scenes, which are not used for training, are one more source. models/README.md states the chosen
threshold.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.readers import read_clips
from jtn_ros.detections import Detections
from jtn_ros.evaluation.average_precision import THRESHOLDS
from jtn_ros.evaluation.average_precision import evaluate_detections
from jtn_ros.evaluation.stills import detect
from jtn_ros.inference import Engine
from jtn_ros.inference import load_engine

from held_out_scenes import held_out_scenes

TOLERANCE = 5.0


def found_in_images(engine: Engine, path: Path) -> Iterator[tuple[str, Annotations, Detections]]:
    """Yield the source, ground truth and detections of each image of a COCO file."""
    for clip in read_clips(path, engine.info.class_names):
        images = [image.read() for image in clip.images]
        for image, found in zip(clip.images, detect(engine, images), strict=True):
            yield clip.source, image.annotations, found


def found_in_scenes(engine: Engine, count: int) -> Iterator[tuple[str, Annotations, Detections]]:
    """Yield the same for synthetic scenes; people who are less than half visible are ignored."""
    for scene in held_out_scenes(engine.info, count):
        image, truth = scene.render(0)
        ignored = truth.ignored | (truth.visibilities < 0.5)
        truth = replace(truth, ignored=ignored, forgiven=ignored)
        (found,) = detect(engine, [image])
        yield 'synthetic scenes', truth, found


def main() -> None:
    """Print the best threshold, and its results for each source."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model')
    parser.add_argument('images', type=Path)
    parser.add_argument('--scenes', type=int, default=60)
    arguments = parser.parse_args()

    engine = load_engine(arguments.model)
    rows = [
        *found_in_images(engine, arguments.images),
        *found_in_scenes(engine, arguments.scenes),
    ]
    reports = {}
    for source in dict.fromkeys(name for name, *_ in rows):
        _, truths, detections = zip(*(row for row in rows if row[0] == source), strict=True)
        reports[source] = evaluate_detections(truths, detections, threshold=0.5)
    curves = np.array(
        [[value or 0.0 for value in report.threshold_curves['f1']] for report in reports.values()]
    )
    means = curves.mean(axis=0)
    top = int(means.argmax())
    best = int(np.flatnonzero(means >= means[top] - TOLERANCE)[-1])
    print(f'best mean F1 {means[top]:.1f} at {THRESHOLDS[top]:.2f}')
    print(f'threshold {THRESHOLDS[best]:.2f}: mean F1 {means[best]:.1f}')
    for (source, report), f1 in zip(reports.items(), curves[:, best], strict=True):
        precision, recall = (
            report.threshold_curves[name][best] or 0.0 for name in ('precision', 'recall')
        )
        print(
            f'{source:24} AP50 {report.combined.ap50 or 0:5.1f}  precision {precision:5.1f}  '
            f'recall {recall:5.1f}  F1 {f1:5.1f}'
        )


if __name__ == '__main__':
    main()
