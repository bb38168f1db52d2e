"""The interface for grabbing the images of a camera."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Picture:
    """An image that was grabbed, but not yet decoded or converted.

    Attributes:
        stamp_ns: capture time, in nanoseconds of this machine.
        image: returns it as uint8 BGR (H, W, 3), on any thread; raises JtnError if it is damaged.
    """

    stamp_ns: int
    image: Callable[[], NDArray[np.uint8]]


class LiveInput(Protocol):
    """An opened camera.

    Attributes:
        width: of the images, in pixels.
        height: of the images, in pixels.
        frame_rate: nominal frames per second.
    """

    width: int
    height: int
    frame_rate: float

    def grab(self) -> Picture | None:
        """Wait for the next image; None for one that is old or damaged.

        Raises:
            JtnError: if the camera fails, stops, or sends nothing for too long.
        """

    def close(self) -> None:
        """Release the camera."""
