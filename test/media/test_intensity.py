"""Scaling of values with more than 8 bits, with a range that is steady over time."""

import warnings

import numpy as np
import pytest

from jtn_ros.errors import JtnError
from jtn_ros.media.intensity import IntensityRange


def scene(low: float, high: float, kind: str = 'u2') -> np.ndarray:
    """Return an image (60, 80) that rises from left to right."""
    return np.tile(np.linspace(low, high, 80), (60, 1)).astype(kind)


@pytest.mark.parametrize('kind', ['u2', '>u2', 'i2', 'i4', 'f4', 'f8'])
def test_the_values_that_occur_fill_the_range(kind: str) -> None:
    image = IntensityRange().apply(scene(7000, 9000, kind))
    assert image.dtype == np.uint8
    assert (image[:, 0] == 0).all()
    assert (image[:, -1] == 255).all()
    np.testing.assert_allclose(image[0], np.linspace(0, 255, 80), atol=3)


@pytest.mark.parametrize('kind', ['u2', 'f4'])
def test_a_given_range_is_kept(kind: str) -> None:
    intensity = IntensityRange((1000, 2000))
    for _ in range(2):
        image = intensity.apply(np.array([[0, 1000, 1500, 2000, 60000]], kind))
        assert image.tolist() == [[0, 0, 128, 255, 255]]


def test_nan_is_black_and_does_not_affect_the_range() -> None:
    values = scene(20, 30, 'f4')
    values[:5], values[5], values[6] = np.nan, np.inf, -np.inf
    image = IntensityRange().apply(values)
    assert (image[:5] == 0).all()
    assert (image[5] == 255).all()
    assert (image[6] == 0).all()
    np.testing.assert_allclose(image[7], np.linspace(0, 255, 80), atol=3)
    assert not IntensityRange().apply(np.full((4, 4), np.nan, 'f4')).any()
    values[7, 0], values[8, 0] = 3e38, -3e38
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        image = IntensityRange().apply(values)
        assert IntensityRange().apply(np.full((4, 4), 1e300)).max() == 0
    assert image[7, 0] == 255
    assert image[8, 0] == 0


def test_the_range_follows_slowly() -> None:
    intensity = IntensityRange()
    before = intensity.apply(scene(7000, 9000))
    hot = scene(7000, 9000)
    hot[:30] = 16000  # half of the image, all of a sudden
    after = intensity.apply(hot)
    cold = np.abs(after[30:].astype(int) - before[30:])
    assert cold.max() < 80
    for _ in range(100):
        image = intensity.apply(hot)
    assert image[59, 79] < 80
    assert (image[:30] == 255).all()


def test_of_a_flat_image_only_little_noise_is_stretched() -> None:
    values = np.random.default_rng(1).integers(7000, 7003, (60, 80)).astype('u2')
    assert np.ptp(IntensityRange().apply(values)) < 40


@pytest.mark.parametrize('limits', [(2, 1), (1, 1), (1,), (1, 2, 3), (0, np.nan), (1, np.inf)])
def test_a_range_that_makes_no_sense_is_refused(limits: tuple[float, ...]) -> None:
    with pytest.raises(JtnError, match='the values that become black and white, the lower first'):
        IntensityRange(limits)


def test_zeros_mean_the_range_is_found() -> None:
    assert IntensityRange((0.0, 0.0)).apply(scene(7000, 9000))[0, -1] == 255
