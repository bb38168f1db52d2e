"""The ground: paving, asphalt, grass, floors, and lines and shadows on it."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.texture import foliage_color
from jtn_ros.synthetic.texture import hsv
from jtn_ros.synthetic.texture import octave_noise
from jtn_ros.synthetic.texture import surface_color

Image = NDArray[np.uint8]
Field = NDArray[np.float32]

_TEXTURE = 256  # pixels of the square, repeating brightness texture


@dataclass(frozen=True, kw_only=True)
class GroundView:
    """The ground positions of the pixels of an image.

    Attributes:
        east, north: (h, w) meters.
        footprint: (h, w) meters that a pixel covers across the line of sight.
    """

    east: Field
    north: Field
    footprint: Field

    def across(self, angle: float, offset: float) -> Field:
        """Return the signed distance (h, w) in meters from a line on the ground."""
        distance = cv2.addWeighted(
            self.east, math.cos(angle), self.north, math.sin(angle), -offset
        )
        return np.asarray(distance, np.float32)

    def coverage(self, distance: Field) -> Image:
        """Return the coverage (0 to 255) of pixels by positive distances; edges are smooth."""
        share = cv2.divide(distance, self.footprint)
        return np.asarray(cv2.convertScaleAbs(cv2.max(share + 0.5, 0), alpha=255), np.uint8)


def blend(image: Image, other: Image, weight: Image) -> Image:
    """Return the mixture of two images; weight (h, w) from 0 (image) to 255 (other)."""
    weights = cv2.merge([weight] * 3)
    kept = cv2.multiply(image, cv2.bitwise_not(weights), scale=1 / 255)
    return np.asarray(cv2.add(kept, cv2.multiply(other, weights, scale=1 / 255)), np.uint8)


def paint_ground(view: GroundView, far: float, indoor: bool, rng: np.random.Generator) -> Image:
    """Return the image (h, w, 3) of the ground, with people at distances up to `far` meters."""
    if indoor:
        return _material(view, 'floor', rng)
    kinds = ['paving', 'asphalt', 'grass']
    image = _material(view, str(rng.choice(kinds, p=[0.5, 0.35, 0.15])), rng)
    # Streets have one main direction, with a few crossing it.
    street = rng.uniform(0, math.pi)
    for _ in range(int(rng.integers(0, 4))):
        angle = street + rng.choice([0, 0, math.pi / 2, rng.uniform(0, math.pi)])
        anchor = rng.uniform(-0.4, 0.4) * far * math.cos(angle)
        anchor += rng.uniform(0, 0.9) * far * math.sin(angle)
        distance = view.across(angle, anchor)
        if rng.random() < 0.45:
            other = _material(view, str(rng.choice(kinds, p=[0.3, 0.3, 0.4])), rng)
            image = blend(image, other, view.coverage(distance))
        image = _paint_line(image, view, distance, rng)
    if rng.random() < 0.35:
        # The shadow of a large object out of view.
        distance = view.across(rng.uniform(0, math.pi), rng.uniform(0.1, 0.9) * far)
        shade = np.clip(distance / 0.3 + 0.5, 0, 1) * 255 * rng.uniform(0.2, 0.6)
        image = blend(image, np.zeros_like(image), shade.astype(np.uint8))
    if rng.random() < 0.2:
        # The dappled shadow of a tree.
        height, width = view.east.shape
        leaves = octave_noise(rng, height, width, coarsest=8, octaves=5)
        shade = np.clip(leaves * 2 - 0.5, 0, 1) * 255 * rng.uniform(0.1, 0.5)
        image = blend(image, np.zeros_like(image), shade.astype(np.uint8))
    return image


def _paint_line(
    image: Image, view: GroundView, distance: Field, rng: np.random.Generator
) -> Image:
    """Draw a curb, a marking or a joint near distance 0."""
    half = rng.uniform(0.03, 0.2)
    center = np.float32(rng.uniform(-0.3, 0.3))
    share = view.coverage(np.float32(half) - np.abs(distance - center))
    share = cv2.convertScaleAbs(share, alpha=rng.uniform(0.3, 0.95))
    paint = (
        hsv(0.14, 0.75, 0.9)
        if rng.random() < 0.25
        else np.full(3, 1.0) * rng.choice([230, 200, 150, 80, 40])
    )
    color = np.empty_like(image)
    color[:] = paint.astype(np.uint8)
    return blend(image, color, np.asarray(share, np.uint8))


def _material(view: GroundView, kind: str, rng: np.random.Generator) -> Image:
    """Return the image of ground of one material."""
    if kind == 'grass':
        color = foliage_color(rng)
    elif kind == 'asphalt':
        color = hsv(rng.random(), rng.uniform(0, 0.08), rng.uniform(0.25, 0.65))
    elif kind == 'floor' and rng.random() < 0.4:
        color = hsv(rng.uniform(0.04, 0.1), rng.uniform(0.4, 0.75), rng.uniform(0.35, 0.8))
    else:
        color = surface_color(rng)
    texture, meters = _texture(kind, rng)
    turn = rng.uniform(0, math.pi)
    fine = _spread(texture, view, meters, turn)
    # The same roughness at a large scale prevents distant ground from looking smooth.
    rough = _texture('asphalt', rng)[0] if kind in ('paving', 'floor') else texture
    fine = cv2.addWeighted(
        fine, 1, _spread(rough, view, meters * rng.uniform(5, 9), turn + 1), rng.uniform(0, 0.9), 0
    )
    height, width = fine.shape
    large = octave_noise(rng, height // 4, width // 4, coarsest=3, octaves=4)
    large *= np.float32(rng.uniform(0, 0.1))
    brightness = cv2.max(1 + fine + cv2.resize(large, (width, height)), 0.05)
    tint = octave_noise(rng, height // 4, width // 4, coarsest=4, octaves=4)
    tint = cv2.resize(tint * np.float32(rng.uniform(0, 0.03)), (width, height))
    channels = (brightness + tint, brightness, brightness - tint)
    return np.asarray(
        cv2.merge(
            [
                cv2.convertScaleAbs(cv2.max(field, 0.05), alpha=float(level))
                for field, level in zip(channels, color, strict=True)
            ]
        ),
        np.uint8,
    )


def _spread(texture: Field, view: GroundView, meters: float, turn: float) -> Field:
    """Return a texture with a size in meters on the ground, rotated by an angle."""
    scale = _TEXTURE / meters
    cos, sin = math.cos(turn) * scale, math.sin(turn) * scale
    map_x = cv2.addWeighted(view.east, cos, view.north, sin, 0)
    map_y = cv2.addWeighted(view.north, cos, view.east, -sin, 0)
    laid = cv2.remap(texture, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    # At large distances, a pixel is the mean of many texture pixels.
    coarse = view.footprint * np.float32(0.4 * scale)
    return np.asarray(cv2.divide(laid, 1 + coarse * coarse), np.float32)


def _texture(kind: str, rng: np.random.Generator) -> tuple[Field, float]:
    """Return a brightness texture around 0, and the meters it covers."""
    noise = octave_noise(rng, _TEXTURE, _TEXTURE, coarsest=8, octaves=6, persistence=0.85)
    noise *= np.float32(rng.uniform(0.04, 0.3 if kind == 'grass' else 0.18))
    pixel = np.arange(_TEXTURE)
    tile = int(rng.choice([0, 8, 16, 32, 64])) if kind in ('paving', 'floor') else 0
    if tile:
        rows, columns = pixel // tile, pixel // min(tile * int(rng.choice([1, 1, 2, 8])), 128)
        tones = rng.normal(0, rng.uniform(0, 0.09), (_TEXTURE, _TEXTURE)).astype(np.float32)
        noise += tones[rows[:, None], columns[None]]
        depth = np.float32(rng.uniform(-0.3, 0.12))
        noise[pixel % tile == 0] += depth
        noise[:, columns != np.roll(columns, 1)] += depth
    return noise, rng.uniform(2, 6)
