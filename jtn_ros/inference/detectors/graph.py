"""A part of an ONNX graph, written as if it were arithmetic.

Only operators that mean the same from opset 11 on are used, so that they can be put around a
graph of any age.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

OLDEST_OPSET = 11

type Operand = str | NDArray[Any] | np.generic | list[int]


class GraphBuilder:
    """Collects nodes and constants; tensors are known by their names."""

    def __init__(self, prefix: str) -> None:
        """Start empty.

        Args:
            prefix: of all names that are made up.
        """
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._prefix = prefix

    def add(
        self, operator: str, *operands: Operand, output: str | None = None, **attributes: Any
    ) -> str:
        """Add a node and return the name of its first output.

        Args:
            operator: name of the ONNX operator.
            operands: names of tensors, or constants.
            output: name of the output; by default one is made up.
            attributes: of the node.
        """
        return self.add_several(operator, *operands, outputs=[output], **attributes)[0]

    def add_several(
        self,
        operator: str,
        *operands: Operand,
        outputs: list[str | None],
        **attributes: Any,
    ) -> list[str]:
        """Add a node with several outputs, whose names are given or None; return the names."""
        from onnx import helper

        start = len(self.nodes)
        names = [
            name or f'{self._prefix}{operator}_{start}_{index}'
            for index, name in enumerate(outputs)
        ]
        inputs = [operand if isinstance(operand, str) else self._constant(operand)
                  for operand in operands]  # fmt: skip
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names

    def slice(self, values: str, start: int, stop: int, axis: int) -> str:
        """Return a part of a tensor along an axis."""
        return self.add('Slice', values, [start], [stop], [axis])

    def reshape(self, values: str, *shape: int) -> str:
        """Return a tensor in another shape; 0 keeps a dimension, -1 is what remains."""
        return self.add('Reshape', values, list(shape))

    def cast(self, values: str, kind: int, output: str | None = None) -> str:
        """Return a tensor in another type of `onnx.TensorProto`."""
        return self.add('Cast', values, output=output, to=kind)

    def rows(self, values: str, index: str, width: int) -> str:
        """Return the rows (B, K, width) of a tensor (B, N, width) that an index (B, K) names."""
        wide = self.add('Expand', self.reshape(index, 0, -1, 1), [1, 1, width])
        return self.add('GatherElements', values, wide, axis=1)

    def best(self, scores: str, number: int) -> tuple[str, str]:
        """Return the best scores (B, number) of a tensor (B, N), and their indices."""
        values, index = self.add_several('TopK', scores, [number], outputs=[None, None], axis=1)
        return values, index

    def _constant(self, value: NDArray[Any] | np.generic | list[int]) -> str:
        from onnx import numpy_helper

        array = np.asarray(value, np.int64) if isinstance(value, list) else np.asarray(value)
        name = f'{self._prefix}constant_{len(self.constants)}'
        self.constants.append(numpy_helper.from_array(array, name))
        return name
