"""The background: ground, sky, buildings or rooms, painted once on a plate.

The plate is larger than the image. The camera only rotates, so each view is a homography of it.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.facade import paint_facade
from jtn_ros.synthetic.ground import GroundView
from jtn_ros.synthetic.ground import blend
from jtn_ros.synthetic.ground import paint_ground
from jtn_ros.synthetic.scene_camera import Camera
from jtn_ros.synthetic.texture import hsv
from jtn_ros.synthetic.texture import octave_noise
from jtn_ros.synthetic.texture import surface_color

Array = NDArray[np.float64]
Image = NDArray[np.uint8]
Field = NDArray[np.float32]

_GLARE_SHARE = 0.15


@dataclass(frozen=True, kw_only=True)
class Plate:
    """An image of the surroundings in the mean orientation of the camera.

    Attributes:
        image: uint8 (H + 2 margin_y, W + 2 margin_x, 3).
        margin_x, margin_y: margins in pixels beyond the camera image, on each side.
    """

    image: Image
    margin_x: int
    margin_y: int

    @classmethod
    def margins(cls, camera: Camera) -> tuple[int, int]:
        """Return the margins in pixels that the camera motion requires."""
        yaw, pitch, roll = (math.tan(motion.reach) for motion in camera.motions)
        # An angle covers more pixels away from the optical axis, which the factor includes.
        x, y = camera.width / 2, camera.height / 2
        wide = (yaw * camera.focal * (1 + (x / camera.focal) ** 2) + roll * y) * 1.15
        high = (pitch * camera.focal * (1 + (y / camera.focal) ** 2) + roll * x) * 1.15
        high += wide * y / camera.focal * 0.5
        return math.ceil(wide), math.ceil(high)

    def turn(self, camera: Camera, time_s: float) -> Array:
        """Return the 3x3 map from the mean orientation's image to the image at a time."""
        turn = camera.rotation(time_s) @ camera.rotation().T
        return camera.intrinsics @ turn @ np.linalg.inv(camera.intrinsics)

    def drift(self, camera: Camera, time_s: float, span_s: float) -> tuple[float, float]:
        """Return the motion (x, y) of the image center, in pixels, over a span of time."""
        if not camera.moves:
            return 0.0, 0.0
        center = np.array([(camera.width - 1) / 2, (camera.height - 1) / 2, 1])
        first, second = (self.turn(camera, time_s + step) @ center for step in (0, span_s))
        dx, dy = second[:2] / second[2] - first[:2] / first[2]
        return float(dx), float(dy)

    def view(self, camera: Camera, time_s: float) -> Image:
        """Return the view of the plate from the camera at a time."""
        if not camera.moves:
            return self.image.copy()
        shift = np.array([[1, 0, -self.margin_x], [0, 1, -self.margin_y], [0, 0, 1.0]])
        return np.asarray(
            cv2.warpPerspective(
                self.image,
                self.turn(camera, time_s) @ shift,
                (camera.width, camera.height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT,
            ),
            np.uint8,
        )


def paint_plate(camera: Camera, far: float, indoor: bool, rng: np.random.Generator) -> Plate:
    """Paint the surroundings; people are within `far` meters."""
    margin_x, margin_y = Plate.margins(camera)
    width, height = camera.width + 2 * margin_x, camera.height + 2 * margin_y
    view, up = _look_at_ground(camera, width, height, margin_x, margin_y)
    above = (up > -1e-3).astype(np.uint8) * np.uint8(255)
    canvas = paint_ground(view, far, indoor, rng)
    _scatter(canvas, camera, (margin_x, margin_y), far, rng)
    if above.any():
        over = _ceiling(up, rng) if indoor else _sky(up, rng)
        canvas = blend(canvas, over, above)
    _stand_walls(canvas, camera, (margin_x, margin_y), far, indoor, rng)
    if rng.random() < _GLARE_SHARE:
        _add_glare(canvas, rng)
    return Plate(image=canvas, margin_x=margin_x, margin_y=margin_y)


def _look_at_ground(
    camera: Camera, width: int, height: int, margin_x: int, margin_y: int
) -> tuple[GroundView, Field]:
    """Return the ground positions of the pixels of the plate, and their upward slopes."""
    columns = np.arange(width, dtype=np.float32)[None] - (margin_x + (camera.width - 1) / 2)
    rows = np.arange(height, dtype=np.float32)[:, None] - (margin_y + (camera.height - 1) / 2)
    right, down, ahead = (camera.rotation() / ((camera.focal,), (camera.focal,), (1,))).astype(
        np.float32
    )
    east, north, up = (right[i] * columns + down[i] * rows + ahead[i] for i in range(3))
    distance = np.float32(camera.elevation) / np.maximum(-up, np.float32(1e-3))
    view = GroundView(
        east=east * distance,
        north=north * distance,
        footprint=distance / np.float32(camera.focal),
    )
    return view, up


def _sky(up: Field, rng: np.random.Generator) -> Image:
    kind = rng.random()
    if kind < 0.25:
        zenith, horizon = hsv(0.6, 0.5, 0.8), hsv(0.57, 0.1, 0.95)
    elif kind < 0.8:
        zenith = horizon = hsv(0.58, rng.uniform(0, 0.08), rng.uniform(0.7, 1))
    else:
        zenith, horizon = hsv(0.65, 0.4, 0.08), hsv(0.6, 0.2, rng.uniform(0.1, 0.3))
    height, width = up.shape
    clouds = octave_noise(rng, height // 4, width // 4, coarsest=2, octaves=5)
    clouds = cv2.resize(clouds * np.float32(rng.uniform(0, 14)), (width, height))
    share = np.clip(up * 3, 0, 1)
    return cv2.merge(
        [
            cv2.convertScaleAbs(cv2.max(share * (high - low) + low + clouds, 0))
            for low, high in zip(horizon, zenith, strict=True)
        ]
    )


def _ceiling(up: Field, rng: np.random.Generator) -> Image:
    height, width = up.shape
    noise = octave_noise(rng, height // 4, width // 4, coarsest=2, octaves=4)
    shade = cv2.resize(1 + noise * np.float32(rng.uniform(0, 0.05)), (width, height))
    color = surface_color(rng) * 0.4 + 150
    return np.asarray(
        cv2.merge([cv2.convertScaleAbs(shade, alpha=float(channel)) for channel in color]),
        np.uint8,
    )


def _scatter(
    canvas: Image, camera: Camera, margin: tuple[int, int], far: float, rng: np.random.Generator
) -> None:
    """Scatter flat objects on the ground: leaves, paper, stains, covers."""
    count = int(rng.choice([0, 6, 40]))
    spots = np.zeros((count, 3))
    spots[:, 0] = rng.uniform(-0.7, 0.7, count) * far * camera.width / camera.focal
    spots[:, 1] = far * rng.uniform(0, 1, count) ** 1.5 + 0.5
    pixels, depths = camera.project(spots)
    largest = rng.choice([0.08, 0.2, 0.6])
    halves = rng.uniform(0.02, largest, count) * camera.focal / depths
    flat = camera.elevation / np.hypot(np.hypot(*spots[:, :2].T), camera.elevation)
    usual = surface_color(rng)
    for (x, y), half, slant in zip(pixels + margin, halves, flat, strict=True):
        color = surface_color(rng) if rng.random() < 0.3 else usual * rng.uniform(0.7, 1.3)
        box = ((float(x), float(y)), (float(half * 2), float(half * 2 * slant)), 0.0)
        if half < 0.2 * camera.width:
            cv2.ellipse(canvas, box, np.clip(color, 0, 255).tolist(), -1, cv2.LINE_AA)


def _add_glare(canvas: Image, rng: np.random.Generator) -> None:
    """Add lamps that are brighter than their surroundings."""
    height, width = canvas.shape[:2]
    for _ in range(int(rng.integers(1, 7))):
        radius = int(rng.uniform(0.03, 0.15) * height)
        x, y = int(rng.uniform(0, width)), int(rng.uniform(0, 0.7) * height)
        rows, columns = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32)
        distance = np.sqrt(rows**2 + columns**2) / radius
        glow = np.clip(1 - distance, 0, 1) ** 2.5 * 400
        color = np.clip(glow[..., None] * hsv(0.12, rng.uniform(0, 0.3), 1) / 255, 0, 255)
        x1, y1 = max(x - radius, 0), max(y - radius, 0)
        target = canvas[y1 : y + radius + 1, x1 : x + radius + 1]
        part = color[y1 - y + radius :, x1 - x + radius :][: target.shape[0], : target.shape[1]]
        target[:] = cv2.add(target, part.astype(np.uint8))


def _stand_walls(
    canvas: Image,
    camera: Camera,
    margin: tuple[int, int],
    far: float,
    indoor: bool,
    rng: np.random.Generator,
) -> None:
    """Paint buildings, or the walls of a room, behind and beside the people."""
    back = far * rng.uniform(1.1, 1.5 if indoor else 2.2) + 1
    half = back * camera.width / camera.focal / 2
    walls: list[tuple[Array, Array, float]] = []
    if indoor:
        height = rng.uniform(2.4, 5)
        left, right = -half * rng.uniform(0.5, 1.4), half * rng.uniform(0.5, 1.4)
        tilt = rng.uniform(-0.25, 0.25) * half
        walls.append((np.array([left, back - tilt]), np.array([right, back + tilt]), height))
        walls.append((np.array([left, 0.3]), np.array([left, back - tilt]), height))
        walls.append((np.array([right, back + tilt]), np.array([right, 0.3]), height))
    else:
        east = -half * 1.8
        if rng.random() < 0.3:
            edge = -half * rng.uniform(0.5, 1.0)
            walls.append(
                (np.array([edge, back * 0.15]), np.array([edge, back]), rng.uniform(5, 15))
            )
        if rng.random() < 0.3:
            edge = half * rng.uniform(0.5, 1.0)
            walls.append(
                (np.array([edge, back]), np.array([edge, back * 0.15]), rng.uniform(5, 15))
            )
        while east < half * 1.8:
            wide = half * rng.uniform(0.3, 1.5)
            if rng.random() < 0.75:
                north = back * rng.uniform(1, 1.3)
                walls.append(
                    (
                        np.array([east, north]),
                        np.array([east + wide, north + rng.uniform(-0.1, 0.1) * wide]),
                        rng.uniform(2.5, 18),
                    )
                )
            east += wide * rng.uniform(0.8, 1.2)
        walls.sort(key=lambda wall: -float(wall[0][1] + wall[1][1]))
    style = surface_color(rng)
    for first, second, height in walls:
        if not indoor:
            style = surface_color(rng)
        length = float(np.linalg.norm(second - first))
        texture = paint_facade(length, height, indoor, style * rng.uniform(0.8, 1.05), rng)
        corners = np.array([[*first, height], [*second, height], [*second, 0], [*first, 0]])
        _paste_quad(canvas, camera, margin, texture, corners)


def _paste_quad(
    canvas: Image, camera: Camera, margin: tuple[int, int], texture: Image, corners: Array
) -> None:
    pixels, depths = camera.project(corners)
    if depths.min() < 0.1:
        return
    target = (pixels + margin).astype(np.float32)
    rows, columns = texture.shape[:2]
    source = np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], np.float32) - 0.5
    low = np.clip(np.floor(target.min(axis=0)), 0, (canvas.shape[1], canvas.shape[0])).astype(int)
    high = np.clip(np.ceil(target.max(axis=0)) + 1, 0, (canvas.shape[1], canvas.shape[0])).astype(
        int
    )
    if (high - low).min() < 1:
        return
    transform = cv2.getPerspectiveTransform(source, target - low.astype(np.float32))
    roi = canvas[low[1] : high[1], low[0] : high[0]]
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    painted = cv2.warpPerspective(
        texture, transform, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    mask = np.zeros(size[::-1], np.uint8)
    cv2.fillConvexPoly(
        mask, np.clip((target - low) * 16, -1e7, 1e7).astype(np.int32), 255, cv2.LINE_AA, 4
    )
    weight = mask[..., None].astype(np.float32) / 255
    roi[:] = (roi + (painted.astype(np.float32) - roi) * weight).astype(np.uint8)
