"""Tracking of the messages of one camera."""

from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detections import Detections
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.nodes.common.conversions import OwnImage
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.tracker.locator import SpatialLocator
from jtn_ros.nodes.tracker.serialized_images import ImageMessage
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.positions import Positions
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking import Tracks

NO_IMAGE = np.zeros((0, 0, 3), np.uint8)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of one message.

    Attributes:
        tracks: all live tracks.
        detections: the detections of this message.
        positions: of the tracks in space; None if not used.
        latencies: seconds by stage, in the order of the stages.
        mask: bool (H, W), where in the image objects are tracked; None for everywhere.
    """

    tracks: Tracks
    detections: Detections
    positions: Positions | None
    latencies: Mapping[str, float]
    mask: NDArray[np.bool_] | None = None


class Shot(Protocol):
    """The content of a message that was read, but not tracked yet."""

    @property
    def image(self) -> NDArray[np.uint8]:
        """Return the uint8 BGR image (H, W, 3), `NO_IMAGE` if there is none."""
        ...

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height of the source image in pixels, 0 if they are unknown."""
        ...

    @property
    def continuity(self) -> tuple[int, int]:
        """Return a size that stays the same within a session."""
        ...


class FrameTracking[SomeShot: Shot](Protocol):
    """Tracks the objects in consecutive messages."""

    @property
    def strict(self) -> bool:
        """Return whether messages with late or repeated stamps are skipped."""
        ...

    @property
    def problem(self) -> Problem | None:
        """Return the problem if an input is missing; otherwise None."""
        ...

    def open(self) -> None:
        """Subscribe to the additional topics; does nothing if already open."""
        ...

    def close(self) -> None:
        """Unsubscribe."""
        ...

    def configure(
        self,
        thresholds: TrackerSettings,
        score_threshold: float | None,
        detection_filter: DetectionFilter,
    ) -> None:
        """Replace the thresholds from the next message on.

        Args:
            thresholds: of the tracker.
            score_threshold: detections with this score or less are ignored; None leaves that to
                the tracker.
            detection_filter: removes detections that are not tracked.
        """
        ...

    def reset(self) -> None:
        """Remove all tracks."""
        ...

    def read(self, message: Any) -> SomeShot:
        """Return the content of a message.

        Raises:
            JtnError: if the content cannot be used.
        """
        ...

    def process(self, shot: SomeShot, header: Header, stamp_ns: int) -> Outcome:
        """Track the content of a message.

        Args:
            shot: what `read` returned.
            header: of the message.
            stamp_ns: time at which to track it; never runs backwards until `reset`.
        """
        ...


@dataclass(frozen=True)
class Picture:
    """An image to be tracked."""

    image: NDArray[np.uint8]

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def continuity(self) -> tuple[int, int]:
        """Return the size: an image of another size starts a new session."""
        return self.size


class ImageTracking:
    """Tracks the objects that the network detects in images."""

    strict = False

    def __init__(
        self,
        pipeline: TrackingPipeline,
        locator: SpatialLocator | None = None,
        intensity: IntensityRange | None = None,
    ) -> None:
        """Start without tracks.

        Args:
            pipeline: tracks the images.
            locator: computes the positions of the tracks in space; None if not used.
            intensity: stretches images of more than 8 bits; by default it follows them.
        """
        self._pipeline = pipeline
        self._locator = locator
        self._intensity = intensity or IntensityRange()

    @property
    def problem(self) -> Problem | None:
        """Return why there are no positions; None if nothing is wrong."""
        return None if self._locator is None else self._locator.problem

    def open(self) -> None:
        """Subscribe to the topics that the positions need."""
        if self._locator is not None:
            self._locator.open()

    def close(self) -> None:
        """Unsubscribe."""
        if self._locator is not None:
            self._locator.close()

    def configure(
        self,
        thresholds: TrackerSettings,
        score_threshold: float | None,
        detection_filter: DetectionFilter,
    ) -> None:
        """Replace the thresholds; see `FrameTracking`."""
        gate = self._pipeline.gate
        gate.score_threshold, gate.detection_filter = score_threshold, detection_filter
        self._pipeline.tracker.configure(thresholds)

    def reset(self) -> None:
        """Remove all tracks."""
        self._pipeline.reset()
        if self._locator is not None:
            self._locator.reset()

    def read(self, message: ImageMessage | OwnImage) -> Picture:
        """Return the image of a message; see `FrameTracking`."""
        return Picture(image_to_array(message, self._intensity))

    def process(self, shot: Picture, header: Header, stamp_ns: int) -> Outcome:
        """Track the objects in an image; see `FrameTracking`."""
        result = self._pipeline.process(shot.image, stamp_ns)
        wanted = self._pipeline.gate.detection_filter
        positions, latencies = locate(self._locator, header, shot.size, result.tracks, stamp_ns)
        return Outcome(
            tracks=result.tracks,
            detections=result.detections,
            positions=positions,
            latencies={**result.latencies, **latencies},
            mask=None if wanted is None else wanted.mask(*shot.image.shape[:2]),
        )


def locate(
    locator: SpatialLocator | None,
    header: Header,
    size: tuple[int, int],
    tracks: Tracks,
    stamp_ns: int,
) -> tuple[Positions | None, dict[str, float]]:
    """Return the positions of tracks, None without a locator, and the time of the computation."""
    if locator is None:
        return None, {}
    started = perf_counter()
    positions = locator.locate(header, size, tracks, stamp_ns)
    return positions, {'positions': perf_counter() - started}
