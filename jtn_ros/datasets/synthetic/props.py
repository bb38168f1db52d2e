"""Things that stand among the people, hide them, or look a little like them; never annotated."""

from dataclasses import dataclass
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.synthetic.camera import Camera
from jtn_ros.datasets.synthetic.figure import Patch
from jtn_ros.datasets.synthetic.texture import foliage_color
from jtn_ros.datasets.synthetic.texture import hsv
from jtn_ros.datasets.synthetic.texture import octave_noise
from jtn_ros.datasets.synthetic.texture import surface_color

Array = NDArray[np.float64]

# Width and height ranges in metres.
_SIZES = {
    'pole': ((0.08, 0.22), (2.5, 7.0)),
    'sign': ((0.4, 0.9), (1.8, 3.0)),
    'trunk': ((1.6, 4.0), (3.0, 7.0)),
    'bush': ((0.7, 2.5), (0.6, 1.9)),
    'bin': ((0.35, 0.7), (0.7, 1.2)),
    'cone': ((0.25, 0.45), (0.45, 0.8)),
    'box': ((0.4, 1.6), (0.4, 1.9)),
    'bench': ((1.2, 2.2), (0.5, 0.9)),
    'statue': ((0.35, 0.6), (0.9, 1.9)),
    'wall': ((1.5, 5.0), (0.5, 1.3)),
    'luggage': ((0.3, 0.5), (0.5, 0.9)),
}


@dataclass(frozen=True, kw_only=True)
class Prop:
    """A standing object in the camera's mean orientation.

    Attributes:
        patch: how it looks.
        depth: distance from the camera along its axis, in metres.
    """

    patch: Patch
    depth: float

    def view(self, homography: Array) -> Patch:
        """Return the patch moved by a 3x3 map from mean to present image pixels."""
        patch = self.patch
        rows, columns = patch.alpha.shape
        corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
        corners += (patch.left, patch.top)
        moved = cv2.perspectiveTransform(corners[None], homography)[0]
        low, high = np.floor(moved.min(axis=0)), np.ceil(moved.max(axis=0)) + 1
        shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
        back = np.array([[1, 0, patch.left], [0, 1, patch.top], [0, 0, 1.0]])
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        transform = shift @ homography @ back
        color = cv2.warpPerspective(patch.color, transform, size)
        alpha = cv2.warpPerspective(patch.alpha, transform, size)
        return Patch(left=int(low[0]), top=int(low[1]), color=color, alpha=alpha)


def sample_prop(camera: Camera, position: Array, rng: np.random.Generator) -> Prop | None:
    """Draw an object standing at a ground position (2,); None where it would fill the view."""
    kind = str(rng.choice(list(_SIZES)))
    (narrow, wide), (low, high) = _SIZES[kind]
    base = np.array([*position, 0.0])
    tall = rng.uniform(low, high)
    pixels, depths = camera.project(np.stack([base, base + (0, 0, tall)]))
    depth = float(depths[0])
    height = float(np.linalg.norm(pixels[0] - pixels[1]))
    width = rng.uniform(narrow, wide) * camera.focal / depth
    rows, columns = max(3, round(height)), max(2, round(width))
    limit = 2.2 * camera.height
    if depth < 0.5 or rows > limit or columns > 0.5 * camera.width:
        return None
    color, alpha = _paint(kind, rows, columns, rng)
    alpha_share = alpha[..., None].astype(np.float32) / 255
    premultiplied = (np.clip(color, 0, 255) * alpha_share).astype(np.uint8)
    foot = pixels[0]
    patch = Patch(
        left=round(foot[0] - columns / 2), top=round(foot[1] - rows), color=premultiplied,
        alpha=alpha,
    )  # fmt: skip
    return Prop(patch=patch, depth=depth)


def _paint(
    kind: str, rows: int, columns: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return colour (rows, columns, 3) and alpha of an object."""
    base = foliage_color(rng) if kind in ('bush', 'trunk') else surface_color(rng)
    grain = octave_noise(rng, rows, columns, coarsest=4, octaves=5, persistence=0.8)
    strength = rng.uniform(0.15, 0.4) if kind in ('bush', 'trunk') else rng.uniform(0.02, 0.12)
    across = np.linspace(-1, 1, columns, dtype=np.float32)[None]
    round_shade = 1 - 0.45 * (across - rng.uniform(-0.4, 0.4)) ** 2
    color = base * ((1 + strength * grain) * round_shade)[..., None]
    alpha = np.zeros((rows, columns), np.uint8)

    def rectangle(x1: float, y1: float, x2: float, y2: float) -> None:
        points = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]) * (columns, rows)
        cv2.fillConvexPoly(alpha, (points * 16 - 8).astype(np.int32), 255, cv2.LINE_AA, 4)

    def ellipse(x: float, y: float, half_x: float, half_y: float) -> None:
        center = (int((x * columns - 0.5) * 16), int((y * rows - 0.5) * 16))
        axes = (max(8, int(half_x * columns * 16)), max(8, int(half_y * rows * 16)))
        cv2.ellipse(alpha, center, axes, 0, 0, 360, 255, -1, cv2.LINE_AA, 4)

    if kind in ('bin', 'box', 'luggage', 'wall', 'pole'):
        rectangle(0, 0, 1, 1)
        if kind == 'luggage':
            alpha[: rows // 4] = 0
            rectangle(0.3, 0, 0.36, 0.3)
            rectangle(0.64, 0, 0.7, 0.3)
        elif rng.random() < 0.5 and rows > 6:
            color[: max(1, rows // 8)] *= rng.uniform(0.5, 1.5)
    elif kind == 'sign':
        rectangle(0.46, 0, 0.54, 1)
        depth = rng.uniform(0.15, 0.4)
        rectangle(0, 0, 1, depth)
        plate = hsv(rng.random(), rng.uniform(0, 0.9), rng.uniform(0.3, 1))
        color[: int(depth * rows)] = plate
        inner = int(depth * rows * 0.3), int(depth * rows * 0.6)
        color[inner[0] : inner[1], columns // 4 : -columns // 4 or None] = 255 - plate
    elif kind == 'trunk':
        stem = rng.uniform(0.04, 0.1)
        rectangle(0.5 - stem, 0.3, 0.5 + stem, 1)
        bark = np.array([40, 50, 60], np.float32) * rng.uniform(0.5, 1.6)
        color[int(rows * 0.5) :] = bark * (1 + 0.2 * grain[int(rows * 0.5) :, :, None])
        for _ in range(9):
            ellipse(*rng.uniform((0.25, 0.12), (0.75, 0.4)), *rng.uniform(0.1, 0.25, 2))
    elif kind == 'bush':
        for _ in range(10):
            ellipse(*rng.uniform((0.2, 0.35), (0.8, 0.8)), *rng.uniform(0.12, 0.3, 2))
        rectangle(0.2, 0.7, 0.8, 1)
        alpha[(grain > 1.2) & (alpha > 0)] = 90
    elif kind == 'cone':
        points = np.array([[0.42, 0], [0.58, 0], [0.85, 0.9], [1, 0.9], [1, 1], [0, 1],
                           [0, 0.9], [0.15, 0.9]]) * (columns, rows)  # fmt: skip
        cv2.fillPoly(alpha, [(points * 16 - 8).astype(np.int32)], 255, cv2.LINE_AA, 4)
        color[:] = hsv(rng.uniform(0, 0.1), 0.85, 0.9) * round_shade[..., None]
        color[int(0.4 * rows) : int(0.6 * rows)] = 230
    elif kind == 'bench':
        rectangle(0, 0, 1, 0.25)
        rectangle(0, 0.45, 1, 0.6)
        for x in (0.08, 0.86):
            rectangle(x, 0.2, x + 0.06, 1)
    else:  # statue: a bust or a dummy on a pedestal
        ellipse(0.5, 0.13, 0.22, 0.12)
        if rng.random() < 0.5:
            ellipse(0.5, 0.4, 0.42, 0.2)
        rectangle(0.1, 0.5, 0.9, 1)
    return color, alpha


def sample_props(
    camera: Camera, positions: Array, rng: np.random.Generator
) -> list[Prop]:
    """Draw an object at each of (N, 2) ground positions."""
    props = (sample_prop(camera, position, rng) for position in positions)
    return [prop for prop in props if prop is not None and math.isfinite(prop.depth)]
