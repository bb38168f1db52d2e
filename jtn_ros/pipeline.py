"""The pipeline from the frames of one camera to tracks: preprocess, infer, decode, track."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jtn_ros.camera_flow import CameraFlow
from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detection_gate import DetectionGate
from jtn_ros.detections import Detections
from jtn_ros.geometry import Letterbox
from jtn_ros.inference import Engine
from jtn_ros.inference import load_engine
from jtn_ros.inference.appearance_model import AppearanceModel
from jtn_ros.inference.decode import decode_peaks
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.inference.prior_heatmap import render_prior_heatmap
from jtn_ros.tracking import FrameTracker
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import Tracks
from jtn_ros.tracking.settings import TrackingSettings

logger = logging.getLogger(__name__)

STAGES = ('preprocess', 'inference', 'decode', 'camera_motion', 'tracking')
# The stage of a separate appearance model only exists with such a model.
_ALL_STAGES = (*STAGES[:3], 'appearance', *STAGES[3:])


@dataclass(frozen=True, kw_only=True)
class FrameResult:
    """The result of one frame.

    Attributes:
        tracks: all live tracks after the frame.
        detections: the detections given to the tracker.
        camera_motion: (2, 3) affine matrix from pixels of the previous frame to this one, or None
            if it was not measured.
        latencies: seconds by stage, in the order of the stages.
    """

    tracks: Tracks
    detections: Detections
    camera_motion: NDArray[np.float64] | None
    latencies: Mapping[str, float]


class TrackingPipeline:
    """Tracks the objects in the images of one camera. Several pipelines can share one engine.

    Examples:
        >>> pipeline = TrackingPipeline()
        >>> tracks = pipeline.process(image, stamp_ns).tracks
    """

    def __init__(
        self,
        model: str | Path | None = None,
        backend: str = 'auto',
        tracker: FrameTracker | None = None,
        *,
        precision: str | None = None,
        score_threshold: float | None = None,
        engine: Engine | None = None,
        detection_filter: DetectionFilter | None = None,
        appearance: AppearanceModel | None = None,
    ) -> None:
        """Load the model and start without tracks.

        Args:
            model: see `jtn_ros.inference.load_engine`, also for `backend` and `precision`.
            backend: inference back end.
            tracker: tracker to use; by default a `Tracker` with the confidence threshold of the
                model.
            precision: numeric precision.
            score_threshold: see `DetectionGate`, also for `detection_filter`.
            engine: a loaded engine to use instead of loading a model.
            detection_filter: selects the areas and the objects to track.
            appearance: computes embeddings that replace those of the model.

        Raises:
            OSError, JtnError: if the model cannot be loaded.
        """
        self._engine = engine or load_engine(model, backend, precision)
        if tracker is None:
            trusted = self._engine.info.confident_score
            tracker = Tracker(TrackingSettings().thresholds(trusted))
        self._tracker = tracker
        self._gate = DetectionGate(tracker, score_threshold, detection_filter)
        self._appearance = appearance
        self._camera_flow = CameraFlow()
        self._previous: NDArray[np.uint8] | None = None
        self._image_size: tuple[int, int] | None = None

    @property
    def engine(self) -> Engine:
        """Return the inference engine."""
        return self._engine

    @property
    def tracker(self) -> FrameTracker:
        """Return the tracker of this camera."""
        return self._tracker

    @property
    def gate(self) -> DetectionGate:
        """Return the gate that selects the detections for the tracker."""
        return self._gate

    def reset(self) -> None:
        """Remove all tracks and forget the previous image, as before the first frame."""
        self._tracker.reset()
        self._camera_flow.reset()
        self._previous = None
        self._image_size = None

    def process(self, image: NDArray[np.uint8], stamp_ns: int) -> FrameResult:
        """Process the next frame of the camera.

        If the image size changes, all tracks are removed.

        Args:
            image: uint8 BGR (H, W, 3).
            stamp_ns: time of the frame in nanoseconds.

        Raises:
            ValueError: if the image has another type or shape, or if `stamp_ns` decreases.
        """
        info = self._engine.info
        started = time.perf_counter()
        fitted, letterbox = letterbox_image(
            image, info.input_height, info.input_width, info.letterbox
        )
        self._expect_size((image.shape[0], image.shape[1]))
        heatmap = self._draw_prior(letterbox)
        prepared = time.perf_counter()
        previous = fitted if self._previous is None else self._previous
        peaks = self._engine.run(
            fitted[None], previous[None] if info.previous_image else None, heatmap
        )
        inferred = time.perf_counter()
        detections = decode_peaks(
            peaks, letterbox, stride=info.stride, threshold=self._gate.least_score
        )
        detections = self._gate.apply(detections, *image.shape[:2])
        decoded = time.perf_counter()
        if self._appearance is not None:
            detections = self._appearance.describe(image, detections)
        described = time.perf_counter()
        self._previous = fitted
        camera_motion = self._camera_flow.measure(fitted, letterbox, image.shape[:2])
        moved = time.perf_counter()
        tracks = self._tracker.update(detections, stamp_ns, camera_motion)
        times = (started, prepared, inferred, decoded, described, moved, time.perf_counter())
        latencies = dict(zip(_ALL_STAGES, np.diff(times).tolist(), strict=True))
        if self._appearance is None:
            del latencies['appearance']
        return FrameResult(
            tracks=tracks,
            detections=detections,
            camera_motion=camera_motion,
            latencies=latencies,
        )

    def _expect_size(self, size: tuple[int, int]) -> None:
        """Start over when the image size changes."""
        before = self._image_size
        if before is not None and before != size:
            logger.warning('the image size changed from %s to %s: starting over', before, size)
            self.reset()
        self._image_size = size

    def _draw_prior(self, letterbox: Letterbox) -> NDArray[np.float32] | None:
        """Return the heat map (1, 1, H, W) of the tracks; None if the model does not use one."""
        info = self._engine.info
        if not info.prior_heatmap:
            return None
        boxes, scores = self._tracker.prior()
        return render_prior_heatmap(
            boxes, scores, letterbox, info.input_height, info.input_width, info.prior_threshold
        )[None]
