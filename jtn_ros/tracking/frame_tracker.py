"""The contract of every tracker."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.geometry import Boxes
from jtn_ros.tracking.settings import TrackerSettings
from jtn_ros.tracking.track import Tracks


class FrameTracker(Protocol):
    """Computes tracks from the detections of consecutive frames."""

    @property
    def minimum_score(self) -> float:
        """Return the score up to which detections are ignored."""
        ...

    def configure(self, config: TrackerSettings) -> None:
        """Replace the thresholds from the next frame on. Tracks are kept."""
        ...

    def prior(self) -> tuple[Boxes, NDArray[np.float32]]:
        """Return boxes (M, 4) and scores (M,) of all live tracks, for the prior heat map."""
        ...

    def update(
        self,
        detections: Detections,
        stamp_ns: int,
        camera_motion: NDArray[np.float64] | None = None,
    ) -> Tracks:
        """Process the detections of the next frame and return the tracks.

        Args:
            detections: detections of this frame; can be empty.
            stamp_ns: time of the frame in nanoseconds.
            camera_motion: (2, 3) affine matrix from pixels of the previous frame to this one;
                None if it is unknown.
        """
        ...

    def reset(self) -> None:
        """Remove all tracks."""
        ...
