"""Targets for the people of two frames, with ignored regions and false tracks."""

import numpy as np
import pytest

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.augmentation import Augmentation
from jtn_ros.network.network_config import NetworkConfig
from jtn_ros.training.pairs import PairMaker
from jtn_ros.training.pairs import add_ghosts
from jtn_ros.training.recipe import Recipe
from jtn_ros.training.recipe import SyntheticData


@pytest.mark.parametrize(
    ('visibility', 'is_target', 'in_middle', 'at_edge'),
    [(0.9, True, 1, 0), (0.25, True, 1, 0), (0.1, False, 1, 1), (0.04, False, 0, 0)],
)
def test_the_hardly_visible_are_neither_targets_nor_background(
    visibility: float, is_target: bool, in_middle: int, at_edge: int
) -> None:
    recipe = Recipe(
        network=NetworkConfig(backbone='light', input_height=64, input_width=96),
        data=(SyntheticData(min_visibility=0.05, clear_visibility=0.25),),
        augmentation=Augmentation(scale=(1.0, 1.0), shift=0.0, flip=0.0, colour=0.0),
    )
    person = Annotations(
        ids=np.array([7]),
        boxes=np.array([[40.0, 8.0, 60.0, 56.0]], np.float32),
        class_ids=np.array([0]),
        visibilities=np.array([visibility], np.float32),
        ignored=np.array([False]),
    )
    frame = np.zeros((64, 96, 3), np.uint8), person
    pair = PairMaker(recipe, recipe.data[0]).make(frame, frame, np.random.default_rng(1))
    assert pair['mask'].sum() == is_target
    assert pair['hm'][0, 8, 12] == in_middle
    # A target of 1 has no weight as background: the whole box of who is ignored.
    assert (pair['hm'][0, 2, 10] == 1) == at_edge


def test_ghosts_are_peaks_of_their_own() -> None:
    heatmap = np.zeros((288, 512), np.float32)
    add_ghosts(heatmap, 3, np.random.default_rng(5))
    assert np.count_nonzero(heatmap == 1) == 3
    # As wide as the tracks of people are drawn, and never beyond what the network is given.
    reach = np.count_nonzero(heatmap > 0.5)
    assert 3 <= reach < 0.05 * heatmap.size


def test_no_ghosts_leave_the_heat_map_alone() -> None:
    heatmap = np.random.default_rng(1).random((32, 64), np.float32)
    before = heatmap.copy()
    add_ghosts(heatmap, 0, np.random.default_rng(5))
    assert np.array_equal(heatmap, before)


def test_ghosts_do_not_hide_tracks() -> None:
    heatmap = np.zeros((288, 512), np.float32)
    heatmap[100, 200] = 1
    add_ghosts(heatmap, 20, np.random.default_rng(2))
    assert heatmap[100, 200] == 1
    assert heatmap.max() == 1
