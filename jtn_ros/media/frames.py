"""Frames, and the interface of their sources."""

import logging
from abc import ABC
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger(__name__)

# Maximum number of unreadable frames of a source that are logged individually.
REPORTED_FRAMES = 20

_HIGHEST_RATE = 1000.0


@dataclass(frozen=True)
class Frame:
    """One image of a source.

    Attributes:
        index: position in the source, from 0; a frame that cannot be read leaves a gap.
        stamp_ns: time of the exposure in nanoseconds, from the source if it provides one.
        image: uint8 BGR (H, W, 3); treat it as read-only.
        received_ns: time of recording in nanoseconds; None if it equals the stamp.
        dropped: images of a live camera that were dropped since the previous frame; None for
            recordings.
    """

    index: int
    stamp_ns: int
    image: NDArray[np.uint8]
    received_ns: int | None = None
    dropped: int | None = None


class FrameSource(ABC):
    """An open source of frames; iterate over it, and close it.

    Attributes:
        name: short name, for output files.
        width: of the images, in pixels.
        height: of the images, in pixels.
        frame_rate: nominal frames per second.
        length: number of frames, or None if unknown.
        live: whether it is a camera, whose frames are dropped if they are not read in time.
        broken: number of frames that could not be read so far.
    """

    name: str
    width: int
    height: int
    frame_rate: float
    length: int | None
    live = False

    def __init__(self) -> None:
        """Start with no broken frames."""
        self.broken = 0

    @abstractmethod
    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``; skipped ones are not decoded.

        A frame that cannot be read is logged, counted in `broken` and skipped.
        """

    def stamps(self) -> dict[int, int]:
        """Return the stamp of every readable frame in nanoseconds by its index."""
        return {frame.index: frame.stamp_ns for frame in self.read()}

    def close(self) -> None:
        """Release the resources of the source."""
        return

    def __iter__(self) -> Iterator[Frame]:
        """Yield all frames."""
        return self.read()

    def __enter__(self) -> Self:
        """Return the source, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        self.close()

    def _report_broken(self, index: int, reason: object) -> None:
        """Count a skipped frame, and report the first ones; frame numbers start at 1."""
        self.broken += 1
        if self.broken <= REPORTED_FRAMES:
            more = '; further ones are only counted' if self.broken == REPORTED_FRAMES else ''
            logger.warning('%s: frame %d is skipped: %s%s', self.name, index + 1, reason, more)


def plausible_rate(frame_rate: float) -> float | None:
    """Return the frame rate reported by a driver or file, or None if it is not plausible."""
    return frame_rate if 0 < frame_rate <= _HIGHEST_RATE else None
