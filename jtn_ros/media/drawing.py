"""Tracks drawn into images: boxes, names, velocities and trails."""

import colorsys
from collections import deque
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.geometry import box_centers
from jtn_ros.tracking.track import Tracks

Color = tuple[int, int, int]

_GOLDEN_RATIO = 0.618033988749895
# A velocity arrow ends where the object would be after this time.
ARROW_SECONDS = 0.5
# Tracks that were not detected for longer than this are too uncertain to be drawn.
_LONGEST_UNSEEN_NS = 1_000_000_000
# Less saturated colors have enough contrast on a dark background, blue ones among them.
_SATURATION = 0.55


def color_of(track_id: int) -> Color:
    """Return the BGR color of an identity; consecutive ones are far apart."""
    hue = track_id * _GOLDEN_RATIO % 1.0
    value = (1.0, 0.85)[track_id % 2]
    red, green, blue = colorsys.hsv_to_rgb(hue, _SATURATION, value)
    return round(255 * blue), round(255 * green), round(255 * red)


def text_color_on(color: Color) -> Color:
    """Return black or white, which is legible on a color."""
    blue, green, red = color
    bright = 0.114 * blue + 0.587 * green + 0.299 * red > 128
    return (0, 0, 0) if bright else (255, 255, 255)


def caption_of(track_id: int, class_id: int, class_names: Sequence[str]) -> str:
    """Return the label of a track: its identity, and its class if there are several."""
    if len(class_names) < 2:
        return f'{track_id}'
    known = 0 <= class_id < len(class_names)
    return f'{track_id} {class_names[class_id] if known else f"class {class_id}"}'


def drawable(tracks: Tracks, width: int, height: int) -> Tracks:
    """Return the tracks to draw: those in the image that were detected within a second."""
    x1, y1, x2, y2 = tracks.boxes.T
    inside = (x1 < width) & (y1 < height) & (x2 > 0) & (y2 > 0)
    return tracks.select(inside & (tracks.unseen_ns <= _LONGEST_UNSEEN_NS))


def nearness(tracks: Tracks) -> NDArray[np.float64]:
    """Return numbers (N,) that are greater for nearer tracks: the lower a box ends, the nearer."""
    return tracks.boxes[:, 3].astype(np.float64)


class Trails:
    """The recent positions of the feet of each track.

    Args:
        seconds: time for which a point is stored.
    """

    def __init__(self, seconds: float = 2.0) -> None:
        self._keep_ns = round(seconds * 1e9)
        self._points: dict[int, deque[tuple[int, float, float]]] = {}

    def update(self, tracks: Tracks, stamp_ns: int) -> None:
        """Append the observed tracks of a frame; remove old points and ended tracks."""
        feet = np.column_stack([box_centers(tracks.boxes)[:, 0], tracks.boxes[:, 3]])
        ids, observed = tracks.ids.tolist(), tracks.observed.tolist()
        for track_id, seen, (x, y) in zip(ids, observed, feet.tolist(), strict=True):
            if seen:
                self._points.setdefault(track_id, deque()).append((stamp_ns, x, y))
        live = set(ids)
        self._points = {key: points for key, points in self._points.items() if key in live}
        for points in self._points.values():
            while points and not stamp_ns - self._keep_ns <= points[0][0] <= stamp_ns:
                points.popleft()

    def points(self, track_id: int) -> NDArray[np.float64]:
        """Return the (P, 2) points of a track in pixels, oldest first."""
        points = self._points.get(track_id, ())
        return np.array([point[1:] for point in points], np.float64).reshape(-1, 2)


def dim(image: NDArray[np.uint8], mask: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """Return an image (H, W, 3) darkened where a mask (H, W) is False; None for no mask."""
    if mask is None:
        return image
    darker: NDArray[np.uint8] = np.where(mask[..., None], image, image // 3)
    return darker


def draw_tracks(
    image: NDArray[np.uint8],
    tracks: Tracks,
    class_names: Sequence[str] = (),
    *,
    trails: Trails | None = None,
) -> NDArray[np.uint8]:
    """Return a copy of an image with its tracks drawn into it.

    A box is solid when the track was observed in this frame and dashed when it is predicted;
    tracks that are not `drawable` are skipped. The arrow shows the motion in the next half second.
    Labels of near objects cover those of far ones. Line widths scale with the image.

    Args:
        image: uint8 BGR (H, W, 3).
        tracks: of this frame, in pixels of this image.
        class_names: by class; without them (or with a single class), no class is written.
        trails: `Trails` that were updated with these tracks.
    """
    tracks = drawable(tracks, image.shape[1], image.shape[0])
    tracks = tracks.select(np.argsort(nearness(tracks), kind='stable'))
    canvas = np.array(image, np.uint8, order='C')
    pen = _Pen(canvas)
    # Far outside the image, OpenCV's integers overflow, so coordinates are limited.
    reach = 4.0 * max(canvas.shape[:2])
    boxes = np.nan_to_num(tracks.boxes).clip(-reach, reach)
    centers = box_centers(boxes)
    tips = np.nan_to_num(tracks.velocities * ARROW_SECONDS + centers).clip(-reach, reach)
    observed = tracks.observed
    for row, track_id in enumerate(tracks.ids.tolist()):
        color = color_of(track_id)
        if trails is not None:
            pen.path(trails.points(track_id).clip(-reach, reach), color)
        pen.box(boxes[row], color, dashed=not observed[row])
        pen.arrow(centers[row], tips[row], color)
    for row, track_id in enumerate(tracks.ids.tolist()):  # above all boxes
        caption = caption_of(track_id, int(tracks.class_ids[row]), class_names)
        pen.label(f'{caption} {tracks.scores[row]:.2f}', boxes[row], color_of(track_id))
    return canvas


class _Pen:
    """Draws lines and text whose size fits the image."""

    def __init__(self, canvas: NDArray[np.uint8]) -> None:
        side = min(canvas.shape[:2])
        self._canvas = canvas
        self._thickness = max(1, round(side / 240))
        self._font_scale = max(0.35, side / 1100)
        self._font_thickness = max(1, round(side / 700))
        self._dash = max(4.0, side / 60)

    def box(self, box: NDArray[np.floating], color: Color, *, dashed: bool) -> None:
        x1, y1, x2, y2 = box
        corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
        if not dashed:
            self._lines([corners], color, cv2.LINE_8, closed=True)
            return
        dashes = [
            self._dashes(start, end)
            for start, end in zip(corners, np.roll(corners, -1, 0), strict=True)
        ]
        self._lines(list(np.concatenate(dashes)), color, cv2.LINE_8)

    def path(self, points: NDArray[np.floating], color: Color) -> None:
        if len(points) > 1:
            self._lines([points], color, cv2.LINE_AA)

    def arrow(self, start: NDArray[np.floating], tip: NDArray[np.floating], color: Color) -> None:
        length = float(np.linalg.norm(tip - start))
        if length < 4 * self._thickness:  # too short to show a direction
            return
        head = min(0.5, 8 * self._thickness / length)
        begin, end = np.rint([start, tip]).astype(int).tolist()
        cv2.arrowedLine(self._canvas, begin, end, color, self._thickness, cv2.LINE_AA, 0, head)

    def label(self, text: str, box: NDArray[np.floating], color: Color) -> None:
        """Write on a filled strip above the box, or inside where there is no room above."""
        font, margin = cv2.FONT_HERSHEY_SIMPLEX, self._thickness + 1
        (width, height), below = cv2.getTextSize(
            text, font, self._font_scale, self._font_thickness
        )
        columns = self._canvas.shape[1]
        strip = (width + 2 * margin, height + below + 2 * margin)
        left, top = round(float(box[0])), round(float(box[1]))
        left = max(0, min(left, columns - strip[0]))
        top = top - strip[1] if top >= strip[1] else max(0, top)
        corner = (left + strip[0] - 1, top + strip[1] - 1)
        cv2.rectangle(self._canvas, (left, top), corner, color, cv2.FILLED)
        cv2.putText(
            self._canvas,
            text,
            (left + margin, top + margin + height),
            font,
            self._font_scale,
            text_color_on(color),
            self._font_thickness,
            cv2.LINE_AA,
        )

    def _dashes(
        self, start: NDArray[np.floating], end: NDArray[np.floating]
    ) -> NDArray[np.floating]:
        """Return (D, 2, 2) dashes of equal length that begin and end in the corners."""
        pieces = 2 * int(np.linalg.norm(end - start) / (2 * self._dash)) + 1
        steps = np.linspace(0, 1, pieces + 1)[:, None]
        points = start + steps * (end - start)
        return np.stack([points[:-1:2], points[1::2]], axis=1)

    def _lines(
        self,
        lines: list[NDArray[np.floating]],
        color: Color,
        kind: int,
        *,
        closed: bool = False,
    ) -> None:
        integer = [np.rint(line).astype(np.int32) for line in lines]
        cv2.polylines(self._canvas, integer, closed, color, self._thickness, kind)
