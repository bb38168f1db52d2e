"""Rasterise one posed and dressed person into a small image patch."""

from dataclasses import dataclass
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.synthetic.outfit import SHEET
from jtn_ros.datasets.synthetic.outfit import SLEEVE
from jtn_ros.datasets.synthetic.outfit import UPPER
from jtn_ros.datasets.synthetic.outfit import Outfit

Array = NDArray[np.float64]

_ANGLES = np.linspace(0, 2 * math.pi, 14, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=-1) / math.cos(math.pi / 14)
_SHIFT = 4  # fractional bits of drawing coordinates
_MARGIN = 3  # pixels around a figure, for anti-aliasing and blur


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A picture to be laid over an image.

    Attributes:
        left, top: position of its first pixel in the image; may lie outside.
        color: uint8 (h, w, 3) BGR, multiplied by alpha.
        alpha: uint8 (h, w).
    """

    left: int
    top: int
    color: NDArray[np.uint8]
    alpha: NDArray[np.uint8]


def silhouette_box(pixels: Array, radii: Array, outfit: Outfit) -> Array:
    """Return the box ``x1 y1 x2 y2`` around all parts of projected spheres (S, 2), radii (S,)."""
    used = sorted({sphere for part in outfit.parts for sphere in part.spheres})
    low = (pixels[used] - radii[used, None]).min(axis=0)
    high = (pixels[used] + radii[used, None]).max(axis=0)
    return np.concatenate([low, high]) + 0.5  # pixel centres have integer drawing coordinates


def draw_figure(
    pixels: Array, radii: Array, depths: Array, outfit: Outfit, light: Array, contrast: float
) -> Patch:
    """Draw a person.

    Args:
        pixels: (S, 2) projected sphere centres.
        radii: (S,) projected radii in pixels.
        depths: (S,) distances from the camera in metres.
        outfit: what is drawn.
        light: (2,) image direction towards the light, of length 1 or less.
        contrast: strength of the shading, 0 to 1.

    """
    box = silhouette_box(pixels, radii, outfit)
    left, top = (int(value) for value in np.floor(box[:2]) - _MARGIN)
    width, height = (int(value) for value in np.ceil(box[2:]) + _MARGIN - (left, top))
    zoom = float(np.clip(360 / height, 1.25, 4))
    size = (math.ceil(width * zoom), math.ceil(height * zoom))
    zoom_x, zoom_y = size[0] / width, size[1] / height
    # Centres of large pixels and of small ones: resize by area keeps the outer edges aligned.
    origin = np.array([left - 0.5, top - 0.5])
    scale = np.array([zoom_x, zoom_y])
    circles = (pixels - origin)[:, None] * scale - 0.5 + _CIRCLE * (radii[:, None, None] * scale)
    circles = circles.astype(np.float32)

    labels = np.zeros((size[1], size[0]), np.uint8)
    shade = np.full((size[1], size[0]), 128, np.uint8)
    dark, middle, bright = (128 * (1 + contrast * tone) for tone in (-0.45, -0.1, 0.22))
    order = sorted(
        outfit.parts,
        key=lambda part: part.nearer - sum(depths[i] for i in part.spheres) / len(part.spheres),
    )
    for part in order:
        hull = cv2.convexHull(circles[list(part.spheres)].reshape(-1, 2))[:, 0]
        center = (hull.min(axis=0) + hull.max(axis=0)) / 2
        reach = np.float32(0.2) * (hull.max(axis=0) - hull.min(axis=0)).min() * light
        inner = hull * 0.74 + (center * 0.26 + reach * 0.5)
        core = hull * 0.42 + (center * 0.58 + reach)
        outer, inner, core = (
            (points * (1 << _SHIFT)).astype(np.int32) for points in (hull, inner, core)
        )
        cv2.fillConvexPoly(labels, outer, part.label, cv2.LINE_8, _SHIFT)
        cv2.fillConvexPoly(shade, outer, dark, cv2.LINE_8, _SHIFT)
        cv2.fillConvexPoly(shade, inner, middle, cv2.LINE_8, _SHIFT)
        cv2.fillConvexPoly(shade, core, bright, cv2.LINE_8, _SHIFT)

    table = np.zeros((256, 4), np.uint8)
    table[: len(outfit.palette), :3] = outfit.palette
    table[1:, 3] = 255
    painted = cv2.resize(table[labels], (width, height), interpolation=cv2.INTER_AREA)
    shade = cv2.resize(shade, (width, height), interpolation=cv2.INTER_AREA)
    blur = max(height / 60, 0.5)
    shade = cv2.GaussianBlur(shade, (0, 0), blur)
    is_upper = ((labels == UPPER) | (labels == SLEEVE)).view(np.uint8) * np.uint8(255)
    upper = cv2.resize(is_upper, (width, height), interpolation=cv2.INTER_AREA)
    to_sheet = np.array([[SHEET / height, 0, SHEET / 2 * (1 - width / height)],
                         [0, SHEET / height, 0]])  # fmt: skip
    worn, legs = (
        cv2.warpAffine(sheet, to_sheet, (width, height), borderMode=cv2.BORDER_REFLECT,
                       flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        for sheet in outfit.patterns
    )  # fmt: skip
    cv2.copyTo(worn, (upper > 127).view(np.uint8), legs)
    color, alpha = painted[..., :3], np.ascontiguousarray(painted[..., 3])
    color = cv2.multiply(color, legs, scale=1 / 128)
    color = cv2.multiply(color, cv2.merge([shade] * 3), scale=1 / 128)
    color = np.minimum(color, alpha[..., None])
    return Patch(left=left, top=top, color=color, alpha=alpha)
