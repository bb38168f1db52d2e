"""Time the steps of the default and the published tracker, in alternation, on the same input.

    tools/run --dev python benchmarks/compare_step_times.py [frames] [objects]

Prints the medians in milliseconds, of processor time and of elapsed time, with 128-dimensional
embeddings and displacements and with boxes only. Results are only meaningful on an idle machine.
"""

import json
import os
import sys
import time

# One thread for both: more threads only slow down products of small matrices.
os.environ.setdefault('OMP_NUM_THREADS', '1')
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.tracking import ReferenceTracker
from jtn_ros.tracking import Tracker
from jtn_ros.tracking.frame_tracker import FrameTracker

DIMENSION = 128
RATE = 30
WARM_UP = 10


def walking_people(objects: int, frames: int, with_extras: bool) -> list[Detections]:
    """Return detections of people who walk straight ahead, in a different order in each frame."""
    rng = np.random.default_rng(0)
    sizes = rng.uniform(60, 200, (objects, 1)) * (0.4, 1)
    start = rng.uniform((0, 0), (1920, 1080), (objects, 2))
    velocities = rng.normal(0, 60, (objects, 2))
    looks = unit(rng.normal(size=(objects, DIMENSION)))
    result = []
    for frame in range(frames):
        order = rng.permutation(objects)
        centers = start + velocities * frame / RATE + rng.normal(0, 1.5, (objects, 2))
        half = sizes / 2 * rng.normal(1, 0.02, (objects, 2))
        views = unit(looks + 0.3 * unit(rng.normal(size=looks.shape)))
        moved = -velocities / RATE + rng.normal(0, 1, (objects, 2))
        result.append(
            Detections(
                boxes=np.hstack([centers - half, centers + half])[order].astype(np.float32),
                scores=rng.uniform(0.6, 0.95, objects).astype(np.float32),
                class_ids=np.zeros(objects, np.int32),
                centers=centers[order].astype(np.float32),
                displacements=moved[order].astype(np.float32) if with_extras else None,
                embeddings=views[order].astype(np.float32) if with_extras else None,
            )
        )
    return result


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors of length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def compare(stream: list[Detections]) -> dict[str, object]:
    """Return the median milliseconds of a step and the number of tracks at the end."""
    trackers: dict[str, FrameTracker] = {
        'Tracker': Tracker(),
        'ReferenceTracker': ReferenceTracker(),
    }
    busy: dict[str, list[float]] = {name: [] for name in trackers}
    elapsed: dict[str, list[float]] = {name: [] for name in trackers}
    for number, detections in enumerate(stream):
        for name, tracker in trackers.items():
            started, started_busy = time.perf_counter(), time.process_time()
            tracks = tracker.update(detections, round(number * 1e9 / RATE))
            if number >= WARM_UP:
                busy[name].append(time.process_time() - started_busy)
                elapsed[name].append(time.perf_counter() - started)
    rows = {
        name: {
            'processor_ms': round(1e3 * float(np.median(busy[name])), 3),
            'elapsed_ms': round(1e3 * float(np.median(elapsed[name])), 3),
        }
        for name in trackers
    }
    ratio = np.median(np.divide(busy['Tracker'], busy['ReferenceTracker']))
    return {**rows, 'ratio': round(float(ratio), 3), 'tracks': len(tracks)}


def main(frames: int = 300, objects: int = 100) -> None:
    """Print the medians as JSON."""
    results = {
        'embeddings and displacements': compare(walking_people(objects, frames, True)),
        'boxes alone': compare(walking_people(objects, frames, False)),
        'frames': frames,
        'load': os.getloadavg()[0],
    }
    print(json.dumps(results, indent=2))


if __name__ == '__main__':
    main(*map(int, sys.argv[1:]))
