"""Each message is assigned to at most one frame, the nearest in time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.evaluation.alignment import align

MS = 1_000_000


def test_equal_stamps() -> None:
    result = align([0, 40 * MS, 80 * MS], [0, 40 * MS, 80 * MS], 0)
    np.testing.assert_array_equal(result.frames, [1, 2, 3])
    assert len(result.frames_without) == len(result.unmatched_ns) == 0


def test_jitter_drops_and_strangers() -> None:
    frames = [i * 40 * MS for i in range(5)]
    messages = [3 * MS, 78 * MS, 100 * MS, 158 * MS, 500 * MS]
    result = align(frames, messages, 5 * MS)
    np.testing.assert_array_equal(result.frames, [1, 3, 0, 5, 0])
    np.testing.assert_array_equal(result.frames_without, [2, 4])
    np.testing.assert_array_equal(result.unmatched_ns, [100 * MS, 500 * MS])


def test_two_messages_do_not_share_a_frame() -> None:
    result = align([0, 100 * MS], [99 * MS, 102 * MS], 10 * MS)
    np.testing.assert_array_equal(result.frames, [2, 0])
    np.testing.assert_array_equal(result.unmatched_ns, [102 * MS])


def test_clocks_that_differ_are_named() -> None:
    with pytest.raises(ValueError, match=r'the nearest is 999\.920 s off, frames are from 0\.000'):
        align([0, 40 * MS, 80 * MS], [1_000_000 * MS], 10 * MS)
    with pytest.raises(ValueError, match='no tracks at all'):
        align([0], [], 0)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 50), min_size=1, max_size=20),
    st.lists(st.integers(0, 50), min_size=1, max_size=20),
    st.integers(0, 8),
)
def test_every_pair_is_nearest_and_unique(
    frames: list[int], messages: list[int], tolerance: int
) -> None:
    try:
        result = align(frames, messages, tolerance)
    except ValueError:
        assert min(abs(f - m) for f in frames for m in messages) > tolerance
        return
    paired = result.frames[result.frames > 0]
    assert len(set(paired.tolist())) == len(paired)
    for message, number in zip(messages, result.frames, strict=True):
        if number:
            distance = abs(frames[number - 1] - message)
            assert distance <= tolerance
            assert distance == min(abs(f - message) for f in frames)
    everything = sorted([*paired.tolist(), *result.frames_without.tolist()])
    assert everything == list(range(1, len(frames) + 1))
