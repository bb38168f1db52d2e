"""The published layouts of detection heads: how each is recognized and decoded.

YOLOX (Ge et al., 2021), NanoDet-Plus (RangiLyu, 2021), SSD (Liu et al., ECCV 2016) as exported by
several frameworks, and detection transformers: RT-DETR, D-FINE, DEIM, RF-DETR.
"""

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from jtn_ros.inference.detectors.graph import GraphBuilder
from jtn_ros.inference.detectors.options import IMAGENET_MEAN
from jtn_ros.inference.detectors.options import IMAGENET_STD
from jtn_ros.inference.detectors.options import Coding
from jtn_ros.inference.detectors.options import Preparation

Family = Literal['yolox', 'nanodet', 'ssd', 'detr']

type Size = tuple[int, int]  # height and width
type Outputs = Mapping[str, NDArray[Any]]  # what a detector returned for one image
type Roles = dict[str, str]  # names of outputs by what they contain

_STRIDES = ((8, 16, 32), (8, 16, 32, 64))
_NANODET_BINS = 8
_FLOAT, _INT64 = 1, 7  # onnx.TensorProto


@dataclass(frozen=True, kw_only=True)
class Classes:
    """The classes that a model is to have.

    Attributes:
        names: one per class.
        numbers: the column or label of each in the outputs of the detector.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Tensors with the detections of an image.

    Attributes:
        boxes: (B, N, 4) ``x1 y1 x2 y2`` in pixels of the input, from its top left corner.
        scores: (B, N).
        class_ids: (B, N), int64.
    """

    boxes: str
    scores: str
    class_ids: str


@dataclass(frozen=True, kw_only=True)
class Head:
    """A detector's outputs, to be decoded.

    Attributes:
        graph: takes the nodes.
        roles: names of the tensors by what they contain, float32.
        shapes: of the same, for one image.
        size: of the input.
        classes: to be found.
        coding: how boxes and classes are written.
    """

    graph: GraphBuilder
    roles: Roles
    shapes: Mapping[str, tuple[int, ...]]
    size: Size
    classes: Classes
    coding: Coding


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One layout of the outputs of a detector.

    Attributes:
        family: what `jtn import --detector` calls it.
        expected: the outputs in words.
        find: returns the outputs by role; None if they are others.
        columns: returns the number of columns of classes; None where labels are returned.
        decode: adds the nodes that make detections of the outputs.
        preparation: how images are usually prepared for it.
        coding: how it usually writes boxes and classes.
        overlap: above which the lesser of two boxes is suppressed; None if it is already.
        one_image: whether the layout holds the detections of one image only.
    """

    family: Family
    expected: str
    find: Callable[[Outputs, Size], Roles | None]
    columns: Callable[[Outputs, Roles], int | None]
    decode: Callable[[Head], Found]
    preparation: Preparation
    coding: Coding = Coding()
    overlap: float | None = None
    one_image: bool = False


def _find_cells(fewest: int) -> Callable[[Outputs, Size], Roles | None]:
    """Return a finder of the output with a row per cell and at least `fewest` columns."""

    def find(outputs: Outputs, size: Size) -> Roles | None:
        counts = {len(cells) for cells in _grids(size)}
        for name, value in outputs.items():
            if value.ndim == 3 and value.shape[1] in counts and value.shape[2] >= fewest:
                return {'cells': name}
        return None

    return find


def _decode_yolox(head: Head) -> Found:
    graph, cells = head.graph, _cells(head)
    rows = head.roles['cells']
    centers, sizes = graph.slice(rows, 0, 2, 2), graph.slice(rows, 2, 4, 2)
    if not head.coding.decoded:
        strides = cells[:, 2:]
        centers = graph.add('Mul', graph.add('Add', centers, cells[:, :2]), strides)
        sizes = graph.add('Mul', graph.add('Exp', sizes), strides)
    boxes = _around(graph, centers, sizes)
    found = _with_best_class(head, boxes, graph.slice(rows, 5, head.shapes['cells'][2], 2))
    objectness = graph.reshape(graph.slice(rows, 4, 5, 2), 0, -1)
    return replace(found, scores=graph.add('Mul', found.scores, objectness))


def _decode_nanodet(head: Head) -> Found:
    graph, cells = head.graph, _cells(head)
    rows, columns = head.roles['cells'], head.shapes['cells'][2]
    split = columns - 4 * _NANODET_BINS
    bins = graph.reshape(graph.slice(rows, split, columns, 2), 0, -1, 4, _NANODET_BINS)
    bins = graph.add('Softmax', bins, axis=3)
    steps = np.arange(_NANODET_BINS, dtype=np.float32)[:, None]
    sides = graph.reshape(graph.add('MatMul', bins, steps), 0, -1, 4)
    sides = graph.add('Mul', sides, cells[:, 2:] * np.array([-1, -1, 1, 1], np.float32))
    corners = np.tile(cells[:, :2] * cells[:, 2:], 2)
    boxes = graph.add('Add', sides, corners)
    return _with_best_class(head, boxes, graph.slice(rows, 0, split, 2))


def _decode_scores(head: Head) -> Found:
    return _with_best_class(head, _corners(head), head.roles['scores'])


def _decode_logits(head: Head) -> Found:
    scores = head.graph.add('Sigmoid', head.roles['scores'])
    return _with_best_class(head, _corners(head), scores)


def _decode_labels(head: Head) -> Found:
    # The outputs for a single image may have no dimension for the images.
    images = 0 if len(head.shapes['boxes']) == 3 else 1
    boxes = _corners(head, head.graph.reshape(head.roles['boxes'], images, -1, 4))
    scores, labels = (
        head.graph.reshape(head.roles[role], images, -1) for role in ('scores', 'labels')
    )
    return _with_labels(head, boxes, scores, labels)


def _decode_detection_output(head: Head) -> Found:
    graph = head.graph
    rows = graph.reshape(head.roles['rows'], 1, -1, 7)
    image, label, score = (
        graph.reshape(graph.slice(rows, column, column + 1, 2), 1, -1) for column in range(3)
    )
    # A row of image -1 ends the list.
    listed = graph.cast(graph.add('Greater', image, np.float32(-0.5)), _FLOAT)
    boxes = _corners(head, graph.slice(rows, 3, 7, 2))
    return _with_labels(head, boxes, graph.add('Mul', score, listed), label)


def _grids(size: Size) -> list[NDArray[np.float32]]:
    """Return the cells (N, 3) that a head may have: column, row and stride, row by row."""
    grids = []
    for strides in _STRIDES:
        levels = []
        for stride in strides:
            rows, columns = np.mgrid[: -(-size[0] // stride), : -(-size[1] // stride)]
            levels.append(
                np.stack([columns.ravel(), rows.ravel(), np.full(rows.size, stride)], axis=1)
            )
        grids.append(np.concatenate(levels).astype(np.float32))
    return grids


def _cells(head: Head) -> NDArray[np.float32]:
    number = head.shapes['cells'][1]
    return next(cells for cells in _grids(head.size) if len(cells) == number)


def _around(graph: GraphBuilder, centers: str, sizes: str) -> str:
    """Return boxes by their corners."""
    halves = graph.add('Mul', sizes, np.float32(0.5))
    low, high = graph.add('Sub', centers, halves), graph.add('Add', centers, halves)
    return graph.add('Concat', low, high, axis=2)


def _corners(head: Head, boxes: str | None = None) -> str:
    """Return boxes (B, N, 4) as ``x1 y1 x2 y2`` in pixels of the input."""
    graph = head.graph
    boxes = head.roles['boxes'] if boxes is None else boxes
    if head.coding.boxes == 'yxyx':
        boxes = graph.add('Gather', boxes, [1, 0, 3, 2], axis=2)
    if head.coding.units == 'fractions':
        height, width = head.size
        boxes = graph.add('Mul', boxes, np.array([width, height] * 2, np.float32))
    if head.coding.boxes == 'cxcywh':
        return _around(graph, graph.slice(boxes, 0, 2, 2), graph.slice(boxes, 2, 4, 2))
    return boxes


def _with_best_class(head: Head, boxes: str, scores: str) -> Found:
    """Give each box the class whose column has the best score."""
    graph = head.graph
    numbers = list(head.classes.numbers)
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        scores = graph.slice(scores, numbers[0], numbers[-1] + 1, 2)  # many times as fast
    else:
        scores = graph.add('Gather', scores, numbers, axis=2)
    best, index = graph.add_several('TopK', scores, [1], outputs=[None, None], axis=2)
    return Found(
        boxes=boxes, scores=graph.reshape(best, 0, -1), class_ids=graph.reshape(index, 0, -1)
    )


def _with_labels(head: Head, boxes: str, scores: str, labels: str) -> Found:
    """Give each box the class of its label, and no score if the label is of no class."""
    graph, numbers = head.graph, np.array(head.classes.numbers)
    known = np.zeros(numbers.max() + 3, np.float32)  # from -1 to one beyond the largest
    known[numbers + 1] = 1
    ids = np.zeros(len(known), np.int64)
    ids[numbers + 1] = np.arange(len(numbers))
    bounded = graph.add('Clip', labels, np.float32(-1), np.float32(len(known) - 2))
    index = graph.cast(graph.add('Add', bounded, np.float32(1.5)), _INT64)
    return Found(
        boxes=boxes,
        scores=graph.add('Mul', scores, graph.add('Gather', known, index)),
        class_ids=graph.add('Gather', ids, index),
    )


def _find_scores(outputs: Outputs, _: Size) -> Roles | None:
    """Find boxes (1, N, 4) and the scores (1, N, classes) that belong to them."""
    tables = {name: value for name, value in outputs.items() if value.ndim == 3}
    boxes = _named(tables, 'box', 'dets') or [n for n, v in tables.items() if v.shape[2] == 4]
    for name in boxes:
        if tables[name].shape[2] != 4:
            continue
        for other, value in tables.items():
            if other != name and value.shape[:2] == tables[name].shape[:2]:
                return {'boxes': name, 'scores': other}
    return None


def _find_rf_detr(outputs: Outputs, size: Size) -> Roles | None:
    """Find the boxes and logits that RF-DETR calls dets and labels."""
    return _find_scores(outputs, size) if {'dets', 'labels'} <= set(outputs) else None


def _find_labels(outputs: Outputs, _: Size) -> Roles | None:
    """Find boxes (1, N, 4), scores (1, N) and labels (1, N); or the same without the 1."""
    for boxes, value in outputs.items():
        if value.ndim not in (2, 3) or value.shape[-1] != 4:
            continue
        beside = {n: v for n, v in outputs.items() if v.shape == value.shape[:-1]}
        scores = _named(beside, 'score', 'conf')
        labels = [name for name in _named(beside, 'label', 'class') if name not in scores]
        labels = labels or [n for n, v in beside.items() if v.dtype.kind in 'iu']
        scores = scores or [n for n, v in beside.items() if v.dtype.kind == 'f']
        if scores and labels:
            return {'boxes': boxes, 'scores': scores[0], 'labels': labels[0]}
    return None


def _find_tensorflow(outputs: Outputs, _: Size) -> Roles | None:
    """Find the outputs of TensorFlow's detectors by their names."""
    roles = {
        'boxes': 'detection_boxes',
        'scores': 'detection_scores',
        'labels': 'detection_classes',
    }
    return roles if set(roles.values()) <= set(outputs) else None


def _find_detection_output(outputs: Outputs, _: Size) -> Roles | None:
    """Find the rows (1, 1, N, 7) of Caffe's and OpenVINO's DetectionOutput."""
    for name, value in outputs.items():
        if value.ndim == 4 and value.shape[:2] == (1, 1) and value.shape[3] == 7:
            return {'rows': name}
    return None


def _named(outputs: Outputs, *parts: str) -> list[str]:
    """Return the outputs whose names contain a word."""
    return [name for name in outputs if any(part in name.lower() for part in parts)]


def _no_columns(_: Outputs, __: Roles) -> None:
    return None


LAYOUTS = (
    Layout(
        family='yolox',
        expected='one output (B, cells, 5 + classes) with the cells of strides 8, 16, 32 (and 64)',
        find=_find_cells(6),
        columns=lambda outputs, roles: outputs[roles['cells']].shape[2] - 5,
        decode=_decode_yolox,
        preparation=Preparation(letterbox='corner', channels='bgr'),
        overlap=0.45,
    ),
    Layout(
        family='nanodet',
        expected='one output (B, cells, classes + 32) with the cells of strides 8, 16, 32 and 64',
        find=_find_cells(4 * _NANODET_BINS + 1),
        columns=lambda outputs, roles: outputs[roles['cells']].shape[2] - 4 * _NANODET_BINS,
        decode=_decode_nanodet,
        preparation=Preparation(channels='bgr', mean=IMAGENET_MEAN[::-1], std=IMAGENET_STD[::-1]),
        overlap=0.6,
    ),
    Layout(
        family='ssd',
        expected='DetectionOutput (1, 1, N, 7)',
        find=_find_detection_output,
        columns=_no_columns,
        decode=_decode_detection_output,
        preparation=Preparation(channels='bgr'),
        coding=Coding(first_class=1),
        one_image=True,
    ),
    Layout(
        family='ssd',
        expected='detection_boxes, detection_scores and detection_classes',
        find=_find_tensorflow,
        columns=_no_columns,
        decode=_decode_labels,
        preparation=Preparation(mean=(127.5,) * 3, std=(127.5,) * 3),
        coding=Coding(boxes='yxyx', first_class=1),
    ),
    Layout(
        family='ssd',
        expected='boxes (B, N, 4), scores (B, N) and labels (B, N)',
        find=_find_labels,
        columns=_no_columns,
        decode=_decode_labels,
        preparation=Preparation(mean=(127.5,) * 3, std=(127.5,) * 3),
        coding=Coding(first_class=1),
    ),
    Layout(
        family='ssd',
        expected='boxes (B, N, 4) and scores (B, N, background and classes)',
        find=_find_scores,
        columns=lambda outputs, roles: outputs[roles['scores']].shape[2],
        decode=_decode_scores,
        preparation=Preparation(mean=(127.0,) * 3, std=(128.0,) * 3),
        coding=Coding(first_class=1),
        overlap=0.45,
    ),
    Layout(
        family='detr',
        expected='boxes (B, N, 4), scores (B, N) and labels (B, N)',
        find=_find_labels,
        columns=_no_columns,
        decode=_decode_labels,
        preparation=Preparation(std=(255.0,) * 3),
        coding=Coding(units='pixels'),
    ),
    Layout(
        family='detr',
        expected='dets (B, N, 4) and labels (B, N, classes) of RF-DETR',
        find=_find_rf_detr,
        columns=lambda outputs, roles: outputs[roles['scores']].shape[2],
        decode=_decode_logits,
        preparation=Preparation(mean=IMAGENET_MEAN, std=IMAGENET_STD),
        coding=Coding(boxes='cxcywh'),
    ),
    Layout(
        family='detr',
        expected='boxes (B, N, 4) and logits (B, N, classes)',
        find=_find_scores,
        columns=lambda outputs, roles: outputs[roles['scores']].shape[2],
        decode=_decode_logits,
        preparation=Preparation(std=(255.0,) * 3),
        coding=Coding(boxes='cxcywh'),
    ),
)
