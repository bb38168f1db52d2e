"""One camera of the tracker node: its topics, its worker, and how it fares."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from time import perf_counter
from types import SimpleNamespace

from rclpy.lifecycle import LifecycleNode
from rclpy.node import Node

from jtn_ros.errors import as_mistake
from jtn_ros.inference import Engine
from jtn_ros.media.intensity import IntensityRange
from jtn_ros.nodes.camera_worker import CameraWorker
from jtn_ros.nodes.camera_worker import TrackedFrame
from jtn_ros.nodes.direct_input import DirectInput
from jtn_ros.nodes.image_input import ImageInput
from jtn_ros.nodes.image_input import ImageMessage
from jtn_ros.nodes.spatial import SpatialLocator
from jtn_ros.nodes.statistics import CameraStatistics
from jtn_ros.nodes.statistics import Snapshot
from jtn_ros.nodes.track_publishers import TrackPublishers
from jtn_ros.nodes.transforms import TransformSource
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerConfig
from jtn_ros.tracking.session import Session

_LOG_PERIOD_S = 5.0

type InputFactory = Callable[
    [Node, str, str, Callable[[ImageMessage], None]], ImageInput | DirectInput
]


@dataclass(frozen=True, kw_only=True)
class CameraState:
    """How a camera fares, for the diagnostics.

    Attributes:
        name: of the camera.
        topic: that its images come on.
        activity: 'inactive', 'disabled', 'idle' (nobody listens) or 'tracking'.
        problem: what keeps images or positions from coming, with the remedy; or None.
        processed: images tracked since the activation.
        dropped: images since then that a newer one replaced before they could be tracked.
        snapshot: rates, latencies and errors.
    """

    name: str
    topic: str
    activity: str
    problem: str | None
    processed: int
    dropped: int
    snapshot: Snapshot


class Camera:
    """Tracks the images of one camera while it is active and somebody listens."""

    def __init__(
        self,
        node: LifecycleNode,
        engine: Engine,
        values: SimpleNamespace,
        transforms: TransformSource | None,
        *,
        name: str,
        prefix: str = '',
        make_input: InputFactory = ImageInput,
    ) -> None:
        """Create the outputs.

        Args:
            node: the node with the topics.
            engine: runs the network, for all cameras of the node.
            values: the parameters of the node.
            transforms: listens to tf; None where it is not needed.
            name: name of the camera.
            prefix: of its topics, when the node has several cameras.
            make_input: makes what the images come from.
        """
        self.name = name
        self._node = node
        self._values = values
        self._logger = node.get_logger().get_child(name) if prefix else node.get_logger()
        self._trusted: float = engine.info.confident_score
        self._tracker = Tracker()
        self._session = Session(0)
        self._pipeline = TrackingPipeline(engine=engine, tracker=self._tracker)
        self._locator = None
        if values.positions != 'off':
            self._locator = SpatialLocator(node, values, prefix, transforms)
        self._input = make_input(node, f'{prefix}image', values.image_transport, self._take)
        self._statistics = CameraStatistics()
        self._worker: CameraWorker | None = None
        self._enabled = True
        self._reported = ''
        self._begun = 0
        self._announced_at = -inf
        # Last, because somebody may listen at once.
        self._outputs = TrackPublishers(
            node,
            engine.info,
            values,
            camera_name=name,
            prefix=prefix,
            on_listeners=self._listen,
        )
        self.apply(values)

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
        self._listen()
        if not self._input.is_open:
            self._logger.info(f'{self._input.topic} is subscribed when somebody listens')

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
        self._reported = ''

    def destroy(self) -> None:
        """Remove everything from the node."""
        self.deactivate()
        self._outputs.destroy()

    def reset(self) -> None:
        """Forget all tracks and begin a new session."""
        if self._worker is not None:
            self._worker.reset()

    def enable(self, enabled: bool) -> None:
        """Process images, or ignore them."""
        self._enabled = enabled
        if self._worker is not None:
            self._worker.enabled = enabled

    def apply(self, values: SimpleNamespace) -> None:
        """Let the live parameters take effect."""
        self._pipeline.score_threshold = values.score_threshold or None
        trusted = values.birth_score or self._trusted
        self._tracker.config = TrackerConfig(
            confident_score=trusted,
            birth_score=trusted,
            confirmation_hits=values.confirmation_hits,
            coast_time=values.coast_time,
            lost_time=values.lost_time,
        )
        self._session.backward_tolerance_ns = round(values.backward_tolerance * 1e9)
        self._session.memory_ns = round(values.lost_time * 1e9)
        self._outputs.embeddings = values.publish_embeddings

    def check(self) -> CameraState:
        """Follow what is published, warn about what is wrong, and return how it goes."""
        problem = self._input.check()
        if problem is None and self._input.is_open and self._locator is not None:
            problem = self._locator.problem
        # That the numbers in the text change is no news.
        news = re.sub(r'[\d.]+', '', problem or '')
        if news != self._reported:
            self._reported = news
            if problem is None:
                self._logger.info(f'all is well on {self._input.topic}')
            else:
                self._logger.warning(problem)
        worker = self._worker
        return CameraState(
            name=self.name,
            topic=self._input.topic,
            activity=self._activity(),
            problem=problem,
            processed=worker.processed if worker is not None else 0,
            dropped=worker.dropped if worker is not None else 0,
            snapshot=self._statistics.snapshot(),
        )

    def _activity(self) -> str:
        if self._worker is None:
            return 'inactive'
        if not self._enabled:
            return 'disabled'
        return 'tracking' if self._input.is_open else 'idle'

    def _listen(self) -> None:
        """Subscribe while somebody listens, or always if that is wanted."""
        wanted = self._worker is not None and (
            not self._values.lazy or self._outputs.listeners > 0
        )
        if not wanted:
            self._close()
        elif not self._input.is_open:
            # What was remembered is from before the pause.
            self.reset()
            if self._locator is not None:
                self._locator.open()
            self._input.open()
            self._logger.info(f'tracking in the images of {self._input.topic}')

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

    def _publish(self, frame: TrackedFrame) -> None:
        """Publish what came out of one frame; runs on the worker's thread."""
        if frame.new_session is not None:
            self._announce(frame.new_session)
        if frame.distrust is not None:
            self._logger.warning(
                f'an image {frame.distrust}, so the time of its arrival is taken; '
                'let the camera driver set the stamps',
                throttle_duration_sec=_LOG_PERIOD_S,
            )
        self._outputs.publish(frame)
        self._statistics.tracked(perf_counter() - frame.arrival)

    def _announce(self, reason: str) -> None:
        """Log that a session began by itself, but not every time where that goes on."""
        self._begun += 1
        now = monotonic()
        if now - self._announced_at < _LOG_PERIOD_S:
            return
        text = f'{reason}: all tracks start anew'
        if self._begun > 1:
            text += f', {self._begun} times by now; if several cameras share the topic, give '
            text += 'each a topic of its own'
        self._logger.warning(text)
        self._announced_at = now

    def _report(self, error: Exception) -> None:
        """Log an image that could not be tracked; runs on the worker's thread."""
        if not self._node.context.ok():
            return  # interrupted: nothing can be published any more
        self._statistics.failed(error)
        log = partial(self._logger.error, throttle_duration_sec=_LOG_PERIOD_S)
        if (mistake := as_mistake(error)) is not None:
            log(f'an image is left out: {mistake}')
        else:
            log(
                f'an image could not be tracked ({type(error).__name__}: {error}); if this goes '
                'on, choose another back end or model and configure the node again'
            )
