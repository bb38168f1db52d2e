"""Objects among the people, which occlude or resemble them; they are not annotated."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.patch import Patch
from jtn_ros.synthetic.prop_shapes import SHAPES
from jtn_ros.synthetic.prop_shapes import paint_shape
from jtn_ros.synthetic.scene_camera import Camera

Array = NDArray[np.float64]

INDOORS = ('column', 'bin', 'box', 'bench', 'statue', 'luggage', 'table', 'chair', 'tripod',
           'clutter', 'sign', 'barrier')  # fmt: skip
OUTDOORS = tuple(SHAPES)
DISTANT = ('tree', 'tree', 'bush', 'bush', 'car', 'car', 'pole', 'lamp', 'sign', 'clutter',
           'fence', 'box', 'parasol')  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Prop:
    """A standing object, in the mean orientation of the camera.

    Attributes:
        patch: image of the object.
        foot: (2,) ground position in meters.
        width, height: meters.
    """

    patch: Patch
    foot: Array
    width: float
    height: float

    @property
    def range_m(self) -> float:
        """Return the distance over the ground in meters, which determines occlusions."""
        return float(np.hypot(*self.foot))

    def view(self, homography: Array) -> Patch:
        """Return the patch, warped by a 3x3 map from mean to current image pixels."""
        patch = self.patch
        rows, columns = patch.alpha.shape
        corners = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float64)
        corners += (patch.left, patch.top)
        moved = cv2.perspectiveTransform(corners[None], homography)[0]
        low, high = np.floor(moved.min(axis=0)), np.ceil(moved.max(axis=0)) + 1
        shift = np.array([[1, 0, -low[0]], [0, 1, -low[1]], [0, 0, 1]])
        back = np.array([[1, 0, patch.left], [0, 1, patch.top], [0, 0, 1.0]])
        size = (int(high[0] - low[0]), int(high[1] - low[1]))
        transform = shift @ homography @ back
        color = cv2.warpPerspective(patch.color, transform, size)
        alpha = cv2.warpPerspective(patch.alpha, transform, size)
        return Patch(left=int(low[0]), top=int(low[1]), color=color, alpha=alpha)


def sample_props(
    camera: Camera, positions: Array, kinds: tuple[str, ...], rng: np.random.Generator
) -> list[Prop]:
    """Sample objects at (N, 2) ground positions, except those that would fill the view."""
    props = (_sample_prop(camera, position, kinds, rng) for position in positions)
    return [prop for prop in props if prop is not None]


def _sample_prop(
    camera: Camera, position: Array, kinds: tuple[str, ...], rng: np.random.Generator
) -> Prop | None:
    kind = str(rng.choice(kinds))
    _, widths, heights, _, _ = SHAPES[kind]
    wide, tall = rng.uniform(*widths), rng.uniform(*heights)
    base = np.array([*position, 0.0])
    pixels, depths = camera.project(np.array([base, [*position, tall]]))
    depth = float(depths[0])
    rows = max(3, round(float(np.linalg.norm(pixels[0] - pixels[1]))))
    columns = max(2, round(wide * camera.focal / depth))
    if depth < 0.5 or rows > 2.2 * camera.height or columns > 0.5 * camera.width:
        return None
    picture = cv2.resize(
        paint_shape(kind, wide, tall, rng), (columns, rows), interpolation=cv2.INTER_AREA
    )
    foot = pixels[0]
    patch = Patch(
        left=round(foot[0] - columns / 2),
        top=round(foot[1] - rows),
        color=cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR),
        alpha=cv2.extractChannel(picture, 3),
    )
    return Prop(patch=patch, foot=np.asarray(position), width=wide, height=tall)
