"""Synthetic detection streams with ground truth, as input of a tracker, without images.

People walk through a hall that is wider than the view, and occlude one another or pass behind
pillars. The detections resemble those of a network: lower scores under occlusion, noisy boxes,
displacements and embeddings, and false positives. The camera is static, pans or shakes.
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
    """The configuration of a stream.

    Attributes:
        name: name in tables.
        frame_rate: frames per second.
        seconds: duration.
        people: number of people in the hall.
        pillars: columns that occlude people behind them.
        pillar_width: width of a pillar, as a share of the view.
        pan: amplitude of a slow oscillation of the camera, in pixels.
        shake: standard deviation of the camera jitter from frame to frame, in pixels.
        dropped: share of frames that are dropped at random.
        similarity: similarity of appearances: 0 for unrelated ones, close to 1 for uniforms.
        seed: random seed.
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
    """Detections and ground truth of consecutive frames.

    Attributes:
        name: name in tables.
        frame_rate: frames per second before frames were dropped.
        stamps_ns: time of each frame.
        detections: detections of each frame.
        annotations: ground truth by frame number, from 1.
    """

    name: str
    frame_rate: float
    stamps_ns: list[int]
    detections: list[Detections]
    annotations: dict[int, Annotations]


def standard_streams(seed: int) -> list[StreamConfig]:
    """Return one stream for each kind of difficulty, from 5 to 60 frames per second."""
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
    """Return the stream of a configuration, or some of its frames, as with a slow engine.

    The detections of a frame do not depend on which other frames are selected. Only the
    displacements depend on the previous frame.
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
    """Return boxes (F, N, 4) of people who walk around and turn back at the walls."""
    people = config.people
    seconds = np.arange(number) / config.frame_rate
    height = rng.uniform(90, 230, people)
    margin = config.pan + 60
    # Triangle waves move back and forth at constant speed; slow sines add curves.
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
    """Return the boxes (P, 4) of the pillars, which are fixed in the view."""
    middle = (np.arange(config.pillars) + 0.5) / max(config.pillars, 1) * _WIDTH
    half = config.pillar_width * _WIDTH / 2
    zeros = np.zeros(config.pillars)
    return np.stack([middle - half, zeros, middle + half, zeros + _HEIGHT], axis=1)


def _visibility(boxes: Floats, pillars: Floats) -> Floats:
    """Return the share (F, N) of each box that is in the view and not occluded."""
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
    """Return the simulated detections of one frame."""
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
