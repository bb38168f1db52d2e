"""Sizes and middles of located objects against upright boards whose size is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.positions import CameraModel
from jtn_ros.positions import Positions
from jtn_ros.positions import with_extents

CAMERA = CameraModel(
    width=640,
    height=480,
    matrix=np.array([[500.0, 0, 320], [0, 400.0, 240], [0, 0, 1]]),
    distortion=np.zeros(0),
)
# From the optical frame to one with x forward, y to the left and z up.
UPRIGHT = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
POINTS = np.array([[0.5, 0.2, 4.0], [-1.0, 0.4, 8.0]])
SIZES = np.array([[0.6, 1.8], [0.5, 1.6]])


def located(points: NDArray[np.float64]) -> Positions:
    count = len(points)
    return Positions(
        'map', np.ones(count, bool), points, np.zeros((count, 3)), np.zeros((count, 6, 6))
    )


def boxes() -> NDArray[np.float64]:
    """Return the boxes of boards of these sizes whose middles are at the points."""
    corners = [POINTS[:, :2] - SIZES / 2, POINTS[:, :2] + SIZES / 2]
    scale = np.array([500, 400]) / POINTS[:, 2:]
    return np.concatenate([corner * scale + (320, 240) for corner in corners], axis=1)


@pytest.mark.parametrize('standing', [False, True])
def test_sizes_are_those_of_the_boards_in_a_frame_whose_z_is_up(standing: bool) -> None:
    translation = np.array([2.0, 3.0, 1.5])
    middles = POINTS @ UPRIGHT.T + translation
    points = middles - (np.array([0, 0, 0.5]) * SIZES[:, 1:] if standing else 0)
    found = with_extents(
        located(points),
        boxes(),
        CAMERA,
        rotation=UPRIGHT,
        translation=translation,
        up=np.array([0.0, 0, 1]),
        standing=standing,
    )
    assert found.sizes is not None
    assert found.offsets is not None
    np.testing.assert_allclose(found.sizes, SIZES[:, [0, 0, 1]])
    np.testing.assert_allclose(found.points + found.offsets, middles)


def test_in_an_optical_frame_the_height_is_along_y() -> None:
    found = with_extents(
        located(POINTS),
        boxes(),
        CAMERA,
        rotation=np.eye(3),
        translation=np.zeros(3),
        up=np.array([0.0, -1, 0]),
        standing=False,
    )
    assert found.sizes is not None
    np.testing.assert_allclose(found.sizes, SIZES[:, [0, 1, 0]])


def test_an_object_without_position_has_no_size() -> None:
    found = with_extents(
        Positions.unknown(1),
        boxes()[:1],
        CAMERA,
        rotation=np.eye(3),
        translation=np.zeros(3),
        up=np.array([0.0, -1, 0]),
        standing=True,
    )
    assert found.sizes is not None
    assert np.isnan(found.sizes).all()
