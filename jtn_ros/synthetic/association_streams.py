"""Synthetic detection streams with a known truth: what a tracker sees, without any image.

People walk through a hall wider than the view, hide behind each other and behind pillars, and
are detected as a network would: less surely when hidden, with noisy boxes, displacements and
embeddings, and with false detections among them. The camera stands, pans or shakes.
"""

from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.detections import Detections

Floats = NDArray[np.float64]
_WIDTH, _HEIGHT = 1280, 720
_DIMENSION = 64


@dataclass(frozen=True, kw_only=True)
class StreamConfig:
    """What happens in a stream.

    Attributes:
        name: for tables.
        frame_rate: frames per second.
        seconds: length.
        people: how many walk in the hall.
        pillars: columns that occlude people behind them.
        pillar_width: share of the view that a pillar takes.
        pan: amplitude of a slow swing of the camera, pixels.
        shake: standard deviation of the camera's jumps from frame to frame, pixels.
        dropped: share of frames that are lost at random.
        similarity: 0 for people who look nothing alike, towards 1 for uniforms.
        seed: of everything random.
    """

    name: str
    frame_rate: float = 30.0
    seconds: float = 16.0
    people: int = 14
    pillars: int = 0
    pillar_width: float = 0.08
    pan: float = 0.0
    shake: float = 0.0
    dropped: float = 0.0
    similarity: float = 0.5
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class DetectionStream:
    """Detections and truth of consecutive frames.

    Attributes:
        name: for tables.
        frame_rate: frames per second before any were dropped.
        stamps_ns: time of every frame.
        detections: of every frame.
        annotations: truth by frame number, which counts from 1.
    """

    name: str
    frame_rate: float
    stamps_ns: list[int]
    detections: list[Detections]
    annotations: dict[int, Annotations]


def standard_streams(seed: int) -> list[StreamConfig]:
    """Return one stream for every difficulty, from 5 to 60 frames per second."""
    kinds = [
        StreamConfig(name='crossings', people=22),
        StreamConfig(name='occlusions', people=12, pillars=3),
        StreamConfig(name='long occlusions', people=10, pillars=2, pillar_width=0.2),
        StreamConfig(name='pan', pan=250, pillars=1),
        StreamConfig(name='shake', shake=12, pillars=1),
        StreamConfig(name='dropped frames', dropped=0.4, pillars=1),
        StreamConfig(name='5 fps', frame_rate=5, seconds=40, pillars=1),
        StreamConfig(name='60 fps', frame_rate=60, seconds=10, pillars=1),
    ]
    return [replace(kind, seed=100 * seed + n) for n, kind in enumerate(kinds)]


def make_stream(
    config: StreamConfig, frames: NDArray[np.bool_] | slice = slice(None)
) -> DetectionStream:
    """Return the stream of a configuration, or some frames of it, as a slow engine sees them.

    The same detections are made in a frame whichever others there are; only the displacements
    reach back to the frame that came before.
    """
    rng = np.random.default_rng(config.seed)
    number = round(config.frame_rate * config.seconds)
    boxes = _walk(config, number, rng)
    boxes += np.tile(_camera(config, number, rng), 2)[:, None]
    visible = _visibility(boxes, _pillars(config))
    looks = _unit(
        config.similarity * rng.normal(size=_DIMENSION)
        + (1 - config.similarity) * rng.normal(size=(config.people, _DIMENSION))
    )
    kept = np.flatnonzero(rng.random(number) >= config.dropped)[frames]
    draws = [np.random.default_rng((config.seed, frame)) for frame in range(number)]
    before = np.concatenate([kept[:1], kept[:-1]])
    stamps = np.round(np.arange(number) * 1e9 / config.frame_rate).astype(np.int64)
    return DetectionStream(
        name=config.name,
        frame_rate=config.frame_rate,
        stamps_ns=stamps[kept].tolist(),
        detections=[
            _detect(boxes[frame], boxes[last], visible[frame], looks, draws[frame])
            for frame, last in zip(kept, before, strict=True)
        ],
        annotations={
            n: _annotate(boxes[frame], visible[frame]) for n, frame in enumerate(kept, 1)
        },
    )


def _walk(config: StreamConfig, number: int, rng: np.random.Generator) -> Floats:
    """Return boxes (F, N, 4) of people who wander and turn back at the walls."""
    people = config.people
    seconds = np.arange(number) / config.frame_rate
    height = rng.uniform(90, 230, people)
    margin = config.pan + 60
    # Triangle waves go to and fro at constant speed; slow sines make them curve.
    speed = height * rng.uniform(0.3, 0.9, people)
    span = _WIDTH + 2 * margin
    phase = (rng.uniform(0, 2 * span, people) + seconds[:, None] * speed) % (2 * span)
    x = np.abs(phase - span) - margin
    sway = rng.uniform(0.3, 1.2, (2, people))
    start = rng.uniform(0, 2 * np.pi, (2, people))
    waves = np.sin(seconds[:, None, None] * sway + start) * 0.4 * height
    x = x + waves[:, 0]
    feet = 380 + 1.3 * height + 0.5 * waves[:, 1]
    half = 0.2 * height
    low = np.stack([x - half, feet - height], axis=2)
    high = np.stack([x + half, feet], axis=2)
    return np.concatenate([low, high], axis=2)


def _camera(config: StreamConfig, number: int, rng: np.random.Generator) -> Floats:
    """Return the shift (F, 2) of the view in pixels."""
    seconds = np.arange(number) / config.frame_rate
    pan = config.pan * np.sin(seconds * 2 * np.pi / 8)
    shake = rng.normal(0, config.shake, (number, 2)) if config.shake else 0.0
    return np.stack([pan, np.zeros(number)], axis=1) + shake


def _pillars(config: StreamConfig) -> Floats:
    """Return the boxes (P, 4) of the pillars, which hang in the view like a frame of a window."""
    middle = (np.arange(config.pillars) + 0.5) / max(config.pillars, 1) * _WIDTH
    half = config.pillar_width * _WIDTH / 2
    zeros = np.zeros(config.pillars)
    return np.stack([middle - half, zeros, middle + half, zeros + _HEIGHT], axis=1)


def _visibility(boxes: Floats, pillars: Floats) -> Floats:
    """Return the share (F, N) of every box that nothing covers and that is in the view."""
    frames, people = boxes.shape[:2]
    sizes = boxes[..., 2:] - boxes[..., :2]
    area = sizes.prod(axis=2)
    covers = np.concatenate([boxes, np.broadcast_to(pillars, (frames, len(pillars), 4))], axis=1)
    low = np.maximum(boxes[:, :, None, :2], covers[:, None, :, :2])
    high = np.minimum(boxes[:, :, None, 2:], covers[:, None, :, 2:])
    hidden = np.clip(high - low, 0, None).prod(axis=3) / area[:, :, None]
    nearer = covers[:, None, :, 3] > boxes[:, :, None, 3]
    nearer[:, :, people:] = True
    inside = (
        np.clip(
            np.minimum(boxes[..., 2:], (_WIDTH, _HEIGHT)) - np.maximum(boxes[..., :2], 0), 0, None
        ).prod(axis=2)
        / area
    )
    free: Floats = np.prod(1 - hidden * nearer, axis=2) * inside
    return free


def _detect(
    boxes: Floats, before: Floats, visible: Floats, looks: Floats, rng: np.random.Generator
) -> Detections:
    """Return what a network would report of one frame."""
    people = len(boxes)
    false = rng.poisson(0.3)
    seen = rng.random(people) < np.clip((visible - 0.15) / 0.25, 0, 0.97)
    sizes = boxes[:, 2:] - boxes[:, :2]
    noise = rng.normal(size=(people, 4)) * np.tile(sizes, 2) * 0.04 * (1.5 - visible[:, None])
    found = boxes + noise
    scores = np.clip(0.95 * visible**0.5 + rng.normal(0, 0.06, people), 0.05, 1)
    length = np.sqrt(sizes.prod(axis=1))[:, None]
    moved = (before - boxes)[:, :2] + rng.normal(0, 0.03, (people, 2)) * length
    blur = 0.25 + 0.6 * (1 - visible[:, None])
    views = _unit(looks + blur * _unit(rng.normal(size=(people, _DIMENSION))))

    corner = rng.uniform((0, 100), (_WIDTH, 400), (false, 2))
    extent = rng.uniform(70, 230, (false, 1)) * (0.4, 1)
    columns = {
        'boxes': (found[seen], np.hstack([corner, corner + extent])),
        'scores': (scores[seen], rng.uniform(0.2, 0.7, false)),
        'displacements': (moved[seen], rng.normal(0, 5, (false, 2))),
        'embeddings': (views[seen], _unit(rng.normal(size=(false, _DIMENSION)))),
    }
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    return Detections(
        boxes=joined['boxes'].astype(np.float32),
        scores=joined['scores'].astype(np.float32),
        class_ids=np.zeros(len(joined['boxes']), np.int32),
        centers=((joined['boxes'][:, :2] + joined['boxes'][:, 2:]) / 2).astype(np.float32),
        displacements=joined['displacements'].astype(np.float32),
        embeddings=joined['embeddings'].astype(np.float32),
    )


def _annotate(boxes: Floats, visible: Floats) -> Annotations:
    """Return the ground truth of one frame; people who are barely visible are ignored."""
    return Annotations(
        ids=np.arange(1, len(boxes) + 1),
        boxes=boxes.astype(np.float32),
        class_ids=np.zeros(len(boxes), np.int32),
        visibilities=visible.astype(np.float32),
        ignored=visible < 0.15,
    )


def _unit(vectors: Floats) -> Floats:
    unit: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
