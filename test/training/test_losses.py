"""The losses, compared with values and gradients of the published implementation."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from jtn_ros.training.losses import IdentityClassifier
from jtn_ros.training.losses import IdentityContrast
from jtn_ros.training.losses import JointLoss
from jtn_ros.training.losses import overlap_loss

GOLDENS = Path(__file__).parent / 'goldens'
Tensors = dict[str, torch.Tensor]
REGRESSIONS = ('reg', 'wh', 'tracking', 'ltrb_amodal')


@pytest.fixture(scope='module')
def arrays() -> Tensors:
    """Return the golden arrays as tensors."""
    with np.load(GOLDENS / 'losses.npz') as data:
        return {name: torch.from_numpy(data[name]) for name in data.files}


def golden_cases() -> dict[str, dict[str, Any]]:
    """Return the recorded cases by name."""
    cases: dict[str, dict[str, Any]]
    cases = json.loads((GOLDENS / 'losses.json').read_text())['cases']
    return cases


def build_loss(name: str, case: dict[str, Any], arrays: Tensors) -> JointLoss:
    """Return the loss of a case, with the golden's classifier."""
    kind, classes = case['embedding_loss'], case['nID']
    identity = IdentityClassifier(128, classes, kind)
    with torch.no_grad():
        if classes == 1510:
            weight = 0.01 * np.random.default_rng([5, 1510]).standard_normal((1510, 128))
            identity.classifier.weight.copy_(torch.from_numpy(weight.astype(np.float32)))
            identity.classifier.bias.fill_(-math.log(99))
        else:
            suffix = '_strong' if 'strong' in name else ''
            identity.classifier.weight.copy_(arrays[f'classifier_weight{suffix}'])
            identity.classifier.bias.copy_(arrays[f'classifier_bias{suffix}'])
    balance = {'fix': 'fixed'}.get(case['multi_loss'], case['multi_loss'])
    loss = JointLoss(identity, balance=balance)
    with torch.no_grad():
        loss.s_det.fill_(case['s_det'])
        loss.s_id.fill_(case['s_id'])
    return loss


def targets_of(name: str, arrays: Tensors) -> Tensors:
    """Return the targets of a case: the base ones, or with objects or identities taken out."""
    targets = {
        key[7:]: value.clone() for key, value in arrays.items() if key.startswith('target/')
    }
    if 'no_identities' in name:
        for key in ('tid_mask', 'tracking', 'tracking_mask'):
            targets[key].zero_()
    if 'no_objects' in name:
        for key in set(targets) - {'hm'}:
            targets[key].zero_()
    if 'one_object' in name:
        slot = torch.nonzero(targets['tid_mask'][0])[1]
        for key in [key for key in targets if 'mask' in key]:
            kept = targets[key][0, slot].clone()
            targets[key].zero_()
            targets[key][0, slot] = kept
    return targets


def at_slots(heads: Tensors, targets: Tensors) -> Tensors:
    """Gather head maps at the targets' cells: (B, S, C)."""
    gathered = {}
    for name, head in heads.items():
        if name != 'hm':
            rows = head.flatten(2).transpose(1, 2)
            index = targets['ind'][:, :, None].expand(-1, -1, rows.shape[2])
            gathered[name] = rows.gather(1, index)
    return gathered


@pytest.mark.parametrize('name', golden_cases())
def test_losses_equal_the_published_ones(name: str, arrays: Tensors) -> None:
    case = golden_cases()[name]
    loss = build_loss(name, case, arrays)
    targets = targets_of(name, arrays)
    heads = {
        key[5:]: value.clone().requires_grad_()
        for key, value in arrays.items()
        if key.startswith('head/')
    }
    total, losses = loss(heads['hm'], at_slots(heads, targets), targets)
    for key, expected in case['losses'].items():
        actual = total if key == 'tot' else losses[key]
        if math.isnan(expected):
            assert torch.isfinite(actual), 'the published loss is NaN here; ours is guarded'
        else:
            assert actual.item() == pytest.approx(expected, rel=1e-5)
    if 'heads' not in case.get('grad', {}) or math.isnan(case['losses']['tot']):
        return
    total.backward()
    for key, expected in case['grad']['heads'].items():
        gradient = heads[key].grad
        assert gradient is not None
        assert gradient.norm().item() == pytest.approx(expected['l2'], rel=1e-4, abs=1e-7)
    if name == 'focal_uncertainty':
        for key in ('hm', *REGRESSIONS):
            golden = arrays[f'grad/{name}/{key}']
            torch.testing.assert_close(heads[key].grad, golden, rtol=1e-4, atol=1e-7)


def test_contrast_prefers_equal_embeddings_of_one_identity() -> None:
    targets = {'mask': torch.ones(2, 2), 'identity': torch.tensor([[1, 2], [1, 2]])}
    apart = torch.eye(2)
    good = IdentityContrast()(torch.stack([apart, apart]), targets)
    bad = IdentityContrast()(torch.stack([apart, apart.flip(0)]), targets)
    assert good.item() == pytest.approx(math.log(1 + 2 * math.exp(-10)), rel=1e-2)
    assert bad.item() == pytest.approx(10 + math.log(1 + 2 * math.exp(-10)), rel=1e-2)


def test_contrast_without_pairs_is_zero_and_differentiable() -> None:
    embeddings = torch.randn(1, 3, 4, requires_grad=True)
    targets = {'mask': torch.ones(1, 3), 'identity': torch.tensor([[1, 2, 3]])}
    loss = IdentityContrast()(embeddings, targets)
    loss.backward()
    assert loss.item() == 0


def test_a_fixed_balance_weighs_the_identity_loss() -> None:
    targets = {
        'hm': torch.zeros(1, 1, 2, 2),
        'ind': torch.zeros(1, 3, dtype=torch.long),
        'cat': torch.zeros(1, 3, dtype=torch.long),
        'mask': torch.ones(1, 3),
        'identity': torch.tensor([[5, 5, 6]]),
    }
    at_slots = {'embedding': torch.tensor([[[1.0, 0, 0], [0, 1.0, 0], [0.6, 0.8, 0]]])}
    heatmap = torch.zeros(1, 1, 2, 2)
    alone, parts = JointLoss(None, balance='fixed')(heatmap, at_slots, targets)
    assert 'embedding' not in parts
    for weight in (0.1, 0.25):
        loss = JointLoss(IdentityContrast(), balance='fixed', identity_weight=weight)
        total, parts = loss(heatmap, at_slots, targets)
        assert parts['embedding'] > 1
        torch.testing.assert_close(total, alone + weight * parts['embedding'])


def test_unknown_variants_are_refused() -> None:
    with pytest.raises(ValueError, match='focal, ce'):
        IdentityClassifier(8, 10, 'cosine')
    with pytest.raises(ValueError, match='uncertainty, fixed'):
        JointLoss(None, balance='magic')


def test_overlap_loss_is_one_minus_the_generalized_overlap() -> None:
    boxes = torch.tensor([[[0.0, 0, 4, 4], [0, 0, 2, 2], [6, 6, 5, 5], [9, 9, 9, 9]]])
    target = torch.tensor([[[0.0, 0, 4, 4], [4, 0, 6, 2], [0, 0, 4, 4], [0, 0, 1, 1]]])
    # The same; side by side with a gap; a box turned inside out in a hull of 5 x 5.
    expected = [0.0, 1 - (0 - 4 / 12), 1 - (0 - (25 - 16) / 25)]
    for slots in ([0], [1], [2], [0, 1, 2]):
        mask = torch.zeros(1, 4)
        mask[0, slots] = 1
        mean = sum(expected[slot] for slot in slots) / len(slots)
        assert overlap_loss(boxes, target, mask).item() == pytest.approx(mean, abs=1e-3)
    assert overlap_loss(boxes, target, torch.zeros(1, 4)) == 0
