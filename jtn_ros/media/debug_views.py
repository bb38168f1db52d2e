"""Debug views of network outputs: heat map, displacements and appearance.

The exported graph returns peaks, not maps. The heat map shown here is therefore reconstructed:
each peak that reaches the tracker is a spot with the size of its box and the brightness of its
score. It shows the input of the tracker, not the values between the peaks.
"""

from collections.abc import Collection
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.gaussian import draw_gaussian
from jtn_ros.geometry import box_sizes
from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import draw_tracks
from jtn_ros.tracking.track import Tracks

VIEWS = ('heatmap', 'displacement', 'embedding', 'trails')

_HEATMAP_CELL = 4  # pixels of the image
_HEATMAP_WEIGHT = 0.85
_SPOT_RADIUS = 0.4  # of the square root of the area of the box
_TINT_WEIGHT = 0.5
_MAGENTA = (255, 0, 255)


class View:
    """Draws the selected views into frames.

    Args:
        views: of `VIEWS`.
        class_names: by class.
    """

    def __init__(self, views: Collection[str], class_names: Sequence[str] = ()) -> None:
        self._views = frozenset(views)
        self._class_names = class_names
        self._looks = LookColours()
        self._trails = Trails() if 'trails' in self._views else None

    def draw(
        self, image: NDArray[np.uint8], detections: Detections, tracks: Tracks, stamp_ns: int
    ) -> NDArray[np.uint8]:
        """Return a copy of a uint8 BGR image with everything drawn into it."""
        if self._trails is not None:
            self._trails.update(tracks, stamp_ns)
        if 'heatmap' in self._views:
            image = draw_heatmap(image, detections)
        if 'embedding' in self._views:
            image = draw_looks(image, detections, self._looks)
        picture = draw_tracks(image, tracks, self._class_names, trails=self._trails)
        if 'displacement' in self._views:
            draw_displacements(picture, detections)
        return picture


def draw_heatmap(image: NDArray[np.uint8], detections: Detections) -> NDArray[np.uint8]:
    """Return an image under the spots of its detections, each as bright as its score."""
    height, width = image.shape[:2]
    rows, columns = -(-height // _HEATMAP_CELL), -(-width // _HEATMAP_CELL)
    heat = np.zeros((rows, columns), np.float32)
    sizes = np.nan_to_num(box_sizes(detections.boxes)).clip(1, max(height, width))
    radii = (_SPOT_RADIUS / _HEATMAP_CELL * np.sqrt(sizes.prod(axis=1))).clip(1).astype(int)
    cells = np.nan_to_num(detections.centers / _HEATMAP_CELL).clip(-1e6, 1e6).astype(int)
    for (x, y), radius, score in zip(
        cells.tolist(), radii.tolist(), detections.scores.tolist(), strict=True
    ):
        draw_gaussian(heat, x, y, radius, score)
    heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    colors = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_JET)
    weight = (_HEATMAP_WEIGHT * np.sqrt(heat))[..., None]
    return (image * (1 - weight) + colors * weight).astype(np.uint8)


class LookColours:
    """Colors for embeddings: similar embeddings get similar colors.

    A color is a fixed random projection, relative to the mean and spread of all embeddings so far.
    """

    def __init__(self) -> None:
        self._number = 0
        self._sums = np.zeros((2, 3))

    def colors(self, embeddings: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return (N, 3) BGR colors of embeddings (N, D), and add them to the statistics."""
        axes = np.random.default_rng(0).standard_normal((embeddings.shape[1], 3))
        seen = np.nan_to_num(embeddings.astype(np.float64)) @ axes
        self._number += len(seen)
        self._sums += np.stack([seen.sum(axis=0), (seen**2).sum(axis=0)])
        mean, square = self._sums / max(1, self._number)
        spread = np.sqrt(np.maximum(square - mean**2, 1e-12))
        return (128 + 80 * (seen - mean) / spread).clip(0, 255).astype(np.uint8)


def draw_looks(
    image: NDArray[np.uint8], detections: Detections, looks: LookColours
) -> NDArray[np.uint8]:
    """Return an image in which the boxes of its detections are tinted by their appearance."""
    tinted = np.array(image, np.uint8, order='C')
    if detections.embeddings is None:
        return tinted
    limit = np.tile(np.array(image.shape[1::-1]), 2)
    corners = np.rint(np.nan_to_num(detections.boxes)).clip(0, limit).astype(int)
    colors = looks.colors(detections.embeddings)
    for (x1, y1, x2, y2), color in zip(corners.tolist(), colors, strict=True):
        window = tinted[y1:y2, x1:x2]
        window[...] = (1 - _TINT_WEIGHT) * image[y1:y2, x1:x2] + _TINT_WEIGHT * color
    return tinted


def draw_displacements(canvas: NDArray[np.uint8], detections: Detections) -> None:
    """Draw an arrow into an image from each detection to its position in the previous frame."""
    if detections.displacements is None:
        return
    reach = 4.0 * max(canvas.shape[:2])
    before = detections.centers + detections.displacements
    ends = np.nan_to_num(np.stack([detections.centers, before], axis=1)).clip(-reach, reach)
    thickness = max(1, round(min(canvas.shape[:2]) / 240))
    for start, tip in np.rint(ends).astype(int).tolist():
        cv2.circle(canvas, start, thickness + 1, _MAGENTA, cv2.FILLED, cv2.LINE_AA)
        cv2.arrowedLine(canvas, start, tip, _MAGENTA, thickness, cv2.LINE_AA, 0, 0.3)
