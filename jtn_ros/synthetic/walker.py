"""Walks of people: paths on the ground as functions of time."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.scene_camera import PERSON_HEIGHT_M
from jtn_ros.synthetic.scene_camera import SMALLEST_PERSON_PX
from jtn_ros.synthetic.scene_camera import Camera

Array = NDArray[np.float64]

_RATE_HZ = 10.0


@dataclass(frozen=True, kw_only=True)
class GroundRegion:
    """The part of the ground on which people of useful size appear.

    Attributes:
        camera: the camera.
        near, far: depth range along the optical axis in meters.
    """

    camera: Camera
    near: float
    far: float

    @classmethod
    def sample_region(
        cls, camera: Camera, farthest: float, rng: np.random.Generator
    ) -> 'GroundRegion':
        """Sample the depth range of people in which they have useful sizes."""
        rows = np.linspace(0.0, 1.45, 200) * camera.height
        pixels = np.stack([np.full_like(rows, camera.width / 2), rows], axis=-1)
        pixels = pixels[camera.rays(pixels)[:, 2] < -1e-3]
        ground = camera.ground(pixels)
        feet = np.column_stack([ground, np.zeros(len(ground))])
        feet_px, depths = camera.project(feet)
        heads_px, _ = camera.project(feet + np.array([0, 0, PERSON_HEIGHT_M]))
        sizes = np.linalg.norm(feet_px - heads_px, axis=1)
        useful = (sizes > SMALLEST_PERSON_PX) & (sizes < 1.1 * camera.height)
        useful &= (heads_px[:, 1] < 0.85 * camera.height) & (depths > 0.8)
        if not useful.any():
            useful[int(np.argmin(np.abs(sizes - camera.height / 2)))] = True
        near, far = float(depths[useful].min()), float(depths[useful].max())
        reach = near * math.exp(rng.uniform(math.log(2), math.log(12)))
        return cls(camera=camera, near=near, far=max(near * 1.2, min(far, reach, farthest)))

    def sample(self, rng: np.random.Generator, count: int, spread: float = 1.2) -> Array:
        """Sample (count, 2) ground positions, uniform in image columns and in apparent size."""
        depth = np.exp(rng.uniform(math.log(self.near), math.log(self.far), count))
        return self.ground(depth, rng.uniform(-spread / 2, spread / 2, count))

    def ground(self, depth: Array, column: Array) -> Array:
        """Return ground positions (..., 2) at depths and at columns, -0.5 to 0.5 in the image."""
        camera = self.camera
        # Depth along the axis of a ground point straight ahead at distance y:
        # depth = y cos(pitch) + elevation sin(pitch).
        forward = (depth - camera.elevation * math.sin(camera.pitch)) / math.cos(camera.pitch)
        across = column * camera.width * depth / camera.focal
        return np.stack([across, np.maximum(forward, 0.3)], axis=-1)


@dataclass(frozen=True, kw_only=True)
class WalkStyle:
    """The motion of a kind of figures.

    Attributes:
        speed: mean, standard deviation, minimum and maximum speed in meters per second.
        still: share of the figures that stand still.
        pausing: share of the others that pause.
        flows: probabilities of the main direction in a scene: free, across, along, mixed.
        sociable: range of the share that walks in groups.
        turning: range of the columns, 0.5 at the image border, at which crossing figures turn.
        sway: lateral sway in meters.
    """

    speed: tuple[float, float, float, float]
    still: float
    pausing: float
    flows: tuple[float, float, float, float]
    sociable: tuple[float, float]
    turning: tuple[float, float]
    sway: float


WALKING = WalkStyle(
    speed=(1.25, 0.35, 0.3, 3.2),
    still=0.14,
    pausing=0.25,
    flows=(0.3, 0.3, 0.15, 0.25),
    sociable=(0.2, 0.85),
    turning=(0.5, 0.8),
    sway=0.06,
)
DRIVING = WalkStyle(
    speed=(7.0, 3.0, 2.0, 16.0),
    still=0.35,
    pausing=0.2,
    flows=(0.0, 0.55, 0.25, 0.2),
    sociable=(0.0, 0.0),
    turning=(0.9, 1.6),
    sway=0.0,
)


@dataclass(frozen=True, kw_only=True)
class Walks:
    """The walks of N people, tabulated at a fixed rate.

    Attributes:
        positions: (T, N, 2) meters.
        headings: (T, N) unwrapped radians.
        traveled: (T, N) meters walked since the start.
        speeds: (T, N) meters per second.
    """

    positions: Array
    headings: Array
    traveled: Array
    speeds: Array

    def at(self, time_s: float) -> tuple[Array, Array, Array, Array]:
        """Return positions (N, 2), headings, distances walked and speeds (N,) at a time."""
        index = min(max(time_s * _RATE_HZ, 0.0), len(self.headings) - 1.001)
        low = int(index)
        share = index - low
        position, heading, traveled, speed = (
            table[low] * (1 - share) + table[low + 1] * share
            for table in (self.positions, self.headings, self.traveled, self.speeds)
        )
        return position, heading, traveled, speed


def sample_walks(
    region: GroundRegion,
    count: int,
    duration_s: float,
    rng: np.random.Generator,
    style: WalkStyle = WALKING,
) -> Walks:
    """Sample walks of `count` figures: alone or in groups, walking or standing."""
    steps = math.ceil(duration_s * _RATE_HZ) + 3
    positions = np.empty((steps, count, 2))
    facing = rng.uniform(-math.pi, math.pi, count)
    # In some scenes people walk back and forth, in others they walk along one direction.
    flow = str(rng.choice(['free', 'across', 'along', 'mixed'], p=style.flows))
    sociable = rng.uniform(*style.sociable)
    person = 0
    while person < count:
        size = (
            1 if rng.random() > sociable else int(rng.choice([2, 3, 4, 6], p=[0.6, 0.2, 0.1, 0.1]))
        )
        size = min(count - person, size)
        path = _sample_path(region, style, flow, steps, rng)
        towards = rng.uniform(-math.pi, math.pi)
        for member in range(person, person + size):
            place = member - person
            ring = towards + place * rng.uniform(0.8, 1.3)
            offset = rng.normal(0, 0.1, 2)
            if place:
                offset += np.array([math.cos(ring), math.sin(ring)]) * rng.uniform(0.35, 0.85)
            sway = style.sway * np.sin(
                np.arange(steps)[:, None] / _RATE_HZ * rng.uniform(0.5, 1.5, 2)
            )
            positions[:, member] = path + offset + sway
            facing[member] = ring + math.pi + rng.normal(0, 0.4)
        person += size
    velocity = np.asarray(np.gradient(positions, axis=0)) * _RATE_HZ
    speeds = np.linalg.norm(velocity, axis=-1)
    traveled = np.cumsum(speeds, axis=0) / _RATE_HZ
    return Walks(
        positions=positions,
        headings=_headings(velocity, speeds, facing),
        traveled=traveled,
        speeds=speeds,
    )


def _sample_path(
    region: GroundRegion, style: WalkStyle, flow: str, steps: int, rng: np.random.Generator
) -> Array:
    """Return (steps, 2) positions along a smoothed polyline, walked with pauses."""
    if rng.random() < style.still:
        return np.repeat(region.sample(rng, 1, 1.0), steps, axis=0)
    mean, deviation, least, greatest = style.speed
    speed = float(np.clip(rng.normal(mean, deviation), least, greatest))
    length = speed * steps / _RATE_HZ
    if flow == 'mixed':
        flow = str(
            rng.choice(['across', 'along'] if style.flows[0] == 0 else ['free', 'across', 'along'])
        )
    points = [region.sample(rng, 1)[0]]
    total = 0.0
    side = rng.choice([-1, 1])
    depth = math.exp(rng.uniform(math.log(region.near), math.log(region.far)))
    column = rng.uniform(-0.5, 0.5)
    while total < length:
        if flow == 'across':
            depth = float(np.clip(depth * rng.uniform(0.9, 1.1), region.near, region.far))
            corner = region.ground(np.array(depth), np.array(side * rng.uniform(*style.turning)))
        elif flow == 'along':
            column = float(np.clip(column + rng.normal(0, 0.1), -0.6, 0.6))
            end = region.near * rng.uniform(0.8, 1.2) if side > 0 else region.far
            corner = region.ground(np.array(end), np.array(column))
        else:
            corner = region.sample(rng, 1, 1.5)[0]
        side = -side
        points.append(corner)
        # Steps of length 0 would never complete the walk.
        total += max(float(np.linalg.norm(points[-1] - points[-2])), 0.05)
    corners = np.array(points)
    arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    pace = np.full(steps, speed / _RATE_HZ)
    if rng.random() < style.pausing:
        stop = int(rng.integers(steps))
        pace[stop : stop + int(rng.uniform(1, 6) * _RATE_HZ)] = 0
    smooth = np.ones(9) / 9
    pace = np.convolve(np.pad(pace, 4, mode='edge'), smooth, mode='valid')
    walked = np.cumsum(pace)
    path = np.stack([np.interp(walked, arc, corners[:, axis]) for axis in (0, 1)], axis=-1)
    return np.stack(
        [np.convolve(np.pad(path[:, axis], 4, mode='edge'), smooth, 'valid') for axis in (0, 1)],
        axis=-1,
    )


def _headings(velocity: Array, speeds: Array, facing: Array) -> Array:
    """Return (T, N) headings: the walking direction, or the last one while standing."""
    walking = speeds > 0.25
    angles = np.arctan2(velocity[..., 1], velocity[..., 0])
    steps = np.arange(len(angles))[:, None]
    last = np.maximum.accumulate(np.where(walking, steps, -1), axis=0)
    first = np.argmax(walking, axis=0)
    index = np.where(last >= 0, last, first)
    angles = np.take_along_axis(angles, index, axis=0)
    angles = np.where(walking.any(axis=0), angles, facing)
    return np.unwrap(angles, axis=0)
