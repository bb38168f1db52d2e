"""Textures of walls: window grids, bricks, doors, shop windows, pictures."""

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.texture import hsv
from jtn_ros.synthetic.texture import octave_noise
from jtn_ros.synthetic.texture import surface_color

Field = NDArray[np.float32]

_LIMIT = 400  # pixels of the longer side


def paint_facade(
    length: float,
    height: float,
    indoor: bool,
    color: NDArray[np.float32],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """Return an image (h, w, 3) of a wall, with its size in meters."""
    density = _LIMIT / max(length, height)
    rows, columns = max(16, int(height * density)), max(16, int(length * density))
    grain = octave_noise(rng, rows, columns, coarsest=3, octaves=7, persistence=0.85)
    wall = color * (1 + rng.uniform(0.02, 0.16) * grain[..., None])
    if not indoor and rng.random() < 0.4:
        course = max(2, int(rng.uniform(0.1, 0.4) * density))
        wall[::course] *= rng.uniform(0.75, 1.15)
    if indoor:
        _furnish(wall, density, height, rng)
    else:
        _open_windows(wall, density, height, rng)
    return np.clip(wall, 0, 255).astype(np.uint8)


def _open_windows(wall: Field, density: float, height: float, rng: np.random.Generator) -> None:
    rows, columns = wall.shape[:2]
    storey = rng.uniform(2.6, 4.2)
    bay = rng.uniform(1.2, 4.5)
    wide, high = rng.uniform(0.3, 0.9) * bay, rng.uniform(0.35, 0.8) * storey
    glass = hsv(rng.uniform(0.5, 0.7), rng.uniform(0, 0.3), rng.uniform(0.08, 0.7))
    frame = surface_color(rng)
    shop = rng.random() < 0.5
    panes = np.zeros((rows, columns), np.float32)
    bottom = height
    while bottom > high * 0.5:
        display = shop and bottom == height
        top = bottom - (storey * 0.8 if display else (storey + high) / 2)
        for left in np.arange(bay * 0.3, columns / density - wide * 0.5, bay):
            x1, x2 = int(left * density), int((left + wide) * density)
            y1 = int(max(top, 0) * density)
            y2 = int((top + (storey * 0.75 if display else high)) * density)
            cv2.rectangle(wall, (x1 - 1, y1 - 1), (x2 + 1, y2 + 1), frame.tolist(), -1)
            tone = glass * rng.uniform(0.6, 1.4)
            if rng.random() < 0.12:
                tone = hsv(0.12, 0.3, 0.95)
            cv2.rectangle(wall, (x1, y1), (x2, y2), np.clip(tone, 0, 255).tolist(), -1)
            cv2.rectangle(panes, (x1, y1), (x2, y2), 1.0, -1)
            if display:
                _arrange_display(wall, (x1, y1, x2, y2), density, rng)
            elif x2 - x1 > 5:
                middle = (x1 + x2) // 2
                cv2.line(wall, (middle, y1), (middle, y2), frame.tolist(), 1)
        bottom -= storey
    if shop and rows > 20:
        y = int((height - storey) * density)
        board = hsv(rng.random(), rng.uniform(0, 0.9), rng.uniform(0.2, 1))
        cv2.rectangle(wall, (0, y), (columns, y + max(2, int(0.5 * density))), board.tolist(), -1)
    reflections = octave_noise(rng, rows, columns, coarsest=6, octaves=5, persistence=0.8)
    wall *= (1 + np.float32(rng.uniform(0, 0.45)) * panes * reflections)[..., None]


def _arrange_display(
    wall: Field, pane: tuple[int, int, int, int], density: float, rng: np.random.Generator
) -> None:
    """Draw the contents of a shop window: lamps, and shapes as tall as people."""
    x1, y1, x2, y2 = pane
    for _ in range(int(rng.integers(0, 5))):
        x = int(rng.uniform(x1, x2))
        color = surface_color(rng).tolist()
        if rng.random() < 0.3:
            cv2.rectangle(wall, (x, y1 + 1), (x + 2, y1 + 2), (230, 245, 255), -1)
            continue
        half_x = max(1, int(rng.uniform(0.1, 0.4) * density))
        half_y = max(1, int(rng.uniform(0.3, 0.9) * density))
        half_x, half_y = min(half_x, (x2 - x1) // 2 + 1), min(half_y, (y2 - y1) // 2 + 1)
        if rng.random() < 0.5:
            cv2.ellipse(wall, (x, y2 - half_y), (half_x, half_y), 0, 0, 360, color, -1)
        else:
            cv2.rectangle(wall, (x - half_x, y2 - 2 * half_y), (x + half_x, y2), color, -1)


def _furnish(wall: Field, density: float, height: float, rng: np.random.Generator) -> None:
    rows, columns = wall.shape[:2]
    for _ in range(int(rng.integers(0, 6))):
        wide, high = rng.uniform(0.4, 1.8), rng.uniform(0.4, 2.1)
        left = int(rng.uniform(0, max(columns - 2, 1)))
        door = rng.random() < 0.35
        low = height if door else rng.uniform(high, height)
        corner = (left + int(wide * density), int(low * density))
        start = (left, int((low - (2.05 if door else high)) * density))
        cv2.rectangle(wall, start, corner, surface_color(rng).tolist(), -1)
        cv2.rectangle(
            wall, start, corner, surface_color(rng).tolist(), max(1, int(0.05 * density))
        )
    skirting = max(1, int(0.1 * density))
    wall[rows - skirting :] = surface_color(rng)
