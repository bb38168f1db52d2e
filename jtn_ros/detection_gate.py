"""Selection of the detections that a tracker receives."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detections import Detections
from jtn_ros.tracking import FrameTracker


class DetectionGate:
    """Selects the detections for a tracker by their scores and by a filter.

    Attributes:
        score_threshold: detections with this score or less are skipped. None leaves this to the
            tracker, which uses low-score detections to continue tracks.
        detection_filter: removes detections that are not tracked; None removes none.
    """

    def __init__(
        self,
        tracker: FrameTracker,
        score_threshold: float | None = None,
        detection_filter: DetectionFilter | None = None,
    ) -> None:
        """Create the gate.

        Args:
            tracker: the tracker, which defines the minimum score.
        """
        self.score_threshold = score_threshold
        self.detection_filter = detection_filter
        self._tracker = tracker

    @property
    def least_score(self) -> float:
        """Return the score up to which detections are skipped."""
        threshold = self.score_threshold
        return self._tracker.minimum_score if threshold is None else threshold

    def wanted(self, detections: Detections, height: int, width: int) -> NDArray[np.bool_]:
        """Return a mask bool (N,) of the detections that pass; the image size is in pixels."""
        kept: NDArray[np.bool_] = detections.scores > self.least_score
        if self.detection_filter is not None:
            kept &= self.detection_filter.wanted(detections, height, width)
        return kept

    def apply(self, detections: Detections, height: int, width: int) -> Detections:
        """Return the detections that pass; see `wanted`."""
        kept = self.wanted(detections, height, width)
        return detections if kept.all() else detections.select(kept)
