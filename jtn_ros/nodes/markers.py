"""Tracks as RViz markers in the image plane: boxes, ids, velocity arrows and trails.

The plane is that of the camera's optical frame: x to the right, y downward, one pixel being
`metres_per_pixel` wide and the top left corner of the image being the origin.
"""

from collections.abc import Callable

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from jtn_ros.geometry import box_centers
from jtn_ros.media.drawing import Trails
from jtn_ros.nodes.marker_shapes import Shapes
from jtn_ros.nodes.marker_shapes import colors_of
from jtn_ros.nodes.marker_shapes import labels_of
from jtn_ros.nodes.marker_shapes import points_of
from jtn_ros.nodes.marker_shapes import segments_of
from jtn_ros.nodes.marker_shapes import thinned
from jtn_ros.tracking.track import Tracks

# Corners of a box, as columns of x1 y1 x2 y2, in the order of the ends of its four sides.
_SIDES = np.array([[0, 1], [2, 1], [2, 1], [2, 3], [2, 3], [0, 3], [0, 3], [0, 1]])
_LINE_PX = 2.0
_TEXT_PX = 18.0
_SLOWEST_ARROW_PX_S = 5.0


def image_plane_markers(
    header: Header,
    tracks: Tracks,
    trails: Trails,
    class_name: Callable[[int], str],
    metres_per_pixel: float,
) -> MarkerArray:
    """Return all markers of a frame, after one that deletes those of the last frame.

    Args:
        header: header of the image.
        tracks: of the image.
        trails: where they were.
        class_name: the name of a class.
        metres_per_pixel: size of a pixel in the plane.
    """

    def place(pixels: NDArray[np.floating]) -> list[Point]:
        metres = pixels * metres_per_pixel
        return points_of(np.column_stack([metres, np.zeros(len(metres))]))

    shapes = Shapes(header, _LINE_PX * metres_per_pixel, _TEXT_PX * metres_per_pixel)
    colors, ids = colors_of(tracks), tracks.ids.tolist()
    paths = [segments_of(place(thinned(trails.points(key)))) for key in ids]
    above = box_centers(tracks.boxes)
    above[:, 1] = tracks.boxes[:, 1] - _TEXT_PX / 2
    tails, heads = place(tracks.centers), place(tracks.centers + tracks.velocities)
    moving = np.linalg.norm(tracks.velocities, axis=1) > _SLOWEST_ARROW_PX_S
    return MarkerArray(
        markers=[
            shapes.clear(),
            *shapes.lines(
                'boxes',
                place(tracks.boxes[:, _SIDES].reshape(-1, 2)),
                [color for color in colors for _ in _SIDES],
            ),
            *shapes.lines(
                'trails',
                [end for path in paths for end in path],
                [color for color, path in zip(colors, paths, strict=True) for _ in path],
            ),
            *shapes.labels(ids, place(above), colors, labels_of(tracks, class_name)),
            *(
                shapes.arrow(ids[row], tails[row], heads[row], colors[row])
                for row in np.flatnonzero(moving).tolist()
            ),
        ]
    )
