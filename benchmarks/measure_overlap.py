"""Measure how much longer tracking of a video takes than the network alone.

    tools/run --dev python benchmarks/measure_overlap.py CLIP [--threads 1] [--rounds 5]

The stages run in turn and overlapped, with and without an annotated video, on forty frames of 720p
at a time. The time of the network is measured in the same frames of the same run, so that other
load affects both equally. This is not a test, because times depend on other load.
"""

import argparse
import tempfile
from collections import Counter
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from time import perf_counter
from time import process_time

import cv2
import numpy as np

from jtn_ros.cli.track_outputs import TrackOutputs
from jtn_ros.inference import Engine
from jtn_ros.inference import load_engine
from jtn_ros.media import open_frames
from jtn_ros.media.labels import Labels
from jtn_ros.media.read_ahead import WriteBehind
from jtn_ros.media.read_ahead import read_ahead
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.offline import NetworkTracking
from jtn_ros.offline import TrackedFrame
from jtn_ros.offline import track_frames
from jtn_ros.pipeline import TrackingPipeline

FRAMES = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('clip', type=Path)
    parser.add_argument('--threads', type=int)
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    engine = load_engine(backend='openvino', threads=args.threads)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = write_720p(args.clip, folder / 'clip.mp4')
        ways = {
            'in turn': partial(run_in_turn, engine, clip, folder, False),
            'overlapped': partial(run_overlapped, engine, clip, folder, False),
            'with video, in turn': partial(run_in_turn, engine, clip, folder, True),
            'with video, overlapped': partial(run_overlapped, engine, clip, folder, True),
        }
        ratios: dict[str, list[tuple[float, ...]]] = {way: [] for way in ways}
        for _ in range(args.rounds):
            for way, run in ways.items():
                began, worked = perf_counter(), process_time()
                stages = run()
                total, work = perf_counter() - began, process_time() - worked
                inference, pipeline = stages['inference'], sum(stages.values())
                ratios[way].append(
                    (
                        total / inference,
                        total / pipeline,
                        1000 * inference / FRAMES,
                        1000 * work / FRAMES,
                    )
                )
    for way, values in ratios.items():
        to_network, to_pipeline, network, work = np.median(values, axis=0)
        print(
            f'{way:24} {to_network:5.2f} times the network alone ({network:.1f} ms), '
            f'{to_pipeline:.2f} times the pipeline; processor time {work:.1f} ms a frame'
        )


def write_720p(clip: Path, path: Path) -> Path:
    with open_frames(clip) as source, VideoWriter(path, 25) as video:
        for frame in islice(source, 300, 300 + FRAMES):
            video.write(cv2.resize(frame.image, (1280, 720)))
    return path


def make_outputs(clip: Path, folder: Path, video: bool) -> TrackOutputs:
    with open_frames(clip) as source:
        return TrackOutputs(
            folder,
            source,
            inputs=(str(clip),),
            labels=Labels('', ('person',), 0.0),
            video=video,
            bag=False,
            rerun=None,
            pictures=False,
            views=('trails',),
        )


def run_in_turn(engine: Engine, clip: Path, folder: Path, video: bool) -> Counter[str]:
    """Return the seconds of every stage of the pipeline."""
    tracking, stages = NetworkTracking(TrackingPipeline(engine=engine)), Counter[str]()
    with open_frames(clip) as source, make_outputs(clip, folder, video) as outputs:
        for item in track_frames(source, tracking):
            outputs.write(item)
            stages.update(item.result.latencies)
    return stages


def run_overlapped(engine: Engine, clip: Path, folder: Path, video: bool) -> Counter[str]:
    """Return the seconds of every stage of the pipeline."""
    tracking, stages = NetworkTracking(TrackingPipeline(engine=engine)), Counter[str]()
    with (
        open_frames(clip) as source,
        closing(read_ahead(source)) as frames,
        WriteBehind[TrackedFrame, TrackOutputs](
            partial(make_outputs, clip, folder, video)
        ) as writer,
    ):
        for item in track_frames(frames, tracking):
            writer.put(item)
            stages.update(item.result.latencies)
    return stages


if __name__ == '__main__':
    main()
