import numpy as np

from jtn_ros.training.pairs import add_ghosts


def test_ghosts_are_peaks_of_their_own():
    heatmap = np.zeros((288, 512), np.float32)
    add_ghosts(heatmap, 3, np.random.default_rng(5))
    assert np.count_nonzero(heatmap == 1) == 3
    # As wide as the tracks of people are drawn, and never beyond what the network is given.
    reach = np.count_nonzero(heatmap > 0.5)
    assert 3 <= reach < 0.05 * heatmap.size


def test_no_ghosts_leave_the_heat_map_alone():
    heatmap = np.random.default_rng(1).random((32, 64), np.float32)
    before = heatmap.copy()
    add_ghosts(heatmap, 0, np.random.default_rng(5))
    assert np.array_equal(heatmap, before)


def test_ghosts_do_not_hide_tracks():
    heatmap = np.zeros((288, 512), np.float32)
    heatmap[100, 200] = 1
    add_ghosts(heatmap, 20, np.random.default_rng(2))
    assert heatmap[100, 200] == 1
    assert heatmap.max() == 1
