"""Assignment of messages to frames by timestamp."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from jtn_ros.errors import JtnError


@dataclass(frozen=True, kw_only=True)
class Alignment:
    """The assignment of messages to frames.

    Attributes:
        frames: int64 (M,), the frame number of each message, from 1, or 0 for none.
        frames_without: int64, the numbers of the frames without a message.
        unmatched_ns: int64, the stamps of the messages without a frame.
    """

    frames: NDArray[np.int64]
    frames_without: NDArray[np.int64]
    unmatched_ns: NDArray[np.int64]


def align(
    frame_stamps_ns: ArrayLike, message_stamps_ns: ArrayLike, tolerance_ns: int
) -> Alignment:
    """Match frames and messages that are nearest to each other in time.

    A frame and a message match if each is the nearest to the other and they differ by at most
    the tolerance. If several are equally near, the first is used.

    Args:
        frame_stamps_ns: (F,) of the frames 1, 2, ...
        message_stamps_ns: (M,) in any order.
        tolerance_ns: maximum difference in nanoseconds.

    Raises:
        JtnError: if there is no match at all, which means that the clocks differ.
    """
    frames = np.asarray(frame_stamps_ns, np.int64)
    messages = np.asarray(message_stamps_ns, np.int64)
    if not len(frames) or not len(messages):
        raise JtnError('there are no frames to match' if not len(frames) else 'no tracks at all')
    to_frame, to_message = _nearest(messages, frames), _nearest(frames, messages)
    mutual = to_message[to_frame] == np.arange(len(messages))
    near = np.abs(messages - frames[to_frame]) <= tolerance_ns
    numbers = np.where(mutual & near, to_frame + 1, 0)
    if not numbers.any():
        gap = int(np.abs(messages - frames[to_frame]).min())
        raise JtnError(
            f'no stamp of the tracks is within {tolerance_ns / 1e9:g} s of a frame; the nearest '
            f'is {gap / 1e9:.3f} s off, frames are from {_span(frames)}, tracks from '
            f'{_span(messages)}. Check that both use the same clock. Specify the recording that '
            'was played (--bag), or a larger --tolerance'
        )
    without = np.setdiff1d(np.arange(1, len(frames) + 1), numbers)
    return Alignment(frames=numbers, frames_without=without, unmatched_ns=messages[numbers == 0])


def _nearest(values: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return for each value the index of the nearest element of `among`."""
    order = np.argsort(among, kind='stable')
    ordered = among[order]
    right = np.searchsorted(ordered, values).clip(0, len(ordered) - 1)
    left = (right - 1).clip(0)
    closer_left = np.abs(values - ordered[left]) <= np.abs(ordered[right] - values)
    chosen = ordered[np.where(closer_left, left, right)]
    return order[np.searchsorted(ordered, chosen)]


def _span(stamps: NDArray[np.int64]) -> str:
    return f'{stamps.min() / 1e9:.3f} to {stamps.max() / 1e9:.3f} s'
