"""The network and the loss as one module, from a batch to its loss."""

from typing import Literal

import torch
from torch import Tensor
from torch import nn

from jtn_ros.network.heads import head_at_peaks
from jtn_ros.network.heads import peak_neighborhoods
from jtn_ros.network.joint_track_net import JointTrackNet
from jtn_ros.network.peak_network import PeakNetwork
from jtn_ros.training.losses import IdentityClassifier
from jtn_ros.training.losses import IdentityContrast
from jtn_ros.training.losses import JointLoss
from jtn_ros.training.recipe import Recipe

# Distance of the cells around a center, in sizes of the box.
AROUND = 0.15

_AUTOCAST = {'bf16': torch.bfloat16, 'f16': torch.float16}


def precision_for(device: str) -> Literal['f32', 'bf16']:
    """Return 'bf16' if a device supports it, else 'f32'.

    A CPU without bfloat16 instructions emulates them: a step took 14 times as long as in f32.
    """
    if torch.device(device).type == 'cpu' and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return 'f32'
    return 'bf16'


class TrainingStep(nn.Module):
    """The module for data parallelism: all parameters, from images to the loss."""

    def __init__(self, network: JointTrackNet, recipe: Recipe, identities: int) -> None:
        """Combine the network and the loss of the recipe.

        Args:
            network: the network.
            recipe: defines the loss and the precision.
            identities: number of identities to classify; 0 if it is unlimited.
        """
        super().__init__()
        self.with_images = PeakNetwork(network)
        self.loss = _make_loss(recipe, identities)
        self._type = _AUTOCAST.get(recipe.precision)
        self._overlap = recipe.box_loss == 'giou'

    def forward(self, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the total loss and its parts."""
        with torch.autocast(
            batch['image'].device.type, self._type, enabled=self._type is not None
        ):
            heatmap, at_slots, features = self._predict(batch)
            if self._overlap:
                boxes, target, mask = self._boxes_around(features, batch)
                at_slots['boxes'] = boxes
                batch = batch | {'boxes': target, 'boxes_mask': mask}
        total, parts = self.loss(heatmap, at_slots, batch)
        return total, parts

    def _predict(self, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """Return the raw heat map, the other heads at the targets' slots, and the features."""
        config, heads = self.with_images.config, self.with_images.network
        normalize = self.with_images.normalize
        features = heads.features(
            normalize(batch['image']),
            normalize(batch['previous_image']) if config.previous_image else None,
            batch['prior_heatmap'] if config.prior_heatmap else None,
        )
        around = peak_neighborhoods(features, batch['ind'])
        names = [name for name in config.heads if name != 'hm']
        at_slots = {name: head_at_peaks(heads.head(name), around) for name in names}
        return heads.head('hm')(features), at_slots, features

    def _boxes_around(
        self, features: Tensor, batch: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the boxes predicted at cells at and around the centers, their targets and mask.

        With more cells per object, boxes are learned in fewer steps (TTFNet, Liu et al., 2020),
        and an inaccurate peak still gives an accurate box.
        """
        height, width = features.shape[2:]
        center = torch.stack((batch['ind'] % width, batch['ind'] // width), 2).float()
        steps = center.new_tensor([[0, 0], [-1, -1], [1, -1], [-1, 1], [1, 1]])
        cells = center[:, :, None] + (AROUND * batch['wh'][:, :, None] * steps).round()
        cells = torch.minimum(cells.clamp(min=0), cells.new_tensor([width - 1, height - 1]))
        cells = cells.flatten(1, 2)
        indices = (cells[..., 1] * width + cells[..., 0]).long()
        values = head_at_peaks(
            self.with_images.network.head('ltrb_amodal'), peak_neighborhoods(features, indices)
        )
        target = torch.cat((center, center), 2) + batch['ltrb_amodal']
        return (
            torch.cat((cells, cells), 2) + values.float(),
            target.repeat_interleave(len(steps), 1),
            batch['mask'].repeat_interleave(len(steps), 1),
        )


def _make_loss(recipe: Recipe, identities: int) -> JointLoss:
    head = recipe.network.embedding_head
    identity: nn.Module | None = None
    if head and recipe.identity_loss == 'contrast':
        identity = IdentityContrast(recipe.temperature)
    elif head:
        # Identities start at 1, so class 0 is not used.
        classes = max(identities, 2) + 1
        identity = IdentityClassifier(recipe.network.heads[head], classes, recipe.identity_loss)
    return JointLoss(identity, head, recipe.balance, recipe.identity_weight)
