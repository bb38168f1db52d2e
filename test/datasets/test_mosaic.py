"""Mosaics: the positions of images and boxes."""

import numpy as np
import pytest

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mosaic import Tile
from jtn_ros.datasets.mosaic import compose
from jtn_ros.datasets.mosaic import draw_tiles
from jtn_ros.geometry import Letterbox

from tables import annotations_of


def objects(*boxes: list[float], ignored: bool = False, first: int = 1) -> Annotations:
    """Return objects with these boxes and identities from `first` on."""
    return annotations_of(boxes, ids=np.arange(first, first + len(boxes)), ignored=ignored)


def test_tiles_fill_the_mosaic_and_pictures_cover_their_tiles() -> None:
    rng = np.random.default_rng(4)
    sizes = [(40, 30), (20, 60), (64, 64), (200, 50)]
    for _ in range(50):
        tiles = draw_tiles(sizes, 96, 64, rng)
        area = sum((tile.right - tile.left) * (tile.bottom - tile.top) for tile in tiles)
        assert area == 96 * 64
        for (width, height), tile in zip(sizes, tiles, strict=True):
            corners = tile.letterbox.to_network(np.array([[0, 0], [width, height]]))
            assert (corners[0] <= [tile.left + 1e-3, tile.top + 1e-3]).all()
            assert (corners[1] >= [tile.right - 1e-3, tile.bottom - 1e-3]).all()


def test_pictures_and_boxes_move_together_and_end_at_the_tile() -> None:
    left = np.full((10, 10, 3), 50, np.uint8)
    right = np.full((10, 10, 3), 200, np.uint8)
    tiles = [
        Tile(0, 0, 20, 20, Letterbox(2.0, 0.0, 0.0)),
        Tile(20, 0, 40, 20, Letterbox(4.0, 10.0, 0.0)),
    ]
    # The second picture is four times as large and begins 10 pixels left of its tile.
    frames = [
        (left, objects([1, 2, 5, 8])),
        (right, objects([1, 1, 5, 5], [0, 0, 2.75, 4], first=7)),
    ]
    image, joined = compose(frames, tiles, 40, 20)
    assert image[10, 10].tolist() == [50] * 3
    assert image[10, 30].tolist() == [200] * 3
    assert joined.ids.tolist() == [1, 7, 8]
    np.testing.assert_allclose(joined.boxes, [[2, 4, 10, 16], [20, 4, 30, 20], [20, 0, 21, 16]])
    assert joined.ignored.tolist() == [False, False, True]


@pytest.mark.parametrize(('ignored', 'left'), [(False, 0), (True, 1)])
def test_almost_invisible_objects_are_removed_unless_ignored(ignored: bool, left: int) -> None:
    tile = Tile(0, 0, 20, 20, Letterbox(1.0, 0.0, 0.0))
    picture = np.zeros((30, 30, 3), np.uint8)
    _, joined = compose([(picture, objects([19.9, 0, 29, 20], ignored=ignored))], [tile], 40, 20)
    assert len(joined) == left
