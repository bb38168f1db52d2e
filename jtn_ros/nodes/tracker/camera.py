"""One camera of the tracker node: its subscription, tracking and outputs."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from time import perf_counter
from typing import Any

from rclpy.lifecycle import LifecycleNode
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import Detection3DArray

from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.errors import JtnError
from jtn_ros.inference import Engine
from jtn_ros.inference.appearance_model import AppearanceModel
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.nodes.common.conversions import OwnImage
from jtn_ros.nodes.common.transforms import TransformSource
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.outputs.camera_state import Activity
from jtn_ros.nodes.outputs.camera_state import CameraState
from jtn_ros.nodes.outputs.present import PresentOutputs
from jtn_ros.nodes.outputs.shared_output import SharedOutput
from jtn_ros.nodes.outputs.track_publishers import TrackPublishers
from jtn_ros.nodes.tracker.camera_log import CameraLog
from jtn_ros.nodes.tracker.camera_worker import CameraWorker
from jtn_ros.nodes.tracker.detection_input import DetectionInput
from jtn_ros.nodes.tracker.detection_input import DetectionMessage
from jtn_ros.nodes.tracker.detection_tracking import DetectionTracking
from jtn_ros.nodes.tracker.detection_tracking import MatchingImages
from jtn_ros.nodes.tracker.follower import Follower
from jtn_ros.nodes.tracker.foreign_detector import ClassRegistry
from jtn_ros.nodes.tracker.foreign_detector import ForeignDetector
from jtn_ros.nodes.tracker.frame_tracking import FrameTracking
from jtn_ros.nodes.tracker.frame_tracking import ImageTracking
from jtn_ros.nodes.tracker.image_input import ImageInput
from jtn_ros.nodes.tracker.locator import SpatialLocator
from jtn_ros.nodes.tracker.serialized_images import ImageMessage
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.nodes.tracker.settings import located
from jtn_ros.nodes.tracker.source_input import SourceInput
from jtn_ros.nodes.tracker.spatial_detection_tracking import SpatialDetectionTracking
from jtn_ros.nodes.tracker.statistics import CameraStatistics
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking import make_tracker
from jtn_ros.tracking.session import Session


class Camera:
    """Tracks images, or detections, while it is active and its outputs have subscribers."""

    def __init__(
        self,
        node: LifecycleNode,
        detector: Engine | ForeignDetector,
        appearance: AppearanceModel | None,
        values: TrackerNodeSettings,
        transforms: TransformSource | None,
        *,
        name: str,
        prefix: str = '',
        shared_outputs: Sequence[SharedOutput] = (),
    ) -> None:
        """Create the outputs.

        Args:
            node: the node with the topics.
            detector: runs the network, for all cameras of the node, or represents a node that
                publishes detections.
            appearance: computes embeddings of detections, for all cameras; None if not used.
            values: the parameters of the node.
            transforms: listens to tf; None if not needed.
            name: name of the camera.
            prefix: of its topics, if the node has several cameras.
            shared_outputs: outputs that receive the frames of all cameras.
        """
        self.name = name
        self._node = node
        self._values = values
        self._shared_outputs = shared_outputs
        self._logger = node.get_logger().get_child(name) if prefix else node.get_logger()
        self._trusted: float = detector.info.confident_score
        self._calibrated = not isinstance(detector, ForeignDetector)
        self._class_names = detector.info.class_names
        self._session = Session(0)
        # Reject invalid values before anything is created that would have to be removed.
        self.filter_for(values)
        self._locator = None
        if values.positions != 'off' and values.input != 'detections_3d':
            self._locator = SpatialLocator(node, values, prefix, transforms)
        self._tracking = self._make_tracking(detector, appearance, prefix, transforms)
        foreign = isinstance(detector, ForeignDetector)
        self._statistics = CameraStatistics()
        self._log = CameraLog(self._logger, 'a message' if foreign else 'an image')
        self._worker: CameraWorker | None = None
        # The last published frame: of an image, and in space.
        self._latest: CameraFrame | None = None
        self._located: CameraFrame | None = None
        with ExitStack() as created:  # so that what exists is removed if something fails
            self._input = self._make_input(prefix)
            created.callback(self._input.destroy)
            # Last, because there may already be subscribers.
            self._follower = Follower(
                node,
                values,
                class_names=detector.info.class_names,
                camera_name=name,
                prefix=prefix,
                logger=self._logger,
                on_demand=self.listen,
                session=lambda: self._session.id if self._input.is_open else None,
            )
            created.callback(self._follower.destroy)
            self._outputs = TrackPublishers(
                node,
                detector.info,
                values,
                positions=located(values),
                camera_name=name,
                prefix=prefix,
                on_listeners=self.listen,
            )
            created.callback(self._outputs.destroy)
            self._present = PresentOutputs(
                node, values, self._publish_located, self._report, self._logger
            )
            created.callback(self._present.destroy)
            self.apply(values)
            self._created = created.pop_all()

    @property
    def statistics(self) -> CameraStatistics:
        """Return the statistics of the images."""
        return self._statistics

    @property
    def locator(self) -> SpatialLocator | None:
        """Return the locator of the tracks in space; None if not used."""
        return self._locator

    @property
    def worker(self) -> CameraWorker | None:
        """Return the worker that tracks the images; None while the camera is inactive."""
        return self._worker

    @property
    def input_topic(self) -> str:
        """Return the full name of the topic of the images, or detections."""
        return self._input.topic

    @property
    def tracks_topic(self) -> str:
        """Return the full name of the topic of the tracks."""
        return self._outputs.tracks_topic

    def activate(self, enabled: bool) -> None:
        """Start a new session, and subscribe as soon as the outputs have subscribers."""
        self._tracking.reset()
        self._session.restart()
        self._worker = CameraWorker(
            self._tracking,
            self._session,
            now_ns=lambda: self._node.get_clock().now().nanoseconds,
            on_result=self._publish,
            on_outdated=self._retract,
            on_error=self._report,
        )
        self.enable(enabled)
        self._worker.start()
        self._outputs.announce()
        self.listen()
        if not self._input.is_open:
            self._logger.info(
                f'the {self._contents} of {self._input.topic} are tracked while an output has a '
                f'subscriber, such as {self.tracks_topic}; lazy: false always tracks them'
            )

    def deactivate(self) -> None:
        """Unsubscribe, and finish the images that have arrived."""
        self._close()
        if self._worker is not None:
            self._worker.stop()
            self._logger.info(
                f'{self._worker.processed} {self._messages} tracked, '
                f'{self._worker.dropped} dropped because a newer one arrived before they could be '
                'tracked'
            )
            self._worker = None
        self._retract()
        self._log.forget_problem()

    def destroy(self) -> None:
        """Remove everything from the node."""
        self.deactivate()
        self._created.close()

    def reset(self) -> None:
        """Remove all tracks and start a new session."""
        if self._worker is not None:
            self._worker.reset()
        self._present.forget()

    def enable(self, enabled: bool) -> None:
        """Process images, or ignore them, until the camera is deactivated."""
        if self._worker is not None:
            self._worker.enable(enabled)

    def _thresholds(self, values: TrackerNodeSettings) -> TrackerSettings:
        """Return the thresholds of the tracker for the detections of this camera."""
        return values.thresholds(self._trusted, calibrated=self._calibrated)

    def apply(self, values: TrackerNodeSettings) -> None:
        """Let the live parameters take effect."""
        self._tracking.configure(
            self._thresholds(values), values.score_threshold or None, self.filter_for(values)
        )
        self._session.backward_tolerance_ns = round(values.backward_tolerance * 1e9)
        self._session.memory_ns = round(values.lost_time * 1e9)
        self._outputs.embeddings = values.publish_embeddings
        self._follower.configure(values)

    def filter_for(self, values: TrackerNodeSettings) -> DetectionFilter:
        """Return the filter of the detections.

        Raises:
            JtnError: if the values do not fit the model and the cameras.
        """
        cameras = values.cameras or (values.camera_name,)
        if isinstance(self._class_names, ClassRegistry):
            # Any class may arrive.
            scored = [text.rpartition('=')[0].strip() for text in values.class_scores]
            self._class_names.add([*values.classes, *scored])
        if values.input == 'detections_3d':
            # Without an image, regions and sizes have no meaning.
            values = replace(
                values,
                regions=(),
                ignored_regions=(),
                mask_image='',
                minimum_size=0.0,
                maximum_size=0.0,
            )
        return DetectionFilter(values, self._class_names, self.name, cameras)

    def check(self) -> CameraState:
        """Check the publishers, warn about problems, and return the state for diagnostics."""
        problem = self._input.check()
        if problem is None and self._input.is_open:
            problem = self._tracking.problem
        self._log.report(problem, self._input.topic)
        worker = self._worker
        return CameraState(
            name=self.name,
            topic=self._input.topic,
            activity=self._activity(),
            problem=problem,
            processed=worker.processed if worker is not None else 0,
            dropped=worker.dropped if worker is not None else 0,
            lost=self._input.lost,
            snapshot=self._statistics.snapshot(),
        )

    def listen(self) -> None:
        """Subscribe while the outputs have subscribers, or always if `lazy` is false."""
        if self._worker is None or not self._wanted:
            self._close()
        elif not self._input.is_open:
            # The state is from before the pause.
            self.reset()
            self._tracking.open()
            self._input.open()
            self._logger.info(f'tracking in the {self._contents} of {self._input.topic}')

    @property
    def _contents(self) -> str:
        """Return the name of what is tracked, for log messages."""
        return 'images' if self._values.input == 'images' else 'detections'

    @property
    def _messages(self) -> str:
        """Return the name of what is counted, for log messages."""
        return 'images' if self._values.input == 'images' else 'messages'

    def _make_input(self, prefix: str) -> ImageInput | SourceInput | DetectionInput:
        """Return the input of the messages.

        Args:
            prefix: of the topics of the camera.
        """
        node, values = self._node, self._values
        if values.source:
            return SourceInput(node, prefix, values, self._take)
        if values.input == 'images':
            return ImageInput(
                node, f'{prefix}image', values.image_transport, self._take, self._report
            )
        kind = Detection2DArray if values.input == 'detections' else Detection3DArray
        return DetectionInput(node, f'{prefix}detections', kind, self._take)

    def _make_tracking(
        self,
        detector: Engine | ForeignDetector,
        appearance: AppearanceModel | None,
        prefix: str,
        transforms: TransformSource | None,
    ) -> FrameTracking[Any]:
        """Return the tracking of the messages; the arguments are those of the camera."""
        node, values = self._node, self._values
        tracker = make_tracker(values.tracker, self._thresholds(values))
        if not isinstance(detector, ForeignDetector):
            pipeline = TrackingPipeline(engine=detector, tracker=tracker, appearance=appearance)
            return ImageTracking(pipeline, self._locator, IntensityRange(values.intensity_range))
        if appearance is not None and not (
            values.input == 'detections' and values.detection_images
        ):
            raise JtnError(
                'appearance_model needs the images of the detections; set input: detections and '
                'detection_images: true, or leave it empty'
            )
        names = detector.info.class_names
        if values.input == 'detections_3d':
            return SpatialDetectionTracking(tracker, names, values.fixed_frame, transforms)
        images = None
        if values.detection_images:
            images = MatchingImages(
                node,
                f'{prefix}image',
                values.image_transport,
                IntensityRange(values.intensity_range),
            )
        return DetectionTracking(tracker, names, self._locator, images, appearance)

    def _activity(self) -> Activity:
        """Return the state of the camera."""
        if self._worker is None:
            return Activity.INACTIVE
        if not self._worker.enabled:
            return Activity.DISABLED
        return Activity.TRACKING if self._input.is_open else Activity.IDLE

    @property
    def _wanted(self) -> bool:
        """Return whether images are to be tracked."""
        listeners = self._outputs.listeners + sum(o.listeners for o in self._shared_outputs)
        return not self._values.lazy or listeners > 0 or self._follower.in_demand

    def _close(self) -> None:
        """Unsubscribe."""
        self._input.close()
        self._tracking.close()

    def _take(self, message: ImageMessage | OwnImage | DetectionMessage) -> None:
        """Pass a new message to the worker."""
        worker = self._worker  # a camera has its own thread, and does not wait here
        if worker is not None:
            self._statistics.arrived()
            worker.offer(message)

    def _publish(self, frame: CameraFrame) -> None:
        """Publish the result of one frame; runs on the worker's thread."""
        if frame.new_session is not None:
            self._log.session_began(frame.new_session)
        if frame.distrust is not None:
            self._log.stamp_distrusted(frame.distrust)
        self._latest = frame
        self._outputs.publish(frame)
        for output in self._shared_outputs:
            output.publish(self.name, frame)
        self._follower.follow(frame)
        if frame.positions is not None and frame.positions.frame_id:
            self._present.offer(frame)
        self._statistics.tracked(perf_counter() - frame.arrival)

    def _publish_located(self, frame: CameraFrame) -> None:
        """Publish the outputs in space, at the time of the image or predicted."""
        self._located = frame
        self._outputs.publish_located(frame)
        self._follower.publish_pose(frame)

    def _retract(self) -> None:
        """Publish empty outputs once, so that subscribers do not keep the last objects."""
        self._present.forget()
        latest, located = self._latest, self._located
        self._latest = self._located = None
        if latest is None or not self._node.context.ok():
            return
        empty = latest.emptied()
        self._outputs.clear_pictures(empty)
        self._follower.interrupt(empty)
        if located is not None:
            empty = located.emptied()
            self._outputs.publish_located(empty)
        for output in self._shared_outputs:
            output.publish(self.name, empty)

    def _report(self, error: Exception) -> None:
        """Report a message that could not be read or tracked; runs on any thread."""
        if self._node.context.ok():  # else interrupted: nothing can be published anymore
            self._statistics.failed(error)
            self._log.failed(error)
