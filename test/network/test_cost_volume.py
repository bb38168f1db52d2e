"""Similarities at small shifts indicate the motion of a pattern."""

import pytest
import torch
from torch.nn import functional

from jtn_ros.network.cost_volume import similarities


@pytest.mark.parametrize(('dx', 'dy'), [(0, 0), (2, -1), (-2, 2)])
def test_the_shift_of_a_pattern_has_the_highest_similarity(dx: int, dy: int) -> None:
    torch.manual_seed(3)
    now = functional.normalize(torch.randn(1, 8, 12, 16), dim=1)
    before = torch.roll(now, (dy, dx), (2, 3))
    found = similarities(now, before, 2)
    inner = found[0, :, 2:-2, 2:-2]
    assert (inner.argmax(0) == 5 * (dy + 2) + dx + 2).all()
    torch.testing.assert_close(inner.max(0).values, torch.ones(8, 12))


def test_outside_the_image_there_is_nothing_similar() -> None:
    ones = torch.ones(1, 1, 3, 4)
    found = similarities(ones, ones, 1)
    assert found[0, 0].tolist() == [[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1]]
    assert found[0, 4].tolist() == [[1] * 4] * 3


@pytest.mark.parametrize(('width', 'reach'), [(16, 2), (40, 3), (36, 2), (7, 1)])
def test_every_similarity_is_a_dot_product(width: int, reach: int) -> None:
    """Widths of one block, of several ones, and of single columns."""
    torch.manual_seed(4)
    now, before = torch.randn(2, 2, 5, 6, width)
    padded = functional.pad(before, (reach,) * 4)
    found = similarities(now, before, reach)
    side = 2 * reach + 1
    assert found.shape == (2, side * side, 6, width)
    for shift in range(side * side):
        dy, dx = divmod(shift, side)
        expected = (now * padded[:, :, dy : dy + 6, dx : dx + width]).sum(1)
        torch.testing.assert_close(found[:, shift], expected)
