"""What the network saw, drawn into the image: heat map, displacements and appearance.

The exported graph hands out peaks, not maps. So the heat map shown here is redrawn from them:
every peak that reaches the tracker is the spot that training asks for at its place, as bright
as its score. It shows what the tracker is given, not the network's map between the peaks.
"""

from collections.abc import Collection
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.gaussian import draw_gaussian
from jtn_ros.gaussian import gaussian_radius
from jtn_ros.geometry import box_sizes
from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import draw_tracks
from jtn_ros.tracking.track import Tracks

VIEWS = ('heatmap', 'displacement', 'embedding', 'trails')

_HEATMAP_CELL = 4  # pixels of the image
_HEATMAP_WEIGHT = 0.6
_TINT_WEIGHT = 0.5
_MAGENTA = (255, 0, 255)


class View:
    """Draws frame after frame with the chosen views.

    Args:
        views: of `VIEWS`.
        class_names: by class.
    """

    def __init__(self, views: Collection[str], class_names: Sequence[str] = ()) -> None:
        self._views = frozenset(views)
        self._class_names = class_names
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
            image = draw_embeddings(image, detections)
        picture = draw_tracks(image, tracks, self._class_names, trails=self._trails)
        if 'displacement' in self._views:
            draw_displacements(picture, detections)
        return picture


def draw_heatmap(image: NDArray[np.uint8], detections: Detections) -> NDArray[np.uint8]:
    """Return an image under the spots of its detections, each as bright as its score."""
    height, width = image.shape[:2]
    rows, columns = -(-height // _HEATMAP_CELL), -(-width // _HEATMAP_CELL)
    heat = np.zeros((rows, columns), np.float32)
    sizes = np.ceil(box_sizes(detections.boxes).clip(1, 4 * max(height, width)) / _HEATMAP_CELL)
    radii = gaussian_radius(sizes[:, 1], sizes[:, 0]).clip(1).astype(int)
    cells = np.nan_to_num(detections.centers / _HEATMAP_CELL).clip(-1e6, 1e6).astype(int)
    for (x, y), radius, score in zip(
        cells.tolist(), radii.tolist(), detections.scores.tolist(), strict=True
    ):
        draw_gaussian(heat, x, y, radius, score)
    heat = cv2.resize(heat, (width, height), interpolation=cv2.INTER_LINEAR)
    colours = cv2.applyColorMap((255 * heat).astype(np.uint8), cv2.COLORMAP_JET)
    weight = (_HEATMAP_WEIGHT * np.sqrt(heat))[..., None]
    return (image * (1 - weight) + colours * weight).astype(np.uint8)


def draw_embeddings(image: NDArray[np.uint8], detections: Detections) -> NDArray[np.uint8]:
    """Return an image in which those who look alike to the network have boxes of like colour.

    A colour is a fixed random projection of the embedding, so it means the same in every frame.
    """
    tinted = np.array(image, np.uint8, order='C')
    if detections.embeddings is None or not len(detections):
        return tinted
    length = detections.embeddings.shape[1]
    projection = np.random.default_rng(0).standard_normal((length, 3))
    colours = (128 + 90 * detections.embeddings @ projection).clip(0, 255).astype(np.uint8)
    limit = np.tile(np.array(image.shape[1::-1]), 2)
    corners = np.rint(np.nan_to_num(detections.boxes)).clip(0, limit).astype(int)
    for (x1, y1, x2, y2), colour in zip(corners.tolist(), colours, strict=True):
        window = tinted[y1:y2, x1:x2]
        window[...] = (1 - _TINT_WEIGHT) * image[y1:y2, x1:x2] + _TINT_WEIGHT * colour
    return tinted


def draw_displacements(canvas: NDArray[np.uint8], detections: Detections) -> None:
    """Draw an arrow into an image from every detection to where it was one frame ago."""
    if detections.displacements is None:
        return
    reach = 4.0 * max(canvas.shape[:2])
    before = detections.centers + detections.displacements
    ends = np.nan_to_num(np.stack([detections.centers, before], axis=1)).clip(-reach, reach)
    thickness = max(1, round(min(canvas.shape[:2]) / 240))
    for start, tip in np.rint(ends).astype(int).tolist():
        cv2.circle(canvas, start, 2 * thickness, _MAGENTA, cv2.FILLED, cv2.LINE_AA)
        cv2.arrowedLine(canvas, start, tip, _MAGENTA, thickness, cv2.LINE_AA, 0, 0.3)
