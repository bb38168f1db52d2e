"""Decoding of peaks in output cells to detections in source pixels."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.geometry import Letterbox
from jtn_ros.inference.engine import Peaks


def decode_peaks(
    peaks: Peaks, letterbox: Letterbox, *, stride: int = 4, threshold: float = 0.4, image: int = 0
) -> Detections:
    """Return the peaks of one image as detections, best first.

    Args:
        peaks: what an engine returned.
        letterbox: the map that fitted the image to the network's input.
        stride: network pixels per output cell.
        threshold: peaks scoring this much or less are dropped.
        image: index of the image within the batch.
    """
    scores = peaks.scores[image]
    kept = scores > max(threshold, 0.0)  # a score of 0 marks an empty row
    cells = peaks.centers[image, kept]

    def to_source(points: NDArray[np.floating]) -> NDArray[np.float32]:
        return letterbox.to_source(points.astype(np.float64) * stride)

    centers = to_source(cells)
    # A peak is a whole cell, somewhere in which the middle of the object lies.
    middles = np.clip(peaks.boxes[image, kept].reshape(-1, 2, 2).mean(axis=1), cells, cells + 1)
    displacements = None
    if peaks.displacements is not None:
        displacements = to_source(cells + peaks.displacements[image, kept]) - centers
    return Detections(
        boxes=to_source(peaks.boxes[image, kept].reshape(-1, 2, 2)).reshape(-1, 4),
        scores=scores[kept],
        class_ids=peaks.class_ids[image, kept],
        centers=centers,
        displacements=displacements,
        embeddings=None if peaks.embeddings is None else peaks.embeddings[image, kept],
        middles=to_source(middles),
    )
