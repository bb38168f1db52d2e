"""A small exported model that finds white blocks on black ground, exactly.

It keeps the whole contract of exported models, so that what the nodes make of detections can be
compared with the truth to a pixel, independent of trained weights.
"""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from onnx import helper
from onnx import numpy_helper

from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import ModelInfo

# Network pixels.
WIDTH, HEIGHT = 160, 96
BLOCK = (12, 24)
STRIDE = 4
PEAKS = 8


def write_block_model(path: Path, name: str = 'blocks', class_name: str = 'block') -> None:
    """Write the model.

    Its heat map is the white share of a block-sized window around each cell. Boxes and
    displacements come from the centroids of the white pixels near a peak, now and before.
    """
    columns, rows = WIDTH // STRIDE, HEIGHT // STRIDE
    ramp = 1 - 1e-3 * np.arange(rows * columns).reshape(1, 1, rows, columns) / (rows * columns)
    window = (BLOCK[0] + 8, BLOCK[1] + 12)
    half = np.array([-BLOCK[0], -BLOCK[1], BLOCK[0], BLOCK[1]]) / (2 * STRIDE)
    constants = {
        'full': np.float32(255),
        'tiny': np.float32(1e-6),
        'share': np.full((1, 3, BLOCK[1], BLOCK[0]), 1 / (3 * BLOCK[0] * BLOCK[1]), np.float32),
        'moments': _moments(*window),
        'ramp': ramp.astype(np.float32),  # of two equal neighbors one is better
        'parts': np.array([1, 2]),
        'halves': np.array([2, 2]),
        'flat': np.array([0, -1]),
        'maps': np.array([0, 4, -1]),
        'peaks': np.array([PEAKS]),
        'last': np.array([-1]),
        'columns': np.array([columns]),
        'half': half.astype(np.float32),
    }
    node = helper.make_node
    nodes = [
        *_whiteness('images', 'now'),
        *_whiteness('previous_images', 'before'),
        node('Conv', ['now', 'share'], ['filled'], strides=[STRIDE] * 2, pads=_pads(*BLOCK)),
        node('Mul', ['filled', 'ramp'], ['heat']),
        node('MaxPool', ['heat'], ['best'], kernel_shape=[3, 3], pads=[1] * 4),
        node('Equal', ['heat', 'best'], ['is_peak']),
        node('Cast', ['is_peak'], ['one_at_peaks'], to=TensorProto.FLOAT),
        node('Mul', ['heat', 'one_at_peaks'], ['peak_heat']),
        node('Reshape', ['peak_heat', 'flat'], ['flat_heat']),
        node('TopK', ['flat_heat', 'peaks'], ['scores', 'places']),
        node('Sub', ['places', 'places'], ['zeros']),
        node('Cast', ['zeros'], ['class_ids'], to=TensorProto.INT32),
        *_centroids('now', window),
        *_centroids('before', window),
        node('Sub', ['before_centroid', 'now_centroid'], ['motion']),
        node('Concat', ['now_centroid', 'motion'], ['both'], axis=1),
        node('Reshape', ['both', 'maps'], ['both_flat']),
        node('Transpose', ['both_flat'], ['both_last'], perm=[0, 2, 1]),
        node('Unsqueeze', ['places', 'last'], ['place']),
        node('GatherND', ['both_last', 'place'], ['chosen'], batch_dims=1),
        node('Split', ['chosen', 'halves'], ['offset', 'displacements'], axis=2),
        node('Mod', ['place', 'columns'], ['column']),
        node('Div', ['place', 'columns'], ['row']),
        node('Concat', ['column', 'row'], ['corner'], axis=2),
        node('Cast', ['corner'], ['cell'], to=TensorProto.FLOAT),
        node('Add', ['cell', 'offset'], ['centers']),
        node('Concat', ['centers', 'centers'], ['corners'], axis=2),
        node('Add', ['corners', 'half'], ['boxes']),
    ]
    info = ModelInfo(
        name=name,
        class_names=(class_name,),
        input_height=HEIGHT,
        input_width=WIDTH,
        top_k=PEAKS,
    )
    tensor = helper.make_tensor_value_info
    image_shape = ['B', HEIGHT, WIDTH, 3]
    graph = helper.make_graph(
        nodes,
        'blocks',
        [tensor(key, TensorProto.UINT8, image_shape) for key in ('images', 'previous_images')],
        [
            tensor('scores', TensorProto.FLOAT, ['B', PEAKS]),
            tensor('class_ids', TensorProto.INT32, ['B', PEAKS]),
            tensor('centers', TensorProto.FLOAT, ['B', PEAKS, 2]),
            tensor('boxes', TensorProto.FLOAT, ['B', PEAKS, 4]),
            tensor('displacements', TensorProto.FLOAT, ['B', PEAKS, 2]),
        ],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=10)
    helper.set_model_props(model, {METADATA_KEY: info.to_json()})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _whiteness(images: str, result: str) -> list[onnx.NodeProto]:
    """Return nodes that turn images into float (B, 3, H, W), 0 to 1."""
    return [
        helper.make_node('Cast', [images], [f'{result}_float'], to=TensorProto.FLOAT),
        helper.make_node('Transpose', [f'{result}_float'], [f'{result}_first'], perm=[0, 3, 1, 2]),
        helper.make_node('Div', [f'{result}_first', 'full'], [result]),
    ]


def _centroids(images: str, window: tuple[int, int]) -> list[onnx.NodeProto]:
    """Return nodes that find the white centroid around each cell, relative to it, in cells."""
    mass, shift, safe = (f'{images}_{name}' for name in ('mass', 'shift', 'safe'))
    conv = helper.make_node(
        'Conv',
        [images, 'moments'],
        [f'{images}_moments'],
        strides=[STRIDE] * 2,
        pads=_pads(*window),
    )
    return [
        conv,
        helper.make_node('Split', [f'{images}_moments', 'parts'], [mass, shift], axis=1),
        helper.make_node('Add', [mass, 'tiny'], [safe]),
        helper.make_node('Div', [shift, safe], [f'{images}_centroid']),
    ]


def _moments(width: int, height: int) -> NDArray[np.float32]:
    """Return kernels (3, 3, height, width) of mass and of first moments in cells."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    kernels = np.stack([np.ones_like(x), (x - width // 2) / STRIDE, (y - height // 2) / STRIDE])
    return np.repeat(kernels[:, None] / 3, 3, axis=1)


def _pads(width: int, height: int) -> list[int]:
    """Return the padding that puts a window around the pixel of each cell."""
    left, top = width // 2, height // 2
    return [top, left, height - STRIDE - top, width - STRIDE - left]
