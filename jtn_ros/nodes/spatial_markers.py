"""Located tracks as RViz markers in space: positions, ids, velocity arrows and trails."""

from collections import deque
from collections.abc import Callable

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from jtn_ros.nodes.marker_shapes import Shapes
from jtn_ros.nodes.marker_shapes import colors_of
from jtn_ros.nodes.marker_shapes import labels_of
from jtn_ros.nodes.marker_shapes import points_of
from jtn_ros.nodes.marker_shapes import segments_of
from jtn_ros.nodes.marker_shapes import thinned
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks

_LINE_M = 0.04
_TEXT_M = 0.25
_SPHERE_M = 0.3
_SLOWEST_ARROW_M_S = 0.1


class SpatialMarkers:
    """Draws positions, and remembers them for the trails.

    Args:
        seconds: how long a trail is.
    """

    def __init__(self, seconds: float) -> None:
        self._keep_ns = round(seconds * 1e9)
        self._frame_id = ''
        self._paths: dict[int, deque[tuple[int, Point]]] = {}

    def update(self, tracks: Tracks, positions: Positions, stamp_ns: int) -> None:
        """Remember where the tracks of a frame are; trails begin anew in another frame."""
        if positions.frame_id != self._frame_id:
            self._frame_id = positions.frame_id
            self._paths.clear()
        live = set(tracks.ids.tolist())
        self._paths = {key: path for key, path in self._paths.items() if key in live}
        known = positions.known
        for key, point in zip(
            tracks.ids[known].tolist(), points_of(positions.points[known]), strict=True
        ):
            path = self._paths.setdefault(key, deque())
            path.append((stamp_ns, point))
            while path[0][0] < stamp_ns - self._keep_ns:
                path.popleft()

    def draw(
        self,
        stamp: Time,
        tracks: Tracks,
        positions: Positions,
        class_name: Callable[[int], str],
    ) -> MarkerArray:
        """Return all markers of a frame, after one that deletes those of the last frame."""
        shapes = Shapes(Header(stamp=stamp, frame_id=positions.frame_id), _LINE_M, _TEXT_M)
        tracks = tracks.select(positions.known)
        points, velocities = (
            values[positions.known] for values in (positions.points, positions.velocities)
        )
        colors, ids = colors_of(tracks), tracks.ids.tolist()
        paths = [
            segments_of(thinned([point for _, point in self._paths.get(key, ())])) for key in ids
        ]
        places, heads = points_of(points), points_of(points + velocities)
        moving = np.linalg.norm(velocities, axis=1) > _SLOWEST_ARROW_M_S
        return MarkerArray(
            markers=[
                shapes.clear(),
                *shapes.spheres(places, colors, _SPHERE_M),
                *shapes.lines(
                    'trails',
                    [end for path in paths for end in path],
                    [color for color, path in zip(colors, paths, strict=True) for _ in path],
                ),
                *shapes.labels(ids, places, colors, labels_of(tracks, class_name)),
                *(
                    shapes.arrow(ids[row], places[row], heads[row], colors[row])
                    for row in np.flatnonzero(moving).tolist()
                ),
            ]
        )
