"""Vehicles: cars, vans and trucks, drawn as hulls of spheres like people."""

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.actors import Actors
from jtn_ros.synthetic.look import SHEET
from jtn_ros.synthetic.look import Look
from jtn_ros.synthetic.look import Part
from jtn_ros.synthetic.texture import hsv
from jtn_ros.synthetic.texture import octave_noise
from jtn_ros.synthetic.walker import DRIVING
from jtn_ros.synthetic.walker import GroundRegion
from jtn_ros.synthetic.walker import sample_walks

Array = NDArray[np.float64]

_PAINT, _GLASS, _TYRE, _FRONT_LAMP, _REAR_LAMP = range(1, 6)

# Spheres: 8 corners of the body, 8 of the cabin, 4 of each window, 6 on each wheel, 4 lamps.
_BODY, _CABIN, _WINDOWS, _WHEELS, _LAMPS = 0, 8, 16, 32, 56
_COUNT = 60
_WHEEL_ANGLES = np.linspace(0, 2 * np.pi, 6, endpoint=False)


class Traffic(Actors):
    """Vehicles, driving or parked."""

    class_id = 1
    shadow_hulls: ClassVar = [list(range(_BODY, _BODY + 8)), list(range(_CABIN, _CABIN + 8))]
    shadow_feet: ClassVar = [0, 1, 2, 3]

    def __init__(
        self, count: int, region: GroundRegion, duration_s: float, rng: np.random.Generator
    ) -> None:
        """Sample `count` vehicles."""
        shapes = [_sample_shape(rng) for _ in range(count)]
        self._centers = np.array([centers for centers, _ in shapes]).reshape(count, _COUNT, 3)
        self._radii = np.array([radii for _, radii in shapes]).reshape(count, _COUNT)
        looks = [_sample_paint(rng) for _ in range(count)]
        walks = sample_walks(region, count, duration_s, rng, DRIVING)
        super().__init__(looks, _COUNT, walks)

    def _shape(
        self, positions: Array, headings: Array, traveled: Array, speeds: Array
    ) -> tuple[Array, Array]:
        sin, cos = np.sin(headings)[:, None], np.cos(headings)[:, None]
        forward, left = self._centers[..., 0], self._centers[..., 1]
        world = self._centers.copy()
        world[..., 0] = positions[:, :1] + cos * forward - sin * left
        world[..., 1] = positions[:, 1:] + sin * forward + cos * left
        return world, self._radii


def _sample_shape(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the spheres of one vehicle, (S, 3) forward, left and up from its middle, and (S,)."""
    kind = rng.choice(['saloon', 'hatch', 'van', 'lorry'], p=[0.35, 0.35, 0.2, 0.1])
    # Length, width, height, belt line, then the base and roof of the cabin: shares of the length
    # from the middle to its rear and front ends.
    length, width, height, belt, cabin = {
        'saloon': (4.6, 1.8, 1.45, 0.95, (-0.36, 0.22, -0.22, 0.05)),
        'hatch': (4.0, 1.75, 1.5, 0.95, (-0.47, 0.25, -0.4, 0.08)),
        'van': (5.2, 2.0, 2.2, 1.15, (-0.49, 0.4, -0.48, 0.25)),
        'lorry': (7.5, 2.4, 3.2, 1.4, (-0.5, 0.46, -0.5, 0.44)),
    }[str(kind)]
    length, width, height = np.array([length, width, height]) * rng.uniform(0.92, 1.1, 3)
    half, side, clearance = length / 2, width / 2, 0.32
    centers, radii = np.zeros((_COUNT, 3)), np.full(_COUNT, 0.02)

    # Corners: rear left, rear right, front right, front left; below, then above.
    ends, sides = np.array([-1, -1, 1, 1]), np.array([1, -1, -1, 1])
    rounding = 0.1
    for row, up in ((0, clearance + rounding), (4, belt - rounding)):
        centers[_BODY + row : _BODY + row + 4] = np.column_stack(
            [ends * (half - rounding), sides * (side - rounding), np.full(4, up)]
        )
    base_rear, base_front, roof_rear, roof_front = np.array(cabin) * length
    for row, rear, front, narrow, up in (
        (0, base_rear, base_front, 0.05, belt - rounding),
        (4, roof_rear, roof_front, 0.18, height - rounding),
    ):
        along = np.where(ends > 0, front - rounding, rear + rounding)
        centers[_CABIN + row : _CABIN + row + 4] = np.column_stack(
            [along, sides * (side - rounding - narrow), np.full(4, up)]
        )
    radii[_BODY : _CABIN + 8] = rounding

    # Windows are on the left, right, front and rear of the cabin, slightly outside of it.
    glass = (
        ([0, 3, 7, 4], (0, 1)),
        ([1, 2, 6, 5], (0, -1)),
        ([3, 2, 6, 7], (1, 0)),
        ([0, 1, 5, 4], (-1, 0)),
    )
    for number, (corners, outward) in enumerate(glass):
        quad = centers[_CABIN:][corners]
        inset = quad.mean(axis=0) + (quad - quad.mean(axis=0)) * (0.86, 0.86, 0.7)
        place = slice(_WINDOWS + 4 * number, _WINDOWS + 4 * number + 4)
        centers[place] = inset + np.array([*outward, 0]) * (rounding + 0.02)

    radius = rng.uniform(0.3, 0.38) * (1.3 if kind == 'lorry' else 1)
    for number, (end, hand) in enumerate(zip(ends, sides, strict=True)):
        place = slice(_WHEELS + 6 * number, _WHEELS + 6 * number + 6)
        rim = radius - 0.06
        centers[place] = np.column_stack(
            [
                end * 0.31 * length + rim * np.cos(_WHEEL_ANGLES),
                np.full(6, hand * (side - 0.06)),
                radius + rim * np.sin(_WHEEL_ANGLES),
            ]
        )
        radii[place] = 0.06
    centers[_LAMPS:] = np.column_stack(
        [ends * half * 0.99, sides * (side - 0.25), np.full(4, belt - 0.25)]
    )
    radii[_LAMPS:] = 0.09
    return centers, radii


def _sample_paint(rng: np.random.Generator) -> Look:
    paints = (
        hsv(0, 0, rng.uniform(0.75, 1)),
        hsv(0, 0, rng.uniform(0.03, 0.2)),
        hsv(0.6, 0.05, rng.uniform(0.3, 0.7)),
        hsv(rng.random(), rng.uniform(0.3, 0.85), rng.uniform(0.2, 0.8)),
    )
    colors = np.zeros((6, 3), np.float32)
    colors[_PAINT] = paints[int(rng.integers(len(paints)))]
    colors[_GLASS] = hsv(0.58, rng.uniform(0, 0.3), rng.uniform(0.08, 0.5))
    colors[_TYRE] = hsv(0, 0, rng.uniform(0.05, 0.2))
    colors[_FRONT_LAMP] = hsv(0.13, rng.uniform(0, 0.3), rng.uniform(0.6, 1))
    colors[_REAR_LAMP] = hsv(0, 0.9, rng.uniform(0.4, 0.9))

    def part(first: int, count: int, label: int, nearer: float = 0.0) -> Part:
        return Part(spheres=tuple(range(first, first + count)), label=label, nearer=nearer)

    parts = [part(_BODY, 8, _PAINT), part(_CABIN, 8, _PAINT, 0.05)]
    parts += [part(_WINDOWS + 4 * number, 4, _GLASS, 0.06) for number in range(4)]
    parts += [part(_WHEELS + 6 * number, 6, _TYRE) for number in range(4)]
    lamps = (_REAR_LAMP, _REAR_LAMP, _FRONT_LAMP, _FRONT_LAMP)
    parts += [part(_LAMPS + number, 1, lamp) for number, lamp in enumerate(lamps)]
    grime = 1 + 0.05 * octave_noise(rng, SHEET, SHEET, coarsest=3, octaves=4)
    pattern = np.clip(grime[..., None] * np.full(3, 128.0), 0, 255).astype(np.uint8)
    return Look(parts, _COUNT, colors, np.stack([pattern, pattern]))
