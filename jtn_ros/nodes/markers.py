"""Tracks as RViz markers in the image plane: boxes, ids, velocity arrows and trails.

The plane is that of the camera's optical frame: x to the right, y downward, one pixel being
`metres_per_pixel` wide and the top left corner of the image being the origin.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from geometry_msgs.msg import Vector3
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from std_msgs.msg import Header
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

from jtn_ros.geometry import box_centers
from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import colour_of
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

# Corners of a box, as columns of x1 y1 x2 y2, in the order of the ends of its four sides.
_SIDES = np.array([[0, 1], [2, 1], [2, 1], [2, 3], [2, 3], [0, 3], [0, 3], [0, 1]])
_OPACITY = {TrackState.TENTATIVE: 0.5, TrackState.CONFIRMED: 1.0, TrackState.LOST: 0.3}
_LINE_PX = 2.0
_TEXT_PX = 18.0
_SLOWEST_ARROW_PX_S = 5.0
# Markers of a node that stopped vanish by themselves.
_LIFETIME = Duration(sec=2)


class ImagePlane:
    """Draws the tracks of one frame as markers.

    Args:
        header: header of the image.
        metres_per_pixel: size of a pixel in the plane.
    """

    def __init__(self, header: Header, metres_per_pixel: float) -> None:
        self._header = header
        self._scale = metres_per_pixel

    def draw(
        self, tracks: Tracks, trails: Trails, class_name: Callable[[int], str]
    ) -> MarkerArray:
        """Return all markers of the frame, after one that deletes those of the last frame."""
        ids = tracks.ids.tolist()
        colors = [
            _color(key, _OPACITY[TrackState(state)])
            for key, state in zip(ids, tracks.states.tolist(), strict=True)
        ]
        labels = [
            f'{key} {class_name(class_id)}'
            for key, class_id in zip(ids, tracks.class_ids.tolist(), strict=True)
        ]
        lines = (self._boxes(tracks, colors), self._trails(ids, trails, colors))
        return MarkerArray(
            markers=[
                Marker(header=self._header, action=Marker.DELETEALL),
                *(line for line in lines if line.points),  # RViz warns about lines without points
                *self._labels(tracks, colors, labels),
                *self._arrows(tracks, colors),
            ]
        )

    def _boxes(self, tracks: Tracks, colors: list[ColorRGBA]) -> Marker:
        """Return the sides of all boxes as one marker."""
        marker = self._marker('boxes', 0, Marker.LINE_LIST)
        marker.points = self._points(tracks.boxes[:, _SIDES].reshape(-1, 2))
        marker.colors = [color for color in colors for _ in _SIDES]
        return marker

    def _trails(self, ids: list[int], trails: Trails, colors: list[ColorRGBA]) -> Marker:
        """Return the trails of all tracks as one marker."""
        marker = self._marker('trails', 0, Marker.LINE_LIST)
        for key, color in zip(ids, colors, strict=True):
            segments = [end for pair in pairwise(self._points(trails.points(key))) for end in pair]
            marker.points += segments
            marker.colors += [color] * len(segments)
        return marker

    def _labels(self, tracks: Tracks, colors: list[ColorRGBA], labels: list[str]) -> list[Marker]:
        """Return one text above each box."""
        anchors = box_centers(tracks.boxes)
        anchors[:, 1] = tracks.boxes[:, 1] - _TEXT_PX / 2
        markers = []
        for key, point, color, text in zip(
            tracks.ids.tolist(), self._points(anchors), colors, labels, strict=True
        ):
            marker = self._marker('ids', key, Marker.TEXT_VIEW_FACING)
            marker.pose.position = point
            marker.scale.z = _TEXT_PX * self._scale
            marker.color = color
            marker.text = text
            markers.append(marker)
        return markers

    def _arrows(self, tracks: Tracks, colors: list[ColorRGBA]) -> list[Marker]:
        """Return arrows to where the moving tracks will be in one second."""
        tails = self._points(tracks.centers)
        heads = self._points(tracks.centers + tracks.velocities)
        moving = np.linalg.norm(tracks.velocities, axis=1) > _SLOWEST_ARROW_PX_S
        markers = []
        for row in np.flatnonzero(moving).tolist():
            marker = self._marker('velocities', int(tracks.ids[row]), Marker.ARROW)
            marker.points = [tails[row], heads[row]]
            marker.scale = Vector3(x=_LINE_PX * self._scale, y=4 * _LINE_PX * self._scale)
            marker.color = colors[row]
            markers.append(marker)
        return markers

    def _marker(self, namespace: str, key: int, kind: int) -> Marker:
        """Return a marker that lies in the image plane."""
        marker = Marker(header=self._header, ns=namespace, id=key & 0x7FFFFFFF, type=kind)
        marker.pose.orientation.w = 1.0
        marker.scale.x = _LINE_PX * self._scale
        marker.lifetime = _LIFETIME
        return marker

    def _points(self, pixels: NDArray[np.floating]) -> list[Point]:
        """Return points (N, 2) in pixels as points of the image plane in metres."""
        metres = pixels.astype(np.float64) * self._scale
        return [Point(x=x, y=y) for x, y in metres.tolist()]


def _color(key: int, opacity: float) -> ColorRGBA:
    """Return the colour of an identity, the same as in drawn images."""
    blue, green, red = colour_of(key)
    return ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=opacity)
