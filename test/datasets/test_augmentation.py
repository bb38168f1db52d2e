"""Augmentation: images and boxes move together."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.augmentation import Augmentation
from jtn_ros.datasets.augmentation import Camera
from jtn_ros.datasets.augmentation import change_color
from jtn_ros.datasets.augmentation import mirror
from jtn_ros.datasets.augmentation import warp
from jtn_ros.geometry import Letterbox

from tables import annotations_of


def white_box_frame() -> tuple[NDArray[np.uint8], Annotations]:
    """Return a black image with one white box, and its annotation."""
    image = np.zeros((60, 100, 3), np.uint8)
    image[20:40, 30:50] = 255
    return image, annotations_of([[30, 20, 49, 39]], ids=[7])


def bright_box(image: NDArray[np.uint8]) -> list[int]:
    """Return the box around the pixels brighter than half."""
    rows, columns = np.nonzero(image[:, :, 0] > 127)
    return [int(edge) for edge in (columns.min(), rows.min(), columns.max(), rows.max())]


def test_mirrored_boxes_follow_the_image() -> None:
    frame = white_box_frame()
    image, annotations = mirror(frame)
    assert bright_box(image) == annotations.boxes[0].tolist() == [50, 20, 69, 39]
    back, again = mirror((image, annotations))
    np.testing.assert_array_equal(back, frame[0])
    np.testing.assert_array_equal(again.boxes, frame[1].boxes)


def test_warped_boxes_follow_the_image() -> None:
    image, annotations = white_box_frame()
    rng = np.random.default_rng(3)
    for _ in range(20):
        letterbox = Augmentation(shift=0.05).draw_letterbox(100, 60, 160, 96, rng)
        warped = warp(image, letterbox, 160, 96)
        expected = letterbox.to_network(annotations.boxes.reshape(-1, 2)).reshape(4)
        np.testing.assert_allclose(bright_box(warped), expected, atol=1.5)


def test_color_factors_change_brightness_contrast_and_saturation() -> None:
    image = np.random.default_rng(0).integers(60, 120, (8, 8, 3), np.uint8)
    one, none = np.ones(3), np.zeros(3)
    np.testing.assert_array_equal(change_color(image, one, none), image)
    brighter = change_color(image, np.array([1.5, 1, 1]), none)
    np.testing.assert_allclose(brighter, image * 1.5, atol=1)
    grey = change_color(image, np.array([1, 1, 0.0]), none)
    np.testing.assert_allclose(grey[:, :, 0], image @ [0.114, 0.587, 0.299], atol=1)
    np.testing.assert_array_equal(grey[:, :, 0], grey[:, :, 2])
    flat = change_color(image, np.array([1, 0.0, 1]), none)
    assert flat.std() < 1
    tinted = change_color(image, one, np.array([5.0, 0, -5]))
    np.testing.assert_array_equal(tinted.astype(int) - image, np.full(image.shape, [5, 0, -5]))


def test_lighting_is_drawn_along_the_colors_of_photographs() -> None:
    rng = np.random.default_rng(0)
    tints = np.array([Augmentation(lighting=0.1).draw_color(rng)[1] for _ in range(2000)])
    spread, axes = np.linalg.eigh(np.cov(tints.T))
    np.testing.assert_allclose(np.sqrt(spread[::-1][:2]), [5.46, 0.463], rtol=0.1)
    np.testing.assert_allclose(abs(axes[:, 2]), [0.588, 0.583, 0.561], atol=0.01)
    assert not Augmentation().draw_color(rng)[1].any()


def test_a_still_image_moves_within_its_limits_and_its_boxes_with_it() -> None:
    image, annotations = white_box_frame()
    rng = np.random.default_rng(5)
    augmentation = Augmentation(still_motion=0.04)
    fit = Letterbox(1.6, 0, 0)
    moved = [augmentation.move_letterbox(fit, 100, 60, rng) for _ in range(300)]
    zooms = np.array([box.scale for box in moved]) / 1.6
    assert 1 / 1.04 - 1e-9 <= zooms.min() < 0.97
    assert 1.03 < zooms.max() <= 1 / 0.96 + 1e-9
    middles = np.array([box.to_network(np.array([50, 30])) for box in moved]) - [80, 48]
    limit = 1.6 * 0.08 * 100
    assert 0.9 * limit < abs(middles).max() <= limit + 1e-3
    for box in moved[:10]:
        expected = box.to_network(annotations.boxes.reshape(-1, 2)).reshape(4)
        found = bright_box(warp(image, box, 160, 96))
        np.testing.assert_allclose(found, expected, atol=1.5)


def test_large_images_shrink_without_skipping_pixels() -> None:
    stripes = np.zeros((600, 800, 3), np.uint8)
    stripes[:, ::4] = 255
    small = warp(stripes, Letterbox(0.125, 0.4, 0.4), 100, 75)[2:-2, 2:-2]
    assert abs(small.astype(float) - 63.75).max() < 3
    image, annotations = white_box_frame()
    large = cv2.resize(image, None, fx=10, fy=10, interpolation=cv2.INTER_NEAREST)
    letterbox = Letterbox(0.16, 3, 2)
    boxes = annotations.boxes * 10 + np.array([0, 0, 9, 9], np.float32)
    expected = letterbox.to_network(boxes.reshape(-1, 2)).reshape(4)
    np.testing.assert_allclose(bright_box(warp(large, letterbox, 180, 110)), expected, atol=1)


def test_cameras_spoil_pictures_as_they_say() -> None:
    image = np.random.default_rng(1).integers(30, 200, (40, 60, 3), np.uint8)
    rng = np.random.default_rng(2)
    plain = Camera(gains=np.ones(3), grey=False, blur=0, noise=0, quality=0)
    assert np.array_equal(plain.photograph(image, rng), image)
    grey = replace(plain, grey=True).photograph(image, rng)
    assert (grey[..., 0] == grey[..., 1]).all()
    assert (grey[..., 0] == grey[..., 2]).all()
    cast = replace(plain, gains=np.array([0.5, 1.0, 1.2])).photograph(image, rng).astype(int)
    assert np.abs(cast - image * [0.5, 1.0, 1.2]).max() <= 1
    noise = replace(plain, noise=10.0).photograph(image, rng).astype(int) - image
    assert noise.std() == pytest.approx(10, rel=0.1)
    smooth = cv2.GaussianBlur(image, (0, 0), 3.0)
    assert replace(plain, blur=1.5).photograph(image, rng).std() < 0.5 * image.std()
    packed = replace(plain, quality=20).photograph(smooth, rng).astype(int) - smooth
    assert 0.5 < np.abs(packed).mean() < 15


def test_cameras_are_drawn_as_often_as_asked() -> None:
    rng = np.random.default_rng(3)
    never = [Augmentation().draw_camera(rng) for _ in range(20)]
    assert all(camera.quality == camera.blur == camera.noise == 0 for camera in never)
    assert not any(camera.grey for camera in never)
    drawn = [Augmentation(grey=0.25, jpeg=0.5).draw_camera(rng) for _ in range(400)]
    assert np.mean([camera.grey for camera in drawn]) == pytest.approx(0.25, abs=0.06)
    assert np.mean([camera.quality > 0 for camera in drawn]) == pytest.approx(0.5, abs=0.08)
