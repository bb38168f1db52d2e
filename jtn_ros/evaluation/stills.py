"""What a network sees in images alone, without those before."""

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.inference import Engine
from jtn_ros.inference.decode import decode_peaks
from jtn_ros.inference.preprocess import letterbox_image


def detect(engine: Engine, images: Iterable[NDArray[np.uint8]]) -> Iterator[Detections]:
    """Yield all peaks of every image, however low they score, as the first image of a camera.

    The image is its own previous image, and there are no tracks. Displacements and embeddings,
    which mean nothing then, are left out.

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
