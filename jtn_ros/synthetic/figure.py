"""Rasterize one person or vehicle into a small image patch."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.look import SHEET
from jtn_ros.synthetic.look import Look
from jtn_ros.synthetic.patch import Patch

Array = NDArray[np.float64]

_CORNERS = 14
_ANGLES = np.linspace(0, 2 * math.pi, _CORNERS, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1)
_SHIFT = 4  # fractional bits of drawing coordinates
_MARGIN = 3  # pixels around a figure, for anti-aliasing and blur
_DRAWN_HEIGHT = 210  # approximate height of drawing; downscaling then smooths edges
# Shading is drawn as three nested shapes per part: rim, body and highlight.
_NESTED = np.array([0.74, 0.42])[:, None, None]  # sizes of the inner two
_SHIFTED = np.array([0.25, 0.5])[:, None, None]  # their shifts towards the light, in radii
_TONES = (-0.48, -0.1, 0.22)


@dataclass(frozen=True, kw_only=True)
class Light:
    """The light on the figures.

    Attributes:
        direction: (2,) image direction towards the light source, of length about 1.
        brightness: of a lit surface relative to its color, 0 to 1.
        contrast: strength of the shading, 0 to 1.
    """

    direction: Array
    brightness: float
    contrast: float


def silhouette_boxes(pixels: Array, radii: Array, drawn: NDArray[np.bool_]) -> Array:
    """Return the boxes (N, 4) ``x1 y1 x2 y2`` around projected bodies.

    Args:
        pixels: (N, S, 2) sphere centers, integer values at pixel centers.
        radii: (N, S) pixels.
        drawn: (N, S), the spheres that belong to a visible part.

    """
    apart = np.where(drawn, 0.0, np.inf)[..., None]
    low = (pixels - radii[..., None] + apart).min(axis=1)
    high = (pixels + radii[..., None] - apart).max(axis=1)
    return np.concatenate([low, high], axis=1) + 0.5  # from pixel centers to pixel edges


def draw_figure(
    pixels: Array, radii: Array, distances: Array, look: Look, box: Array, light: Light
) -> Patch:
    """Draw a figure.

    Args:
        pixels: (S, 2) projected sphere centers.
        radii: (S,) projected radii in pixels.
        distances: (S,) meters from the camera, which determine occlusions of parts.
        look: the look of the figure.
        box: (4,) box of the silhouette.
        light: the light on the figure.

    """
    left, top = (int(value) for value in np.floor(box[:2]) - _MARGIN)
    width, height = (int(value) for value in np.ceil(box[2:]) + _MARGIN - (left, top))
    zoom = float(np.clip(_DRAWN_HEIGHT / height, 1.4, 3))
    size = (math.ceil(width * zoom), math.ceil(height * zoom))
    labels, shade = _draw_parts(
        (pixels - (left - 0.5, top - 0.5)) * (size[0] / width, size[1] / height) - 0.5,
        radii * zoom,
        distances,
        size,
        look,
        light,
    )

    painted = cv2.LUT(cv2.merge([labels] * 4), look.palette)
    painted = cv2.resize(painted, (width, height), interpolation=cv2.INTER_AREA)
    shade = cv2.resize(shade, (width, height), interpolation=cv2.INTER_AREA)
    shade = cv2.GaussianBlur(shade, (0, 0), min(max(height / 120, 0.4), 2.0))
    upper = cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
    upper = cv2.LUT(upper, look.upper)
    to_sheet = np.array([[SHEET / height, 0, SHEET / 2 * (1 - width / height)],
                         [0, SHEET / height, 0]])  # fmt: skip
    worn, cloth = (
        cv2.warpAffine(
            sheet,
            to_sheet,
            (width, height),
            borderMode=cv2.BORDER_REFLECT,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        for sheet in look.patterns
    )
    cv2.copyTo(worn, upper, cloth)
    color, alpha = cv2.cvtColor(painted, cv2.COLOR_BGRA2BGR), cv2.extractChannel(painted, 3)
    color = cv2.multiply(color, cloth, scale=1 / 128)
    color = cv2.multiply(color, cv2.merge([shade] * 3), scale=1 / 128)
    color = cv2.min(color, cv2.merge([alpha] * 3))
    return Patch(left=left, top=top, color=color, alpha=alpha)


def _draw_parts(
    centers: Array,
    radii: Array,
    distances: Array,
    size: tuple[int, int],
    look: Look,
    light: Light,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the materials and the brightness (128 = 1) of every pixel, far parts first."""
    labels = np.zeros((size[1], size[0]), np.uint8)
    shade = np.full((size[1], size[0]), 128, np.uint8)
    rim, body, highlight = (
        128 * light.brightness * (1 + light.contrast * tone) for tone in _TONES
    )
    fixed = 1 << _SHIFT
    circles = centers[:, None] + _CIRCLE * radii[:, None, None]
    circles = (circles * fixed).astype(np.int32)
    # The nested shapes are the hull, scaled around its middle and shifted towards the light.
    middles = (look.means @ centers)[:, None, None] * (1 - _NESTED)
    lit = (look.means @ radii)[:, None, None, None] * light.direction * _SHIFTED
    offsets = (middles + lit) * fixed
    for part in np.argsort(look.nearer - look.means @ distances):
        hull = cv2.convexHull(circles[look.members[part]].reshape(-1, 2))[:, 0]
        inner = (hull * _NESTED + offsets[part]).astype(np.int32)
        cv2.fillConvexPoly(labels, hull, look.parts[part].label, cv2.LINE_8, _SHIFT)
        cv2.fillConvexPoly(shade, hull, rim, cv2.LINE_8, _SHIFT)
        cv2.fillConvexPoly(shade, inner[0], body, cv2.LINE_8, _SHIFT)
        cv2.fillConvexPoly(shade, inner[1], highlight, cv2.LINE_8, _SHIFT)
    return labels, shade
