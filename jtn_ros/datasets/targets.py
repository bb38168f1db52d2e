"""Training targets of one image pair, and its noisy prior heat map."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.gaussian import draw_gaussian
from jtn_ros.gaussian import gaussian_radius
from jtn_ros.geometry import Letterbox
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

Random = np.random.Generator | np.random.RandomState


@dataclass(frozen=True, kw_only=True)
class PriorNoise(Settings):
    """The noise of the prior heat map, so that the network does not rely on it completely.

    Attributes:
        jitter: standard deviation of the center, in box sizes (0 to 0.5).
        lost: probability that an earlier track is missing (0 to 1).
        false_positive: probability of a second peak near an earlier track (0 to 1).
    """

    jitter: float = setting(0.05, low=0.0, high=0.5)
    lost: float = setting(0.4, low=0.0, high=1.0)
    false_positive: float = setting(0.1, low=0.0, high=1.0)


@dataclass(frozen=True, kw_only=True)
class TargetLayout:
    """The sizes of input, output and targets.

    Attributes:
        input_height: network input height in pixels.
        input_width: network input width in pixels.
        num_classes: channels of the heat map.
        stride: network pixels per output cell.
        max_objects: maximum number of objects; further objects are skipped.
    """

    input_height: int
    input_width: int
    num_classes: int = 1
    stride: int = 4
    max_objects: int = 256


def _clip(
    boxes: NDArray[np.float32], width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Clip boxes to the pixels of a map, and return which have a positive area."""
    limits = np.array([width - 1, height - 1, width - 1, height - 1], np.float32)
    clipped = np.clip(boxes, 0, limits)
    return clipped, (box_sizes(clipped) > 0).all(axis=1)


def _transform(boxes: NDArray[np.float32], letterbox: Letterbox) -> NDArray[np.float32]:
    """Map boxes (N, 4) from source to network pixels."""
    return letterbox.to_network(boxes.reshape(-1, 2, 2)).reshape(-1, 4)


def _radii(boxes: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the Gaussian radius of each box, in the same pixels as the boxes."""
    sizes = np.ceil(box_sizes(boxes))
    return np.maximum(0, gaussian_radius(sizes[:, 1], sizes[:, 0]).astype(np.int64))


def make_prior(
    previous: Annotations,
    letterbox: Letterbox,
    layout: TargetLayout,
    noise: PriorNoise,
    rng: Random,
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Draw the prior heat map of the objects in the previous frame.

    Returns:
        The float32 (1, H, W) map; the ids (n,) of the objects inside it; their centers (n, 2) in
        output cells: the noisy center for a lost object, or else the true center.
    """
    heatmap = np.zeros((1, layout.input_height, layout.input_width), np.float32)
    boxes, inside = _clip(
        _transform(previous.boxes, letterbox), layout.input_width, layout.input_height
    )
    ids, boxes = previous.ids[inside], boxes[inside]
    centers, sizes, radii = box_centers(boxes).astype(np.float32), box_sizes(boxes), _radii(boxes)
    known = centers.copy()
    for index, (center, size, radius) in enumerate(
        zip(centers, sizes, radii.tolist(), strict=True)
    ):
        # The order of the random draws is part of the published recipe and its reference data.
        shift = np.array([rng.standard_normal(), rng.standard_normal()])
        moved = center + noise.jitter * shift * size
        present = rng.random() > noise.lost
        if present:
            draw_gaussian(heatmap[0], int(moved[0]), int(moved[1]), radius)
        else:
            known[index] = moved
        if rng.random() < noise.false_positive:
            shift = np.array([rng.standard_normal(), rng.standard_normal()])
            if present:
                x, y = center + 0.05 * shift * size
                draw_gaussian(heatmap[0], int(x), int(y), radius)
    return heatmap, ids, known / np.float32(layout.stride)


def make_targets(
    annotations: Annotations,
    previous_ids: NDArray[np.int64],
    previous_centers: NDArray[np.float32],
    letterbox: Letterbox,
    layout: TargetLayout,
) -> dict[str, NDArray[np.number]]:
    """Return the target outputs of the network for an image, with one slot per object.

    Args:
        annotations: the objects of the image, in source pixels; slot k belongs to object k.
        previous_ids: ids (n,) of the objects of the previous frame.
        previous_centers: their centers (n, 2) in output cells.
        letterbox: map from source to network pixels.
        layout: sizes of input, output and targets.

    Returns:
        `hm` float32 (classes, h, w); `ind`, `cat`, `tid` int64 (S,); `mask`, `tid_mask` float32
        (S,); `reg`, `wh`, `tracking` float32 (S, 2) and `ltrb_amodal` (S, 4), each with its
        `_mask` of the same shape. Identity and displacement are defined only for objects that
        are also in the previous frame.
    """
    width, height = layout.input_width // layout.stride, layout.input_height // layout.stride
    slots = layout.max_objects
    heatmap = np.zeros((layout.num_classes, height, width), np.float32)
    targets: dict[str, NDArray[np.number]] = {'hm': heatmap}
    targets |= {name: np.zeros(slots, np.int64) for name in ('ind', 'cat', 'tid')}
    targets |= {name: np.zeros(slots, np.float32) for name in ('mask', 'tid_mask')}
    for name, outputs in (('reg', 2), ('wh', 2), ('tracking', 2), ('ltrb_amodal', 4)):
        targets[name] = np.zeros((slots, outputs), np.float32)
        targets[f'{name}_mask'] = np.zeros((slots, outputs), np.float32)

    amodal = (_transform(annotations.boxes, letterbox) / layout.stride).astype(np.float32)[:slots]
    boxes, inside = _clip(amodal, width, height)
    ignored = annotations.ignored[:slots]
    for x1, y1, x2, y2 in boxes[ignored].astype(np.int64).tolist():
        # A target of exactly 1 has zero weight in the negative part of the focal loss.
        heatmap[:, y1 : y2 + 1, x1 : x2 + 1] = 1

    slot = np.flatnonzero(inside & ~ignored)
    amodal, boxes = amodal[slot], boxes[slot]
    classes = annotations.class_ids[:slots][slot]
    centers = box_centers(boxes).astype(np.float32)
    cells = centers.astype(np.int64)
    radii = _radii(boxes)
    for (x, y), radius, class_id in zip(
        cells.tolist(), radii.tolist(), classes.tolist(), strict=True
    ):
        draw_gaussian(heatmap[class_id], x, y, radius)
    targets['ind'][slot] = cells[:, 1] * width + cells[:, 0]
    targets['cat'][slot] = classes
    targets['mask'][slot] = 1
    corner = np.tile(cells, 2)
    regressed = {'reg': centers - cells, 'wh': box_sizes(boxes), 'ltrb_amodal': amodal - corner}
    for name, values in regressed.items():
        targets[name][slot] = values
        targets[f'{name}_mask'][slot] = 1

    ids = annotations.ids[:slots][slot]
    matches = ids[:, None] == previous_ids[None, :]
    seen = matches.any(axis=1)
    first = matches.argmax(axis=1)[seen] if len(previous_ids) else np.zeros(0, np.int64)
    targets['tracking'][slot[seen]] = previous_centers[first] - cells[seen]
    targets['tracking_mask'][slot[seen]] = 1
    targets['tid'][slot[seen]] = ids[seen]
    targets['tid_mask'][slot[seen]] = 1
    return targets
