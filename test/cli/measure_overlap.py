"""Measure what a video costs beside the engine: `jtn track` end to end against the engine alone.

    tools/run --dev python test/cli/measure_overlap.py CLIP [--threads 1] [--rounds 5] [--video]

The ways take turns, forty frames at a time, in one process; the ratios are those of their
medians. The clip is scaled to 720p first. Not a test: times depend on what else the machine does.
"""

import argparse
import tempfile
from collections.abc import Callable
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from time import process_time

import cv2
import numpy as np

from jtn_ros.cli.track_outputs import TrackOutputs
from jtn_ros.evaluation.offline import NetworkTracking
from jtn_ros.evaluation.offline import track_frames
from jtn_ros.inference import Engine
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import random_inputs
from jtn_ros.media import open_frames
from jtn_ros.media.background import WriteBehind
from jtn_ros.media.background import read_ahead
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.pipeline import TrackingPipeline

FRAMES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('clip', type=Path)
    parser.add_argument('--threads', type=int)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--video', action='store_true', help='with annotated videos too')
    args = parser.parse_args()
    engine = load_engine(backend='openvino', threads=args.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = write_720p(args.clip, folder / 'clip.mp4')
        ways: dict[str, Callable[[], None]] = {
            'engine alone': partial(run_engine, engine),
            'decode, then track, then write': partial(run_in_turn, engine, clip, folder, False),
            'the same, overlapped': partial(run_overlapped, engine, clip, folder, False),
        }
        if args.video:
            ways |= {
                'with video, in turn': partial(run_in_turn, engine, clip, folder, True),
                'with video, overlapped': partial(run_overlapped, engine, clip, folder, True),
            }
        times: dict[str, list[float]] = {way: [] for way in ways}
        for way in ways.values():
            way()
        work: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(args.rounds):
            for way, run in ways.items():
                began, worked = perf_counter(), process_time()
                run()
                times[way].append(1000 * (perf_counter() - began) / FRAMES)
                work[way].append(1000 * (process_time() - worked) / FRAMES)
    base = np.array(times['engine alone'])
    for way, values in times.items():
        print(
            f'{way:32} {np.median(values):6.1f} ms a frame (least {min(values):.1f}), '
            f'{np.median(values) / np.median(base):.2f} of the engine alone (least '
            f'{min(values) / base.min():.2f}); processor time {np.median(work[way]):.1f} ms'
        )


def write_720p(clip: Path, path: Path) -> Path:
    with open_frames(clip) as source, VideoWriter(path, 25) as video:
        for frame in islice(source, 300, 300 + FRAMES):
            video.write(cv2.resize(frame.image, (1280, 720)))
    return path


def run_engine(engine: Engine) -> None:
    inputs = random_inputs(engine.info)
    for _ in range(FRAMES):
        engine.run(**inputs)


def make_outputs(clip: Path, folder: Path, video: bool) -> TrackOutputs:
    with open_frames(clip) as source:
        return TrackOutputs(
            folder, source, model_name='', class_names=('person',), video=video, bag=False,
            pictures=False, views=('trails',),
        )  # fmt: skip


def run_in_turn(engine: Engine, clip: Path, folder: Path, video: bool) -> None:
    tracking = NetworkTracking(TrackingPipeline(engine=engine))
    with open_frames(clip) as source, make_outputs(clip, folder, video) as outputs:
        for item in track_frames(source, tracking):
            outputs.write(item)


def run_overlapped(engine: Engine, clip: Path, folder: Path, video: bool) -> None:
    tracking = NetworkTracking(TrackingPipeline(engine=engine))
    with (
        open_frames(clip) as source,
        closing(read_ahead(source)) as frames,
        WriteBehind(partial(make_outputs, clip, folder, video)) as writer,
    ):
        for item in track_frames(frames, tracking):
            writer.put(item)


if __name__ == '__main__':
    main()
