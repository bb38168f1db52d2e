"""Tracking of 2D detections that another node publishes."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import ObjectHypothesisWithPose

from jtn_ros.camera_flow import CameraFlow
from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detection_gate import DetectionGate
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.inference.appearance_model import AppearanceModel
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.tracker.foreign_detector import NO_CLASS
from jtn_ros.nodes.tracker.foreign_detector import ClassRegistry
from jtn_ros.nodes.tracker.frame_tracking import NO_IMAGE
from jtn_ros.nodes.tracker.frame_tracking import Outcome
from jtn_ros.nodes.tracker.frame_tracking import locate
from jtn_ros.nodes.tracker.image_input import ImageInput
from jtn_ros.nodes.tracker.image_input import Transport
from jtn_ros.nodes.tracker.locator import SpatialLocator
from jtn_ros.nodes.tracker.stamped_images import StampedImages
from jtn_ros.tracking import FrameTracker
from jtn_ros.tracking import TrackerSettings

# Size of the images in which the camera motion is estimated.
_FLOW_HEIGHT, _FLOW_WIDTH = 288, 512
# Number of images that wait for their detections, and longest wait of detections for an image. [s]
_WAITING_IMAGES = 30
_IMAGE_TIMEOUT_S = 0.05
# Largest coordinates and sizes of valid boxes. [px]
_FARTHEST, _SMALLEST = 1e6, 1e-3


@dataclass(frozen=True, kw_only=True)
class SeenBoxes:
    """Detections in one image.

    Attributes:
        detections: in pixels of the image.
        image: uint8 BGR (H, W, 3), or `NO_IMAGE`.
        size: width and height of the image in pixels, 0 if they are unknown.
        continuity: constant, because the size may become known later.
    """

    detections: Detections
    image: NDArray[np.uint8]
    size: tuple[int, int]
    continuity: ClassVar[tuple[int, int]] = (0, 0)


class MatchingImages:
    """The images of a camera, some of which have the stamps of detections."""

    def __init__(
        self, node: Node, topic: str, transport: Transport, intensity: IntensityRange
    ) -> None:
        """Prepare, without subscribing.

        Args:
            node: the node that subscribes.
            topic: see `ImageInput`.
            transport: see `ImageInput`.
            intensity: stretches images of more than 8 bits.
        """
        self._buffer = StampedImages(
            'image',
            'the detections',
            0.0,
            _IMAGE_TIMEOUT_S,
            'Publish detections with the stamps of their images',
            capacity=_WAITING_IMAGES,
        )
        self._input = ImageInput(node, topic, transport, self._buffer.add, self._refuse)
        self._intensity = intensity
        self._missing: Problem | None = None

    @property
    def problem(self) -> Problem | None:
        """Return why images are missing; None if they are not."""
        return self._input.check() or self._missing

    def open(self) -> None:
        """Subscribe; does nothing when open."""
        self._input.open()

    def close(self) -> None:
        """Unsubscribe."""
        self._input.close()

    def of(self, header: Header) -> NDArray[np.uint8]:
        """Return the image with a stamp; `NO_IMAGE` if no readable image has it."""
        try:
            image = image_to_array(self._buffer.at(header.stamp), self._intensity)
        except JtnError as error:
            self._refuse(error)
            return NO_IMAGE
        self._missing = None
        return image

    def _refuse(self, error: JtnError) -> None:
        """Store the reason why an image is missing."""
        self._missing = Problem.of(error, 'no camera motion: ')


class DetectionTracking:
    """Tracks the boxes of other detectors. Messages with late or repeated stamps are skipped."""

    strict = True

    def __init__(
        self,
        tracker: FrameTracker,
        class_names: ClassRegistry,
        locator: SpatialLocator | None = None,
        images: MatchingImages | None = None,
        appearance: AppearanceModel | None = None,
    ) -> None:
        """Start without tracks.

        Args:
            tracker: associates the boxes.
            class_names: assigns numbers to the classes.
            locator: computes the positions of the tracks in space; None if not used.
            images: for the camera motion; None if it is estimated from the boxes.
            appearance: computes embeddings of the boxes, zeros if the image is missing; None if
                not used.
        """
        self._tracker = tracker
        self._class_names = class_names
        self._locator = locator
        self._images = images
        self._appearance = appearance
        self._flow = CameraFlow()
        self._flow_size = (0, 0)
        self._gate = DetectionGate(tracker)

    @property
    def problem(self) -> Problem | None:
        """Return why detections, camera motion or positions are missing; None if they are not."""
        problem = self._class_names.problem
        if problem is None and self._images is not None:
            problem = self._images.problem
        if problem is None and self._locator is not None:
            problem = self._locator.problem
        return problem

    def open(self) -> None:
        """Subscribe to images and to the topics that the positions need."""
        if self._images is not None:
            self._images.open()
        if self._locator is not None:
            self._locator.open()

    def close(self) -> None:
        """Unsubscribe."""
        if self._images is not None:
            self._images.close()
        if self._locator is not None:
            self._locator.close()

    def configure(
        self,
        thresholds: TrackerSettings,
        score_threshold: float | None,
        detection_filter: DetectionFilter,
    ) -> None:
        """Replace the thresholds; see `FrameTracking`."""
        gate = self._gate
        gate.score_threshold, gate.detection_filter = score_threshold, detection_filter
        self._tracker.configure(thresholds)

    def reset(self) -> None:
        """Remove all tracks."""
        self._tracker.reset()
        self._flow.reset()
        if self._locator is not None:
            self._locator.reset()

    def read(self, message: Detection2DArray) -> SeenBoxes:
        """Return the boxes of a message, and their image if images are used."""
        image = NO_IMAGE if self._images is None else self._images.of(message.header)
        size = image.shape[1], image.shape[0]
        calibration = None if self._locator is None else self._locator.calibration
        if not image.size and calibration is not None:
            size = calibration.width, calibration.height
        return SeenBoxes(detections=boxes_in(message, self._class_names), image=image, size=size)

    def process(self, shot: SeenBoxes, header: Header, stamp_ns: int) -> Outcome:
        """Track the boxes; see `FrameTracking`."""
        started = perf_counter()
        motion = self._measure_motion(shot)
        moved = perf_counter()
        width, height = shot.size
        wanted = self._gate.detection_filter
        if wanted is not None and wanted.has_areas and not (width and height):
            raise JtnError(
                'regions and masks need the size of the image; set detection_images, or '
                'positions with camera_info'
            )
        detections = self._gate.apply(shot.detections, height, width)
        latencies = {'camera_motion': moved - started}
        if self._appearance is not None:
            selected = perf_counter()
            detections = self._appearance.describe(shot.image, detections)
            latencies['appearance'] = perf_counter() - selected
        tracks = self._tracker.update(detections, stamp_ns, motion)
        latencies['tracking'] = perf_counter() - moved - latencies.get('appearance', 0.0)
        positions, more = locate(self._locator, header, shot.size, tracks, stamp_ns)
        return Outcome(
            tracks=tracks,
            detections=detections,
            positions=positions,
            latencies=latencies | more,
            mask=None if wanted is None else wanted.mask(height, width),
        )

    def _measure_motion(self, shot: SeenBoxes) -> NDArray[np.float64] | None:
        """Return the (2, 3) motion of the camera since the last message; None if unknown."""
        if shot.size != self._flow_size or not shot.image.size:
            self._flow.reset()
            self._flow_size = shot.size
        if not shot.image.size:
            return None
        fitted, letterbox = letterbox_image(shot.image, _FLOW_HEIGHT, _FLOW_WIDTH)
        return self._flow.measure(fitted, letterbox, shot.image.shape[:2])


def boxes_in(message: Detection2DArray, class_names: ClassRegistry) -> Detections:
    """Return the detections of a message; rotated boxes become their axis-aligned bounding boxes.

    Detections without a size, with values that are not finite or far outside any image, or of a
    class beyond the limit of names are skipped.
    """
    found = message.detections
    rows = [
        (d.bbox.center.position.x, d.bbox.center.position.y, d.bbox.center.theta,
         d.bbox.size_x, d.bbox.size_y)
        for d in found
    ]  # fmt: skip
    values = np.array(rows, np.float64).reshape(-1, 5)
    sound = (np.abs(values) < _FARTHEST).all(axis=1) & (values[:, 3:] > _SMALLEST).all(axis=1)
    values[~sound] = 0
    x, y, theta, width, height = values.T
    cosine, sine = np.abs(np.cos(theta)), np.abs(np.sin(theta))
    half_width = (width * cosine + height * sine) / 2
    half_height = (width * sine + height * cosine) / 2
    scores, names = scores_and_names(best_hypotheses(found))
    boxes = np.column_stack([x - half_width, y - half_height, x + half_width, y + half_height])
    class_ids = class_names.numbers_of(names)
    sound &= np.isfinite(scores) & (class_ids != NO_CLASS)
    return Detections(
        boxes=boxes.astype(np.float32),
        scores=scores,
        class_ids=class_ids,
        centers=np.column_stack([x, y]).astype(np.float32),
    ).select(sound)


def best_hypotheses(found: Sequence[Any]) -> list[ObjectHypothesisWithPose]:
    """Return the best hypothesis of each detection; without one, score 1 and an empty class."""
    sure = ObjectHypothesisWithPose()
    sure.hypothesis.score = 1.0
    return [
        max(d.results, key=lambda r: (r.hypothesis.score, r.hypothesis.class_id), default=sure)
        for d in found
    ]


def scores_and_names(
    best: Sequence[ObjectHypothesisWithPose],
) -> tuple[NDArray[np.float32], list[str]]:
    """Return the scores (N,), from 0 to 1, and the classes of hypotheses."""
    scores = np.array([result.hypothesis.score for result in best], np.float64).clip(0, 1)
    return scores.astype(np.float32), [result.hypothesis.class_id for result in best]
