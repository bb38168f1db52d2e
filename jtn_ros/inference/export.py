"""Export from PyTorch to ONNX: one file from camera images to peaks, verified before use."""

import copy
import logging
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import Literal

import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from jtn_ros.errors import JtnError
from jtn_ros.files import written_atomically
from jtn_ros.inference.agreement import check_agreement
from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.onnx_engine import OnnxEngine
from jtn_ros.inference.torch_engine import PRECISIONS
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.inference.torch_engine import model_info
from jtn_ros.network.deform_conv import DeformConv
from jtn_ros.network.deform_conv import onnx_translations
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.peak_network import PeakNetwork

logger = logging.getLogger(__name__)

OPSET = 20
ExportPrecision = Literal['f32', 'f16']

# Largest difference to PyTorch in float32 that counts as rounding, by precision of the file.
TOLERANCE: dict[ExportPrecision, float] = {'f32': 1e-3, 'f16': 2e-2}


def export_onnx(
    network: JointTrackNet, output: Path, precision: ExportPrecision = 'f32'
) -> ModelInfo:
    """Write a network as one ONNX file that takes uint8 images and returns K peaks.

    The batch is free, the image size is fixed. The file is compared with PyTorch on random
    images, alone and in a batch, and appears under its name only when both agree.

    Args:
        network: the network, on the CPU; its configuration becomes the file's metadata.
        output: path of the file.
        precision: 'f32', or 'f16' for half the file and for GPUs, which then compute with it; back
            ends that lack it, as on most CPUs, compute in f32. Scores and boxes are f32 always.

    Returns:
        The metadata in the file.

    Raises:
        JtnError: if ONNX Runtime and PyTorch disagree.
        OSError: if the file cannot be written.
    """
    module = PeakNetwork(fold_deformable_norms(network)).eval()
    info = replace(model_info(module.config), precision=precision)
    inputs = random_inputs(info, batch=2)
    traced = copy.deepcopy(module)
    traced.network.to(PRECISIONS[precision])
    model = _trace(traced, inputs)
    entry = model.metadata_props.add()
    entry.key, entry.value = METADATA_KEY, info.to_json()
    with written_atomically(output) as temporary:
        temporary.write_bytes(model.SerializeToString())
        _compare(module, temporary, inputs, TOLERANCE[precision])
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
        raise JtnError('PyTorch returned no ONNX program')
    return program.model_proto


def _compare(
    module: PeakNetwork, path: Path, inputs: dict[str, NDArray[Any]], tolerance: float
) -> None:
    """Run the file in ONNX Runtime, as a batch and one by one, against PyTorch.

    Raises:
        JtnError: if the peaks differ.
    """
    reference, candidate = TorchEngine(module), OnnxEngine(path)
    single = {name: array[:1] for name, array in inputs.items()}
    for given in (inputs, single):
        expected = reference.run(**given)
        found = candidate.run(**given)
        try:
            # Where scores nearly tie, rounding decides which of two cells is the peak.
            check_agreement(expected, found, tolerance, missing_share=0.02)
        except JtnError as error:
            raise JtnError(f'the exported model differs from PyTorch: {error}') from error
    logger.info('ONNX Runtime and PyTorch agree')
