"""Estimation of camera motion from images with known motion."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.camera_flow import CameraFlow
from jtn_ros.geometry import Letterboxing
from jtn_ros.inference.preprocess import LETTERBOXES
from jtn_ros.inference.preprocess import letterbox_image


def view(affine: NDArray[np.float64], width: int = 1280, height: int = 720) -> NDArray[np.uint8]:
    """Return a scene of blobs as a camera sees it that moved by an affine matrix (2, 3)."""
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (60, 100, 3), np.uint8)
    wide = cv2.resize(scene, (2000, 1200), interpolation=cv2.INTER_CUBIC)
    middle = np.array([[1.0, 0, -360], [0, 1, -240]])
    moved = np.vstack([affine, [0, 0, 1]]) @ np.vstack([middle, [0, 0, 1]])
    return np.asarray(cv2.warpAffine(wide, moved[:2], (width, height)), np.uint8)


def measure(
    *images: NDArray[np.uint8],
    size: tuple[int, int] = (288, 512),
    kind: Letterboxing = 'fit',
) -> NDArray[np.float64]:
    """Return the motion between the last two images."""
    flow = CameraFlow()
    for image in images:
        motion = flow.measure(*letterbox_image(image, *size, kind), image.shape[:2])
    return motion


def turned(degrees: float, zoom: float, shift: tuple[float, float]) -> NDArray[np.float64]:
    motion = cv2.getRotationMatrix2D((640, 360), degrees, zoom)
    motion[:, 2] += shift
    return np.asarray(motion, np.float64)


@pytest.mark.parametrize(
    ('size', 'kind'),
    [
        ((288, 512), 'fit'),
        ((544, 960), 'fit'),
        ((320, 320), 'fit'),
        ((320, 320), 'corner'),
        ((480, 480), 'stretch'),
    ],
)
@pytest.mark.parametrize(
    'motion',
    [turned(0, 1, (45, -20)), turned(0, 1, (-3, 2)), turned(2, 1.01, (10, 5))],
    ids=['jump', 'slow pan', 'turn and zoom'],
)
def test_motion_in_source_pixels(
    motion: NDArray[np.float64], size: tuple[int, int], kind: Letterboxing
) -> None:
    still = np.eye(2, 3)
    measured = measure(view(still), view(motion), size=size, kind=kind)
    corners = np.array([[300, 200, 1], [900, 200, 1], [300, 500, 1], [900, 500, 1]], float)
    np.testing.assert_allclose(corners @ measured.T, corners @ motion.T, atol=1.2)


def test_a_camera_that_stands_does_not_move_at_all() -> None:
    still = view(np.eye(2, 3))
    noisy = cv2.add(still, np.random.default_rng(1).integers(0, 6, still.shape, np.uint8))
    passing = still.copy()
    passing[200:600, 400:640] = view(turned(0, 1, (60, 0)))[200:600, 400:640]
    for image in (still, noisy, passing):
        np.testing.assert_array_equal(measure(still, image), np.eye(2, 3))


def test_moving_objects_do_not_affect_the_camera_motion() -> None:
    motion = turned(0, 1, (12, 4))
    image = view(motion)
    image[200:600, 400:640] = view(turned(0, 1, (70, 0)))[200:600, 400:640]
    measured = measure(view(np.eye(2, 3)), image)
    np.testing.assert_allclose(measured, motion, atol=0.8)


def test_nothing_to_see_and_first_frames_mean_no_motion() -> None:
    blank = np.full((720, 1280, 3), 90, np.uint8)
    busy = view(np.eye(2, 3))
    for images in ([busy], [blank, blank], [blank, busy], [busy, blank]):
        np.testing.assert_array_equal(measure(*images), np.eye(2, 3))


def test_reset_forgets_the_previous_frame() -> None:
    flow = CameraFlow()
    still = view(np.eye(2, 3))
    flow.measure(*letterbox_image(still, 288, 512), still.shape[:2])
    flow.reset()
    jumped = view(turned(0, 1, (45, -20)))
    motion = flow.measure(*letterbox_image(jumped, 288, 512), jumped.shape[:2])
    np.testing.assert_array_equal(motion, np.eye(2, 3))


@pytest.mark.parametrize('kind', LETTERBOXES)
@pytest.mark.parametrize('size', [(1, 1), (1, 3000), (3000, 1), (7, 40)])
def test_images_of_any_proportions_mean_no_motion(
    size: tuple[int, int], kind: Letterboxing
) -> None:
    image = np.full((*size, 3), 90, np.uint8)
    np.testing.assert_array_equal(measure(image, image, kind=kind), np.eye(2, 3))
