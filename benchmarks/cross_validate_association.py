"""Choose settings of the default tracker on all scenes but one, and score them on that scene.

    tools/run --dev python benchmarks/cross_validate_association.py SEQUENCE ... [--peers]

SEQUENCE is a MOTChallenge folder with det/det.txt, one for each scene. Its first third is tracked
at its own rate, the second at half and the last at a quarter of it, down to 5 Hz, by dropping
frames; the second third also with disturbed detections. Only boxes are used: no embeddings,
displacements or images.

For each scene, the setting with the highest sum of HOTA and IDF1 over all other scenes is scored
on it. The mean over the scenes and its standard error are the result, and the other trackers are
compared with it. The rows above it, one for each setting, show gains over the first one. They are
not a valid result, because selecting the best row uses all scenes.
"""

import argparse
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.evaluation.association_benchmark import Results
from jtn_ros.evaluation.association_benchmark import Runner
from jtn_ros.evaluation.association_benchmark import peer_trackers
from jtn_ros.evaluation.association_benchmark import read_stream
from jtn_ros.evaluation.association_benchmark import run_own
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.trackeval_data import Recording
from jtn_ros.geometry import box_centers
from jtn_ros.synthetic.association_streams import DetectionStream
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings

SLOWEST = 5.0  # frames per second
GRID: dict[str, tuple[float, ...]] = {
    'certain_score': (0.9, 0.85, 0.95),
    'confirmation_hits': (4, 2, 3, 5, 6, 8),
}
SETTINGS: list[dict[str, Any]] = [
    dict(zip(GRID, values, strict=True)) for values in product(*GRID.values())
]


def part(stream: DetectionStream, first: int, last: int, step: int) -> DetectionStream:
    """Return every step-th frame of a part of a stream, counted from 1."""
    kept = range(first, last, step)
    return replace(
        stream,
        name=f'{stream.name} 1/{step}',
        frame_rate=stream.frame_rate / step,
        stamps_ns=[stream.stamps_ns[n] for n in kept],
        detections=[stream.detections[n] for n in kept],
        annotations={
            number: stream.annotations[n + 1]
            for number, n in enumerate(kept, 1)
            if n + 1 in stream.annotations
        },
    )


def disturbed(stream: DetectionStream, rng: np.random.Generator) -> DetectionStream:
    """Return a stream as from a worse detector: misses, jitter, upper bodies, false positives."""
    return replace(
        stream,
        name=f'{stream.name} disturbed',
        detections=[worse(seen, rng) for seen in stream.detections],
    )


def worse(seen: Detections, rng: np.random.Generator) -> Detections:
    """Return the detections of a frame, disturbed; an empty frame remains empty."""
    seen = seen.select(rng.random(len(seen)) > 0.15)
    if not len(seen):
        return seen
    sizes = np.tile(seen.boxes[:, 2:] - seen.boxes[:, :2], 2)
    boxes = seen.boxes + 0.04 * sizes * rng.normal(size=sizes.shape)
    halves = boxes[rng.random(len(boxes)) < 0.05]
    halves[:, 3] -= 0.45 * (halves[:, 3] - halves[:, 1])
    false = boxes[rng.random(len(boxes)) < 0.05]
    false = false + rng.uniform(-300, 300, (len(false), 1)) * (1, 0, 1, 0)
    scores: list[NDArray[np.floating]]
    scores = [seen.scores, rng.uniform(0.4, 0.9, len(halves)), rng.uniform(0.2, 0.7, len(false))]
    boxes = np.concatenate([boxes, halves, false])
    return Detections(
        boxes=boxes.astype(np.float32),
        scores=np.concatenate(scores).astype(np.float32),
        class_ids=np.zeros(len(boxes), np.int32),
        centers=box_centers(boxes).astype(np.float32),
    )


def streams_of(folder: Path, rng: np.random.Generator) -> list[DetectionStream]:
    """Return the streams of a scene."""
    whole = read_stream(folder)
    frames = len(whole.detections)
    ends = [0, frames // 3, 2 * frames // 3, frames]
    steps = [min(step, max(1, int(whole.frame_rate / SLOWEST))) for step in (1, 2, 4)]
    parts = [part(whole, *span) for span in zip(ends, ends[1:], steps, strict=False)]
    return [*parts, disturbed(parts[1], rng)]


def scores(scenes: list[list[DetectionStream]], runner: Runner) -> NDArray[np.float64]:
    """Return HOTA, MOTA and IDF1 (scenes, 3), means over the streams of every scene."""
    rows = []
    for streams in scenes:
        reports = [
            evaluate(
                {
                    s.name: Recording(
                        annotations=s.annotations, tracks=runner(s), frames=len(s.detections)
                    )
                }
            ).combined
            for s in streams
        ]
        rows.append(np.mean([(r.hota, r.mota, r.idf1) for r in reports], axis=0))
    return np.array(rows)


def run_with(config: TrackerSettings, stream: DetectionStream) -> Results:
    """Return the results of the default tracker for a stream."""
    return run_own(Tracker(config), stream)


def show(name: str, table: NDArray[np.float64], reference: NDArray[np.float64]) -> None:
    """Print means, gains over a reference, and the standard errors of the gains."""
    gains = table - reference
    errors = gains.std(axis=0, ddof=1) / np.sqrt(len(gains))
    numbers = ' / '.join(f'{value:.1f}' for value in table.mean(axis=0))
    spread = ', '.join(
        f'{gain:+.1f} ± {error:.1f}'
        for gain, error in zip(gains.mean(axis=0), errors, strict=True)
    )
    print(f'| {name} | {numbers} | {spread} |', flush=True)


def main() -> None:
    """Print a row for each setting, the result, and a row for each other tracker."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('sequences', nargs='+', type=Path)
    parser.add_argument('--peers', action='store_true', help='also run the package `trackers`')
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    scenes = [streams_of(folder, rng) for folder in args.sequences]
    names = [', '.join(f'{key} {value}' for key, value in changes.items()) for changes in SETTINGS]
    tables = []
    for name, changes in zip(names, SETTINGS, strict=True):
        tables.append(scores(scenes, partial(run_with, TrackerSettings(**changes))))
        show(name, tables[-1], tables[0])
    grid = np.array(tables)
    worth = grid[:, :, 0] + grid[:, :, 2]
    others = worth.sum(axis=1, keepdims=True) - worth
    choices = others.argmax(axis=0)
    chosen = grid[choices, np.arange(len(scenes))]
    show('chosen on the other scenes', chosen, tables[0])
    for folder, choice in zip(args.sequences, choices, strict=True):
        print(f'chosen without {folder.name}: {names[choice]}')
    for name, runner in peer_trackers().items() if args.peers else ():
        show(name, scores(scenes, runner), chosen)


if __name__ == '__main__':
    main()
