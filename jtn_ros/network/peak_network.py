"""The graph of an exported model, from camera images to K peaks.

It contains JointTrackNet with the normalization before it and the decoding after it. Back ends
therefore only transfer two small images and a few kilobytes of results, and they give the same
results because they run the same graph.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from jtn_ros.errors import JtnError
from jtn_ros.network.heads import head_at_peaks
from jtn_ros.network.heads import peak_neighborhoods
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.network_config import NetworkConfig


def find_peaks(heatmap: Tensor, top_k: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the best local maxima of a heat map (CenterNet, section 4: max pooling as NMS).

    Args:
        heatmap: (B, classes, h, w), 0 to 1.
        top_k: number of peaks per image; unused entries have score 0.

    Returns:
        Scores (B, K) in descending order, int64 class indices (B, K), and int64 cell indices
        (B, K) ``y * w + x``.
    """
    peaks = heatmap * (functional.max_pool2d(heatmap, 3, 1, 1) == heatmap)
    scores, places = peaks.flatten(1).topk(top_k)
    cells = heatmap.shape[2] * heatmap.shape[3]
    return scores, places // cells, places % cells


def peak_heads(config: NetworkConfig) -> tuple[str, ...]:
    """Return the heads whose values at the peaks influence the result, in their order.

    If `ltrb_amodal` defines the boxes, `reg` and `wh` are not used.
    """
    coded = {'ltrb_amodal': {'ltrb_amodal'}}.get(config.box_coding, {'reg', 'wh'})
    wanted = coded | {'tracking', config.embedding_head}
    return tuple(name for name in config.heads if name in wanted)


def describe_peaks(
    config: NetworkConfig, cells: Tensor, values: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Convert the heads' values at the peaks to boxes, displacements and embeddings.

    Args:
        config: defines the box coding and the embedding head.
        cells: float (B, K, 2), x and y of the peaks.
        values: head name to (B, K, outputs).

    Returns:
        `centers`, `boxes` and, if the heads exist, `displacements` and `embeddings`, with the
        shapes of `jtn_ros.inference.engine.Peaks`.

    Raises:
        JtnError: if the configuration names an unknown box coding.
    """
    centers = cells
    if config.box_coding == 'ltrb_amodal':
        boxes = torch.cat((cells, cells), 2) + values['ltrb_amodal']
    elif config.box_coding == 'center_size':
        middle, half = cells + values['reg'], values['wh'].clamp(min=0) / 2
        boxes = torch.cat((middle - half, middle + half), 2)
    elif config.box_coding == 'center_ltrb':
        middle, sides = cells + values['reg'], values['wh']
        boxes = torch.cat((middle - sides[..., :2], middle + sides[..., 2:]), 2)
        centers = (boxes[..., :2] + boxes[..., 2:]) / 2
    else:
        raise JtnError(f'unknown box coding {config.box_coding!r}')
    described = {'centers': centers, 'boxes': boxes}
    if 'tracking' in values:
        described['displacements'] = values['tracking']
    if config.embedding_head:
        described['embeddings'] = functional.normalize(values[config.embedding_head], dim=2)
    return described


class PeakNetwork(nn.Module):
    """A JointTrackNet that takes camera images and returns its K best peaks."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: JointTrackNet) -> None:
        """Wrap a network; its configuration defines the normalization and the box coding.

        Raises:
            JtnError: if there are fewer cells than peaks.
        """
        super().__init__()
        self.network = network
        self.config = network.config
        places = self.config.input_height * self.config.input_width // 16
        if not 0 < self.config.top_k <= places * self.config.heads['hm']:
            raise JtnError(
                f'{self.config.top_k} peaks do not fit an input of '
                f'{self.config.input_height}x{self.config.input_width}'
            )
        self.register_buffer('mean', 255 * torch.tensor(self.config.mean))
        self.register_buffer('std', 255 * torch.tensor(self.config.std))

    def forward(
        self,
        images: Tensor,
        previous_images: Tensor | None = None,
        prior_heatmaps: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the peaks, keys and shapes as in `jtn_ros.inference.engine.Peaks`.

        Args:
            images: uint8 BGR (B, H, W, 3) of the network's input size.
            previous_images: the same of the previous frame, or None without that stem.
            prior_heatmaps: float (B, 1, H, W), or None without that stem.
        """
        previous = None if previous_images is None else self.normalize(previous_images)
        if prior_heatmaps is not None:
            prior_heatmaps = prior_heatmaps.to(self._dtype)
        features = self.network.features(self.normalize(images), previous, prior_heatmaps)
        # No half precision from here on: it would cause equal scores and inaccurate boxes.
        heatmap = torch.sigmoid(self.network.head('hm')(features).float())
        scores, class_ids, indices = find_peaks(heatmap, self.config.top_k)
        neighborhoods = peak_neighborhoods(features, indices)
        values = {
            name: head_at_peaks(self.network.head(name), neighborhoods).float()
            for name in peak_heads(self.config)
        }
        width = features.shape[3]
        cells = torch.stack((indices % width, indices // width), 2).float()
        described = describe_peaks(self.config, cells, values)
        return {'scores': scores, 'class_ids': class_ids.to(torch.int32), **described}

    def normalize(self, images: Tensor) -> Tensor:
        """Return uint8 (B, H, W, 3) images as normalized input (B, 3, H, W) of the network."""
        # The cast comes first: it is the only operation of TensorRT that supports uint8.
        values = images.float()
        if self.config.rgb:
            values = values.flip(3)
        # Full rows are long vectors, and back ends with channels last do not need to move them.
        width = images.shape[2]
        rows = (values.flatten(2) - self.mean.repeat(width)) / self.std.repeat(width)
        normalized = rows.unflatten(2, (width, 3)).permute(0, 3, 1, 2)
        return normalized.to(self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        """Return the type in which the network computes; it may be less precise than float32."""
        return next(self.network.parameters()).dtype
