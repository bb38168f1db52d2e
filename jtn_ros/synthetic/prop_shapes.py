"""Images of objects: poles, signs, trees, furniture, cars, shapes similar to people."""

import math
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.texture import foliage_color
from jtn_ros.synthetic.texture import hsv
from jtn_ros.synthetic.texture import octave_noise
from jtn_ros.synthetic.texture import surface_color

Color = NDArray[np.float32]
_SIDE = 200  # pixels of the longer side of an image


class Brush:
    """A transparent image of an object, with coordinates from 0 to 1 in both directions."""

    def __init__(self, aspect: float, rng: np.random.Generator) -> None:
        """Start an image with a width-to-height ratio."""
        self.rng = rng
        rows = _SIDE if aspect < 1 else max(8, round(_SIDE / aspect))
        columns = max(8, round(_SIDE * aspect)) if aspect < 1 else _SIDE
        self.image = np.zeros((rows, columns, 4), np.uint8)
        self.color = surface_color(rng)

    def polygon(self, points: list[tuple[float, float]], color: Color | None = None) -> None:
        """Fill a polygon."""
        rows, columns = self.image.shape[:2]
        corners = np.round(np.array(points) * (columns - 1, rows - 1)).astype(np.int32)
        cv2.fillPoly(self.image, [corners], self._ink(color))

    def rectangle(
        self, x1: float, y1: float, x2: float, y2: float, color: Color | None = None
    ) -> None:
        """Fill an upright rectangle."""
        self.polygon([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], color)

    def ellipse(
        self,
        x: float,
        y: float,
        half_x: float,
        half_y: float,
        color: Color | None = None,
        thickness: int = -1,
    ) -> None:
        """Fill an ellipse, or draw its outline with a thickness in pixels."""
        rows, columns = self.image.shape[:2]
        center = (round(x * columns), round(y * rows))
        axes = (max(1, round(half_x * columns)), max(1, round(half_y * rows)))
        cv2.ellipse(self.image, center, axes, 0, 0, 360, self._ink(color), thickness)

    def line(
        self,
        x1: float,
        y1: float,
        x2: float,
        y2: float,
        thickness: int = 3,
        color: Color | None = None,
    ) -> None:
        """Draw a line with a thickness in pixels."""
        rows, columns = self.image.shape[:2]
        first, second = (
            (round(x1 * columns), round(y1 * rows)),
            (round(x2 * columns), round(y2 * rows)),
        )
        cv2.line(self.image, first, second, self._ink(color), thickness)

    def clear(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Make a rectangle transparent again."""
        rows, columns = self.image.shape[:2]
        self.image[int(y1 * rows) : int(y2 * rows), int(x1 * columns) : int(x2 * columns)] = 0

    def finish(self, roundness: float, grain: float) -> NDArray[np.uint8]:
        """Return the image (h, w, 4) with shading and a rough surface."""
        rows, columns = self.image.shape[:2]
        noise = octave_noise(self.rng, rows, columns, coarsest=4, octaves=5, persistence=0.85)
        across = np.linspace(-1, 1, columns, dtype=np.float32)[None]
        shade = 1 - np.float32(roundness) * (across - self.rng.uniform(-0.5, 0.5)) ** 2
        shade = np.maximum(shade * (1 + np.float32(grain) * noise), 0.1)
        self.image[..., :3] = np.minimum(self.image[..., :3] * shade[..., None], 255)
        return self.image

    def _ink(self, color: Color | None) -> tuple[float, float, float, float]:
        blue, green, red = np.clip(self.color if color is None else color, 1, 255).tolist()
        return blue, green, red, 255


def _pole(brush: Brush) -> None:
    brush.rectangle(0, 0, 1, 1)
    if brush.rng.random() < 0.3:
        for y in np.arange(0, 1, 0.2):
            brush.rectangle(0, y, 1, y + 0.1, hsv(0, 0, 0.95))


def _lamp(brush: Brush) -> None:
    brush.rectangle(0.44, 0.04, 0.56, 1)
    glow = hsv(0.14, 0.15, brush.rng.uniform(0.5, 1))
    if brush.rng.random() < 0.5:
        brush.ellipse(0.5, 0.05, 0.45, 0.05, glow)
    else:
        brush.rectangle(0.5, 0.02, 1, 0.035)
        brush.rectangle(0.7, 0.03, 1, 0.05, glow)


def _sign(brush: Brush) -> None:
    rng = brush.rng
    brush.rectangle(0.46, 0, 0.54, 1)
    face = hsv(rng.random(), rng.uniform(0, 0.9), rng.uniform(0.3, 1))
    low = rng.uniform(0.15, 0.45)
    if rng.random() < 0.4:
        brush.ellipse(0.5, low / 2, 0.48, low / 2, face)
        brush.ellipse(0.5, low / 2, 0.33, low / 3, 255 - face)
    else:
        brush.rectangle(0, 0, 1, low, face)
        for y in np.linspace(0.15, 0.8, int(rng.integers(1, 5))):
            brush.rectangle(0.12, y * low, rng.uniform(0.5, 0.9), y * low + 0.03, 255 - face)


def _tree(brush: Brush) -> None:
    rng = brush.rng
    stem = rng.uniform(0.02, 0.08)
    brush.rectangle(0.5 - stem, 0.3, 0.5 + stem, 1, hsv(0.08, 0.3, rng.uniform(0.1, 0.5)))
    leaves = foliage_color(rng)
    if rng.random() < 0.3:  # a conifer
        for y in np.linspace(0, 0.65, 6):
            brush.polygon(
                [
                    (0.5, y),
                    (0.9 - 0.35 * (0.65 - y), y + 0.25),
                    (0.1 + 0.35 * (0.65 - y), y + 0.25),
                ],
                leaves,
            )
        return
    for _ in range(24):
        brush.ellipse(
            rng.uniform(0.2, 0.8),
            rng.uniform(0.1, 0.5),
            rng.uniform(0.06, 0.18),
            rng.uniform(0.05, 0.12),
            leaves * rng.uniform(0.55, 1.35),
        )


def _bush(brush: Brush) -> None:
    rng = brush.rng
    leaves = foliage_color(rng)
    brush.rectangle(0.1, 0.6, 0.9, 1, leaves * 0.7)
    for _ in range(26):
        brush.ellipse(
            rng.uniform(0.15, 0.85),
            rng.uniform(0.25, 0.85),
            rng.uniform(0.06, 0.15),
            rng.uniform(0.08, 0.15),
            leaves * rng.uniform(0.55, 1.35),
        )


def _bin(brush: Brush) -> None:
    brush.polygon([(0, 0.1), (1, 0.1), (0.9, 1), (0.1, 1)])
    brush.ellipse(0.5, 0.1, 0.5, 0.1, brush.color * brush.rng.uniform(0.3, 1.3))


def _cone(brush: Brush) -> None:
    body = hsv(brush.rng.uniform(0, 0.1), 0.85, 0.9)
    brush.polygon([(0.42, 0), (0.58, 0), (0.85, 0.9), (0.15, 0.9)], body)
    brush.rectangle(0, 0.9, 1, 1, body * 0.8)
    brush.polygon([(0.33, 0.35), (0.67, 0.35), (0.75, 0.6), (0.25, 0.6)], hsv(0, 0, 0.95))


def _box(brush: Brush) -> None:
    brush.rectangle(0, 0, 1, 1, brush.color * 0.8)
    brush.rectangle(0, 0, 1, brush.rng.uniform(0.05, 0.3), brush.color * 1.2)
    if brush.rng.random() < 0.6:
        x, y = brush.rng.uniform(0.1, 0.4), brush.rng.uniform(0.3, 0.5)
        brush.rectangle(x, y, 1 - x, y + 0.35, surface_color(brush.rng))


def _bench(brush: Brush) -> None:
    for y in (0.0, 0.2, 0.45):
        brush.rectangle(0, y, 1, y + 0.13)
    for x in (0.08, 0.86):
        brush.rectangle(x, 0.2, x + 0.06, 1, brush.color * 0.4)


def _statue(brush: Brush) -> None:
    brush.ellipse(0.5, 0.12, 0.2, 0.1)
    if brush.rng.random() < 0.5:
        brush.ellipse(0.5, 0.4, 0.4, 0.22)
    brush.rectangle(0.1, 0.55, 0.9, 1, surface_color(brush.rng))


def _wall(brush: Brush) -> None:
    brush.rectangle(0, 0, 1, 1)
    brush.rectangle(0, 0, 1, 0.12, brush.color * 1.3)


def _luggage(brush: Brush) -> None:
    brush.rectangle(0, 0.3, 1, 0.95, hsv(brush.rng.random(), 0.5, brush.rng.uniform(0.1, 0.7)))
    for x in (0.3, 0.66):
        brush.rectangle(x, 0, x + 0.05, 0.3)
        brush.ellipse(x, 0.96, 0.06, 0.03, hsv(0, 0, 0.1))


def _fence(brush: Brush) -> None:
    bars = int(brush.rng.integers(6, 22))
    for x in np.linspace(0.01, 0.99, bars):
        brush.line(x, 0, x, 1, 3)
    for y in (0.06, 0.9):
        brush.line(0, y, 1, y, 4)


def _barrier(brush: Brush) -> None:
    first = hsv(float(brush.rng.choice([0.0, 0.02, 0.13, 0.6])), 0.8, brush.rng.uniform(0.4, 0.9))
    second = hsv(0, 0, brush.rng.uniform(0.1, 0.95))
    for step, x in enumerate(np.arange(0, 1, 0.125)):
        brush.rectangle(x, 0.05, x + 0.125, 0.35, first if step % 2 else second)
    for x in (0.1, 0.88):
        brush.rectangle(x, 0, x + 0.03, 1)


def _bicycle(brush: Brush) -> None:
    black = hsv(0, 0, 0.08)
    for x in (0.22, 0.78):
        brush.ellipse(x, 0.67, 0.2, 0.31, black, 3)
    for line in ((0.22, 0.67, 0.4, 0.3), (0.4, 0.3, 0.68, 0.28), (0.68, 0.28, 0.78, 0.67),
                 (0.4, 0.3, 0.48, 0.68), (0.48, 0.68, 0.68, 0.28), (0.22, 0.67, 0.48, 0.68),
                 (0.68, 0.28, 0.64, 0.1)):  # fmt: skip
        brush.line(*line, 4)
    brush.rectangle(0.33, 0.2, 0.46, 0.27, black)


def _table(brush: Brush) -> None:
    brush.rectangle(0.46, 0.1, 0.54, 0.95)
    brush.polygon([(0.5, 0.85), (0.85, 1), (0.15, 1)])
    brush.ellipse(0.5, 0.12, 0.5, 0.12, hsv(0.1, brush.rng.uniform(0, 0.5), 0.9))


def _chair(brush: Brush) -> None:
    brush.rectangle(0.1, 0, 0.22, 1)
    brush.rectangle(0.1, 0.05, 0.6, 0.4)
    brush.rectangle(0.1, 0.5, 0.9, 0.6)
    brush.rectangle(0.8, 0.55, 0.9, 1)


def _tripod(brush: Brush) -> None:
    dark = hsv(0, 0, brush.rng.uniform(0.05, 0.4))
    for x in (0.05, 0.5, 0.95):
        brush.line(0.5, 0.3, x, 1, 3, dark)
    brush.line(0.5, 0.05, 0.5, 0.35, 4, dark)
    brush.rectangle(0.4, 0, 0.62, 0.09, dark)


def _car(brush: Brush) -> None:
    rng = brush.rng
    paints = [hsv(0, 0, 0.9), hsv(0, 0, 0.1), hsv(rng.random(), 0.6, 0.5), hsv(0.6, 0.05, 0.6)]
    body = paints[int(rng.integers(len(paints)))]
    glass, black = hsv(0.6, 0.2, rng.uniform(0.1, 0.5)), hsv(0, 0, 0.08)
    hood = rng.uniform(0.0, 0.25)
    brush.polygon([(0.02, 0.5), (hood + 0.05, 0.42), (hood + 0.18, 0.04), (0.82, 0.02),
                   (0.95, 0.42), (1, 0.5), (0.99, 0.85), (0.01, 0.85)], body)  # fmt: skip
    brush.polygon([(hood + 0.1, 0.42), (hood + 0.2, 0.1), (0.5, 0.09), (0.5, 0.42)], glass)
    brush.polygon([(0.54, 0.42), (0.54, 0.09), (0.8, 0.09), (0.9, 0.42)], glass)
    for x in (0.2, 0.8):
        brush.ellipse(x, 0.83, 0.09, 0.17, black)
        brush.ellipse(x, 0.83, 0.045, 0.085, hsv(0, 0, 0.6))


def _parasol(brush: Brush) -> None:
    brush.rectangle(0.485, 0.1, 0.515, 1)
    brush.polygon([(0.5, 0), (1, 0.3), (0, 0.3)], hsv(brush.rng.random(), 0.5, 0.8))


def _clutter(brush: Brush) -> None:
    """Random shapes, so that shape alone does not identify a person."""
    rng = brush.rng
    for _ in range(int(rng.integers(2, 9))):
        color = hsv(rng.random(), rng.uniform(0, 0.6), rng.uniform(0.05, 0.95))
        x, y = rng.uniform(0.2, 0.8, 2)
        if rng.random() < 0.5:
            brush.ellipse(x, y, rng.uniform(0.05, 0.2), rng.uniform(0.05, 0.2), color)
        else:
            points = rng.normal((x, y), 0.14, (5, 2))
            brush.polygon([(float(px), float(py)) for px, py in np.clip(points, 0, 1)], color)
    brush.rectangle(0.3, 0.6, 0.7, 1)


# Painter, width range and height range in meters, roundness and grain of the shading.
Range = tuple[float, float]
Shape = tuple[Callable[[Brush], None], Range, Range, float, float]
SHAPES: dict[str, Shape] = {
    'pole': (_pole, (0.07, 0.2), (2.5, 7.0), 0.5, 0.05),
    'column': (_pole, (0.3, 0.8), (2.8, 5.0), 0.3, 0.06),
    'lamp': (_lamp, (0.5, 1.0), (3.0, 7.0), 0.2, 0.03),
    'sign': (_sign, (0.4, 0.9), (1.8, 3.0), 0.1, 0.04),
    'tree': (_tree, (1.8, 5.0), (3.0, 8.0), 0.2, 0.3),
    'bush': (_bush, (0.7, 3.0), (0.6, 1.9), 0.2, 0.3),
    'bin': (_bin, (0.35, 0.7), (0.7, 1.2), 0.5, 0.05),
    'cone': (_cone, (0.25, 0.45), (0.45, 0.8), 0.4, 0.03),
    'box': (_box, (0.4, 1.6), (0.4, 1.9), 0.2, 0.06),
    'bench': (_bench, (1.2, 2.2), (0.5, 0.9), 0.1, 0.1),
    'statue': (_statue, (0.35, 0.6), (0.9, 1.9), 0.5, 0.08),
    'wall': (_wall, (1.5, 5.0), (0.5, 1.3), 0.1, 0.1),
    'luggage': (_luggage, (0.3, 0.5), (0.5, 0.9), 0.3, 0.05),
    'fence': (_fence, (1.5, 4.0), (0.8, 1.5), 0.0, 0.03),
    'barrier': (_barrier, (1.2, 2.5), (0.8, 1.1), 0.0, 0.03),
    'bicycle': (_bicycle, (1.5, 1.8), (0.9, 1.1), 0.0, 0.05),
    'table': (_table, (0.6, 1.4), (0.7, 1.1), 0.2, 0.04),
    'chair': (_chair, (0.4, 0.6), (0.8, 1.1), 0.2, 0.04),
    'tripod': (_tripod, (0.5, 0.9), (1.2, 1.8), 0.0, 0.03),
    'car': (_car, (3.6, 5.0), (1.4, 2.2), 0.2, 0.03),
    'parasol': (_parasol, (1.5, 3.0), (2.1, 2.7), 0.3, 0.04),
    'clutter': (_clutter, (0.4, 1.5), (0.6, 2.2), 0.3, 0.15),
}


def paint_shape(
    kind: str, width: float, height: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return an image (h, w, 4) of a kind of object with a size in meters; BGR times alpha."""
    painter, _, _, roundness, grain = SHAPES[kind]
    brush = Brush(width / height, rng)
    painter(brush)
    if rng.random() < 0.5:
        brush.image = np.ascontiguousarray(brush.image[:, ::-1])
    return brush.finish(roundness * rng.uniform(0.5, 1.5), grain * math.exp(rng.normal(0, 0.4)))
