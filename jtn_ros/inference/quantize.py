"""Quantization of the convolutions of an ONNX file to int8, calibrated on real inputs.

Convolutions get int8 weights with one scale per channel, and uint8 inputs with the range of the
calibration (post-training quantization: Jacob et al., Quantization and Training of Neural Networks
for Efficient Integer-Arithmetic-Only Inference, CVPR 2018). The first convolutions of an
EfficientNet-Lite and of the cost volume, the sparse heads and deformable convolutions stay as they
are: rounding harms them most, they are small, or they have no int8 kernel.
"""

import logging
import re
import tempfile
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.files import written_atomically
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.model_file import read_model

logger = logging.getLogger(__name__)

# An empty prior heat map and one full of tracks differ by far more than a step of uint8 resolves,
# and every error of the first layers passes through all others. Images in uint8 would also have to
# be converted for the stem, which takes floats.
_FLOAT_WEIGHTS = re.compile(r'\.base\.(stem|prior_stem|stages\.0\.0|motion\.first)\.')


def quantize_onnx(
    model: Path, output: Path, samples: Sequence[Mapping[str, NDArray[Any]]]
) -> ModelInfo:
    """Write an exported model with int8 convolutions.

    Args:
        model: an exported f32 file.
        output: path of the new file.
        samples: inputs of the graph by name, batches of one or more.

    Returns:
        The metadata in the new file.

    Raises:
        OSError: if a file cannot be read or written.
        JtnError: if the model is not f32, there are no samples, all their prior heat maps are
            empty, or the package onnx is missing.
    """
    with packages_for('int8 models need', 'onnx', 'onnxruntime'):
        import onnx
        from onnxruntime import quantization
    _, info = read_model(model)
    if info.precision != 'f32':
        raise JtnError(f'{model} is {info.precision} already; int8 is made from f32')
    if not samples:
        raise JtnError('no inputs to calibrate on')
    if info.prior_heatmap and not any(sample['prior_heatmaps'].any() for sample in samples):
        raise JtnError(
            f'{info.name} uses the heat map of earlier tracks, but there are none in the given '
            'footage; use footage in which it detects objects, or annotated images'
        )
    reader = _reader(quantization.CalibrationDataReader, samples)
    info = replace(info, precision='int8')
    with written_atomically(output) as temporary, tempfile.TemporaryDirectory() as folder:
        quantized = Path(folder) / 'quantized.onnx'
        level = logging.root.level
        logging.root.setLevel(logging.ERROR)  # it recommends a preparation that is done already
        try:
            quantization.quantize_static(
                model,
                quantized,
                reader,
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=['Conv'],
                nodes_to_exclude=[
                    node.name
                    for node in onnx.load(model).graph.node
                    if node.op_type == 'Conv' and _FLOAT_WEIGHTS.search(node.input[1])
                ],
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                calibrate_method=quantization.CalibrationMethod.MinMax,
                # The output of a convolution is added and rectified before it is rounded again.
                extra_options={'OpTypesToExcludeOutputQuantization': ['Conv']},
            )
        finally:
            logging.root.setLevel(level)
        content = onnx.load(quantized)
        for entry in content.metadata_props:
            if entry.key == METADATA_KEY:
                entry.value = info.to_json()
        temporary.write_bytes(content.SerializeToString())
    logger.info('calibrated on %d inputs', len(samples))
    return info


def _reader(base: Any, samples: Sequence[Mapping[str, NDArray[Any]]]) -> Any:
    """Return the samples in the form that the quantizer requires."""
    remaining = iter(samples)

    class Reader(base):
        def get_next(self) -> dict[str, NDArray[Any]] | None:
            sample = next(remaining, None)
            return None if sample is None else dict(sample)

    return Reader()
