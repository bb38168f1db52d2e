"""Times of images without timestamps: late images, pauses, rates that change."""

import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.media.live.steady_rate import SteadyRate

PERIOD = 33_366_700
BEGIN = 1_700_000_000_000_000_000
MS = 1_000_000


def play(sent: NDArray[np.int64], arrivals: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return by how many milliseconds each time is later than the picture was sent."""
    rate = SteadyRate()
    waits = np.maximum(np.diff(arrivals, prepend=arrivals[0]) / 1e9 - 0.0003, 0)
    pairs = zip(arrivals.tolist(), waits.tolist(), strict=True)
    times = [rate.time_of(arrival_ns, waited_s) for arrival_ns, waited_s in pairs]
    return (np.array(times) - sent) / MS


def late(sent: NDArray[np.int64], mean_ms: float = 5.0) -> NDArray[np.int64]:
    """Return arrivals that are late by some milliseconds as a rule, and now and then by many."""
    delays = np.random.default_rng(4).exponential(mean_ms * MS, len(sent)).astype(np.int64)
    return np.maximum.accumulate(sent + delays)


def steady(count: int, period: int = PERIOD, begin: int = BEGIN) -> NDArray[np.int64]:
    return begin + period * np.arange(count, dtype=np.int64)


def test_the_spacing_of_a_steady_camera_is_exact_however_late_its_pictures_come() -> None:
    sent = steady(600)
    arrivals = late(sent)
    errors = play(sent, arrivals)
    assert np.quantile(np.abs(np.diff(arrivals - sent)), 0.9) > 10 * MS
    spacing = np.abs(np.diff(errors[60:]))
    assert np.quantile(spacing, 0.99) < 1
    assert spacing.max() < 2
    assert np.abs(errors[60:]).max() < 3


def test_a_rate_that_drifts_is_followed() -> None:
    steps = PERIOD * (1 + 0.0005 * np.sin(np.arange(2000) / 200))
    sent = BEGIN + np.cumsum(steps).astype(np.int64)
    errors = play(sent, late(sent))
    assert np.abs(errors[60:]).max() < 5
    assert np.abs(np.diff(errors[60:])).max() < 3


def test_pictures_that_were_held_up_keep_the_times_at_which_they_were_sent() -> None:
    sent = steady(300)
    arrivals = sent + MS
    arrivals[100:130] = sent[129] + MS + np.arange(30) * 300_000  # a second, then all at once
    assert np.abs(play(sent, arrivals)).max() < 1.1


def test_without_a_steady_rate_the_times_are_those_of_the_arrivals() -> None:
    steps = np.random.default_rng(5).uniform(0.3, 1.7, 400) * PERIOD
    sent = BEGIN + np.cumsum(steps).astype(np.int64)
    arrivals = late(sent, 1.0)
    times = play(sent, arrivals) - (arrivals - sent) / MS
    assert np.mean(times == 0) > 0.9
    assert times.max() == 0  # never later than the arrival


@pytest.mark.parametrize(('factor', 'wrong'), [(0.5, 0), (2, 2), (4, 2)])
def test_another_rate_is_noticed_within_a_few_pictures(factor: float, wrong: int) -> None:
    first = steady(200)
    sent = np.append(first, steady(200, round(factor * PERIOD), first[-1] + factor * PERIOD))
    errors = play(sent, sent + MS)
    assert sum(abs(errors) > 1.1) == wrong
    assert abs(errors[210:]).max() < 1.1


def test_an_image_skipped_by_the_camera_is_noticed_within_a_few_images() -> None:
    sent = np.delete(steady(300), 150)
    errors = play(sent, sent + MS)
    assert sum(abs(errors) > 1.1) == 4
    assert abs(errors[160:]).max() < 1.1


@pytest.mark.parametrize('jump', [-3600, -2, 2, 3600])
def test_a_clock_of_this_machine_that_is_set_is_followed(jump: int) -> None:
    sent = steady(300)
    arrivals = sent + MS
    arrivals[100:] += jump * 10**9
    rate = SteadyRate()
    times = [rate.time_of(arrival, 0.03) for arrival in arrivals.tolist()]
    assert abs(times - arrivals)[:100].max() < MS
    assert abs(times - arrivals)[110:].max() < MS
