"""PyTorch as a back end: for checkpoints as they are, and for NVIDIA GPUs."""

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.engine import Peaks
from jtn_ros.inference.engine import check_inputs
from jtn_ros.network.checkpoint import load_checkpoint
from jtn_ros.network.joint_track_net import NetworkConfig
from jtn_ros.network.peak_network import PeakNetwork

PRECISIONS = {'f32': torch.float32, 'f16': torch.float16, 'bf16': torch.bfloat16}


class TorchEngine:
    """Runs a `PeakNetwork` on a torch device."""

    def __init__(
        self, module: PeakNetwork, *, device: str | None = None, precision: str | None = None
    ) -> None:
        """Move the network to where and how it runs.

        Args:
            module: the network; it is moved, not copied.
            device: a torch device; by default CUDA where there is one, else the CPU.
            precision: 'f32', 'f16' or 'bf16'; by default f16 on CUDA, f32 on the CPU.

        Raises:
            ValueError: if the precision is unknown.
        """
        self._device = torch.device(device or ('cuda' if torch.cuda.is_available() else 'cpu'))
        self._precision = precision or ('f16' if self._device.type == 'cuda' else 'f32')
        if self._precision not in PRECISIONS:
            raise ValueError(
                f'unknown precision {precision!r} for PyTorch; known: {", ".join(PRECISIONS)}'
            )
        self._info = model_info(module.config)
        self._dtype = PRECISIONS[self._precision]
        self._module = module.eval().to(self._device)
        self._module.network.to(self._dtype)

    @property
    def info(self) -> ModelInfo:
        """Return what the model says about itself."""
        return self._info

    @property
    def description(self) -> str:
        """Return back end, device and precision."""
        return f'PyTorch {self._device.type.upper()} {self._precision}'

    def run(
        self,
        images: NDArray[np.uint8],
        previous_images: NDArray[np.uint8] | None = None,
        prior_heatmaps: NDArray[np.float32] | None = None,
    ) -> Peaks:
        """Return the peaks of B images; see `jtn_ros.inference.engine.Engine.run`."""
        arrays = check_inputs(self._info, images, previous_images, prior_heatmaps)
        with torch.inference_mode():
            tensors = {
                name: torch.from_numpy(array).to(self._device) for name, array in arrays.items()
            }
            if 'prior_heatmaps' in tensors:
                tensors['prior_heatmaps'] = tensors['prior_heatmaps'].to(self._dtype)
            outputs: Mapping[str, torch.Tensor] = self._module(**tensors)
            return Peaks(**{name: value.cpu().numpy() for name, value in outputs.items()})


def load_torch_engine(
    path: Path,
    *,
    device: str | None = None,
    precision: str | None = None,
    threads: int | None = None,
) -> TorchEngine:
    """Load a checkpoint; the number of CPU threads holds for the whole process.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is no checkpoint.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    module = PeakNetwork(load_checkpoint(path))
    return TorchEngine(module, device=device, precision=precision)


def model_info(config: NetworkConfig) -> ModelInfo:
    """Return the metadata of a network."""
    shared = {field.name for field in fields(ModelInfo)} & set(asdict(config))
    return ModelInfo(
        **{name: getattr(config, name) for name in shared},
        embedding_dim=config.heads.get(config.embedding_head, 0),
        displacement='tracking' in config.heads,
    )
