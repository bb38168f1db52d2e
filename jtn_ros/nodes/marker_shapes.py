"""The shapes that tracks are drawn with in RViz."""

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from geometry_msgs.msg import Vector3
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from jtn_ros.media.drawing import colour_of
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

_OPACITY = {TrackState.TENTATIVE: 0.5, TrackState.CONFIRMED: 1.0, TrackState.LOST: 0.3}
_POINTS = 20
# Markers of a node that stopped vanish by themselves.
_LIFETIME = Duration(sec=2)


@dataclass(frozen=True)
class Shapes:
    """Makes the markers of one frame.

    Attributes:
        header: frame and time of the markers.
        line: width of lines in metres.
        text: height of texts in metres.
    """

    header: Header
    line: float
    text: float

    def clear(self) -> Marker:
        """Return what deletes the markers of the frame before."""
        return Marker(header=self.header, action=Marker.DELETEALL)

    def lines(
        self, namespace: str, ends: Sequence[Point], colors: Sequence[ColorRGBA]
    ) -> list[Marker]:
        """Return line segments, of which each has two ends and two colours."""
        if not ends:
            return []  # RViz warns about lines without points
        marker = self._marker(namespace, 0, Marker.LINE_LIST)
        marker.points, marker.colors = list(ends), list(colors)
        return [marker]

    def labels(
        self, keys: Sequence[int], places: Sequence[Point], colors: Sequence[ColorRGBA],
        texts: Sequence[str],
    ) -> list[Marker]:  # fmt: skip
        """Return a text at each place."""
        markers = []
        for key, place, color, text in zip(keys, places, colors, texts, strict=True):
            marker = self._marker('ids', key, Marker.TEXT_VIEW_FACING)
            marker.pose.position = place
            marker.scale.z = self.text
            marker.color, marker.text = color, text
            markers.append(marker)
        return markers

    def arrow(self, key: int, tail: Point, head: Point, color: ColorRGBA) -> Marker:
        """Return the velocity of one track."""
        marker = self._marker('velocities', key, Marker.ARROW)
        marker.points = [tail, head]
        marker.scale = Vector3(x=self.line, y=4 * self.line)
        marker.color = color
        return marker

    def spheres(
        self, places: Sequence[Point], colors: Sequence[ColorRGBA], diameter: float
    ) -> list[Marker]:
        """Return a sphere at each place."""
        if not places:
            return []
        marker = self._marker('positions', 0, Marker.SPHERE_LIST)
        marker.scale = Vector3(x=diameter, y=diameter, z=diameter)
        marker.points, marker.colors = list(places), list(colors)
        return [marker]

    def _marker(self, namespace: str, key: int, kind: int) -> Marker:
        """Return a marker at the origin of the frame."""
        marker = Marker(header=self.header, ns=namespace, id=key & 0x7FFFFFFF, type=kind)
        marker.pose.orientation.w = 1.0
        marker.scale.x = self.line
        marker.lifetime = _LIFETIME
        return marker


def colors_of(tracks: Tracks) -> list[ColorRGBA]:
    """Return a colour for every track, the same as in drawn images; pale for lost ones."""
    colors = []
    for key, state in zip(tracks.ids.tolist(), tracks.states.tolist(), strict=True):
        blue, green, red = colour_of(key)
        opacity = _OPACITY[TrackState(state)]
        colors.append(ColorRGBA(r=red / 255, g=green / 255, b=blue / 255, a=opacity))
    return colors


def labels_of(tracks: Tracks, class_name: Callable[[int], str]) -> list[str]:
    """Return the text for every track: identity and class."""
    return [
        f'{key} {class_name(class_id)}'
        for key, class_id in zip(tracks.ids.tolist(), tracks.class_ids.tolist(), strict=True)
    ]


def points_of(places: NDArray[np.floating]) -> list[Point]:
    """Return places (N, 3) in metres as points."""
    return [Point(x=x, y=y, z=z) for x, y, z in places.astype(np.float64).tolist()]


def thinned[Points: (Sequence[Point], NDArray[np.float64])](path: Points) -> Points:
    """Return the path with few of its points, the newest among them: RViz draws every frame."""
    stride = max(1, -(-len(path) // _POINTS))
    return path[(len(path) - 1) % stride :: stride]


def segments_of(path: Sequence[Point]) -> list[Point]:
    """Return the ends of the lines that join the points of a path."""
    return [end for pair in pairwise(path) for end in pair]
