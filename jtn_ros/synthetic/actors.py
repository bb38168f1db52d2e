"""Moving, annotated figures with looks and walks, and their views by a camera."""

import math
from abc import ABC
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.figure import Light
from jtn_ros.synthetic.figure import draw_figure
from jtn_ros.synthetic.figure import silhouette_boxes
from jtn_ros.synthetic.look import Look
from jtn_ros.synthetic.patch import Patch
from jtn_ros.synthetic.patch import smear
from jtn_ros.synthetic.scene_camera import Camera
from jtn_ros.synthetic.walker import Walks

Array = NDArray[np.float64]

_NEAREST_M = 0.3  # figures closer to the camera are not drawn


@dataclass(frozen=True, kw_only=True)
class ActorView:
    """The view of N figures by a camera at one time, with S spheres each.

    Attributes:
        numbers: (N,) indices of the actors.
        centers, radii: (N, S, 3) and (N, S) meters in the world.
        pixels, radii_px: (N, S, 2) and (N, S) in the image.
        ranges: (N,) distances over the ground in meters, which determine occlusions.
        boxes: (N, 4) silhouettes in the image.
        drifts: (N, 2) motion in pixels while the shutter is open.
    """

    numbers: NDArray[np.intp]
    centers: Array
    radii: Array
    pixels: Array
    radii_px: Array
    ranges: Array
    boxes: Array
    drifts: Array


class Actors(ABC):
    """Figures of one class, as functions of time.

    Attributes:
        class_id: their class in the annotations.
        shadow_hulls: hulls of spheres, by index, that represent a figure in its shadow.
        shadow_feet: the spheres that stand on the ground.
        walks: positions over time.
    """

    class_id: ClassVar[int]
    shadow_hulls: ClassVar[list[list[int]]]
    shadow_feet: ClassVar[list[int]]

    def __init__(self, looks: list[Look], sphere_count: int, walks: Walks) -> None:
        """Create figures with these looks and walks."""
        self._looks = looks
        drawn = np.array([look.drawn for look in looks], np.bool_)
        self._drawn = drawn.reshape(len(looks), sphere_count)
        self.walks = walks

    def __len__(self) -> int:
        """Return the number of figures."""
        return len(self._looks)

    @abstractmethod
    def _shape(
        self, positions: Array, headings: Array, traveled: Array, speeds: Array
    ) -> tuple[Array, Array]:
        """Return centers (N, S, 3) and radii (N, S) of the spheres in meters."""

    def seen_by(self, camera: Camera, time_s: float, shutter_s: float) -> ActorView:
        """Return the figures whose silhouettes overlap with the image."""
        positions, headings, traveled, speeds = self.walks.at(time_s)
        centers, radii = self._shape(positions, headings, traveled, speeds)
        pixels, depths = camera.project(centers, time_s)
        radii_px = radii / depths * camera.focal
        boxes = silhouette_boxes(pixels, radii_px, self._drawn)
        seen = (boxes[:, :2] < (camera.width, camera.height)).all(axis=1)
        seen &= (boxes[:, 2:] > 0).all(axis=1) & (depths.min(axis=1) > _NEAREST_M)
        index = np.flatnonzero(seen)

        pace = np.stack([np.cos(headings), np.sin(headings)], axis=-1) * speeds[:, None]
        feet = np.zeros((2, len(index), 3))
        feet[:, :, :2] = positions[index]
        feet[1, :, :2] += pace[index] * shutter_s
        (before, after), _ = camera.project(feet, time_s)
        return ActorView(
            numbers=index,
            centers=centers[index],
            radii=radii[index],
            pixels=pixels[index],
            radii_px=radii_px[index],
            ranges=np.hypot(*positions[index].T),
            boxes=boxes[index],
            drifts=after - before,
        )

    def draw(self, view: ActorView, camera: Camera, light: Light) -> list[Patch]:
        """Return the complete patches of the figures in a view."""
        # Horizontally nearer parts of an upright body are in front, regardless of the pitch. Seen
        # from above, however, heads cover shoulders.
        distances = np.hypot(view.centers[..., 0], view.centers[..., 1])
        distances -= 0.3 * math.sin(max(camera.pitch, 0)) * view.centers[..., 2]
        return [
            smear(draw_figure(pixels, radii, order, self._looks[number], box, light), *drift)
            for number, pixels, radii, order, box, drift in zip(
                view.numbers,
                view.pixels,
                view.radii_px,
                distances,
                view.boxes,
                view.drifts,
                strict=True,
            )
        ]
