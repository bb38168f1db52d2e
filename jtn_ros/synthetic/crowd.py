"""The people of a scene: bodies, clothes and walks."""

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.actors import Actors
from jtn_ros.synthetic.body import INDEX
from jtn_ros.synthetic.body import SPHERES
from jtn_ros.synthetic.body import Bodies
from jtn_ros.synthetic.body import pose
from jtn_ros.synthetic.look import SHEET
from jtn_ros.synthetic.outfit import sample_outfit
from jtn_ros.synthetic.texture import octave_noise
from jtn_ros.synthetic.walker import GroundRegion
from jtn_ros.synthetic.walker import sample_walks

Array = NDArray[np.float64]

_STRIDE_M = 1.45  # of a full gait cycle of two steps, at the reference stature and leg swing
_STATURE_M = 1.75
_LEG_SWING = 0.45
_STANDING_M_S = 0.15  # standing people sway slightly


class Crowd(Actors):
    """People.

    Attributes:
        bodies: the body of each person.
    """

    class_id = 0
    shadow_hulls: ClassVar = [
        [INDEX[name] for name in names.split()]
        for names in (
            'head jaw',
            'shoulder_l shoulder_r hip_l hip_r belly',
            'hip_l knee_l',
            'hip_r knee_r',
            'knee_l ankle_l toe_l',
            'knee_r ankle_r toe_r',
        )
    ]
    shadow_feet: ClassVar = [INDEX[name] for name in ('heel_l', 'heel_r', 'toe_l', 'toe_r')]

    def __init__(
        self,
        count: int,
        region: GroundRegion,
        duration_s: float,
        backdrop: NDArray[np.uint8],
        rng: np.random.Generator,
    ) -> None:
        """Sample `count` people; some wear colors (M, 3) of the background."""
        bodies = Bodies.sample(count, rng)
        colors = backdrop[rng.integers(len(backdrop), size=count)].astype(np.float32)
        folds = octave_noise(rng, 3 * SHEET, 3 * SHEET, coarsest=9, octaves=5, persistence=0.75)
        looks = [sample_outfit(rng, color, folds) for color in colors]
        walks = sample_walks(region, count, duration_s, rng)
        super().__init__(looks, len(SPHERES), walks)
        stays = walks.speeds.max(axis=0) < _STANDING_M_S
        self.bodies = replace(bodies, sitting=bodies.sitting * stays)  # moving people do not sit
        self._phases = rng.uniform(0, 2 * math.pi, count)

    def _shape(
        self, positions: Array, headings: Array, traveled: Array, speeds: Array
    ) -> tuple[Array, Array]:
        stride = _STRIDE_M * self.bodies.stature / _STATURE_M * self.bodies.stride / _LEG_SWING
        phases = self._phases + 2 * math.pi * traveled / stride
        return pose(self.bodies, positions, headings, phases, np.clip(speeds, 0, 1.15))
