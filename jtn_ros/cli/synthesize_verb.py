"""Render synthetic sequences with ground truth, in MOTChallenge format.

    jtn synthesize data --sequences 20 --seconds 10
    jtn synthesize data --size 960x540 --people 10-30 --camera-motion pan --video
    jtn synthesize data --sequences 20 --vehicles 2-6 --workers 2

Each sequence is a folder synthetic-<seed> with seqinfo.ini, img1/ and gt/gt.txt. The seed
determines its content. The first sequence has the given seed, and the following ones count up
from there. In gt.txt, people are class 1 and vehicles class 3, as in MOTChallenge.
"""

import argparse
import re
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

import cv2

from jtn_ros.cli.progress import show_progress
from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import write_ground_truth
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.errors import JtnError
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig
from jtn_ros.synthetic.scene_config import CameraMotion

JPEG_QUALITY = 95
MOT_CAR = 3  # MOTChallenge has no class for all vehicles; its class 2 is a person on one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of this verb."""
    parser.add_argument('output', type=Path, help='folder for the sequences')
    parser.add_argument(
        '--sequences', type=int, default=1, help='number of sequences (default: 1)'
    )
    parser.add_argument(
        '--seconds', type=float, default=10.0, help='length of each sequence (default: 10)'
    )
    parser.add_argument('--fps', type=float, default=25.0, help='frame rate (default: 25)')
    parser.add_argument(
        '--size',
        type=_pair('x'),
        default=(512, 288),
        metavar='WxH',
        help='image size in pixels (default: 512x288)',
    )
    parser.add_argument(
        '--people',
        type=_pair('-'),
        default=(3, 14),
        metavar='MIN-MAX',
        help='number of people per scene (default: 3-14)',
    )
    parser.add_argument(
        '--vehicles',
        type=_pair('-'),
        default=(0, 0),
        metavar='MIN-MAX',
        help='number of vehicles per outdoor scene (default: none)',
    )
    parser.add_argument(
        '--seed', type=int, default=0, help='seed of the first sequence (default: 0)'
    )
    parser.add_argument(
        '--camera-motion',
        choices=get_args(CameraMotion),
        default='random',
        help='motion of the camera (default: random)',
    )
    parser.add_argument(
        '--workers', type=int, default=1, help='number of parallel processes (default: 1)'
    )
    parser.add_argument('--video', action='store_true', help='also write <sequence>.mp4')


def run(args: argparse.Namespace) -> int:
    """Write the sequences."""
    if args.sequences < 1:
        raise JtnError(f'--sequences is {args.sequences}; specify 1 or more')
    if not 0 < args.fps <= 1000:
        raise JtnError(f'--fps is {args.fps}; specify a rate above 0, up to 1000')
    length = round(args.seconds * args.fps)
    if length < 1:
        raise JtnError(f'--seconds {args.seconds} at {args.fps} fps is not even one frame')
    if args.workers < 1:
        raise JtnError(f'--workers is {args.workers}; specify 1 or more')
    configs = [
        SceneConfig(
            width=args.size[0],
            height=args.size[1],
            seed=seed,
            people=args.people,
            vehicles=args.vehicles,
            camera_motion=args.camera_motion,
            duration_s=args.seconds,
        )
        for seed in range(args.seed, args.seed + args.sequences)
    ]
    write = partial(_write, args.output, frame_rate=args.fps, length=length, with_video=args.video)
    # Forked, the processes could inherit locks that threads of OpenCV hold.
    with ProcessPoolExecutor(args.workers, get_context('spawn')) as pool:
        for folder in show_progress(pool.map(write, configs), 'sequences', len(configs)):
            print(folder)
    return 0


def _write(
    output: Path, config: SceneConfig, *, frame_rate: float, length: int, with_video: bool
) -> Path:
    """Write one sequence in a separate process and return its folder."""
    # The sequences are what runs in parallel; threads of OpenCV would only get in the way.
    cv2.setNumThreads(1)
    folder = output / f'synthetic-{config.seed:06d}'
    deque(write_sequence(folder, config, frame_rate, length, with_video), maxlen=0)
    return folder


def write_sequence(
    folder: Path,
    config: SceneConfig,
    frame_rate: float,
    length: int,
    with_video: bool = False,
) -> Iterator[int]:
    """Write one sequence, yielding after every frame."""
    images, truth = folder / 'img1', folder / 'gt'
    if images.is_dir() and any(images.iterdir()):
        raise JtnError(f'{images} already contains images; remove {folder} or choose another seed')
    clip = folder.with_name(f'{folder.name}.mp4')
    if with_video and clip.exists():
        raise JtnError(f'{clip} exists; remove it or choose another seed')
    images.mkdir(parents=True, exist_ok=True)
    truth.mkdir(exist_ok=True)
    scene = Scene(config)
    annotations = {}
    with ExitStack() as stack:
        video = None
        if with_video:
            video = stack.enter_context(VideoWriter(clip, frame_rate))
        for number in range(1, length + 1):
            image, objects = scene.render(round((number - 1) / frame_rate * 1e9))
            annotations[number] = _with_mot_classes(objects)
            path = images / f'{number:06d}.jpg'
            if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
                raise JtnError(f'{path} cannot be written; check the folder and the free space')
            if video is not None:
                video.write(image)
            yield number
    write_ground_truth(truth / 'gt.txt', annotations)
    # Written last: a folder with seqinfo.ini is a complete sequence.
    write_sequence_info(
        folder,
        SequenceInfo(
            name=folder.name,
            frame_rate=frame_rate,
            length=length,
            width=config.width,
            height=config.height,
        ),
    )


def _with_mot_classes(objects: Annotations) -> Annotations:
    """Return the objects with the classes that MOTChallenge gives to people and vehicles."""
    class_ids = objects.class_ids.copy()
    class_ids[class_ids == 1] = MOT_CAR - 1
    return replace(objects, class_ids=class_ids)


def _pair(sign: str) -> Callable[[str], tuple[int, int]]:
    """Return a reader of two whole numbers with a sign between them."""

    def read(text: str) -> tuple[int, int]:
        match = re.fullmatch(rf'(\d+){sign}(\d+)', text)
        if match is None:
            raise argparse.ArgumentTypeError(f'{text!r} is not two whole numbers around {sign!r}')
        return int(match[1]), int(match[2])

    return read
