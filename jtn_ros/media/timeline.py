"""The frames of a sequence without their images, for work on stored detections."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from jtn_ros.datasets.mot_challenge import read_sequence_info
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource


class Timeline(FrameSource):
    """Frames with numbers and times; their images are empty.

    Args:
        name: name of the source.
        frame_rate: frames per second.
        length: number of frames.
    """

    length: int

    def __init__(self, name: str, frame_rate: float, length: int) -> None:
        super().__init__()
        self.name = name
        self.frame_rate = frame_rate
        self.length = length
        self.width = self.height = 0

    @classmethod
    def of_sequence(cls, folder: Path, frame_rate: float | None = None) -> 'Timeline':
        """Return the timeline of a MOTChallenge folder, from its ``seqinfo.ini``.

        Raises:
            OSError: if the file cannot be read.
            JtnError: if it is not valid.
        """
        info = read_sequence_info(folder)
        return cls(folder.resolve().name, frame_rate or info.frame_rate, info.length)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield the frames with ``start <= index < stop``."""
        empty = np.empty((0, 0, 3), np.uint8)
        for index in range(start, self.length if stop is None else min(stop, self.length)):
            yield Frame(index, round(index * 1e9 / self.frame_rate), empty)
