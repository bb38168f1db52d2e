import numpy as np
import pytest

from jtn_ros.positions import CameraModel
from jtn_ros.positions import GroundPlane
from jtn_ros.positions import locate_on_ground

K = np.array([[500.0, 0, 319.5], [0, 500.0, 239.5], [0, 0, 1]])
CAMERA = CameraModel.from_calibration(width=640, height=480, k=K.ravel().tolist())


def box_at(foot: np.ndarray) -> np.ndarray:
    """Return a box of 40x80 pixels whose lower edge is at a point in the optical frame."""
    x, y, w = K @ foot
    return np.array([[x / w - 20, y / w - 80, x / w + 20, y / w]])


@pytest.mark.parametrize(('pitch', 'roll'), [(0.0, 0.0), (0.4, 0.0), (0.3, 0.1), (-0.05, -0.1)])
def test_feet_are_found_where_they_stand(pitch: float, roll: float) -> None:
    ground = GroundPlane.from_mounting(1.5, pitch, roll)
    assert np.linalg.norm(ground.down) == pytest.approx(1)
    ahead = np.array([0.3, 0, 6.0])
    foot = ahead + (1.5 - ground.down @ ahead) * ground.down
    assert ground.down @ foot == pytest.approx(1.5)
    found = locate_on_ground(CAMERA, box_at(foot), ground)
    assert found.valid.all()
    np.testing.assert_allclose(found.points, [foot], rtol=1e-9)


def test_pitch_is_downward_and_roll_clockwise() -> None:
    # Straight down, the optical axis meets the ground at the height of the camera.
    down = locate_on_ground(
        CAMERA, box_at(np.array([0, 0, 1.0])), GroundPlane.from_mounting(2, np.pi / 2)
    )
    np.testing.assert_allclose(down.points, [[0, 0, 2]], atol=1e-9)
    # Turned clockwise by a quarter, what is to the right in the image is below.
    turned = GroundPlane.from_mounting(2, 0, np.pi / 2)
    np.testing.assert_allclose(turned.down, [1, 0, 0], atol=1e-12)


def test_the_covariance_is_that_of_moving_the_box_by_its_noise() -> None:
    ground = GroundPlane.from_mounting(1.5, 0.3, 0.05)
    box = box_at(np.array([0.5, 1.0, 5.0]))
    found = locate_on_ground(CAMERA, box, ground)
    rng = np.random.default_rng(1)
    shifts = rng.normal(0, 0.05, (4000, 2))  # small, so that the projection is linear
    noisy = locate_on_ground(CAMERA, box + np.tile(shifts, 2), ground)
    expected = np.cov(noisy.points.T) * (0.06 * np.sqrt(40 * 80) / 0.05) ** 2
    np.testing.assert_allclose(found.covariances[0], expected, rtol=0.15, atol=2e-3)
    # Toward the ground only its unevenness counts.
    np.testing.assert_allclose(
        found.covariances[0] @ ground.down, 0.03**2 * ground.down, atol=1e-12
    )


def test_objects_at_the_horizon_or_below_the_image_are_not_located() -> None:
    ground = GroundPlane.from_mounting(1.5, 0.0)
    boxes = np.array([[300, 100, 340, 200], [300, 150, 340, 239.5], [300, 300, 340, 480],
                      [300, 150, 340, 260]])  # fmt: skip
    found = locate_on_ground(CAMERA, boxes, ground)
    assert found.valid.tolist() == [False, False, False, True]
    assert np.isnan(found.points[:3]).all()


def test_the_ground_frame_gives_the_same_plane() -> None:
    pitch = 0.3
    forward = np.array([np.cos(pitch), 0, -np.sin(pitch)])  # of a frame with z up
    right = np.array([0, -1.0, 0])
    rotation = np.stack([right, np.cross(forward, right), forward], axis=1)
    plane = GroundPlane.from_transform(rotation, np.array([3, 4, 1.5]))
    mounted = GroundPlane.from_mounting(1.5, pitch)
    np.testing.assert_allclose(plane.down, mounted.down, atol=1e-12)
    assert plane.height == mounted.height


@pytest.mark.parametrize('height', [0.0, -1.0, float('nan'), float('inf')])
def test_a_camera_below_the_ground_is_refused(height: float) -> None:
    with pytest.raises(ValueError, match='above'):
        GroundPlane.from_mounting(height, 0.1)
    with pytest.raises(ValueError, match='above z = 0 of the ground frame'):
        GroundPlane.from_transform(np.eye(3), np.array([0, 0, height]))
