"""Annotated images, processed separately: selection, detection and scores."""

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.readers import read_clips
from jtn_ros.detections import Detections
from jtn_ros.evaluation.average_precision import DetectionReport
from jtn_ros.evaluation.average_precision import evaluate_detections
from jtn_ros.inference import Engine
from jtn_ros.inference.decode import decode_peaks
from jtn_ros.inference.preprocess import letterbox_image


@dataclass(frozen=True, kw_only=True)
class Still:
    """An annotated image, and its source ('' if its file does not name one)."""

    image: LabeledImage
    source: str


def read_stills(path: Path, class_names: Sequence[str]) -> list[Still]:
    """Read all images of an annotation file; frames of videos count as images.

    Raises:
        OSError, JtnError: see `jtn_ros.datasets.readers.read_clips`.
    """
    return [
        Still(image=image, source=clip.source)
        for clip in read_clips(path, class_names)
        for image in clip.images
    ]


def spread(stills: Sequence[Still], count: int) -> list[Still]:
    """Return at most `count` of the images, evenly spaced and in their order.

    Each source has the same number of images, or all its images if it has fewer.
    """
    by_source = defaultdict(list)
    for number, still in enumerate(stills):
        by_source[still.source].append(number)
    chosen: list[int] = []
    for done, numbers in enumerate(sorted(by_source.values(), key=len)):
        share = min(len(numbers), (count - len(chosen)) // (len(by_source) - done))
        chosen += [numbers[turn * len(numbers) // share] for turn in range(share)]
    return [stills[number] for number in sorted(chosen)]


def score(engine: Engine, stills: Sequence[Still]) -> DetectionReport:
    """Return the detection scores of the network on images, with the threshold of the model.

    Raises:
        OSError: if an image cannot be read.
        JtnError: if there are no images, or pycocotools is not installed.
    """
    return evaluate_detections(
        [still.image.annotations for still in stills],
        list(detect(engine, (still.image.read() for still in stills))),
        [still.source for still in stills],
        threshold=engine.info.confident_score,
    )


def detect(engine: Engine, images: Iterable[NDArray[np.uint8]]) -> Iterator[Detections]:
    """Yield all peaks of each image regardless of score, as for the first image of a camera.

    The image is its own previous image, and there are no tracks. Displacements and embeddings are
    meaningless then, and are skipped.

    Raises:
        ValueError: if an image is not uint8 (H, W, 3).
    """
    info = engine.info
    size = (info.input_height, info.input_width)
    no_tracks = np.zeros((1, 1, *size), np.float32) if info.prior_heatmap else None
    for image in images:
        fitted, letterbox = letterbox_image(image, *size, info.letterbox)
        peaks = engine.run(fitted[None], fitted[None] if info.previous_image else None, no_tracks)
        found = decode_peaks(peaks, letterbox, stride=info.stride, threshold=0.0)
        yield replace(found, displacements=None, embeddings=None)
