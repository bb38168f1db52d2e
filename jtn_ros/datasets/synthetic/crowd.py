"""The people of a scene: who they are, where they are, and how a camera sees them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.synthetic.body import SPHERES
from jtn_ros.datasets.synthetic.body import Bodies
from jtn_ros.datasets.synthetic.body import pose
from jtn_ros.datasets.synthetic.camera import Camera
from jtn_ros.datasets.synthetic.figure import Light
from jtn_ros.datasets.synthetic.figure import draw_figure
from jtn_ros.datasets.synthetic.figure import silhouette_boxes
from jtn_ros.datasets.synthetic.outfit import SHEET
from jtn_ros.datasets.synthetic.outfit import sample_outfit
from jtn_ros.datasets.synthetic.patch import Patch
from jtn_ros.datasets.synthetic.patch import smear
from jtn_ros.datasets.synthetic.texture import octave_noise
from jtn_ros.datasets.synthetic.walker import GroundRegion
from jtn_ros.datasets.synthetic.walker import sample_walks

Array = NDArray[np.float64]

_NEAREST_M = 0.3  # bodies that come nearer to the camera are not drawn
_STRIDE_M = 1.45  # of a full gait cycle of two steps, at the reference stature and leg swing
_STATURE_M = 1.75
_LEG_SWING = 0.45


@dataclass(frozen=True, kw_only=True)
class CrowdView:
    """N people as a camera sees them at one time, S body spheres each.

    Attributes:
        people: (N,) their numbers in the crowd.
        centers, radii: (N, S, 3) and (N, S) metres in the world.
        pixels, radii_px: (N, S, 2) and (N, S) in the image.
        ranges: (N,) metres over the ground, by which people hide one another.
        boxes: (N, 4) silhouettes in the image.
        drifts: (N, 2) pixels that they move while the shutter is open.
    """

    people: NDArray[np.intp]
    centers: Array
    radii: Array
    pixels: Array
    radii_px: Array
    ranges: Array
    boxes: Array
    drifts: Array


class Crowd:
    """People with bodies, clothes and walks, all functions of time."""

    def __init__(
        self, count: int, region: GroundRegion, duration_s: float, backdrop: NDArray[np.uint8],
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        """Draw `count` people; some wear colours (M, 3) of the place behind them."""
        self._bodies = Bodies.sample(count, rng)
        colors = backdrop[rng.integers(len(backdrop), size=count)].astype(np.float32)
        folds = octave_noise(rng, 3 * SHEET, 3 * SHEET, coarsest=9, octaves=5, persistence=0.75)
        self._outfits = [sample_outfit(rng, color, folds) for color in colors]
        drawn = np.array([outfit.drawn for outfit in self._outfits], np.bool_)
        self._drawn = drawn.reshape(count, len(SPHERES))
        self._walks = sample_walks(region, count, duration_s, rng)
        self._phases = rng.uniform(0, 2 * math.pi, count)

    def seen_by(self, camera: Camera, time_s: float, shutter_s: float) -> CrowdView:
        """Return the people whose silhouettes reach into the image."""
        positions, headings, travelled, speeds = self._walks.at(time_s)
        stride = _STRIDE_M * self._bodies.stature / _STATURE_M * self._bodies.stride / _LEG_SWING
        phases = self._phases + 2 * math.pi * travelled / stride
        effort = np.clip(speeds, 0, 1.15)
        centers, radii = pose(self._bodies, positions, headings, phases, effort)
        pixels, depths = camera.project(centers, time_s)
        radii_px = radii / depths * camera.focal
        boxes = silhouette_boxes(pixels, radii_px, self._drawn)
        seen = (boxes[:, :2] < (camera.width, camera.height)).all(axis=1)
        seen &= (boxes[:, 2:] > 0).all(axis=1) & (depths.min(axis=1) > _NEAREST_M)
        people = np.flatnonzero(seen)

        pace = np.stack([np.cos(headings), np.sin(headings)], axis=-1) * speeds[:, None]
        feet = np.zeros((2, len(people), 3))
        feet[:, :, :2] = positions[people]
        feet[1, :, :2] += pace[people] * shutter_s
        (before, after), _ = camera.project(feet, time_s)
        return CrowdView(
            people=people, centers=centers[people], radii=radii[people], pixels=pixels[people],
            radii_px=radii_px[people], ranges=np.hypot(*positions[people].T), boxes=boxes[people],
            drifts=after - before,
        )  # fmt: skip

    def draw(self, view: CrowdView, camera: Camera, light: Light) -> list[Patch]:
        """Return the whole pictures of the people in a view."""
        # On an upright body what is horizontally nearer is in front, whatever the pitch; but from
        # above heads cover shoulders.
        distances = np.hypot(view.centers[..., 0], view.centers[..., 1])
        distances -= 0.3 * math.sin(max(camera.pitch, 0)) * view.centers[..., 2]
        return [
            smear(
                draw_figure(pixels, radii, order, self._outfits[person], box, light), *drift
            )
            for person, pixels, radii, order, box, drift in zip(
                view.people, view.pixels, view.radii_px, distances, view.boxes, view.drifts,
                strict=True,
            )
        ]  # fmt: skip
