"""The moving human body: a skeleton of spheres in meters, driven by the gait phase.

All people of a scene are posed at once. A body is a set of named spheres. Body parts and clothes
are convex hulls of some of them (see `outfit`), which gives correct silhouettes from all sides
and from above.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Proportions of a person of this stature, in meters.
REFERENCE_STATURE = 1.75

SPHERES = (
    'head', 'jaw', 'hair_top', 'hair_back', 'hair_low', 'neck', 'chest', 'belly',
    'shoulder_l', 'shoulder_r', 'hip_l', 'hip_r', 'seat',
    'knee_l', 'knee_r', 'ankle_l', 'ankle_r', 'heel_l', 'heel_r', 'toe_l', 'toe_r',
    'elbow_l', 'elbow_r', 'hand_l', 'hand_r', 'hem_l', 'hem_r', 'hem_f', 'hem_b',
    'eye_l', 'eye_r', 'collar', 'brim_f', 'brim_b', 'pack_top', 'pack_low', 'bag_top', 'bag_low',
)  # fmt: skip
INDEX = {name: index for index, name in enumerate(SPHERES)}

_RADII = {
    'head': 0.088, 'jaw': 0.062, 'hair_top': 0.092, 'hair_back': 0.085, 'hair_low': 0.075,
    'neck': 0.055, 'chest': 0.118, 'belly': 0.112, 'shoulder_l': 0.068, 'shoulder_r': 0.068,
    'hip_l': 0.09, 'hip_r': 0.09, 'seat': 0.1, 'knee_l': 0.06, 'knee_r': 0.06,
    'ankle_l': 0.045, 'ankle_r': 0.045, 'heel_l': 0.04, 'heel_r': 0.04,
    'toe_l': 0.036, 'toe_r': 0.036, 'elbow_l': 0.046, 'elbow_r': 0.046,
    'hand_l': 0.042, 'hand_r': 0.042, 'hem_l': 0.07, 'hem_r': 0.07, 'hem_f': 0.06, 'hem_b': 0.06,
    'eye_l': 0.014, 'eye_r': 0.014, 'collar': 0.075, 'brim_f': 0.045, 'brim_b': 0.045,
    'pack_top': 0.12, 'pack_low': 0.13, 'bag_top': 0.08, 'bag_low': 0.1,
}  # fmt: skip
RADII = np.array([_RADII[name] for name in SPHERES])


@dataclass(frozen=True, kw_only=True)
class Bodies:
    """Constant body shapes and poses of N people, as arrays (N,).

    Attributes:
        stature: meters, shoes to crown.
        girth: thickness relative to the average.
        shoulders: shoulder width relative to the average.
        stride: leg swing in radians at walking speed.
        elbow: bend of the elbows in radians.
        arm_swing: arm swing, as a share of the leg swing.
        raised_l, raised_r: additional forward lift of each arm in radians (phone, carrying).
        lean: forward lean of the trunk in radians.
        sitting: 0 stands, 1 sits.
        hem: height of the hem of coat or skirt, as a share of the hip height.
        flare: half-width of that hem relative to the hip.
        hair_length: length of long hair below the head, in meters.
        load: size of bag and backpack relative to the average.
        build: (N, S) radius of each sphere relative to the average.
    """

    stature: Array
    girth: Array
    shoulders: Array
    stride: Array
    elbow: Array
    arm_swing: Array
    raised_l: Array
    raised_r: Array
    lean: Array
    sitting: Array
    hem: Array
    flare: Array
    hair_length: Array
    load: Array
    build: Array

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.stature)

    @classmethod
    def sample(cls, count: int, rng: np.random.Generator) -> 'Bodies':
        """Sample `count` people."""

        def uniform(low: float, high: float) -> Array:
            return rng.uniform(low, high, count)

        def sometimes(share: float, values: Array) -> Array:
            return np.where(rng.random(count) < share, values, 0.0)

        stature = np.where(
            rng.random(count) < 0.08, uniform(1.0, 1.5), rng.normal(1.71, 0.09, count)
        )
        # Some have both hands in front: a phone, a bag, folded arms, a stroller.
        both = sometimes(0.15, uniform(0.3, 1.4))
        build = np.exp(rng.normal(0, np.where(_SOFT, 0.13, 0.04), (count, len(SPHERES))))
        build[:, _HAIR] *= uniform(0.95, 1.3)[:, None]
        return cls(
            stature=np.clip(stature, 0.95, 2.0),
            girth=np.clip(rng.normal(1.13, 0.2, count), 0.8, 1.8),
            shoulders=np.clip(rng.normal(1.0, 0.08, count), 0.8, 1.25),
            stride=uniform(0.32, 0.56),
            elbow=uniform(0.1, 0.6),
            arm_swing=uniform(0.2, 1.0),
            raised_l=np.where(both > 0, both, sometimes(0.15, uniform(0.3, 1.4))),
            raised_r=np.where(both > 0, both, sometimes(0.2, uniform(0.3, 1.4))),
            lean=rng.normal(0.04, 0.05, count),
            sitting=np.where(rng.random(count) < 0.04, 1.0, 0.0),
            hem=uniform(0.35, 0.85),
            flare=uniform(0.9, 2.4),
            hair_length=uniform(0.05, 0.35),
            load=uniform(0.6, 1.25),
            build=build,
        )


def pose(
    bodies: Bodies, positions: Array, headings: Array, phases: Array, effort: Array
) -> tuple[Array, Array]:
    """Pose N people.

    Args:
        bodies: the people.
        positions: (N, 2) ground positions in meters.
        headings: (N,) walking directions in radians, counter-clockwise from the X axis.
        phases: (N,) gait phases in radians; one full turn is two steps.
        effort: (N,) 0 (standing) to 1 (walking at full stride).

    Returns:
        Centers (N, S, 3) and radii (N, S) of the spheres, in meters, in the world frame.

    """
    scale = bodies.stature / REFERENCE_STATURE
    swing = bodies.stride * effort * (1 - bodies.sitting)
    local = np.zeros((len(SPHERES), len(bodies), 3))  # forward, left, up

    def put(name: str, forward: Array | float, left: Array | float, up: Array | float) -> None:
        target = local[INDEX[name]]
        target[:, 0], target[:, 1], target[:, 2] = forward, left, up

    def bend(angle: Array, length: float) -> tuple[Array, Array]:
        return np.sin(angle) * length, -np.cos(angle) * length

    hip_width = 0.09 * np.sqrt(bodies.girth)
    for side, sign, offset in (('l', 1.0, 0.0), ('r', -1.0, np.pi)):
        phase = phases + offset
        thigh = swing * np.sin(phase) + 0.04 + 1.35 * bodies.sitting
        lift = np.clip(np.cos(phase + 0.35), 0, None) ** 1.5
        knee = 0.08 + 2.1 * swing * lift + 1.3 * bodies.sitting
        forward, up = bend(thigh, 0.44)
        put(f'hip_{side}', 0.0, sign * hip_width, 0.92)
        put(f'knee_{side}', forward, sign * hip_width, 0.92 + up)
        more, down = bend(thigh - knee, 0.42)
        forward, up = forward + more, 0.92 + up + down
        put(f'ankle_{side}', forward, sign * 0.9 * hip_width, up)
        tilt = np.clip(thigh - knee, -0.9, 0.5) * 0.8
        put(f'heel_{side}', forward - 0.03, sign * 0.9 * hip_width, up - 0.03)
        put(
            f'toe_{side}',
            forward + 0.16 * np.cos(tilt),
            sign * 1.15 * hip_width,
            up - 0.035 + 0.16 * np.sin(tilt),
        )
        raised = bodies.raised_l if side == 'l' else bodies.raised_r
        arm = -bodies.arm_swing * 0.9 * swing * np.sin(phase) * (raised == 0) + 0.35 * raised
        twist = -0.1 * swing * np.sin(phase)
        width = 0.175 * bodies.shoulders
        forward, up = bend(arm, 0.28)
        put(f'shoulder_{side}', twist, sign * width, 1.375)
        outward = sign * (width + 0.035 + 0.03 * bodies.girth)
        put(f'elbow_{side}', twist + forward, outward, 1.375 + up)
        more, down = bend(arm + bodies.elbow + 1.2 * raised, 0.27)
        inward = outward - sign * 0.12 * np.minimum(raised, 1)
        put(f'hand_{side}', twist + forward + more, inward, 1.375 + up + down)

    put('chest', 0.01, 0.0, 1.24)
    put('belly', 0.02 * bodies.girth, 0.0, 1.04)
    put('seat', -0.03, 0.0, 0.93)
    put('collar', 0.0, 0.0, 1.42)
    put('eye_l', 0.1, 0.033, 1.65)
    put('eye_r', 0.1, -0.033, 1.65)
    put('neck', 0.01, 0.0, 1.47)
    put('head', 0.02, 0.0, 1.645)
    put('jaw', 0.05, 0.0, 1.57)
    put('hair_top', 0.0, 0.0, 1.665)
    put('hair_back', -0.035, 0.0, 1.635)
    put('hair_low', -0.1, 0.0, 1.6 - bodies.hair_length)
    put('brim_f', 0.14, 0.0, 1.67)
    put('brim_b', -0.08, 0.0, 1.68)
    put('pack_top', -0.2, 0.0, 1.3)
    put('pack_low', -0.22, 0.0, 1.3 - 0.28 * bodies.load)
    put('bag_top', 0.0, 0.24, 0.95)
    put('bag_low', 0.0, 0.25, 0.95 - 0.15 * bodies.load)
    # The hem follows the knees: a skirt swings with the legs.
    drop = 0.92 * (1 - bodies.hem)
    swing_forward = np.maximum(local[INDEX['knee_l']][:, 0], local[INDEX['knee_r']][:, 0])
    swing_back = np.minimum(local[INDEX['knee_l']][:, 0], local[INDEX['knee_r']][:, 0])
    reach = drop / 0.5
    hem_up = 0.92 - drop * (1 - 0.75 * bodies.sitting)
    put('hem_l', 0.25 * reach * swing_forward, hip_width * bodies.flare, hem_up)
    put('hem_r', 0.25 * reach * swing_forward, -hip_width * bodies.flare, hem_up)
    put('hem_f', np.maximum(0.06 * bodies.flare, reach * swing_forward), 0.0, hem_up)
    put('hem_b', np.minimum(-0.06 * bodies.flare, reach * swing_back), 0.0, hem_up)

    above = np.clip(local[..., 2] - 0.92, 0, None)
    local[..., 0] += above * np.tan(bodies.lean)
    local *= scale[None, :, None]
    radii = RADII[:, None] * scale * np.where(_SOFT[:, None], bodies.girth, 1.0)
    radii *= bodies.build.T
    for name in ('pack_top', 'pack_low', 'bag_top', 'bag_low'):
        radii[INDEX[name]] *= bodies.load
    # The lower foot touches the ground.
    feet = [INDEX[name] for name in ('heel_l', 'heel_r', 'toe_l', 'toe_r')]
    local[..., 2] -= (local[feet, :, 2] - radii[feet]).min(axis=0)

    sin, cos = np.sin(headings), np.cos(headings)
    world = np.empty_like(local)
    world[..., 0] = positions[:, 0] + cos * local[..., 0] - sin * local[..., 1]
    world[..., 1] = positions[:, 1] + sin * local[..., 0] + cos * local[..., 1]
    world[..., 2] = local[..., 2]
    return world.swapaxes(0, 1), radii.T


_SOFT = np.array(
    [
        not name.startswith(('head', 'jaw', 'hair', 'eye', 'brim', 'pack', 'bag', 'toe'))
        for name in SPHERES
    ]
)
_HAIR = [INDEX[name] for name in ('hair_top', 'hair_back', 'hair_low')]
