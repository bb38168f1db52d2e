"""Simulated detections of people in a hall, with ground truth in meters.

People walk through a hall that is wider than the view of a static robot camera. They occlude one
another, pass behind pillars, cross, leave the view and return. Their appearance depends on their
identity, their orientation and their occluders, and people with similar clothes are hard to
distinguish. No images are rendered, and all frames are computed together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections

Floats = NDArray[np.float64]

WIDTH, HEIGHT = 1280, 720
FOCAL = 800.0
CAMERA_HEIGHT = 1.2  # meters above the ground, looking ahead
_DIMENSION = 128
_NEAREST, _FARTHEST, _HALF_WIDTH = 2.5, 11.0, 8.0
_PILLARS = np.array([[-1.6, 5.0], [1.8, 7.0]])  # x, z in meters
_PILLAR_WIDTH = 0.7
# Minimum share of a visible person.
_VISIBLE = 0.15


@dataclass(frozen=True, kw_only=True)
class FollowingScene:
    """The configuration of a scene.

    Attributes:
        seconds: duration.
        frame_rate: frames per second.
        people: number of people in the hall.
        similarity: share of the appearance that all people have in common.
        turning: how much the appearance depends on the orientation of a person.
        blur: noise of the appearance in a single frame.
        seed: random seed.
    """

    seconds: float
    frame_rate: float = 10.0
    people: int = 8
    similarity: float = 0.82
    turning: float = 0.4
    blur: float = 0.2
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class FollowingStream:
    """F frames of a scene with N people; the first person is the target.

    Attributes:
        stamps_ns: int64 (F,), time of each frame.
        detections: detections of each frame.
        points: float64 (F, N, 3), the feet in the optical frame, in meters.
        boxes: float64 (F, N, 4), of the complete people, in pixels.
        visible: float64 (F, N), share of each box that is in the view and not covered.
        people: int64 for each frame, the person of each detection; -1 for false positives.
    """

    stamps_ns: NDArray[np.int64]
    detections: list[Detections]
    points: Floats
    boxes: Floats
    visible: Floats
    people: list[NDArray[np.int64]]

    @property
    def hidden(self) -> int:
        """Return how often the first person becomes occluded or leaves the view."""
        return _beginnings(self.visible[:, 0] < _VISIBLE)

    @property
    def crossings(self) -> int:
        """Return how often the first person begins to overlap with another visible one."""
        own, others = self.boxes[:, :1], self.boxes[:, 1:]
        covered = _intersection(own, others) / _area(own)
        mutual = _intersection(own, others) / _area(others)
        near = (np.maximum(covered, mutual) > 0.3) & (self.visible[:, 1:] > 0)
        return _beginnings(near.any(axis=1) & (self.visible[:, 0] >= _VISIBLE))


def make_following_stream(scene: FollowingScene) -> FollowingStream:
    """Return simulated detections of a scene, with ground truth."""
    rng = np.random.default_rng(scene.seed)
    count = round(scene.seconds * scene.frame_rate)
    seconds = np.arange(count) / scene.frame_rate
    points, headings = _walk(scene.people, seconds, rng)
    boxes = _project(points, rng.uniform(1.55, 1.95, scene.people))
    visible, coverer = _visibility(boxes, points[..., 2])
    views = _views(scene, headings, visible, coverer, rng)
    detections, people = _detect(boxes, visible, views, rng)
    return FollowingStream(
        stamps_ns=np.round(seconds * 1e9).astype(np.int64) + 1_000_000_000,
        detections=detections,
        points=points,
        boxes=boxes,
        visible=visible,
        people=people,
    )


def _walk(people: int, seconds: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the positions (F, N, 3) of the feet and the headings (F, N) of walking people."""
    depth = (_FARTHEST - _NEAREST) / 2
    places = []
    for reach, middle in ((_HALF_WIDTH, 0.0), (depth, _NEAREST + depth)):
        # Slow waves without a common period cover the hall, at about walking speed or less.
        rates = rng.uniform(0.6, 1.0, (3, people)) / reach * np.array([[1.0], [1.5], [2.3]])
        phases = rng.uniform(0, 2 * np.pi, (3, people))
        weights = np.array([0.55, 0.3, 0.15])
        waves = np.sin(seconds[:, None, None] * rates + phases)
        places.append(middle + reach * np.einsum('k,fkn->fn', weights, waves))
    x, z = places
    headings = np.arctan2(np.gradient(z, axis=0), np.gradient(x, axis=0))
    return np.stack([x, np.full_like(x, CAMERA_HEIGHT), z], axis=2), headings


def _project(points: Floats, heights: Floats) -> Floats:
    """Return the boxes (F, N, 4) of people with heights (N,) at positions (F, N, 3)."""
    scale = FOCAL / points[..., 2]
    center = points[..., 0] * scale + (WIDTH - 1) / 2
    bottom = points[..., 1] * scale + (HEIGHT - 1) / 2
    half = 0.17 * heights * scale
    return np.stack([center - half, bottom - heights * scale, center + half, bottom], axis=2)


def _visibility(boxes: Floats, depths: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the visible share (F, N) of each person, and their main occluder (F, N), or N."""
    scale = FOCAL / _PILLARS[:, 1]
    middle = _PILLARS[:, 0] * scale + (WIDTH - 1) / 2
    half = _PILLAR_WIDTH * scale / 2
    zeros = np.zeros(len(_PILLARS))
    pillars = np.stack([middle - half, zeros, middle + half, zeros + HEIGHT], axis=1)
    image = np.array([0.0, 0.0, WIDTH, HEIGHT])
    free = _intersection(boxes, image) / _area(boxes)
    for box, depth in zip(pillars, _PILLARS[:, 1], strict=True):
        free *= 1 - (depths > depth) * _intersection(boxes, box) / _area(boxes)
    most = np.zeros_like(free)
    coverer = np.full(free.shape, boxes.shape[1])
    for person in range(boxes.shape[1]):
        nearer = depths > depths[:, person : person + 1]
        covered = nearer * _intersection(boxes, boxes[:, person : person + 1]) / _area(boxes)
        free *= 1 - covered
        coverer = np.where(covered > most, person, coverer)
        most = np.maximum(most, covered)
    return free, coverer


def _views(
    scene: FollowingScene,
    headings: Floats,
    visible: Floats,
    coverer: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Return the appearance (F, N, D) of each person, mixed with that of their occluder."""
    common = _unit(rng.normal(size=_DIMENSION))
    own = _unit(rng.normal(size=(scene.people, _DIMENSION)))
    looks = np.sqrt(scene.similarity) * common + np.sqrt(1 - scene.similarity) * own
    sides = _unit(rng.normal(size=(2, scene.people, _DIMENSION)))
    # The last one is that of objects, which also occlude people.
    views = np.empty((len(headings), scene.people + 1, _DIMENSION), np.float32)
    views[:, -1] = _unit(common + 0.5 * _unit(rng.normal(size=_DIMENSION)))
    for person in range(scene.people):
        turned = np.cos(headings[:, person, None]) * sides[0, person]
        turned += np.sin(headings[:, person, None]) * sides[1, person]
        views[:, person] = _unit(looks[person] + scene.turning * turned)
    clear = np.clip(visible, 0, 1)[..., None].astype(np.float32)
    other = np.take_along_axis(views, coverer[..., None], axis=1)
    noise = _unit(rng.standard_normal(other.shape, np.float32))
    return _unit(clear * views[:, :-1] + (1 - clear) * other + np.float32(scene.blur) * noise)


def _detect(
    boxes: Floats, visible: Floats, views: NDArray[np.float32], rng: np.random.Generator
) -> tuple[list[Detections], list[NDArray[np.int64]]]:
    """Return the detections of every frame, with false positives, and the person of each."""
    sizes = np.tile(boxes[..., 2:] - boxes[..., :2], 2)
    found = boxes + rng.normal(0, 0.03, boxes.shape) * sizes
    scores = np.clip(0.95 * visible**0.5 + rng.normal(0, 0.06, visible.shape), 0.05, 1)
    seen = rng.random(visible.shape) < np.clip((visible - _VISIBLE) / 0.25, 0, 0.97)
    frames = len(boxes)
    false = rng.random(frames) < 0.1
    corners = rng.uniform((0, 200), (WIDTH, 400), (frames, 2))
    wrong = np.hstack([corners, corners + rng.uniform(80, 250, (frames, 1)) * (0.4, 1)])
    strange = _unit(rng.standard_normal((frames, _DIMENSION), np.float32))
    detections, people = [], []
    for frame in range(frames):
        who = np.flatnonzero(seen[frame])
        extra = slice(frame, frame + int(false[frame]))
        own = np.concatenate([found[frame, who], wrong[extra]])
        detections.append(
            Detections(
                boxes=own.astype(np.float32),
                scores=np.append(scores[frame, who], np.full(int(false[frame]), 0.4)),
                class_ids=np.zeros(len(own), np.int32),
                centers=(own[:, :2] + own[:, 2:]) / 2,
                embeddings=np.concatenate([views[frame, who], strange[extra]]),
            )
        )
        people.append(np.append(who, np.full(int(false[frame]), -1)))
    return detections, people


def _intersection(first: Floats, second: Floats) -> Floats:
    """Return the area of the intersection of boxes (..., 4)."""
    low = np.maximum(first[..., :2], second[..., :2])
    high = np.minimum(first[..., 2:], second[..., 2:])
    common: Floats = np.clip(high - low, 0, None).prod(axis=-1)
    return common


def _area(boxes: Floats) -> Floats:
    area: Floats = (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)
    return area


def _beginnings(happening: NDArray[np.bool_]) -> int:
    """Return the number of changes from false to true."""
    return int((np.diff(happening.astype(np.int8), prepend=0) > 0).sum())


def _unit[Number: np.floating](vectors: NDArray[Number]) -> NDArray[Number]:
    unit: NDArray[Number] = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
