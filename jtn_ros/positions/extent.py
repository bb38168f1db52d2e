"""Sizes of located objects, from their boxes and their distance."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jtn_ros.geometry import box_sizes
from jtn_ros.positions.camera_model import CameraModel
from jtn_ros.positions.position_filter import Positions

Floats = NDArray[np.float64]


def with_extents(
    positions: Positions,
    boxes: NDArray[np.floating],
    camera: CameraModel,
    *,
    rotation: Floats,
    translation: Floats,
    up: Floats,
    standing: bool,
) -> Positions:
    """Return the positions with the sizes of the objects, and the offsets to their middles.

    The depth of an object is assumed to equal its width, and the viewing direction to be
    perpendicular to it.

    Args:
        positions: of N objects.
        boxes: (N, 4) ``x1 y1 x2 y2`` in pixels.
        camera: the calibration.
        rotation: (3, 3) from the optical frame to that of the positions.
        translation: (3,) of the camera in the frame of the positions, in meters.
        up: (3,) unit vector away from the ground, in the frame of the positions.
        standing: whether the positions are the points where the objects touch the ground,
            rather than their middles.
    """
    distances = (positions.points - translation) @ rotation[:, 2]
    focal = camera.matrix[[0, 1], [0, 1]]
    widths, heights = (box_sizes(boxes.astype(np.float64)) * distances[:, None] / focal).T
    vertical = int(np.argmax(np.abs(up)))
    sizes = np.repeat(widths[:, None], 3, axis=1)
    sizes[:, vertical] = heights
    offsets = np.where(standing, heights[:, None] / 2, 0) * up
    return replace(positions, sizes=sizes, offsets=offsets)
