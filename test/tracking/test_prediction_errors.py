"""Scale of prediction errors, learned from observed errors."""

import numpy as np
import pytest

from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking.prediction_errors import PredictionErrors

CONFIG = TrackerSettings(error_memory=300)


def test_nothing_is_known_at_first() -> None:
    errors = PredictionErrors()
    errors.learn(np.zeros((0, 4)), np.zeros((0, 4)), CONFIG)
    assert errors.scale.tolist() == [1, 1, 1, 1]


def test_every_coordinate_has_a_scale_of_its_own() -> None:
    errors = PredictionErrors()
    errors.learn(
        np.tile([1.0, 2.0, 4.0, 0.0], (300, 1)), np.tile([1.0, 1, 4, 1], (300, 1)), CONFIG
    )
    learned = 1 - np.exp(-1)
    assert errors.scale == pytest.approx([1, 1 + 3 * learned, 1 + 3 * learned, 1 - learned])


def test_many_frames_of_few_boxes_teach_as_much_as_few_of_many() -> None:
    once, often = PredictionErrors(), PredictionErrors()
    once.learn(np.full((60, 4), 2.0), np.ones((60, 4)), CONFIG)
    for _ in range(30):
        often.learn(np.full((2, 4), 2.0), np.ones((2, 4)), CONFIG)
    assert often.scale == pytest.approx(once.scale)


@pytest.mark.parametrize(('error', 'expected'), [(0.0, 0.2), (1e6, 9.0)])
def test_the_scale_has_limits(error: float, expected: float) -> None:
    errors = PredictionErrors()
    errors.learn(np.full((10_000, 4), error), np.ones((10_000, 4)), CONFIG)
    assert errors.scale == pytest.approx([expected] * 4)
