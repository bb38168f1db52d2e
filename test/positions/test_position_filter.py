import numpy as np
import pytest

from jtn_ros.positions import Measurements
from jtn_ros.positions import PositionFilter

SECOND = 10**9
IDS = np.array([4, 9])


def measured(*points: object, deviation: float = 0.05) -> Measurements:
    """Return measurements; None is one that failed."""
    array = np.array([[np.nan] * 3 if p is None else p for p in points], np.float64)
    return Measurements.of(
        array.reshape(-1, 3), np.tile(deviation**2 * np.eye(3), (len(points), 1, 1))
    )


def test_the_first_measurement_is_not_filtered() -> None:
    found = PositionFilter().update('map', IDS, measured((1, 2, 3), None), 0)
    assert found.frame_id == 'map'
    assert found.known.tolist() == [True, False]
    np.testing.assert_array_equal(found.points[0], (1, 2, 3))
    np.testing.assert_array_equal(found.velocities[0], (0, 0, 0))
    np.testing.assert_allclose(found.covariances[0, :3, :3], 0.05**2 * np.eye(3))
    np.testing.assert_allclose(found.covariances[0, 3:, 3:], 3.0**2 * np.eye(3))


@pytest.mark.parametrize('period', [0.04, 0.1])
def test_velocities_come_from_the_stamps(period: float) -> None:
    positions, velocity = PositionFilter(), np.array([1.2, -0.4, 0.1])
    for number in range(40):
        stamp = round(number * period * SECOND)
        found = positions.update('map', IDS[:1], measured(velocity * stamp / SECOND), stamp)
    np.testing.assert_allclose(found.velocities[0], velocity, atol=0.02)
    np.testing.assert_allclose(found.points[0], velocity * stamp / SECOND, atol=0.005)


def test_one_update_is_that_of_the_textbook() -> None:
    positions = PositionFilter()
    positions.update('map', IDS[:1], measured((0, 0, 5)), 0)
    found = positions.update('map', IDS[:1], measured((0.1, 0, 5)), SECOND // 2)
    t = 0.5
    f = np.array([[1, t], [0, 1]])
    p = f @ np.diag([0.05**2, 9]) @ f.T + np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]])
    gain = p[:, 0] / (p[0, 0] + 0.05**2)
    np.testing.assert_allclose([found.points[0, 0], found.velocities[0, 0]], gain * 0.1)
    expected = p - np.outer(gain, gain) * (p[0, 0] + 0.05**2)
    np.testing.assert_allclose(found.covariances[0][np.ix_([0, 3], [0, 3])], expected, rtol=1e-9)


def test_positions_without_measurements_are_predicted_for_one_second() -> None:
    positions = PositionFilter()
    for number in range(21):
        positions.update('map', IDS[:1], measured((number * 0.1, 0, 5)), number * SECOND // 10)
    found = positions.update('map', IDS[:1], measured(None), 3 * SECOND)
    assert found.points[0, 0] == pytest.approx(3, abs=0.02)
    assert found.covariances[0, 0, 0] > 0.05**2
    assert not positions.update('map', IDS[:1], measured(None), 3 * SECOND + 1).known.any()


def test_passing_objects_do_not_move_the_position_but_a_new_position_is_adopted() -> None:
    positions = PositionFilter()
    for number in range(30):
        positions.update('map', IDS[:1], measured((0, 0, 5)), number * SECOND // 30)
    found = positions.update('map', IDS[:1], measured((0, 0, 1)), SECOND)
    np.testing.assert_allclose(found.points[0], (0, 0, 5), atol=1e-9)
    for number in range(31, 65):
        found = positions.update('map', IDS[:1], measured((0, 0, 1)), number * SECOND // 30)
    np.testing.assert_allclose(found.points[0], (0, 0, 1), atol=1e-9)


def test_tracks_come_go_and_change_places_without_mixing() -> None:
    positions = PositionFilter()
    positions.update('map', np.array([1, 2, 3]), measured((1, 0, 0), (2, 0, 0), (3, 0, 0)), 0)
    found = positions.update(
        'map', np.array([3, 5, 1]), measured(None, (5, 0, 0), None), SECOND // 9
    )
    np.testing.assert_allclose(found.points[:, 0], (3, 5, 1))
    found = positions.update('map', np.array([2, 3]), measured(None, None), SECOND // 8)
    assert found.known.tolist() == [False, True]  # a track that ended is forgotten
    positions.reset()
    assert not positions.update('map', np.array([3]), measured(None), 0).known.any()


def test_covariances_stay_positive_over_a_long_run() -> None:
    positions, rng = PositionFilter(), np.random.default_rng(0)
    for number in range(2000):
        point = rng.normal((0, 0, 5), 0.05)
        found = positions.update('map', IDS[:1], measured(point), number * SECOND // 30)
    assert np.linalg.eigvalsh(found.covariances[0]).min() > 0
    assert np.abs(found.points[0] - (0, 0, 5)).max() < 0.1


def test_no_tracks_at_all() -> None:
    found = PositionFilter().update('map', np.zeros(0, np.int64), measured(), 0)
    assert found.points.shape == (0, 3)


def test_a_prediction_equals_the_filter_without_measurements() -> None:
    positions = PositionFilter()
    for number in range(5):
        stamp = number * SECOND // 10
        found = positions.update('map', IDS[:1], measured((number * 0.1, 0, 5)), stamp)
    predicted = found.predicted(0.3)
    later = positions.update('map', IDS[:1], measured(None), stamp + 3 * SECOND // 10)
    np.testing.assert_allclose(predicted.points, later.points)
    np.testing.assert_allclose(predicted.velocities, later.velocities)
    np.testing.assert_allclose(predicted.covariances, later.covariances)
    assert predicted.covariances[0, 0, 0] > found.covariances[0, 0, 0]
