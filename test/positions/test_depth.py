import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.positions import CameraModel
from jtn_ros.positions import locate_by_depth
from jtn_ros.positions.depth import shortest_half

CAMERA = CameraModel.from_calibration(
    width=640, height=480, k=(500.0, 0, 319.5, 0, 500.0, 239.5, 0, 0, 1)
)
BOX = np.array([[399.5, 99.5, 439.5, 179.5]])  # pixels 400 to 439, 100 to 179
CENTER = ((419.5 - 319.5) / 500, (139.5 - 239.5) / 500, 1)


def depth_image(value: float = 0.0) -> NDArray[np.float32]:
    return np.full((480, 640), value, np.float32)


def test_the_position_is_the_ray_through_the_middle_times_the_depth() -> None:
    depth = depth_image(8)
    depth[100:180, 400:440] = 4
    found = locate_by_depth(CAMERA, BOX, depth, 1.0)
    assert found.valid.all()
    np.testing.assert_allclose(found.points, [np.multiply(CENTER, 4)], rtol=1e-12)


def test_millimetres_of_either_byte_order_and_another_size_are_read() -> None:
    for dtype in ('<u2', '>u2'):
        depth = np.full((240, 320), 8000, dtype)
        depth[50:90, 200:220] = 2500
        found = locate_by_depth(CAMERA, BOX, depth, 0.001)
        np.testing.assert_allclose(found.points, [np.multiply(CENTER, 2.5)], rtol=1e-12)


def test_the_covariance_is_that_of_independent_errors_of_depth_and_box() -> None:
    found = locate_by_depth(CAMERA, BOX, depth_image(4), 1.0)
    ray = np.array(CENTER)
    variance = 0.06**2 * 40 * 80
    expected = 0.04**2 * np.outer(ray, ray) + variance * (4 / 500) ** 2 * np.diag([1, 1, 0])
    np.testing.assert_allclose(found.covariances[0], expected, rtol=1e-9, atol=1e-12)


def test_holes_and_edges_do_not_move_the_position() -> None:
    rng = np.random.default_rng(3)
    depth = depth_image(9)
    depth[100:180, 400:440] = 4
    depth[100:180, 400:412] = 9  # background next to the object
    depth[100:180, 430:440] = 1.5  # something in front of it
    holes = rng.random(depth.shape) < 0.4
    depth[holes] = np.where(rng.random(int(holes.sum())) < 0.5, np.nan, 0)
    found = locate_by_depth(CAMERA, BOX, depth, 1.0)
    np.testing.assert_allclose(found.points, [np.multiply(CENTER, 4)], rtol=1e-12)


@pytest.mark.parametrize('hole', [0.0, -1.0, np.nan, np.inf, -np.inf])
def test_without_depth_nothing_is_located(hole: float) -> None:
    found = locate_by_depth(CAMERA, BOX, depth_image(hole), 1.0)
    assert not found.valid.any()
    assert np.isnan(found.points).all()


def test_boxes_outside_the_image_are_not_located_and_others_are() -> None:
    boxes = np.array([[-900, 0, -800, 50], [700, 500, 800, 600], BOX[0], [-30, 0, 50, 80]])
    found = locate_by_depth(CAMERA, boxes, depth_image(3), 1.0)
    assert found.valid.tolist() == [False, False, True, True]


def test_no_boxes_give_no_positions() -> None:
    assert locate_by_depth(CAMERA, np.zeros((0, 4)), depth_image(3), 1.0).points.shape == (0, 3)


def test_another_field_of_view_is_refused() -> None:
    with pytest.raises(ValueError, match='640x400 pixels is not registered'):
        locate_by_depth(CAMERA, BOX, np.ones((400, 640), np.float32), 1.0)


def test_the_shortest_half_is_that_of_a_brute_force_search() -> None:
    rng = np.random.default_rng(5)
    values = rng.gamma(2.0, size=(50, 31))
    values[rng.random(values.shape) < 0.3] = np.nan
    middles, deviations = shortest_half(values)
    for row, middle, deviation in zip(values, middles, deviations, strict=True):
        known = np.sort(row[np.isfinite(row)])
        half = (len(known) + 1) // 2
        spans = [(known[i + half - 1] - known[i], i) for i in range(len(known) - half + 1)]
        length, start = min(spans)
        assert middle == pytest.approx((known[start] + known[start + half - 1]) / 2)
        assert deviation == pytest.approx(length / 2 / 0.67449, rel=1e-4)


def test_the_deviation_of_normal_noise_is_estimated() -> None:
    values = np.random.default_rng(2).normal(10, 0.5, (200, 256))
    middles, deviations = shortest_half(values)
    assert middles.mean() == pytest.approx(10, abs=0.05)
    assert deviations.mean() == pytest.approx(0.5, rel=0.15)
