"""The graph around a detector: what prepares images before it, and what selects boxes after it."""

from typing import Any

import numpy as np

from jtn_ros.inference.detectors.detector_file import ImageInput
from jtn_ros.inference.detectors.graph import GraphBuilder
from jtn_ros.inference.detectors.layouts import Found
from jtn_ros.inference.detectors.options import Preparation
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import ModelInfo

# Of onnx.TensorProto.
FLOAT, UINT8, INT32 = 1, 2, 6

PREFIX = 'detector/'  # of everything in the detector's own graph
_OLDEST_IR = 4  # constants need not be inputs
_CANDIDATES = 500  # boxes that suppression looks at
_LEAST_SCORE = 1e-3  # of a box that suppression looks at


def add_preparation(
    graph: GraphBuilder, image: ImageInput, preparation: Preparation, sizes: Any
) -> None:
    """Add the nodes from uint8 images (B, H, W, 3) to the inputs of the detector."""
    tensor, axis = 'images', 3
    if not image.channels_last:
        tensor, axis = graph.add('Transpose', tensor, perm=[0, 3, 1, 2]), 1
    if preparation.channels == 'rgb':
        tensor = graph.add('Gather', tensor, [2, 1, 0], axis=axis)
    along_channels = (1, 1, 1, 3) if image.channels_last else (1, 3, 1, 1)
    mean, std = (
        np.array(values, np.float32).reshape(along_channels)
        for values in (preparation.mean, preparation.std)
    )
    if mean.any() or (std != 1).any():
        tensor = graph.add('Sub', graph.cast(tensor, FLOAT), mean)
        tensor = graph.add('Div', tensor, std)
    graph.cast(tensor, image.kind, output=f'{PREFIX}{image.name}')
    if sizes is not None:
        batch = graph.add('Gather', graph.add('Shape', 'images'), [0], axis=0)
        shape = graph.add('Concat', batch, [2], axis=0)
        size = graph.add('Expand', np.array([image.size[::-1]], np.int64), shape)
        graph.cast(size, sizes.type.tensor_type.elem_type, output=sizes.name)


def add_selection(
    graph: GraphBuilder, found: Found, rows: int | None, info: ModelInfo, overlap: float | None
) -> None:
    """Add the nodes from all boxes to the K best ones, in the coordinates of peaks."""
    boxes, scores, class_ids = found.boxes, found.scores, found.class_ids
    if rows is None or rows < info.top_k:
        boxes = graph.add('Pad', boxes, [0, 0, 0, 0, info.top_k, 0])
        scores = graph.add('Pad', scores, [0, 0, 0, info.top_k])
        class_ids = graph.add('Pad', class_ids, [0, 0, 0, info.top_k])
    if overlap is not None:
        number = max(info.top_k, min(rows or 0, _CANDIDATES))
        scores, index = graph.best(scores, number)
        boxes = graph.rows(boxes, index, 4)
        class_ids = graph.add('GatherElements', class_ids, index, axis=1)
        # Boxes of other classes lie elsewhere, so that only those of one class compete.
        shift = np.float32(4 * max(info.input_height, info.input_width))
        shifts = graph.add('Mul', graph.reshape(graph.cast(class_ids, FLOAT), 0, -1, 1), shift)
        apart = graph.add('Add', boxes, shifts)
        scores = _suppress(graph, apart, graph.reshape(scores, 0, 1, -1), number, overlap)
    best, index = graph.best(scores, info.top_k)
    graph.add('Identity', best, output='scores')
    class_ids = graph.add('GatherElements', class_ids, index, axis=1)
    graph.cast(class_ids, INT32, output='class_ids')
    # Detectors count from the corner of the first pixel, peaks from its middle.
    boxes = graph.add('Sub', graph.rows(boxes, index, 4), np.float32(0.5), output='boxes')
    low, high = graph.slice(boxes, 0, 2, 2), graph.slice(boxes, 2, 4, 2)
    graph.add('Mul', graph.add('Add', low, high), np.float32(0.5), output='centers')


def rewire(
    model: Any, before: GraphBuilder, after: GraphBuilder, image: ImageInput, info: ModelInfo
) -> None:
    """Put the new nodes around the detector, and the metadata into the file."""
    from onnx import helper

    graph = model.graph
    nodes = [*before.nodes, *graph.node, *after.nodes]
    for field in (graph.node, graph.input, graph.output):
        del field[:]
    graph.node.extend(nodes)
    graph.initializer.extend([*before.constants, *after.constants])
    batch = 'B' if image.free_batch else 1
    number = info.top_k
    graph.input.append(helper.make_tensor_value_info('images', UINT8, [batch, *image.size, 3]))
    for name, kind, shape in (
        ('scores', FLOAT, [number]),
        ('class_ids', INT32, [number]),
        ('centers', FLOAT, [number, 2]),
        ('boxes', FLOAT, [number, 4]),
    ):
        graph.output.append(helper.make_tensor_value_info(name, kind, [batch, *shape]))
    model.ir_version = max(model.ir_version, _OLDEST_IR)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, info.to_json()


def _suppress(graph: GraphBuilder, boxes: str, scores: str, number: int, overlap: float) -> str:
    """Return the scores (B, N), 0 for boxes that overlap a better one too much.

    Args:
        graph: takes the nodes.
        boxes: (B, N, 4).
        scores: (B, 1, N).
        number: N.
        overlap: intersection over union that is too much.
    """
    kept = graph.add(
        'NonMaxSuppression',
        boxes,
        scores,
        [number],
        np.array([overlap], np.float32),
        np.array([_LEAST_SCORE], np.float32),
    )
    nothing = graph.add('Mul', scores, np.float32(0))
    remaining = graph.add('ScatterND', nothing, kept, graph.add('GatherND', scores, kept))
    return graph.reshape(remaining, 0, -1)
