"""Tracks as RViz markers in the image plane: boxes, ids, velocity arrows and trails.

The plane is that of the optical frame of the camera: x to the right, y down. The center of the
image is the origin and its longer side is `PLANE_M` long, so one view fits images of any size.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.geometry import box_centers
from jtn_ros.media.drawing import ARROW_SECONDS
from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import drawable
from jtn_ros.media.messages.marker_shapes import DrawnObjects
from jtn_ros.media.messages.marker_shapes import Shapes
from jtn_ros.media.messages.marker_shapes import join_paths
from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.tracking.track import Tracks

PLANE_M = 4.0

# Corners of a box, as columns of x1 y1 x2 y2, in the order of the ends of its four sides.
_SIDES = np.array([[0, 1], [2, 1], [2, 1], [2, 3], [2, 3], [0, 3], [0, 3], [0, 1]])
_LINE_M = 0.012
_TEXT_M = 0.11
_LIFT = np.array([0, -0.6 * _TEXT_M, 0])
_BORDER = np.array([[0.5, 0.5, 0.5, 1.0]])
_ARRAY = 'visualization_msgs/msg/MarkerArray'


def image_plane_markers(
    new: NewMessage,
    header: Any,
    image_size: tuple[int, int],
    tracks: Tracks,
    trails: Trails,
    class_names: Sequence[str],
) -> Any:
    """Return all markers of a frame, preceded by one that deletes those of the previous frame.

    Args:
        new: makes the messages.
        header: header of the image.
        image_size: width and height of the image in pixels.
        tracks: of the image.
        trails: their recent positions.
        class_names: by class.
    """
    scale = PLANE_M / max(image_size)

    def place(pixels: NDArray[np.floating]) -> NDArray[np.floating]:
        meters = (pixels - np.array(image_size) / 2) * scale
        return np.column_stack([meters, np.zeros(len(meters))])

    def sides(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
        return place(boxes[:, _SIDES].reshape(-1, 2))

    tracks = drawable(tracks, *image_size)
    shapes = Shapes(new, header, _LINE_M, _TEXT_M)
    drawn = DrawnObjects.of_tracks(tracks)
    colors = drawn.colors
    paths = [place(trails.points(key)) for key in tracks.ids.tolist()]
    tops = place(np.column_stack([box_centers(tracks.boxes)[:, 0], tracks.boxes[:, 1]]))
    ways = np.pad(ARROW_SECONDS * scale * tracks.velocities, ((0, 0), (0, 1)))
    border = sides(np.array([[0, 0, *image_size]]))
    return new(
        _ARRAY,
        markers=[
            shapes.clear(),
            *shapes.lines('image', border, _BORDER.repeat(len(_SIDES), axis=0)),
            *shapes.lines('boxes', sides(tracks.boxes), colors.repeat(len(_SIDES), axis=0)),
            *shapes.lines('trails', *join_paths(paths, colors)),
            *shapes.labels(drawn, tops, _LIFT, class_names),
            *shapes.arrows(drawn, place(tracks.centers), ways),
        ],
    )


def cleared_image_plane(new: NewMessage, header: Any) -> Any:
    """Return the message that deletes all markers, including the border of the image."""
    return new(_ARRAY, markers=[Shapes(new, header, _LINE_M, _TEXT_M).clear()])
