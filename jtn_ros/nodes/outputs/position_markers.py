"""Located objects as RViz markers in space: positions, ids, velocity arrows and trails."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import MarkerArray

from jtn_ros.media.drawing import ARROW_SECONDS
from jtn_ros.media.messages.marker_shapes import DrawnObjects
from jtn_ros.media.messages.marker_shapes import Shapes
from jtn_ros.media.messages.marker_shapes import join_paths
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.positions import Positions

_LINE_M = 0.04
_TEXT_M = 0.35
_SPHERE_M = 0.3
# Labels are above the spheres, which is -y in an optical frame and z in any other.
_LIFT_M = 0.35


class SpatialMarkers:
    """Creates the markers of positions, and stores positions for the trails.

    Args:
        seconds: length of the trails.
    """

    def __init__(self, seconds: float) -> None:
        self._keep_ns = round(seconds * 1e9)
        self._frame_id = ''
        self._paths: dict[int, deque[tuple[int, NDArray[np.float64]]]] = {}

    def update(self, ids: NDArray[np.int64], positions: Positions, stamp_ns: int) -> None:
        """Store the positions of the objects (N,); in another frame_id, trails start again."""
        if positions.frame_id != self._frame_id:
            self._frame_id = positions.frame_id
            self._paths.clear()
        live = set(ids.tolist())
        self._paths = {key: path for key, path in self._paths.items() if key in live}
        known = positions.known
        for key, point in zip(ids[known].tolist(), positions.points[known], strict=True):
            path = self._paths.setdefault(key, deque())
            path.append((stamp_ns, point))
            while path[0][0] < stamp_ns - self._keep_ns:
                path.popleft()

    def draw(
        self,
        stamp: Time,
        objects: DrawnObjects,
        positions: Positions,
        class_names: Sequence[str],
        *,
        optical: bool,
    ) -> MarkerArray:
        """Return all markers of a frame, after one that deletes those of the last frame.

        Args:
            stamp: time of the positions.
            objects: of the frame.
            positions: of the objects.
            class_names: by class.
            optical: whether the positions are in an optical frame, in which -y points upward.
        """
        lift = np.array((0, -_LIFT_M, 0) if optical else (0, 0, _LIFT_M))
        header = Header(stamp=stamp, frame_id=positions.frame_id)
        shapes = Shapes(new_message, header, _LINE_M, _TEXT_M)
        objects = objects.select(positions.known)
        points, velocities = (
            values[positions.known] for values in (positions.points, positions.velocities)
        )
        colors = objects.colors
        paths = [
            np.array([point for _, point in self._paths.get(key, ())]).reshape(-1, 3)
            for key in objects.ids.tolist()
        ]
        return MarkerArray(
            markers=[
                shapes.clear(),
                *shapes.spheres(points, colors, _SPHERE_M),
                *shapes.lines('trails', *join_paths(paths, colors)),
                *shapes.labels(objects, points, lift, class_names),
                *shapes.arrows(objects, points, ARROW_SECONDS * velocities),
            ]
        )
