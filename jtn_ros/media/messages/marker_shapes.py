"""The shapes of the markers of tracks in RViz."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.media.drawing import caption_of
from jtn_ros.media.drawing import color_of
from jtn_ros.media.drawing import nearness
from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.positions import WorldTracks
from jtn_ros.tracking.columns import Columns
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

_OPACITY = {TrackState.TENTATIVE: 0.5, TrackState.CONFIRMED: 1.0, TrackState.LOST: 0.3}
_POINTS = 20
# Width of a letter, and of a space (RViz uses scale.x for it), relative to the text height.
_LETTER = 0.55
_SPACE = 0.3
# Lifetime, after which markers of a node that was killed disappear.
_LIFETIME_S = 2
_DELETE_ALL = 3  # an action of visualization_msgs/Marker


class _Kind(IntEnum):
    """Types of visualization_msgs/Marker."""

    ARROW = 0
    LINE_LIST = 5
    SPHERE_LIST = 7
    TEXT_VIEW_FACING = 9


@dataclass(frozen=True, kw_only=True)
class DrawnObjects(Columns):
    """N objects to draw.

    Attributes:
        ids: int64 (N,).
        class_ids: int32 (N,).
        colors: float64 (N, 4), red, green, blue and alpha from 0 to 1.
        ranks: float64 (N,); of overlapping labels, only the label with the highest rank is drawn.
    """

    ids: NDArray[np.int64]
    class_ids: NDArray[np.int32]
    colors: NDArray[np.float64]
    ranks: NDArray[np.float64]

    @classmethod
    def of_tracks(cls, tracks: Tracks) -> Self:
        """Return the tracks of an image; near tracks have a higher rank."""
        return cls(
            ids=tracks.ids,
            class_ids=tracks.class_ids,
            colors=colors_of(tracks),
            ranks=nearness(tracks),
        )

    @classmethod
    def of_world(cls, tracks: WorldTracks) -> Self:
        """Return the objects in the world; older objects have a higher rank."""
        states = np.full(len(tracks), TrackState.CONFIRMED)
        return cls(
            ids=tracks.ids,
            class_ids=tracks.class_ids,
            colors=_colors(tracks.ids, states),
            ranks=-tracks.ids.astype(np.float64),
        )


@dataclass(frozen=True)
class Shapes:
    """Makes the markers of one frame.

    Attributes:
        new: makes the messages.
        header: frame and time of the markers.
        line: width of lines in meters.
        text: height of texts in meters.
    """

    new: NewMessage
    header: Any
    line: float
    text: float

    def clear(self) -> Any:
        """Return the marker that deletes the markers of the previous frame."""
        return self.new('visualization_msgs/msg/Marker', header=self.header, action=_DELETE_ALL)

    def lines(
        self, namespace: str, ends: NDArray[np.floating], colors: NDArray[np.floating]
    ) -> list[Any]:
        """Return line segments, each with two end points (M, 3) and their colors (M, 4).

        RViz decides by the last color whether the whole list is blended, so the palest lines come
        last.
        """
        if not len(ends):
            return []  # RViz warns about lines without points
        marker = self._marker(namespace, 0, _Kind.LINE_LIST)
        order = np.argsort(-colors[:, 3], kind='stable')
        marker.points, marker.colors = self._points(ends[order]), self._colors(colors[order])
        return [marker]

    def labels(
        self,
        objects: DrawnObjects,
        places: NDArray[np.floating],
        lift: NDArray[np.floating],
        class_names: Sequence[str],
    ) -> list[Any]:
        """Return the identity and class of each object as texts that do not overlap.

        Args:
            objects: N objects.
            places: (N, 3), the positions to which the texts belong.
            lift: (3,), offset from there to the center of the text.
            class_names: by class.
        """
        texts = [
            caption_of(key, class_id, class_names)
            for key, class_id in zip(objects.ids.tolist(), objects.class_ids.tolist(), strict=True)
        ]
        widths = _LETTER * self.text * np.array([len(text) for text in texts])
        colors, points = self._colors(objects.colors), self._points(places + lift)
        up = lift / np.linalg.norm(lift)
        markers: list[Any] = []
        taken: list[int] = []
        for row in np.argsort(objects.ranks, kind='stable')[::-1].tolist():
            apart = places[taken] - places[row]
            above = apart @ up
            aside = np.linalg.norm(apart - above[:, None] * up, axis=1)
            too_close = (np.abs(above) < self.text) & (aside < (widths[taken] + widths[row]) / 2)
            if too_close.any():
                continue
            taken.append(row)
            marker = self._marker('ids', int(objects.ids[row]), _Kind.TEXT_VIEW_FACING)
            marker.pose.position = points[row]
            marker.scale.x, marker.scale.z = _SPACE * self.text, self.text
            marker.color, marker.text = colors[row], texts[row]
            markers.append(marker)
        return markers

    def arrows(
        self, objects: DrawnObjects, tails: NDArray[np.floating], ways: NDArray[np.floating]
    ) -> list[Any]:
        """Return arrows for the velocities that are large enough to show a direction.

        Args:
            objects: N objects.
            tails: (N, 3), start points of the arrows.
            ways: (N, 3), vectors from start to end.
        """
        colors, ids = self._colors(objects.colors), objects.ids.tolist()
        begins, ends = self._points(tails), self._points(tails + ways)
        markers = []
        for row in np.flatnonzero(np.linalg.norm(ways, axis=1) > 4 * self.line).tolist():
            marker = self._marker('velocities', ids[row], _Kind.ARROW)
            marker.points = [begins[row], ends[row]]
            marker.scale.y = 4 * self.line
            marker.color = colors[row]
            markers.append(marker)
        return markers

    def spheres(
        self, places: NDArray[np.floating], colors: NDArray[np.floating], diameter: float
    ) -> list[Any]:
        """Return a sphere at each position (N, 3), with colors (N, 4)."""
        if not len(places):
            return []
        marker = self._marker('positions', 0, _Kind.SPHERE_LIST)
        marker.scale.x = marker.scale.y = marker.scale.z = diameter
        marker.points, marker.colors = self._points(places), self._colors(colors)
        return [marker]

    def _marker(self, namespace: str, key: int, kind: _Kind) -> Any:
        """Return a marker at the origin of the frame."""
        marker = self.new(
            'visualization_msgs/msg/Marker',
            header=self.header,
            ns=namespace,
            id=key & 0x7FFFFFFF,
            type=int(kind),
            lifetime=self.new('builtin_interfaces/msg/Duration', sec=_LIFETIME_S),
        )
        marker.pose.orientation.w = 1.0
        marker.scale.x = self.line
        return marker

    def _points(self, places: NDArray[np.floating]) -> list[Any]:
        """Return positions (N, 3) in meters as points."""
        return self._messages('geometry_msgs/msg/Point', 'xyz', places)

    def _colors(self, colors: NDArray[np.floating]) -> list[Any]:
        """Return colors (N, 4), red, green, blue and alpha from 0 to 1."""
        return self._messages('std_msgs/msg/ColorRGBA', 'rgba', colors)

    def _messages(
        self, type_name: str, fields: Sequence[str], values: NDArray[np.floating]
    ) -> list[Any]:
        """Return a message for each row (N, F); equal rows share one, because creation is slow."""
        rows = [tuple(row) for row in values.astype(np.float64).tolist()]
        made = {
            row: self.new(type_name, **dict(zip(fields, row, strict=True))) for row in set(rows)
        }
        return [made[row] for row in rows]


def colors_of(tracks: Tracks) -> NDArray[np.float64]:
    """Return an RGBA color (N, 4) for each track, as in drawn images; lost tracks are pale."""
    return _colors(tracks.ids, tracks.states)


def thinned(path: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return few points of a path, including the newest, because RViz redraws every frame."""
    stride = max(1, -(-len(path) // _POINTS))
    return path[(len(path) - 1) % stride :: stride]


def join_paths(
    paths: Sequence[NDArray[np.floating]], colors: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Return end points (M, 3) of the lines that join thinned paths, and their colors.

    Args:
        paths: of N tracks, each (P, 3), oldest first.
        colors: (N, 4) of the tracks.
    """
    segments = [thinned(path).repeat(2, axis=0)[1:-1] for path in paths]
    counts = [len(ends) for ends in segments]
    return np.concatenate([np.zeros((0, 3)), *segments]), colors.repeat(counts, axis=0)


def _colors(ids: NDArray[np.int64], states: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return an RGBA color (N, 4) for every identity and state."""
    colors = [
        (*(channel / 255 for channel in reversed(color_of(key))), _OPACITY[TrackState(state)])
        for key, state in zip(ids.tolist(), states.tolist(), strict=True)
    ]
    return np.array(colors, np.float64).reshape(-1, 4)
