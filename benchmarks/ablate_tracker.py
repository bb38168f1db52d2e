"""Disable the components of the default tracker, one at a time, and print the scores.

    tools/run --dev python benchmarks/ablate_tracker.py SEQUENCE ... [--seeds N ...]

SEQUENCE is a MOTChallenge folder with det/det.txt; --seeds are the seeds of synthetic streams.
Prints HOTA / MOTA / IDF1 / identity switches, means over the sequences and over the streams.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from jtn_ros.detections import Detections
from jtn_ros.evaluation.association_benchmark import Runner
from jtn_ros.evaluation.association_benchmark import compare
from jtn_ros.evaluation.association_benchmark import read_stream
from jtn_ros.evaluation.association_benchmark import run_own
from jtn_ros.evaluation.metrics import mean
from jtn_ros.synthetic.association_streams import DetectionStream
from jtn_ros.synthetic.association_streams import make_stream
from jtn_ros.synthetic.association_streams import standard_streams
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings

OFF: dict[str, dict[str, Any]] = {
    'nothing': {},
    'vagueness of the prediction in the cost': {'vagueness_weight': 0},
    'forgiving tails (normal distribution instead)': {'outlier_tail': 1000},
    'detections with low scores': {'minimum_score': 1},
    'scale of errors learned from the scene': {'error_memory': 1e9},
    'camera votes': {'camera_memory': 0},
    'appearance in the cost': {'appearance_weight': 0},
    'limit of the cosine distance': {'appearance_limit': 2},
    're-identification of lost tracks': {'reidentification_after': 3600},
}


def scores(streams: list[DetectionStream], config: TrackerSettings) -> str:
    """Return the mean scores of a configuration as text."""
    runners: dict[str, Runner] = {'tracker': lambda stream: run_own(Tracker(config), stream)}
    means = mean(compare(streams, runners)['tracker'].report)
    return f'{means.hota:.2f} / {means.mota:.2f} / {means.idf1:.2f} / {means.id_switches:.1f}'


def drop_column(seen: Detections, name: str) -> Detections:
    """Return detections without their displacements or embeddings."""
    if name == 'displacements':
        return replace(seen, displacements=None)
    return replace(seen, embeddings=None)


def without(streams: list[DetectionStream], name: str) -> list[DetectionStream]:
    """Return streams with detections without displacements or embeddings."""
    return [
        replace(stream, detections=[drop_column(seen, name) for seen in stream.detections])
        for stream in streams
    ]


def main() -> None:
    """Print one line per component."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('sequences', nargs='*', type=Path)
    parser.add_argument('--seeds', nargs='*', type=int, default=[])
    args = parser.parse_args()
    groups = {
        'sequences': [read_stream(folder) for folder in args.sequences],
        'streams': [make_stream(kind) for seed in args.seeds for kind in standard_streams(seed)],
    }
    for group, streams in groups.items():
        if not streams:
            continue
        print(group)
        for name, changes in OFF.items():
            print(f'| {name} | {scores(streams, TrackerSettings(**changes))} |', flush=True)
        for name in ('displacements', 'embeddings') if group == 'streams' else ():
            print(f'| {name} | {scores(without(streams, name), TrackerSettings())} |', flush=True)


if __name__ == '__main__':
    main()
