"""Tracking of 3D detections that another node publishes.

The tracker is the same as for images. Its boxes are made of the position of the objects on the
ground in centimeters, their width and their height. Its thresholds are relative to the size of a
box, so they have the same meaning.
"""

from dataclasses import dataclass
from dataclasses import replace
from time import perf_counter
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray

from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.detection_gate import DetectionGate
from jtn_ros.detections import Detections
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.common.transforms import TransformSource
from jtn_ros.nodes.tracker.detection_tracking import best_hypotheses
from jtn_ros.nodes.tracker.detection_tracking import scores_and_names
from jtn_ros.nodes.tracker.foreign_detector import NO_CLASS
from jtn_ros.nodes.tracker.foreign_detector import ClassRegistry
from jtn_ros.nodes.tracker.frame_tracking import NO_IMAGE
from jtn_ros.nodes.tracker.frame_tracking import Outcome
from jtn_ros.nodes.tracker.locator import NAMELESS_FRAME
from jtn_ros.positions import Measurements
from jtn_ros.positions import PositionFilter
from jtn_ros.positions import Positions
from jtn_ros.tracking import FrameTracker
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking import Tracks

Floats = NDArray[np.float64]

_PIXELS_PER_METER = 100.0
# Size of an object whose size is unknown. [m]
_USUAL_SIZE = 1.0
# Standard deviation of a detected center without covariance: in sizes, and at least. [m]
_NOISE, _LEAST_NOISE = 0.06, 0.05
# Limits of valid points, quaternions and sizes in meters, and the values that count as zero.
_GREATEST = np.repeat((1.3e7, 1e3, 1e4), (3, 4, 3))
_LEAST_QUATERNION = 1e-3
_LEAST_VARIANCE = 1e-9


@dataclass(frozen=True, kw_only=True)
class SeenObjects:
    """Detections in space.

    Attributes:
        frame_id: coordinate frame of the rest.
        sensor: float64 (3,), origin of the frame of the message, in meters.
        measured: the centers (N).
        sizes: float64 (N, 3) along the axes of the frame in meters, 0 if unknown.
        scores: float32 (N,).
        class_ids: int32 (N,).
    """

    frame_id: str
    sensor: Floats
    measured: Measurements
    sizes: Floats
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    image: ClassVar[NDArray[np.uint8]] = NO_IMAGE
    size: ClassVar[tuple[int, int]] = (0, 0)
    continuity: ClassVar[tuple[int, int]] = (0, 0)


class SpatialDetectionTracking:
    """Tracks 3D detections. Messages with late or repeated stamps are skipped."""

    strict = True
    problem: Problem | None = None

    def __init__(
        self,
        tracker: FrameTracker,
        class_names: ClassRegistry,
        fixed_frame: str = '',
        transforms: TransformSource | None = None,
    ) -> None:
        """Start without tracks.

        Args:
            tracker: associates the objects.
            class_names: assigns numbers to the classes.
            fixed_frame: coordinate frame in which they are tracked, with z up; empty for that of
                the messages.
            transforms: needed with a fixed frame.
        """
        self._tracker = tracker
        self._class_names = class_names
        self._fixed_frame = fixed_frame
        self._transforms = transforms
        self._filter = PositionFilter()
        self._gate = DetectionGate(tracker)
        self.reset()

    def open(self) -> None:
        """Do nothing: no other topics are needed."""

    def close(self) -> None:
        """Do nothing."""

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
        self._filter.reset()
        self._origin: Floats | None = None
        self._known_ids = np.zeros(0, np.int64)
        self._known_sizes = np.zeros((0, 3))

    def read(self, message: Detection3DArray) -> SeenObjects:
        """Return the objects of a message in the fixed frame.

        Objects with values that are not finite, or farther away than the diameter of the earth, or
        of a class beyond the limit of names are skipped.

        Raises:
            JtnError: if there is no transform.
        """
        found = message.detections
        poses = [d.bbox.center for d in found]
        rows = [
            (p.position.x, p.position.y, p.position.z,
             p.orientation.x, p.orientation.y, p.orientation.z, p.orientation.w,
             d.bbox.size.x, d.bbox.size.y, d.bbox.size.z)
            for d, p in zip(found, poses, strict=True)
        ]  # fmt: skip
        values = np.array(rows, np.float64).reshape(-1, 10)
        best = best_hypotheses(found)
        scores, names = scores_and_names(best)
        covariances = np.array([result.pose.covariance for result in best])
        covariances = covariances.reshape(-1, 6, 6)[:, :3, :3]
        class_ids = self._class_names.numbers_of(names)
        sound = (np.abs(values) < _GREATEST).all(axis=1) & np.isfinite(scores)
        sound &= class_ids != NO_CLASS
        points, quaternions, sizes = np.split(values[sound], (3, 7), axis=1)
        quaternions[np.linalg.norm(quaternions, axis=1) < _LEAST_QUATERNION] = (0, 0, 0, 1)
        turns = Rotation.from_quat(quaternions).as_matrix() if len(points) else np.eye(3)[None][:0]
        sizes = np.clip(sizes, 0, None)
        measured = Measurements.of(points, _covariances(covariances[sound], sizes))
        frame_id = self._fixed_frame or message.header.frame_id
        sensor = np.zeros(3)
        if frame_id != message.header.frame_id:
            assert self._transforms is not None
            rotation, sensor = self._transforms.lookup(
                frame_id, message.header.frame_id, message.header.stamp
            )
            measured = measured.transformed(rotation, sensor)
            turns = rotation @ turns
        self.problem = self._class_names.problem if frame_id else NAMELESS_FRAME
        return SeenObjects(
            frame_id=frame_id,
            sensor=sensor,
            measured=measured,
            sizes=np.einsum('nij,nj->ni', np.abs(turns), sizes),
            scores=scores[sound],
            class_ids=class_ids[sound],
        )

    def process(self, shot: SeenObjects, header: Header, stamp_ns: int) -> Outcome:
        """Track the objects; see `FrameTracking`."""
        del header
        started = perf_counter()
        views = self._views(shot)
        kept = np.flatnonzero(self._gate.wanted(views, 0, 0))
        views = views.select(kept)
        # In a frame that moves with the robot, its motion is estimated from the objects.
        motion = np.eye(2, 3) if self._fixed_frame else None
        tracks = self._tracker.update(views, stamp_ns, motion)
        tracked = perf_counter()
        positions = self._locate(shot, kept, tracks, stamp_ns)
        count = len(tracks.ids)
        return Outcome(
            # Without an image, there are no positions in it.
            tracks=replace(
                tracks,
                boxes=np.zeros((count, 4), np.float32),
                centers=np.zeros((count, 2), np.float32),
                velocities=np.zeros((count, 2), np.float32),
                velocity_covariances=np.zeros((count, 2, 2), np.float32),
            ),
            detections=replace(
                views, boxes=np.zeros_like(views.boxes), centers=np.zeros_like(views.centers)
            ),
            positions=positions,
            latencies={
                'tracking': tracked - started,
                'positions': perf_counter() - tracked,
            },
        )

    def _views(self, shot: SeenObjects) -> Detections:
        """Return the objects as boxes for the tracker."""
        points = shot.measured.points[:, :2]
        if self._origin is None and len(points):
            self._origin = points[0]  # single precision ends some kilometers from there
        if self._origin is not None:
            points = points - self._origin
        sizes = shot.sizes
        widths = np.sqrt(sizes[:, 0] * sizes[:, 1])
        extents = np.column_stack([widths, sizes[:, 2]])
        extents[extents <= 0] = _USUAL_SIZE
        centers, halves = points * _PIXELS_PER_METER, extents * _PIXELS_PER_METER / 2
        return Detections(
            boxes=np.hstack([centers - halves, centers + halves]).astype(np.float32),
            scores=shot.scores,
            class_ids=shot.class_ids,
            centers=centers.astype(np.float32),
        )

    def _locate(
        self, shot: SeenObjects, kept: NDArray[np.intp], tracks: Tracks, stamp_ns: int
    ) -> Positions:
        """Return the positions and sizes of the tracks."""
        seen = tracks.observed
        rows = kept[tracks.detection_indices[seen]]
        points = np.full((len(seen), 3), np.nan)
        covariances = np.full((len(seen), 3, 3), np.nan)
        points[seen], covariances[seen] = (
            shot.measured.points[rows],
            shot.measured.covariances[rows],
        )
        sizes = np.zeros((len(seen), 3))
        _, own, given = np.intersect1d(self._known_ids, tracks.ids, return_indices=True)
        sizes[given] = self._known_sizes[own]
        sizes[seen] = shot.sizes[rows]
        self._known_ids, self._known_sizes = tracks.ids, sizes
        positions = self._filter.update(
            shot.frame_id, tracks.ids, Measurements.of(points, covariances), stamp_ns
        )
        return replace(positions, sizes=sizes, camera=shot.sensor)


def _covariances(given: Floats, sizes: Floats) -> Floats:
    """Return the covariances (N, 3, 3) of centers: those of the message, if they are valid."""
    scale = np.sqrt(sizes[:, 0] * sizes[:, 1])
    variances = np.maximum(_NOISE * scale, _LEAST_NOISE) ** 2
    assumed = variances[:, None, None] * np.eye(3)
    usable = (np.abs(given) < _GREATEST[0]).all(axis=(1, 2))
    usable[usable] = np.linalg.eigvalsh(given[usable])[:, 0] > _LEAST_VARIANCE
    return np.where(usable[:, None, None], given, assumed)
