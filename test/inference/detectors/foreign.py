"""Small ONNX files that return given detections, in the published layouts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from onnx import helper
from onnx import numpy_helper

SIZES = 'orig_target_sizes'


def write_detector(
    path: Path,
    outputs: Mapping[str, NDArray[Any]],
    *,
    size: tuple[int, int],
    probes: Mapping[str, NDArray[np.float32]] | None = None,
    batch: str | int = 'B',
    kind: int = TensorProto.FLOAT,
    channels_last: bool = False,
    sizes: bool = False,
    opset: int = 11,
    free_rows: bool = False,
) -> Path:
    """Write a detector and return its path.

    Args:
        path: of the file.
        outputs: what it returns for one image, by name.
        size: height and width of its input.
        probes: (3, ...) by output: what the mean of each input channel adds to it.
        batch: number of images, or a name if it is free.
        kind: type of the input.
        channels_last: whether the input is (B, H, W, 3).
        sizes: whether `boxes` are fractions that it multiplies with a second input.
        opset: version of the operators.
        free_rows: whether the first dimension of the outputs is the number of boxes, and open.
    """
    node = helper.make_node
    axes = [1, 2] if channels_last else [2, 3]
    nodes = [
        node('Cast', ['image'], ['float_image'], to=TensorProto.FLOAT),
        node('ReduceMean', ['float_image'], ['means'], axes=axes, keepdims=0),
    ]
    constants: dict[str, NDArray[Any]] = {}
    tensor = helper.make_tensor_value_info
    infos = []
    for name, value in outputs.items():
        probe = np.zeros((3, value.size), np.float32)
        if probes and name in probes:
            probe = probes[name].reshape(3, -1)
        flat, added, shaped = (f'{name}_{part}' for part in ('flat', 'added', 'shaped'))
        constants |= {
            f'{name}_value': value.reshape(1, -1).astype(np.float32),
            f'{name}_probe': probe,
            f'{name}_shape': np.array([-1, *value.shape[1:]] if value.ndim > 1 else [-1]),
        }
        nodes += [
            node('MatMul', ['means', f'{name}_probe'], [flat]),
            node('Add', [flat, f'{name}_value'], [added]),
            node('Reshape', [added, f'{name}_shape'], [shaped]),
        ]
        if sizes and name == 'boxes':
            nodes += [
                node('Cast', [SIZES], ['float_sizes'], to=TensorProto.FLOAT),
                node('Concat', ['float_sizes'] * 2, ['sizes'], axis=1),
                node('Unsqueeze', ['sizes'], ['wide_sizes'], axes=[1]),
                node('Mul', [shaped, 'wide_sizes'], [f'{name}_scaled']),
            ]
            shaped = f'{name}_scaled'
        onnx_kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        nodes.append(node('Cast', [shaped], [name], to=onnx_kind))
        shape: list[Any] = [batch if value.ndim > 1 else value.shape[0], *value.shape[1:]]
        if free_rows:
            shape[0] = 'N'
        infos.append(tensor(name, onnx_kind, shape))
    dimensions = [batch, *size, 3] if channels_last else [batch, 3, *size]
    inputs = [tensor('image', kind, dimensions)]
    if sizes:
        inputs.append(tensor(SIZES, TensorProto.INT64, [batch, 2]))
    graph = helper.make_graph(
        nodes,
        'detector',
        inputs,
        infos,
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)], ir_version=7)
    onnx.save(model, path)
    return path
