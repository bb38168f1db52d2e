"""A network for appearance whose embedding is the mean color of a crop."""

from pathlib import Path

import onnx
from onnx import TensorProto
from onnx import helper

RED, BLUE = (0, 0, 255), (255, 0, 0)  # BGR


def write_mean_color(path: Path, shape: tuple[str | int, ...] = ('B', 3, 16, 8)) -> Path:
    """Write a network that returns the mean of every channel."""
    axes = [2, 3] if shape[1] == 3 else [1, 2]
    graph = helper.make_graph(
        [helper.make_node('ReduceMean', ['crops'], ['means'], axes=axes, keepdims=0)],
        'mean_color',
        [helper.make_tensor_value_info('crops', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('means', TensorProto.FLOAT, (shape[0], 3))],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 11)])
    model.ir_version = 8
    onnx.save(model, path)
    return path
