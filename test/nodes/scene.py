"""Two white blocks that move over a black background, and their positions."""

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp

SECOND = 1_000_000_000
PERIOD = SECOND // 25
START = 100 * SECOND
# Left, top of the first frame, and steps per frame, in pixels of 320x192 images: twice the size
# of the model's input.
BLOCKS = (((20, 30), (3, 0)), ((260, 90), (-4, 1)))
SIZE = (24, 48)


def truth(number: int) -> NDArray[np.float64]:
    """Return the boxes (2, 4) in a frame."""
    corners = np.array([np.add(first, np.multiply(number, step)) for first, step in BLOCKS])
    return np.concatenate([corners, corners + SIZE], axis=1) - 0.5


def middles(number: int) -> NDArray[np.float64]:
    """Return the centers (2, 2) of the boxes in a frame."""
    boxes = truth(number)
    return (boxes[:, :2] + boxes[:, 2:]) / 2


def picture(number: int, height: int = 192) -> NDArray[np.uint8]:
    """Return an image of white blocks on black ground."""
    image = np.zeros((height, 320, 3), np.uint8)
    for (x, y), (dx, dy) in BLOCKS:
        left, top = x + number * dx, y + number * dy
        image[top : top + SIZE[1], left : left + SIZE[0]] = 255
    return image


def message(number: int, stamp_ns: int | None = None, **changes: object) -> Image:
    """Return a frame as a message, with some fields changed."""
    stamp = ns_to_stamp(START + number * PERIOD if stamp_ns is None else stamp_ns)
    result = array_to_image(picture(number), Header(stamp=stamp, frame_id='lens'))
    for name, value in changes.items():
        setattr(result, name, value)
    return result
