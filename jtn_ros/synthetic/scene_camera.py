"""A pinhole camera above a ground plane, which rotates about its center over time.

World frame: meters, X to the right, Y away from the camera, Z up, ground at Z = 0, camera at
(0, 0, height). Camera frame: x to the right, y down, z along the optical axis.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.scene_config import SceneConfig

Array = NDArray[np.float64]

PERSON_HEIGHT_M = 1.7
SMALLEST_PERSON_PX = 12


@dataclass(frozen=True, kw_only=True)
class Wobble:
    """One rotation angle over time: a sum of sines.

    Attributes:
        sines: amplitude in radians, frequency in hertz and phase in radians of each.
    """

    sines: tuple[tuple[float, float, float], ...]

    @property
    def reach(self) -> float:
        """Return the maximum possible angle in radians."""
        return sum(abs(amplitude) for amplitude, _, _ in self.sines)

    def at(self, time_s: float) -> float:
        """Return the angle at a time, in radians."""
        return sum(
            amplitude * math.sin(math.tau * frequency * time_s + phase)
            for amplitude, frequency, phase in self.sines
        )


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Intrinsics, height, pitch and rotation of a camera.

    Attributes:
        width, height: image size in pixels.
        focal: focal length in pixels; the principal point is the image center.
        elevation: meters above the ground.
        pitch: radians below the horizon.
        roll: radians.
        motions: yaw, pitch and roll over time, added to the mean orientation.
    """

    width: int
    height: int
    focal: float
    elevation: float
    pitch: float
    roll: float
    motions: tuple[Wobble, Wobble, Wobble]

    @property
    def moves(self) -> bool:
        """Return whether the orientation changes over time."""
        return any(motion.reach > 0 for motion in self.motions)

    @property
    def intrinsics(self) -> Array:
        """Return the 3x3 camera matrix."""
        center_x, center_y = (self.width - 1) / 2, (self.height - 1) / 2
        return np.array([[self.focal, 0, center_x], [0, self.focal, center_y], [0, 0, 1.0]])

    def rotation(self, time_s: float | None = None) -> Array:
        """Return the 3x3 rotation from world to camera; without a time, the mean rotation."""
        yaw, pitch, roll = (
            (0.0, 0.0, 0.0) if time_s is None else (motion.at(time_s) for motion in self.motions)
        )
        pitch += self.pitch
        roll += self.roll
        turn = np.array(
            [[math.cos(yaw), math.sin(yaw), 0], [-math.sin(yaw), math.cos(yaw), 0], [0, 0, 1]]
        )
        sin, cos = math.sin(pitch), math.cos(pitch)
        look = np.array([[1, 0, 0], [0, -sin, -cos], [0, cos, -sin]])
        sin, cos = math.sin(roll), math.cos(roll)
        tilt = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        return tilt @ look @ turn

    def project(self, points: Array, time_s: float | None = None) -> tuple[Array, Array]:
        """Project world points (..., 3) to pixels (..., 2) and depths (...) in meters."""
        local = (points - (0, 0, self.elevation)) @ self.rotation(time_s).T
        depth = np.maximum(local[..., 2], 1e-3)
        pixels = local[..., :2] / depth[..., None] * self.focal
        return pixels + np.array([(self.width - 1) / 2, (self.height - 1) / 2]), depth

    def rays(self, pixels: Array) -> Array:
        """Return world directions (..., 3), of unit depth, through pixels (..., 2)."""
        centered = (pixels - ((self.width - 1) / 2, (self.height - 1) / 2)) / self.focal
        ones = np.ones_like(centered[..., :1])
        return np.concatenate([centered, ones], axis=-1) @ self.rotation()

    def ground(self, pixels: Array) -> Array:
        """Return the (..., 2) ground positions at pixels (..., 2) below the horizon."""
        rays = self.rays(pixels)
        return rays[..., :2] * (self.elevation / np.maximum(-rays[..., 2:], 1e-6))


def sample_camera(config: SceneConfig, indoor: bool, rng: np.random.Generator) -> Camera:
    """Sample a camera for which people have useful sizes.

    Pitch and field of view are sampled first. The elevation follows from the desired height of a
    person in the lower middle of the image.
    """
    field_of_view = math.radians(rng.uniform(35, 85))
    focal = config.width / 2 / math.tan(field_of_view / 2)
    pitch = math.radians(rng.choice([rng.uniform(-2, 9), rng.uniform(9, 25), rng.uniform(22, 45)]))
    smallest, largest = (0.22, 1.0) if indoor else (0.07, 0.8)
    size = math.exp(rng.uniform(math.log(smallest), math.log(largest))) * config.height
    row = rng.uniform(0.62, 0.9) * config.height
    # The size of the person gives the depth, and the row gives the elevation.
    angle = pitch + math.atan((row - config.height / 2) / focal)
    distance = focal * PERSON_HEIGHT_M / size
    elevation = float(np.clip(distance * math.tan(max(angle, 0.03)), 0.7, 30))
    elevation = min(elevation, distance * 1.2)
    return Camera(
        width=config.width,
        height=config.height,
        focal=focal,
        elevation=elevation,
        pitch=pitch,
        roll=math.radians(rng.normal(0, 1.2)),
        motions=_sample_motions(config, rng, focal),
    )


def _sample_motions(
    config: SceneConfig, rng: np.random.Generator, focal: float
) -> tuple[Wobble, Wobble, Wobble]:
    kind: str = config.camera_motion
    if kind == 'random':
        kind = str(rng.choice(['static', 'pan', 'shake'], p=[0.6, 0.2, 0.2]))
    # Maximum displacements in pixels, converted to angles by the focal length.
    if kind == 'pan':
        peaks, frequency = (0.22 * config.width, 0.04 * config.height, 0.0), (0.02, 0.12)
    elif kind == 'shake':
        peaks, frequency = (4.0, 4.0, 2.0), (0.5, 6.0)
    else:
        peaks, frequency = (0.0, 0.0, 0.0), (1.0, 2.0)
    motions = []
    for peak in peaks:
        amplitudes = rng.dirichlet(np.ones(3)) * rng.uniform(0.3, 1) * peak / focal
        frequencies, phases = rng.uniform(*frequency, 3), rng.uniform(0, math.tau, 3)
        table = np.stack([amplitudes, frequencies, phases], axis=-1).tolist()
        motions.append(Wobble(sines=tuple((a, f, p) for a, f, p in table)))
    yaw, pitch, roll = motions
    return yaw, pitch, roll
