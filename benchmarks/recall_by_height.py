"""Measure recall by height of people, in synthetic scenes that are not used for training.

    python benchmarks/recall_by_height.py models/jtn_people.onnx

A person who is more than half visible is found if a detection in the third frame has an IoU of at
least 0.5 and a score above the threshold of the model.
"""

import argparse
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.geometry import box_iou
from jtn_ros.geometry import box_sizes
from jtn_ros.inference import load_engine
from jtn_ros.pipeline import TrackingPipeline

from held_out_scenes import held_out_scenes

PERIOD_NS = 100_000_000
FRAMES = 3
# In pixels of the network's input.
HEIGHTS = (0, 16, 24, 40, 64, 100, 150, 220, 1000)


def views(model: str, scenes: int) -> Iterator[tuple[Annotations, NDArray[np.float32]]]:
    """Yield the ground truth and the detected boxes (N, 4) in the last frame of each scene."""
    engine = load_engine(model)
    info = engine.info
    for scene in held_out_scenes(info, scenes):
        pipeline = TrackingPipeline(engine=engine)
        for frame in range(FRAMES):
            image, truth = scene.render(frame * PERIOD_NS)
            result = pipeline.process(image, frame * PERIOD_NS)
        found = result.detections
        yield truth, found.boxes[found.scores > info.confident_score]


def main() -> None:
    """Print one row."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('model')
    parser.add_argument('--scenes', type=int, default=60)
    arguments = parser.parse_args()

    people, found = np.zeros((2, len(HEIGHTS) - 1))
    boxes, false = 0, 0
    for truth, detected in views(arguments.model, arguments.scenes):
        overlaps = box_iou(truth.boxes.astype(float), detected.astype(float))
        clear = truth.visibilities > 0.5
        heights = box_sizes(truth.boxes[clear])[:, 1]
        best = overlaps[clear].max(axis=1, initial=0)
        people += np.histogram(heights, HEIGHTS)[0]
        found += np.histogram(heights[best >= 0.5], HEIGHTS)[0]
        boxes += len(detected)
        false += int((overlaps.max(axis=0, initial=0) < 0.5).sum())
    shares = found / np.maximum(people, 1)
    for (low, high), count, share in zip(pairwise(HEIGHTS), people, shares, strict=True):
        print(f'{low:4d} to {high:4d} px: {share:.2f} of {count:.0f}')
    print(f'all: {found.sum() / people.sum():.2f} of {people.sum():.0f}')
    print(f'of {boxes} boxes {false} overlap no person by half')


if __name__ == '__main__':
    main()
