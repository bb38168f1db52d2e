"""The shapes that tracks are drawn with in RViz."""

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

from jtn_ros.media.drawing import caption_of
from jtn_ros.media.drawing import colour_of
from jtn_ros.media.drawing import nearest_last
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

_OPACITY = {TrackState.TENTATIVE: 0.5, TrackState.CONFIRMED: 1.0, TrackState.LOST: 0.3}
_POINTS = 20
# Of the height of a text: the width of a letter, and of a space, which RViz takes from scale.x.
_LETTER = 0.55
_SPACE = 0.3
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
        """Return line segments, of which each has two ends and two colours.

        RViz takes the last color to decide whether the whole list is blended, so the palest
        lines come last.
        """
        if not ends:
            return []  # RViz warns about lines without points
        marker = self._marker(namespace, 0, Marker.LINE_LIST)
        order = sorted(range(len(ends)), key=lambda index: -colors[index].a)
        marker.points = [ends[index] for index in order]
        marker.colors = [colors[index] for index in order]
        return [marker]

    def labels(
        self,
        tracks: Tracks,
        places: NDArray[np.floating],
        lift: NDArray[np.floating],
        class_names: Sequence[str],
    ) -> list[Marker]:
        """Return the identity and class of each track; far ones give way to near ones.

        Args:
            tracks: N tracks.
            places: (N, 3) what the texts belong to.
            lift: (3,) upward, from there to the middle of the text.
            class_names: by class.
        """
        texts = [
            caption_of(key, class_id, class_names)
            for key, class_id in zip(tracks.ids.tolist(), tracks.class_ids.tolist(), strict=True)
        ]
        widths = _LETTER * self.text * np.array([len(text) for text in texts])
        colors, points = colors_of(tracks), points_of(places + lift)
        up = lift / np.linalg.norm(lift)
        markers: list[Marker] = []
        taken: list[int] = []
        for row in nearest_last(tracks)[::-1].tolist():
            apart = places[taken] - places[row]
            above = apart @ up
            aside = np.linalg.norm(apart - above[:, None] * up, axis=1)
            too_close = (np.abs(above) < self.text) & (aside < (widths[taken] + widths[row]) / 2)
            if too_close.any():
                continue
            taken.append(row)
            marker = self._marker('ids', int(tracks.ids[row]), Marker.TEXT_VIEW_FACING)
            marker.pose.position = points[row]
            marker.scale = Vector3(x=_SPACE * self.text, z=self.text)
            marker.color, marker.text = colors[row], texts[row]
            markers.append(marker)
        return markers

    def arrows(
        self, tracks: Tracks, tails: NDArray[np.floating], ways: NDArray[np.floating]
    ) -> list[Marker]:
        """Return the velocities that are not too small to show a direction.

        Args:
            tracks: N tracks.
            tails: (N, 3) where the arrows begin.
            ways: (N, 3) where they lead to from there.
        """
        colors, ids = colors_of(tracks), tracks.ids.tolist()
        begins, ends = points_of(tails), points_of(tails + ways)
        markers = []
        for row in np.flatnonzero(np.linalg.norm(ways, axis=1) > 4 * self.line).tolist():
            marker = self._marker('velocities', ids[row], Marker.ARROW)
            marker.points = [begins[row], ends[row]]
            marker.scale = Vector3(x=self.line, y=4 * self.line)
            marker.color = colors[row]
            markers.append(marker)
        return markers

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
