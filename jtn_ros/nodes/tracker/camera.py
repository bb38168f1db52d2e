"""One camera of the tracker node: when its images are subscribed, tracked and published."""

from collections.abc import Sequence
from time import perf_counter

from rclpy.lifecycle import LifecycleNode

from jtn_ros.detection_filter import DetectionFilter
from jtn_ros.inference import Engine
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.nodes.common.transforms import TransformSource
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.outputs.camera_state import Activity
from jtn_ros.nodes.outputs.camera_state import CameraState
from jtn_ros.nodes.outputs.shared_output import SharedOutput
from jtn_ros.nodes.outputs.track_publishers import TrackPublishers
from jtn_ros.nodes.tracker.camera_log import CameraLog
from jtn_ros.nodes.tracker.camera_worker import CameraWorker
from jtn_ros.nodes.tracker.follower import Follower
from jtn_ros.nodes.tracker.image_input import ImageInput
from jtn_ros.nodes.tracker.image_input import ImageMessage
from jtn_ros.nodes.tracker.locator import SpatialLocator
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.nodes.tracker.source_input import SourceInput
from jtn_ros.nodes.tracker.statistics import CameraStatistics
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import make_tracker
from jtn_ros.tracking.session import Session


class Camera:
    """Tracks the images of one camera while it is active and somebody listens."""

    def __init__(
        self,
        node: LifecycleNode,
        engine: Engine,
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
            engine: runs the network, for all cameras of the node.
            values: the parameters of the node.
            transforms: listens to tf; None where it is not needed.
            name: name of the camera.
            prefix: of its topics, when the node has several cameras.
            shared_outputs: take the frames of all cameras.
        """
        self.name = name
        self._node = node
        self._values = values
        self._shared_outputs = shared_outputs
        self._logger = node.get_logger().get_child(name) if prefix else node.get_logger()
        self._trusted: float = engine.info.confident_score
        self._session = Session(0)
        self._pipeline = TrackingPipeline(
            engine=engine, tracker=make_tracker(values.tracker, values.thresholds(self._trusted))
        )
        self._locator = None
        if values.positions != 'off':
            self._locator = SpatialLocator(node, values, prefix, transforms)
        self._statistics = CameraStatistics()
        self._log = CameraLog(self._logger)
        self._worker: CameraWorker | None = None
        self._input: ImageInput | SourceInput
        if values.source:
            self._input = SourceInput(node, prefix, values, self._take)
        else:
            self._input = ImageInput(node, f'{prefix}image', values.image_transport, self._take)
        # Last, because somebody may listen at once.
        self._follower = Follower(
            node,
            values,
            class_names=engine.info.class_names,
            camera_name=name,
            prefix=prefix,
            logger=self._logger,
            on_demand=self.listen,
        )
        self._outputs = TrackPublishers(
            node,
            engine.info,
            values,
            positions=self._locator is not None,
            camera_name=name,
            prefix=prefix,
            on_listeners=self.listen,
        )
        self.apply(values)

    @property
    def statistics(self) -> CameraStatistics:
        """Return what counts the images."""
        return self._statistics

    @property
    def locator(self) -> SpatialLocator | None:
        """Return what finds the tracks in space; None where that is not wanted."""
        return self._locator

    @property
    def worker(self) -> CameraWorker | None:
        """Return what tracks the images; None while the camera is inactive."""
        return self._worker

    @property
    def tracks_topic(self) -> str:
        """Return the full name of the topic of the tracks."""
        return self._outputs.tracks_topic

    def activate(self, enabled: bool) -> None:
        """Start a new session, and subscribe as soon as somebody listens."""
        self._pipeline.reset()
        self._session.restart()
        self._worker = CameraWorker(
            self._pipeline,
            self._session,
            locator=self._locator,
            intensity=IntensityRange(self._values.intensity_range),
            now_ns=lambda: self._node.get_clock().now().nanoseconds,
            on_result=self._publish,
            on_error=self._report,
        )
        self.enable(enabled)
        self._worker.start()
        self._outputs.announce()
        self.listen()
        if not self._input.is_open:
            self._logger.info(
                f'the images of {self._input.topic} are tracked when somebody listens'
            )

    def deactivate(self) -> None:
        """Stop listening and finish the images that have arrived."""
        self._close()
        if self._worker is not None:
            self._worker.stop()
            self._logger.info(
                f'{self._worker.processed} images tracked, {self._worker.dropped} left out '
                'because a newer one came before they could be tracked'
            )
            self._worker = None
        self._log.forget_problem()

    def destroy(self) -> None:
        """Remove everything from the node."""
        self.deactivate()
        self._input.destroy()
        self._outputs.destroy()
        self._follower.destroy()

    def reset(self) -> None:
        """Forget all tracks and begin a new session."""
        if self._worker is not None:
            self._worker.reset()

    def enable(self, enabled: bool) -> None:
        """Process images, or ignore them, until the camera is deactivated."""
        if self._worker is not None:
            self._worker.enabled = enabled

    def apply(self, values: TrackerNodeSettings) -> None:
        """Let the live parameters take effect."""
        self._pipeline.score_threshold = values.score_threshold or None
        self._pipeline.tracker.configure(values.thresholds(self._trusted))
        self._session.backward_tolerance_ns = round(values.backward_tolerance * 1e9)
        self._session.memory_ns = round(values.lost_time * 1e9)
        self._pipeline.detection_filter = self.filter_for(values)
        self._outputs.embeddings = values.publish_embeddings
        self._follower.configure(values)

    def filter_for(self, values: TrackerNodeSettings) -> DetectionFilter:
        """Return what leaves out the detections that are not to be tracked.

        Raises:
            JtnError: if the values do not fit the model and the cameras.
        """
        cameras = values.cameras or (values.camera_name,)
        return DetectionFilter(values, self._pipeline.engine.info.class_names, self.name, cameras)

    def check(self) -> CameraState:
        """Follow what is published, warn about what is wrong, and return how it goes."""
        problem = self._input.check()
        if problem is None and self._input.is_open and self._locator is not None:
            problem = self._locator.problem
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
        """Subscribe while somebody listens, or always if that is wanted."""
        if self._worker is None or not self._wanted:
            self._close()
        elif not self._input.is_open:
            # What was remembered is from before the pause.
            self.reset()
            if self._locator is not None:
                self._locator.open()
            self._input.open()
            self._logger.info(f'tracking in the images of {self._input.topic}')

    def _activity(self) -> Activity:
        """Return what the camera is doing."""
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
        if self._locator is not None:
            self._locator.close()

    def _take(self, message: ImageMessage) -> None:
        """Hand a new image over to the worker."""
        if self._worker is not None:
            self._statistics.arrived()
            self._worker.offer(message)

    def _publish(self, frame: CameraFrame) -> None:
        """Publish what came out of one frame; runs on the worker's thread."""
        if frame.new_session is not None:
            self._log.session_began(frame.new_session)
        if frame.distrust is not None:
            self._log.stamp_distrusted(frame.distrust)
        self._outputs.publish(frame)
        for output in self._shared_outputs:
            output.publish(self.name, frame)
        self._follower.follow(frame)
        self._statistics.tracked(perf_counter() - frame.arrival)

    def _report(self, error: Exception) -> None:
        """Report an image that could not be tracked; runs on the worker's thread."""
        if self._node.context.ok():  # else interrupted: nothing can be published any more
            self._statistics.failed(error)
            self._log.failed(error)
