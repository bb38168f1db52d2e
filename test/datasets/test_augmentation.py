"""Augmentation: images and boxes move together."""

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.augmentation import Augmentation
from jtn_ros.datasets.augmentation import change_colour
from jtn_ros.datasets.augmentation import mirror
from jtn_ros.datasets.augmentation import warp


def white_box_frame():
    """Return a black image with one white box, and its annotation."""
    image = np.zeros((60, 100, 3), np.uint8)
    image[20:40, 30:50] = 255
    annotations = Annotations(
        ids=np.array([7]),
        boxes=np.array([[30, 20, 49, 39]], np.float32),
        class_ids=np.zeros(1, np.int32),
        visibilities=np.ones(1, np.float32),
        ignored=np.zeros(1, bool),
    )
    return image, annotations


def bright_box(image):
    """Return the box around what is brighter than half."""
    rows, columns = np.nonzero(image[:, :, 0] > 127)
    return [columns.min(), rows.min(), columns.max(), rows.max()]


def test_mirrored_boxes_follow_the_image():
    frame = white_box_frame()
    image, annotations = mirror(frame)
    assert bright_box(image) == annotations.boxes[0].tolist() == [50, 20, 69, 39]
    back, again = mirror((image, annotations))
    np.testing.assert_array_equal(back, frame[0])
    np.testing.assert_array_equal(again.boxes, frame[1].boxes)


def test_warped_boxes_follow_the_image():
    image, annotations = white_box_frame()
    rng = np.random.default_rng(3)
    for _ in range(20):
        letterbox = Augmentation(shift=0.05).draw_letterbox(100, 60, 160, 96, rng)
        warped = warp(image, letterbox, 160, 96)
        expected = letterbox.to_network(annotations.boxes.reshape(-1, 2)).reshape(4)
        np.testing.assert_allclose(bright_box(warped), expected, atol=1.5)


def test_colour_factors_do_what_they_say():
    image = np.random.default_rng(0).integers(60, 120, (8, 8, 3), np.uint8)
    one = np.ones(3)
    np.testing.assert_array_equal(change_colour(image, one), image)
    brighter = change_colour(image, np.array([1.5, 1, 1]))
    np.testing.assert_allclose(brighter, image * 1.5, atol=1)
    grey = change_colour(image, np.array([1, 1, 0.0]))
    np.testing.assert_allclose(grey[:, :, 0], image @ [0.114, 0.587, 0.299], atol=1)
    np.testing.assert_array_equal(grey[:, :, 0], grey[:, :, 2])
    flat = change_colour(image, np.array([1, 0.0, 1]))
    assert flat.std() < 1
