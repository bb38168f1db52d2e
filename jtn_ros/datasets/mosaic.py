"""Mosaics of four images: more, and partly truncated, objects at the same computational cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.augmentation import Frame
from jtn_ros.datasets.augmentation import warp
from jtn_ros.geometry import Letterbox

# Range of the boundaries between the tiles, as fractions of the mosaic.
MIDDLE = (0.3, 0.7)
# Zoom of an image, relative to the zoom at which it just covers its tile.
ZOOM = (1.0, 1.8)
# Objects with a smaller share of their area in their tile than the first value are removed; below
# the second value, they are ignored.
GONE, LEAST = 0.05, 0.25


@dataclass(frozen=True)
class Tile:
    """A rectangle of the mosaic, and the map from an image to the mosaic."""

    left: int
    top: int
    right: int
    bottom: int
    letterbox: Letterbox


def draw_tiles(
    sizes: Sequence[tuple[int, int]], width: int, height: int, rng: np.random.Generator
) -> list[Tile]:
    """Return a tile for each of up to four images with these sizes (width, height)."""
    column, row = (round(size * rng.uniform(*MIDDLE)) for size in (width, height))
    places = [(0, 0, column, row), (column, 0, width, row),
              (0, row, column, height), (column, row, width, height)]  # fmt: skip
    tiles = []
    for (left, top, right, bottom), (wide, high) in zip(places, sizes, strict=False):
        cover = max((right - left) / wide, (bottom - top) / high)
        scale = cover * float(np.exp(rng.uniform(*np.log(ZOOM))))
        x = left - rng.uniform(0, 1) * (scale * wide - (right - left))
        y = top - rng.uniform(0, 1) * (scale * high - (bottom - top))
        tiles.append(Tile(left, top, right, bottom, Letterbox(scale, float(x), float(y))))
    return tiles


def compose(frames: Sequence[Frame], tiles: Sequence[Tile], width: int, height: int) -> Frame:
    """Return the mosaic of several frames; no two of them may share an identity."""
    image = np.zeros((height, width, 3), np.uint8)
    parts = []
    for (picture, annotations), tile in zip(frames, tiles, strict=True):
        shifted = replace(
            tile.letterbox,
            offset_x=tile.letterbox.offset_x - tile.left,
            offset_y=tile.letterbox.offset_y - tile.top,
        )
        image[tile.top : tile.bottom, tile.left : tile.right] = warp(
            picture, shifted, tile.right - tile.left, tile.bottom - tile.top
        )
        parts.append(_cut(annotations, tile))
    return image, Annotations.joined(parts)


def _cut(annotations: Annotations, tile: Tile) -> Annotations:
    """Return the objects in mosaic pixels, clipped to the tile."""
    corners = tile.letterbox.to_network(annotations.boxes.reshape(-1, 2, 2))
    inside = np.clip(corners, [tile.left, tile.top], [tile.right, tile.bottom])
    area, left = (np.prod(box[:, 1] - box[:, 0], 1) for box in (corners, inside))
    share = left / np.maximum(area, 1e-6)
    cut = replace(
        annotations,
        boxes=inside.reshape(-1, 4).astype(np.float32),
        ignored=annotations.ignored | (share < LEAST),
    )
    # Ignored regions are kept if any part of them remains.
    return cut.select((share >= GONE) | (annotations.ignored & (share > 0)))
