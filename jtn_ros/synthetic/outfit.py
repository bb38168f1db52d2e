"""Clothes: hulls of body spheres with colors and patterns."""

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.body import INDEX
from jtn_ros.synthetic.look import SHEET
from jtn_ros.synthetic.look import Look
from jtn_ros.synthetic.look import Part
from jtn_ros.synthetic.texture import hsv
from jtn_ros.synthetic.texture import octave_noise

# Labels of the drawn materials; 0 is nothing.
SKIN, HAIR, UPPER, LOWER, SHOES, BAG, INNER, SLEEVE, HAT, EYES = range(1, 11)


def _part(names: str, label: int, nearer: float = 0.0) -> Part:
    return Part(spheres=tuple(INDEX[name] for name in names.split()), label=label, nearer=nearer)


def sample_outfit(
    rng: np.random.Generator, backdrop: NDArray[np.float32], folds: NDArray[np.float32]
) -> Look:
    """Sample an outfit.

    Args:
        rng: random number generator.
        backdrop: (3,) BGR color of the scene, which some clothes have.
        folds: noise with standard deviation 1, larger than SHEET; each garment gets a part of it.

    """
    upper = _cloth_color(rng, backdrop)
    lower = _cloth_color(rng, backdrop, trousers=True)
    palette = np.zeros((16, 3), np.float32)
    palette[UPPER] = palette[SLEEVE] = upper
    palette[LOWER] = lower
    palette[SKIN] = _skin_color(rng)
    palette[HAIR] = _hair_color(rng)
    palette[SHOES] = hsv(
        rng.random(), rng.uniform(0, 0.3), float(rng.choice([0.1, 0.15, 0.25, 0.85]))
    )
    palette[BAG] = _cloth_color(rng, backdrop)
    palette[INNER] = _cloth_color(rng, backdrop)
    palette[EYES] = palette[SKIN] * rng.uniform(0.2, 0.7)
    palette[HAT] = _cloth_color(rng, backdrop)

    parts = [_part('head jaw', SKIN), _part('neck jaw', SKIN), _part('neck', SKIN)]
    parts += [_part('eye_l', EYES, 0.03), _part('eye_r', EYES, 0.03)]
    style = rng.random()
    skirt, coat = style < 0.16, 0.16 <= style < 0.42
    short_legs = not skirt and not coat and rng.random() < 0.12
    if short_legs:
        palette[SHOES] = palette[SHOES] * 0.5 + 60
    for side in 'lr':
        bare = skirt and rng.random() < 0.6
        parts += [
            _part(f'hip_{side} knee_{side}', SKIN if bare else LOWER, -0.14),
            _part(f'knee_{side} ankle_{side}', SKIN if bare or short_legs else LOWER),
            _part(f'ankle_{side} heel_{side} toe_{side}', SHOES, 0.01),
        ]
    torso = 'collar shoulder_l shoulder_r chest belly hip_l hip_r'
    if coat:
        parts.append(_part(f'{torso} seat', UPPER, 0.04))
        parts.append(_part('belly hip_l hip_r seat hem_l hem_r hem_f hem_b', UPPER, 0.16))
    else:
        parts.append(_part(torso, UPPER, 0.04))
        parts.append(_part('hip_l hip_r seat', LOWER if rng.random() < 0.6 else UPPER, 0.05))
        if skirt:
            parts.append(_part('belly hip_l hip_r hem_l hem_r hem_f hem_b', LOWER, 0.16))
    sleeves = rng.choice(['long', 'short', 'none'], p=[0.68, 0.27, 0.05])
    if rng.random() < 0.08:
        palette[SLEEVE] = palette[INNER]
    for side in 'lr':
        parts += [
            _part(f'shoulder_{side} elbow_{side}', SKIN if sleeves == 'none' else SLEEVE, 0.07),
            _part(f'elbow_{side} hand_{side}', SLEEVE if sleeves == 'long' else SKIN, 0.1),
            _part(f'hand_{side}', SKIN, 0.11),
        ]
    parts += _head_wear(rng)
    if rng.random() < 0.22:
        parts.append(_part('pack_top pack_low', BAG, 0.03))
    if rng.random() < 0.25:
        parts.append(_part('bag_top bag_low', BAG, 0.05))
        if rng.random() < 0.7:
            parts.append(_part('bag_top', BAG))
    patterns = np.stack([_pattern(rng, folds, 0.45), _pattern(rng, folds, 0.12)])
    return Look(parts, len(INDEX), palette, patterns, upper=(UPPER, SLEEVE))


def _head_wear(rng: np.random.Generator) -> list[Part]:
    style = rng.choice(
        ['short', 'long', 'bald', 'hat', 'cap', 'hood'], p=[0.45, 0.27, 0.04, 0.08, 0.08, 0.08]
    )
    if style == 'short':
        return [_part('hair_top hair_back', HAIR)]
    if style == 'long':
        return [
            _part('hair_top hair_back', HAIR),
            _part('hair_back hair_low', HAIR, 0.02),
        ]
    if style == 'hat':
        return [_part('hair_top', HAT, 0.04), _part('hair_back', HAIR)]
    if style == 'cap':
        return [_part('hair_top brim_f', HAT, 0.03), _part('hair_back', HAIR)]
    if style == 'hood':
        return [_part('hair_top hair_back neck', UPPER)]
    return []


def _cloth_color(
    rng: np.random.Generator, backdrop: NDArray[np.float32], trousers: bool = False
) -> NDArray[np.float32]:
    kind = rng.choice(
        ['dark', 'gray', 'denim', 'light', 'vivid', 'earth', 'backdrop'],
        p=[0.3, 0.14, 0.26, 0.1, 0.05, 0.1, 0.05]
        if trousers
        else [0.24, 0.17, 0.08, 0.18, 0.16, 0.1, 0.07],
    )
    if kind == 'dark':
        return hsv(rng.random(), rng.uniform(0, 0.5), rng.uniform(0.05, 0.22))
    if kind == 'gray':
        return hsv(rng.random(), rng.uniform(0, 0.1), rng.uniform(0.2, 0.65))
    if kind == 'denim':
        return hsv(rng.uniform(0.56, 0.66), rng.uniform(0.2, 0.65), rng.uniform(0.2, 0.55))
    if kind == 'light':
        return hsv(rng.uniform(0, 0.2), rng.uniform(0, 0.2), rng.uniform(0.7, 0.98))
    if kind == 'earth':
        return hsv(rng.uniform(0.05, 0.13), rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.7))
    if kind == 'backdrop':
        return np.clip(backdrop * rng.uniform(0.8, 1.2) + rng.normal(0, 8, 3), 5, 250).astype(
            np.float32
        )
    return hsv(rng.random(), rng.uniform(0.35, 0.9), rng.uniform(0.25, 0.9))


def _skin_color(rng: np.random.Generator) -> NDArray[np.float32]:
    darkness = rng.beta(1.2, 2.2)
    return hsv(
        rng.uniform(0.03, 0.08),
        0.25 + 0.4 * darkness + rng.uniform(-0.05, 0.1),
        0.9 - 0.62 * darkness,
    )


def _hair_color(rng: np.random.Generator) -> NDArray[np.float32]:
    kind = rng.random()
    if kind < 0.6:
        return hsv(rng.uniform(0.03, 0.1), rng.uniform(0.1, 0.5), rng.uniform(0.05, 0.2))
    if kind < 0.82:
        return hsv(rng.uniform(0.04, 0.09), rng.uniform(0.3, 0.6), rng.uniform(0.2, 0.45))
    if kind < 0.92:
        return hsv(rng.uniform(0.09, 0.13), rng.uniform(0.3, 0.6), rng.uniform(0.5, 0.8))
    return hsv(0.1, rng.uniform(0, 0.1), rng.uniform(0.5, 0.85))


def _pattern(
    rng: np.random.Generator, folds: NDArray[np.float32], decorated: float
) -> NDArray[np.uint8]:
    """Return a (SHEET, SHEET, 3) sheet of folds, sometimes with decoration."""
    row, column = rng.integers(np.array(folds.shape) - SHEET)
    piece = 1 + np.float32(rng.uniform(0.06, 0.22)) * folds[row:, column:][:SHEET, :SHEET]
    sheet = cv2.merge([piece] * 3)
    if rng.random() < decorated:
        rows, columns = np.mgrid[:SHEET, :SHEET].astype(np.float32)
        tint = rng.uniform(0.3, 1.8, 3).astype(np.float32)
        period = rng.uniform(3, 16)
        kind = rng.choice(['stripes', 'columns', 'checks', 'print', 'block', 'opening', 'noise'])
        if kind == 'stripes':
            mask = (rows % period) < period * rng.uniform(0.2, 0.6)
        elif kind == 'columns':
            mask = (columns % period) < period * rng.uniform(0.2, 0.6)
        elif kind == 'checks':
            mask = ((rows % period) < period / 2) ^ ((columns % period) < period / 2)
        elif kind == 'print':
            mask = np.zeros((SHEET, SHEET), np.uint8)
            center = (int(rng.uniform(36, 60)), int(rng.uniform(25, 40)))
            cv2.ellipse(
                mask, center, (int(rng.uniform(4, 14)), int(rng.uniform(3, 9))), 0, 0, 360, 1, -1
            )
        elif kind == 'block':
            mask = rows < rng.uniform(20, 45)
        elif kind == 'opening':
            mask = np.abs(columns - SHEET / 2) < rng.uniform(2, 8)
        else:
            mask = octave_noise(rng, SHEET, SHEET, coarsest=8, octaves=3) > 0.3
        sheet = np.where(np.asarray(mask, bool)[..., None], sheet * tint, sheet)
    return np.clip(sheet * 128, 10, 255).astype(np.uint8)
