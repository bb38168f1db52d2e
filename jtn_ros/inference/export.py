"""PyTorch to ONNX: one file from camera images to peaks, checked before anyone sees it."""

import copy
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from jtn_ros.files import written_atomically
from jtn_ros.inference.agreement import check_agreement
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.onnx_engine import OnnxEngine
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.inference.torch_engine import model_info
from jtn_ros.network.deform_conv import DeformConv
from jtn_ros.network.deform_conv import onnx_translations
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.peak_network import PeakNetwork

logger = logging.getLogger(__name__)

OPSET = 20
# Smaller tensors stay float32: rounding a bias costs accuracy and saves nothing.
HALF_STORAGE_MINIMUM = 1024


def export_onnx(
    network: JointTrackNet,
    output: Path,
    *,
    half_weights: bool = False,
) -> ModelInfo:
    """Write a network as one ONNX file that takes uint8 images and returns K peaks.

    The batch is free, the image size is fixed. The file is compared with PyTorch on random
    images, alone and in a batch, and appears under its name only when both agree.

    Args:
        network: the network, on the CPU; its configuration becomes the file's metadata.
        output: path of the file.
        half_weights: store large weights as float16, which halves the file; the arithmetic stays
            float32.

    Returns:
        The metadata in the file.

    Raises:
        ValueError: if ONNX Runtime and PyTorch disagree.
        OSError: if the file cannot be written.
    """
    module = PeakNetwork(fold_deformable_norms(network)).eval()
    info = model_info(module.config)
    inputs = random_inputs(info, batch=2)
    model = _trace(module, inputs)
    if half_weights:
        _store_half(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, info.to_json()
    with written_atomically(output) as temporary:
        temporary.write_bytes(model.SerializeToString())
        _compare(module, temporary, inputs, half_weights)
    return info


def fold_deformable_norms(network: JointTrackNet) -> JointTrackNet:
    """Return a copy whose deformable convolutions contain the batch norms after them.

    The exporter folds the batch norms of plain convolutions by itself.
    """
    folded = copy.deepcopy(network)
    for brick in folded.modules():
        if not isinstance(brick, DeformConv):
            continue
        norm = brick.actf[0]
        if isinstance(norm, nn.BatchNorm2d) and norm.running_mean is not None:
            assert norm.running_var is not None
            brick.conv.weight, brick.conv.bias = fuse_conv_bn_weights(
                brick.conv.weight,
                brick.conv.bias,
                norm.running_mean,
                norm.running_var,
                norm.eps,
                norm.weight,
                norm.bias,
            )
            brick.actf[0] = nn.Identity()
    return folded


def _trace(module: PeakNetwork, inputs: dict[str, NDArray[Any]]) -> Any:
    """Return the ONNX model of a module; constants are folded, batch norms too."""
    batch = torch.export.Dim('batch', min=1, max=256)
    tensors = {name: torch.from_numpy(array) for name, array in inputs.items()}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # the exporter warns of its own internals
        outputs = list(module(**tensors))
        program = torch.onnx.export(
            module,
            kwargs=tensors,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(tensors),
            output_names=outputs,
            dynamic_shapes={name: {0: batch} for name in tensors},
            custom_translation_table=onnx_translations(),
            verbose=False,
        )
    if program is None:
        raise ValueError('PyTorch returned no ONNX program')
    return program.model_proto


def _store_half(model: Any) -> None:
    """Store large float32 weights as float16 with a cast, which back ends fold on loading."""
    from onnx import TensorProto
    from onnx import helper
    from onnx import numpy_helper

    casts = []
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype == np.float32 and array.size >= HALF_STORAGE_MINIMUM:
            stored = f'{tensor.name}.float16'
            casts.append(helper.make_node('Cast', [stored], [tensor.name], to=TensorProto.FLOAT))
            tensor.CopyFrom(numpy_helper.from_array(array.astype(np.float16), stored))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _compare(
    module: PeakNetwork, path: Path, inputs: dict[str, NDArray[Any]], half_weights: bool
) -> None:
    """Run the file in ONNX Runtime, as a batch and one by one, against PyTorch.

    Raises:
        ValueError: if the peaks differ.
    """
    reference, candidate = TorchEngine(module), OnnxEngine(path)
    tolerance = 2e-2 if half_weights else 1e-3
    single = {name: array[:1] for name, array in inputs.items()}
    for given in (inputs, single):
        expected = reference.run(**given)
        found = candidate.run(**given)
        try:
            check_agreement(expected, found, tolerance)
        except ValueError as error:
            raise ValueError(f'the exported model differs from PyTorch: {error}') from error
    logger.info('ONNX Runtime and PyTorch agree')
