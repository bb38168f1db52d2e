"""Shadows on the ground: soft contact shadows under clouds, cast shadows in the sun."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.actors import Actors
from jtn_ros.synthetic.actors import ActorView
from jtn_ros.synthetic.props import Prop
from jtn_ros.synthetic.scene_camera import Camera

Array = NDArray[np.float64]
Image = NDArray[np.uint8]

_ANGLES = np.linspace(0, 2 * math.pi, 8, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES), np.zeros(8)], axis=-1)


@dataclass(frozen=True, kw_only=True)
class Sun:
    """The direction and strength of the light.

    Attributes:
        slope: (2,) extent of a shadow on the ground, in meters per meter of height.
        strength: darkness of the cast shadow, 0 to 1.
        contact: darkness of the soft shadow at the feet, 0 to 1.
        softness: blur of the shadows in pixels of half the image size.
    """

    slope: Array
    strength: float
    contact: float
    softness: float

    @classmethod
    def sample(cls, indoor: bool, rng: np.random.Generator) -> 'Sun':
        """Sample a sun; indoors and under clouds, there are no cast shadows."""
        angle = rng.uniform(0, 2 * math.pi)
        length = rng.uniform(0.2, 1.6)
        sunny = not indoor and rng.random() < 0.45
        return cls(
            slope=np.array([math.cos(angle), math.sin(angle)]) * length,
            strength=rng.uniform(0.25, 0.65) if sunny else 0.0,
            contact=rng.uniform(0.1, 0.5),
            softness=rng.uniform(0.5, 2.0),
        )

    @property
    def image_direction(self) -> Array:
        """Return the (2,) image direction in which bodies are brighter."""
        toward = -self.slope / max(1.0, float(np.linalg.norm(self.slope)))
        return np.array([toward[0], -0.6])

    def cast_figures(
        self, image: Image, camera: Camera, time_s: float, actors: Actors, view: ActorView
    ) -> None:
        """Darken the ground under the actors in a view."""
        if len(view.numbers):
            self._darken(
                image,
                camera,
                (0, 0),
                time_s,
                view.centers,
                view.radii,
                actors.shadow_hulls,
                actors.shadow_feet,
            )

    def cast_props(
        self, image: Image, camera: Camera, margin: tuple[int, int], props: Sequence[Prop]
    ) -> None:
        """Darken the ground of a plate with margins under standing objects."""
        if not props:
            return
        centers = np.zeros((len(props), 2, 3))
        centers[..., :2] = np.array([prop.foot for prop in props])[:, None]
        centers[:, 1, 2] = [prop.height for prop in props]
        widths = np.array([prop.width for prop in props])
        radii = np.stack([widths / 2, widths / 2.5], axis=1)
        self._darken(image, camera, margin, None, centers, radii, [[0, 1]], [0])

    def _darken(
        self,
        image: Image,
        camera: Camera,
        margin: tuple[int, int],
        time_s: float | None,
        centers: Array,
        radii: Array,
        hulls: list[list[int]],
        feet: list[int],
    ) -> None:
        mask = np.zeros((image.shape[0] // 2, image.shape[1] // 2), np.uint8)
        ground = centers.copy()
        ground[..., 2] = 0
        grown = radii * (2.2 if len(feet) > 1 else 1.2)
        layers = [(ground[:, feet], grown[:, feet], [list(range(len(feet)))], self.contact)]
        if self.strength:
            ground = ground + np.concatenate(
                [self.slope * centers[..., 2:], np.zeros_like(centers[..., 2:])], axis=-1
            )
            layers.append((ground, radii, hulls, self.strength))
        for spots, sizes, shapes, darkness in layers:
            rims = spots[..., None, :] + sizes[..., None, None] * _CIRCLE
            pixels, depths = camera.project(rims, time_s)
            usable = depths.min(axis=(1, 2)) > 0.3
            points = np.clip((pixels + margin) / 2 * 16, -1e6, 1e6).astype(np.int32)
            for body in np.flatnonzero(usable):
                for hull in shapes:
                    outline = cv2.convexHull(points[body, hull].reshape(-1, 2))
                    cv2.fillConvexPoly(mask, outline, 255 * darkness, cv2.LINE_AA, 4)
        mask = cv2.GaussianBlur(mask, (0, 0), self.softness)
        shade = cv2.resize(255 - mask, (image.shape[1], image.shape[0]))
        cv2.multiply(image, cv2.merge([shade] * 3), dst=image, scale=1 / 255)
