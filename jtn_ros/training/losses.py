"""The losses of the training.

The heat map is compared everywhere, and the other heads only at the slots of the targets, where
they are evaluated (see `jtn_ros.network.heads`). `jtn_ros.datasets.targets.make_targets` defines
the slots.

Sums are divided by the mean number of objects over all processes, not by the number of this
process, so that the mean of the gradients is the gradient of the whole batch.
"""

import math

import torch
from torch import Tensor
from torch import nn
from torch.nn import functional

from jtn_ros.training.processes import count
from jtn_ros.training.processes import mean_of_processes

REGRESSION_WEIGHTS = {'reg': 1.0, 'wh': 0.1, 'tracking': 1.0, 'ltrb_amodal': 0.1}
OVERLAP_WEIGHT = 2.0
# Initial values of the log variances of the detection and the identity task (FairMOT, section 4).
START_LOG_VARIANCES = (-1.85, -1.05)


def heatmap_loss(logits: Tensor, targets: dict[str, Tensor]) -> Tensor:
    """Return the penalty-reduced focal loss (CenterNet, equation 1).

    Args:
        logits: raw heat map (B, classes, h, w).
        targets: `hm` of the same shape; `ind`, `cat` and `mask` (B, S).
    """
    scores = logits.float().sigmoid().clamp(1e-4, 1 - 1e-4)
    negative = (torch.log(1 - scores) * scores**2 * (1 - targets['hm']) ** 4).sum()
    cells = scores.shape[2] * scores.shape[3]
    peaks = scores.flatten(1).gather(1, targets['cat'] * cells + targets['ind'])
    positive = (torch.log(peaks) * (1 - peaks) ** 2 * targets['mask']).sum()
    number = mean_of_processes(targets['mask'].sum())
    return -(positive + negative) / number.clamp(min=1 / count())


def regression_loss(values: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the mean absolute error over the masked values, all (B, S, C)."""
    return ((values.float() - target) * mask).abs().sum() / (mean_of_processes(mask.sum()) + 1e-4)


def overlap_loss(boxes: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """Return the mean of 1 - GIoU (Rezatofighi et al., 2019) over the masked boxes.

    Args:
        boxes: predicted ``x1 y1 x2 y2`` (..., 4); corners may be inverted.
        target: boxes with an area, of the same shape.
        mask: (...), 1 where there is a box and 0 elsewhere.
    """
    boxes = boxes.float()
    low, high = boxes[..., :2], boxes[..., 2:]
    inner = torch.minimum(high, target[..., 2:]) - torch.maximum(low, target[..., :2])
    outer = torch.maximum(high, target[..., 2:]) - torch.minimum(low, target[..., :2])
    intersection = inner.clamp(min=0).prod(-1)
    union = (high - low).clamp(min=0).prod(-1) + (target[..., 2:] - target[..., :2]).prod(-1)
    union = union - intersection
    hull = outer.prod(-1).clamp(min=1e-6)
    overlap = intersection / union.clamp(min=1e-6) - (hull - union) / hull
    return ((1 - overlap) * mask).sum() / (mean_of_processes(mask.sum()) + 1e-4)


class IdentityClassifier(nn.Module):
    """Learn an embedding by classification of the training identities (FairMOT, section 3).

    Args:
        embedding_dim: length of the embedding.
        num_identities: number of classes; ids run from 0 to one less.
        kind: 'focal' (one sigmoid per identity) or 'ce' (softmax cross entropy).
    """

    def __init__(self, embedding_dim: int, num_identities: int, kind: str = 'focal') -> None:
        """Build the classifier with the published initial values."""
        super().__init__()
        if kind not in ('focal', 'ce'):
            raise ValueError(f'unknown identity loss {kind!r}; known: focal, ce')
        self.kind = kind
        self.scale = math.sqrt(2) * math.log(num_identities - 1)
        self.classifier = nn.Linear(embedding_dim, num_identities)
        if kind == 'focal':
            nn.init.normal_(self.classifier.weight, std=0.01)
            nn.init.constant_(self.classifier.bias, -math.log(99))

    def forward(self, embeddings: Tensor, targets: dict[str, Tensor]) -> Tensor:
        """Return the loss of raw embeddings (B, S, D); 0 if no slot has an identity."""
        known = targets['tid_mask'] > 0
        number = mean_of_processes(known.sum().float())
        if not number:
            return embeddings.sum() * 0
        logits = self.classifier(
            self.scale * functional.normalize(embeddings[known].float(), dim=1)
        )
        ids = targets['tid'][known]
        if self.kind == 'ce':
            return functional.cross_entropy(logits, ids, reduction='sum') / number
        wanted = functional.one_hot(ids, logits.shape[1]).float()
        entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction='none')
        wrong = torch.abs(wanted - logits.sigmoid())
        return ((0.75 - 0.5 * wanted) * wrong**2 * entropy).sum() / number


class IdentityContrast(nn.Module):
    """Learn an embedding by contrast within the batch (supervised contrastive learning).

    It is intended for data with an unlimited number of identities, such as synthetic scenes, for
    which a classifier would need a row per identity. A batch contains several frames of each
    scene. The loss attracts the embeddings of the same object in different frames and separates
    those of different objects; with several processes, only the objects of this process.
    """

    def __init__(self, temperature: float = 0.1) -> None:
        """Set the temperature that divides the cosine similarities."""
        super().__init__()
        self.temperature = temperature

    def forward(self, embeddings: Tensor, targets: dict[str, Tensor]) -> Tensor:
        """Return the loss of raw embeddings (B, S, D); 0 if no object occurs twice."""
        known = targets['mask'] > 0
        vectors = functional.normalize(embeddings[known].float(), dim=1)
        ids = targets['identity'][known]
        same = ids[:, None] == ids[None, :]
        itself = torch.eye(len(ids), dtype=torch.bool, device=ids.device)
        positive = same & ~itself
        anchors = positive.any(dim=1)
        number = mean_of_processes(anchors.sum().float())
        if not anchors.any():
            return embeddings.sum() * 0
        logits = (vectors @ vectors.T / self.temperature).masked_fill(itself, float('-inf'))
        log_likelihood = logits - torch.logsumexp(logits, dim=1, keepdim=True)
        mean = log_likelihood.masked_fill(~positive, 0).sum(1) / positive.sum(1).clamp(min=1)
        return -mean[anchors].sum() / number


class JointLoss(nn.Module):
    """The weighted sum of all tasks, balanced by learned uncertainties or by fixed weights.

    Args:
        identity: loss of the embedding, or None without one.
        embedding_head: name of that head.
        balance: 'uncertainty' (Kendall et al., equation 10) or 'fixed'.
        identity_weight: factor of the identity loss when the balance is fixed.
    """

    def __init__(
        self,
        identity: nn.Module | None,
        embedding_head: str = 'embedding',
        balance: str = 'uncertainty',
        identity_weight: float = 0.1,
    ) -> None:
        """Build the loss; it has its own parameters, which are trained with the network."""
        super().__init__()
        if balance not in ('uncertainty', 'fixed'):
            raise ValueError(f'unknown balance {balance!r}; known: uncertainty, fixed')
        self.identity = identity
        self.embedding_head = embedding_head
        self.balance = balance
        self.identity_weight = identity_weight
        self.s_det = nn.Parameter(torch.tensor(START_LOG_VARIANCES[0]))
        self.s_id = nn.Parameter(torch.tensor(START_LOG_VARIANCES[1]))

    def forward(
        self, heatmap: Tensor, at_slots: dict[str, Tensor], targets: dict[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the total loss and all individual losses, unweighted.

        Args:
            heatmap: raw heat map (B, classes, h, w).
            at_slots: head name to raw values (B, S, C) at the cells `ind`; `boxes` (B, S', 4) in
                output cells, for the overlap loss.
            targets: batch of targets; with `boxes` and `boxes_mask` for the overlap loss.
        """
        losses = {'hm': heatmap_loss(heatmap, targets)}
        detection = losses['hm']
        for name, weight in REGRESSION_WEIGHTS.items():
            if name in at_slots:
                losses[name] = regression_loss(
                    at_slots[name], targets[name], targets[f'{name}_mask']
                )
                detection = detection + weight * losses[name]
        if 'boxes' in at_slots:
            losses['overlap'] = overlap_loss(
                at_slots['boxes'], targets['boxes'], targets['boxes_mask']
            )
            detection = detection + OVERLAP_WEIGHT * losses['overlap']
        if self.identity is None or self.embedding_head not in at_slots:
            return detection, losses
        losses['embedding'] = self.identity(at_slots[self.embedding_head], targets)
        if self.balance == 'fixed':
            return detection + self.identity_weight * losses['embedding'], losses
        total = 0.5 * (
            torch.exp(-self.s_det) * detection
            + torch.exp(-self.s_id) * losses['embedding']
            + self.s_det
            + self.s_id
        )
        return total, losses
