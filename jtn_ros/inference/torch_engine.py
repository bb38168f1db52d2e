"""PyTorch as a back end: for checkpoints as they are, and for NVIDIA GPUs."""

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.network.checkpoint import load_checkpoint
from jtn_ros.network.joint_track_net import NetworkConfig
from jtn_ros.network.peak_network import PeakNetwork

PRECISIONS = {'f32': torch.float32, 'f16': torch.float16, 'bf16': torch.bfloat16}


class TorchEngine(Engine):
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
        self._module = module.eval().to(self._device)
        self._module.network.to(PRECISIONS[self._precision])
        name = f'PyTorch {self._device.type.upper()} {self._precision}'
        super().__init__(model_info(module.config), name)

    def _infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        with torch.inference_mode():
            tensors = {
                name: torch.from_numpy(array).to(self._device) for name, array in inputs.items()
            }
            outputs: Mapping[str, torch.Tensor] = self._module(**tensors)
            return {name: value.cpu().numpy() for name, value in outputs.items()}


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
