from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jtn_ros.positions import CameraModel
from jtn_ros.positions import GroundPlane
from jtn_ros.positions import locate_by_depth
from jtn_ros.positions import locate_on_ground

K = (500.0, 0, 319.5, 0, 510.0, 239.5, 0, 0, 1)


def camera(**changes: Any) -> CameraModel:
    return CameraModel.from_calibration(**{'width': 640, 'height': 480, 'k': K, **changes})


def test_a_pinhole_camera_sees_along_straight_rays() -> None:
    rays = camera().rays(np.array([[319.5, 239.5], [819.5, 239.5], [319.5, -270.5]]))
    np.testing.assert_allclose(rays, [[0, 0, 1], [1, 0, 1], [0, -1, 1]], atol=1e-12)


@pytest.mark.parametrize(
    ('model', 'd'),
    [
        ('plumb_bob', (-0.3, 0.1, 0.001, -0.002, 0.0)),
        ('rational_polynomial', (0.2, -0.1, 0.001, 0.002, 0.01, 0.3, -0.05, 0.02)),
        ('equidistant', (-0.02, 0.01, -0.003, 0.001)),
    ],
)
def test_distortion_is_undone(model: str, d: tuple[float, ...]) -> None:
    points = np.array([[0.1, 0.2, 1], [-0.5, 0.3, 1], [0.4, -0.4, 1]])
    matrix, d_array = np.reshape(K, (3, 3)), np.array(d)
    if model == 'equidistant':
        seen = cv2.fisheye.distortPoints(points[:, None, :2].copy(), matrix, d_array)
    else:
        seen = cv2.projectPoints(points, np.zeros(3), np.zeros(3), matrix, d_array)[0]
    assert np.abs(seen[:, 0] - camera_pixels(points)).max() > 1  # the distortion matters
    rays = camera(d=d, model=model).rays(seen[:, 0])
    np.testing.assert_allclose(rays, points, atol=1e-5)


def camera_pixels(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return (points @ np.reshape(K, (3, 3)).T)[:, :2]


def test_jacobians_are_the_derivatives_of_the_rays() -> None:
    jacobians = camera().jacobians(np.array([[100.0, 50.0]]))
    np.testing.assert_allclose(
        jacobians, [[[1 / 500, 0.0], [0.0, 1 / 510], [0.0, 0.0]]], atol=1e-12
    )


def test_of_rectified_images_the_projection_counts() -> None:
    p = (400.0, 0, 320, 0, 0, 400, 240, 0, 0, 0, 1, 0)
    rectified = camera(d=(-0.3, 0.1, 0, 0, 0), model='plumb_bob', p=p, rectified=True)
    np.testing.assert_allclose(rectified.rays(np.array([[720.0, 240]])), [[1, 0, 1]], atol=1e-12)


def test_no_pixels_give_no_rays() -> None:
    for model, d in (('plumb_bob', (0.1, 0, 0, 0, 0)), ('', ())):
        assert camera(model=model, d=d).rays(np.zeros((0, 2))).shape == (0, 3)


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'k': (0,) * 9}, 'the focal length is 0: the camera is not calibrated'),
        ({'k': (float('nan'), *K[1:])}, 'is not finite or not 3x3'),
        ({'k': (1e9, *K[1:])}, r'focal lengths of 1e\+09 and 510 pixels are implausible'),
        ({'k': (-500.0, *K[1:])}, 'implausible'),
        ({'k': (*K[:2], 1e6, *K[3:])}, 'far outside the image'),
        ({'k': (*K[:8], 2.0)}, 'far outside the image'),
        ({'k': K[:8]}, 'not 3x3'),
        ({'width': 0}, 'images of 0x480 pixels'),
        ({'d': (float('inf'),) * 5, 'model': 'plumb_bob'}, 'is not finite'),
        ({'d': (0.1,) * 3, 'model': 'plumb_bob'}, '3 coefficients'),
        ({'d': (0.1,) * 5, 'model': 'magic'}, "distortion model 'magic'"),
        ({'rectified': True}, 'not 3x3'),
    ],
)
def test_absurd_calibrations_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        camera(**changes)


numbers = st.floats(allow_nan=True, allow_infinity=True, width=32)
plausible = st.floats(-2, 2)


@settings(max_examples=300, deadline=None)
@given(
    width=st.integers(0, 400),
    height=st.integers(0, 400),
    focal=st.one_of(st.floats(50, 500), numbers),
    k=st.lists(numbers, min_size=9, max_size=9),
    broken=st.booleans(),
    d=st.lists(st.one_of(plausible, numbers), max_size=14),
    model=st.sampled_from(['plumb_bob', 'rational_polynomial', 'equidistant', '', 'magic']),
    rectified=st.booleans(),
)
def test_any_calibration_is_refused_or_gives_rays(
    width: int,
    height: int,
    focal: float,
    k: list[float],
    broken: bool,
    d: list[float],
    model: str,
    rectified: bool,
) -> None:
    if not broken:
        k = [focal, 0, width / 2, 0, focal, height / 2, 0, 0, 1]
    try:
        found = CameraModel.from_calibration(
            width=width, height=height, k=k, d=d, model=model, p=[*k, 0, 0, 0], rectified=rectified
        )
    except ValueError:
        return
    pixels = np.array([[0, 0], [width / 2, height / 2], [width + 100.0, -50]])
    for values, shape in ((found.rays(pixels), (3, 3)), (found.jacobians(pixels), (3, 3, 2))):
        assert values.shape == shape
    assert (found.rays(pixels)[:, 2] == 1).all()
    boxes = np.array([[10, 10, 60, 110], [0, 0, width, height]], np.float32)
    ground = GroundPlane.from_mounting(1.5, 0.1)
    depth = np.full((height, width), 3.0, np.float32)
    for located in (
        locate_on_ground(found, boxes, ground),
        locate_by_depth(found, boxes, depth, 1.0),
    ):
        assert np.isfinite(located.points[located.valid]).all()
