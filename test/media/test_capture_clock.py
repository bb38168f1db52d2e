"""Stamps of simulated streams: backlog at the start, jitter, pauses, drift, jumps."""

import numpy as np
import pytest

from jtn_ros.media.live.capture_clock import CaptureClock

PERIOD = 40_000_000
OFFSET = 10**18
MS = 1_000_000


def play(
    clock: CaptureClock, times: list[int], arrivals: list[int], waits: list[float]
) -> dict[int, int]:
    """Return the stamps of the pictures that are current, by their numbers."""
    stamps = {}
    for number, (time_ns, arrival_ns, wait_s) in enumerate(
        zip(times, arrivals, waits, strict=True)
    ):
        clock.observe(time_ns, arrival_ns, wait_s)
        if clock.current:
            stamps[number] = clock.stamp(time_ns)
    return stamps


def test_the_spacing_is_the_streams_own_and_the_offset_the_least_delay() -> None:
    times = np.arange(200) * PERIOD
    delays = np.random.default_rng(1).exponential(20 * MS, 200).astype(int)
    arrivals = np.maximum.accumulate(OFFSET + times + delays)
    stamps = play(CaptureClock(), times.tolist(), arrivals.tolist(), [0.02] * 200)
    assert list(stamps) == list(range(1, 200))
    spacing = np.diff(list(stamps.values()))
    assert abs(spacing - PERIOD).max() < 2 * MS
    assert abs(stamps[199] - (OFFSET + times[199])) < 5 * MS


def test_images_queued_at_the_start_are_old_and_determine_the_offset() -> None:
    times = [number * PERIOD for number in range(30)]
    arrivals = [OFFSET + 19 * PERIOD + number * 1000 for number in range(20)]
    arrivals += [OFFSET + number * PERIOD for number in range(20, 30)]
    stamps = play(CaptureClock(), times, arrivals, [0.0] * 20 + [0.03] * 10)
    assert list(stamps) == list(range(20, 30))
    assert all(abs(stamp - OFFSET - times[i]) < MS for i, stamp in stamps.items())


def test_images_after_a_pause_are_old_and_do_not_change_the_offset() -> None:
    times = [number * PERIOD for number in range(60)]
    arrivals = [OFFSET + time_ns for time_ns in times]
    waits = [0.03] * 60
    for number in range(30, 50):  # delayed, and then sent together
        arrivals[number], waits[number] = OFFSET + times[49], 0.0
    waits[30] = 0.8
    stamps = play(CaptureClock(), times, arrivals, waits)
    assert set(range(1, 60)) - set(stamps) == set(range(30, 50))
    assert all(abs(stamp - OFFSET - times[i]) < MS for i, stamp in stamps.items())


def test_delayed_images_that_are_read_slowly_are_not_treated_as_new() -> None:
    times = [number * PERIOD for number in range(80)]
    arrivals = [OFFSET + time_ns for time_ns in times]
    waits = [0.03] * 80
    for number in range(30, 60):  # delayed for a second; every third is read as if it were new
        arrivals[number] = (
            OFFSET + times[55] + 10_000_000 * (number - 30) + 30_000_000 * ((number - 30) // 3)
        )
        waits[number] = 0.005
    arrivals[60:] = [max(arrivals[59] + 5_000_000, arrival) for arrival in arrivals[60:]]
    waits[30] = 1.0
    stamps = play(CaptureClock(), times, arrivals, waits)
    assert all(abs(stamp - OFFSET - times[i]) < 50 * MS for i, stamp in stamps.items())
    assert all(arrivals[i] - OFFSET - times[i] < 250 * MS for i in stamps)
    assert set(stamps) >= set(range(70, 80))


def test_a_reader_that_never_catches_up_gets_old_pictures_after_a_while() -> None:
    """It reads in 50 ms what comes every 40 ms, from half a second behind on."""
    times = [number * PERIOD for number in range(200)]
    arrivals = [OFFSET + PERIOD // 2 * 25 + number * 50 * MS for number in range(200)]
    stamps = play(CaptureClock(), times, arrivals, [0.0] * 200)
    assert list(stamps) == list(range(61, 200))  # three seconds later
    # The first image had the smallest delay.
    assert stamps[61] == arrivals[0] + times[61]


def test_slow_cameras_are_no_silence() -> None:
    times = [number * 1_500_000_000 for number in range(10)]
    stamps = play(CaptureClock(), times, [OFFSET + t for t in times], [1.5] * 10)
    assert list(stamps) == list(range(1, 10))


def test_a_reader_that_falls_behind_is_detected() -> None:
    clock = CaptureClock()
    times = [number * PERIOD for number in range(100)]
    arrivals = [OFFSET + round(1.5 * time_ns) for time_ns in times]  # decoding takes 60 ms
    play(clock, times[:40], arrivals[:40], [0.01] + [0.01] + [0.0] * 38)
    assert not clock.behind
    play(clock, times[40:], arrivals[40:], [0.0] * 60)
    assert clock.behind
    # From the next key frame on, it reads what has come meanwhile.
    clock.observe(times[-1] + PERIOD, OFFSET + times[-1] + PERIOD, 0.02)
    assert not clock.behind
    assert clock.stamp(times[-1] + PERIOD) == pytest.approx(
        OFFSET + times[-1] + PERIOD, abs=50 * MS
    )


def test_the_offset_follows_the_drift_of_the_clocks() -> None:
    times = [number * PERIOD for number in range(25 * 600)]
    arrivals = [OFFSET + round(time_ns * 1.0002) for time_ns in times]
    stamps = play(CaptureClock(), times, arrivals, [0.03] * len(times))
    assert abs(stamps[len(times) - 1] - arrivals[-1]) < MS  # without it 120 ms


@pytest.mark.parametrize('jump', [-3600, -2, 2, 3600])
def test_a_clock_that_jumps_is_followed(jump: int) -> None:
    times = [number * PERIOD for number in range(60)]
    jumped = [t + (jump * 10**9 if i >= 30 else 0) for i, t in enumerate(times)]
    arrivals = [OFFSET + t for t in times]
    stamps = play(CaptureClock(), jumped, arrivals, [0.03] * 60)
    assert len(stamps) >= 53
    assert all(abs(stamp - arrivals[i]) < MS for i, stamp in stamps.items())


def test_after_a_silence_images_without_times_are_new_after_several_arrive_in_time() -> None:
    arrivals = [OFFSET + number * PERIOD for number in range(60)]
    waits = [0.03] * 60
    for number in range(30, 45):  # delayed; one of them is read as if it were new
        late_ns = PERIOD // 2 if number > 35 else 0
        arrivals[number] = OFFSET + 44 * PERIOD + (number - 30) * 1000 + late_ns
        waits[number] = 0.02 if number == 36 else 0.0
    waits[30] = 0.6
    stamps = play(CaptureClock(), arrivals, arrivals, waits)
    assert list(stamps) == [*range(1, 30), *range(50, 60)]
