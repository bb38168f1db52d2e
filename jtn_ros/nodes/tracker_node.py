"""`jtn_tracker`: images in, tracked objects out, as a managed (lifecycle) node."""

import sys
from collections.abc import Callable
from collections.abc import Iterable
from functools import wraps
from traceback import format_exc
from types import SimpleNamespace
from typing import Any

import rclpy
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import qos_profile_sensor_data
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.service import Service
from rclpy.subscription import Subscription
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool
from std_srvs.srv import Trigger

from jtn_ros.inference import load_engine
from jtn_ros.nodes.camera_worker import CameraWorker
from jtn_ros.nodes.camera_worker import TrackedFrame
from jtn_ros.nodes.parameters import NodeParameters
from jtn_ros.nodes.process import run_process
from jtn_ros.nodes.track_publishers import TrackPublishers
from jtn_ros.nodes.tracker_parameters import TRACKER_PARAMETERS
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerConfig
from jtn_ros.tracking.session import Session

_LOG_PERIOD_S = 5.0

type Transition = Callable[[Any, LifecycleState], TransitionCallbackReturn]


def _reported(transition: Transition) -> Transition:
    """Log what a transition raises, which rclpy would swallow, before `on_error` is called."""

    @wraps(transition)
    def run(self: LifecycleNode, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(self, state)
        except Exception as error:
            what = f'{transition.__name__} failed: {error or type(error).__name__}'
            self.get_logger().error(what)
            self.get_logger().debug(format_exc())
            return TransitionCallbackReturn.ERROR

    return run


class TrackerNode(LifecycleNode):
    """Track the objects in the images of one camera.

    Configuring loads the engine and opens the outputs; activating subscribes to the images;
    deactivating finishes the images that have arrived. Cleaning up releases everything.
    """

    def __init__(self, **kwargs: object) -> None:
        """Declare the parameters; everything else waits for the lifecycle."""
        super().__init__('jtn_tracker', **kwargs)
        self._declared = NodeParameters(self, TRACKER_PARAMETERS)
        self._pipeline: TrackingPipeline | None = None
        self._outputs: TrackPublishers | None = None
        self._worker: CameraWorker | None = None
        self._images: Subscription | None = None
        self._commands: list[Service] = []
        self._enabled = True
        self.add_post_set_parameters_callback(self._apply)

    def start(self) -> bool:
        """Configure and activate the node; return whether that worked."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    @_reported
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the engine, open outputs and services."""
        values = self._declared.values()
        self.get_logger().info(f'loading {values.model or "the bundled model"} ...')
        self._pipeline = _load_pipeline(values)
        engine = self._pipeline.engine
        self.get_logger().info(f'{engine.info.name} runs on {engine.description}')
        self._outputs = TrackPublishers(
            self,
            engine.info,
            camera_name=values.camera_name,
            trail_seconds=values.trail_seconds,
            metres_per_pixel=values.metres_per_pixel,
            embeddings=values.publish_embeddings,
        )
        self._commands = [
            self.create_service(Trigger, '~/reset', self._reset),
            self.create_service(SetBool, '~/enable', self._enable),
        ]
        self._declared.frozen = True
        return super().on_configure(state)

    @_reported
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start a new session and subscribe to the images."""
        assert self._pipeline is not None
        self._pipeline.reset()
        self._worker = CameraWorker(
            self._pipeline,
            Session(round(self._declared.values().backward_tolerance * 1e9)),
            on_result=self._publish,
            on_error=self._report,
        )
        self._worker.enabled = self._enabled
        self._worker.start()
        activated = super().on_activate(state)
        self._images = self.create_subscription(
            Image,
            'image',
            self._worker.offer,
            qos_profile_sensor_data,
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self.get_logger().info(f'tracking in the images of {self._images.topic_name}')
        return activated

    @_reported
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Finish what has arrived and stop listening."""
        self._stop()
        return super().on_deactivate(state)

    @_reported
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the engine, outputs and services."""
        self._release()
        return super().on_cleanup(state)

    @_reported
    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything."""
        self._release()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything, so that the node can be configured again."""
        self.get_logger().error('the node is unconfigured; remove the cause and configure it')
        self._release()
        return super().on_error(state)

    def destroy_node(self) -> None:
        """Release everything and leave the graph."""
        self._release()
        super().destroy_node()

    def _publish(self, frame: TrackedFrame) -> None:
        """Publish what came out of one frame; runs on the worker's thread."""
        if frame.new_session is not None:
            self.get_logger().warning(f'{frame.new_session}: all tracks start anew')
        assert self._outputs is not None
        self._outputs.publish(frame)

    def _report(self, error: Exception) -> None:
        """Log an image that could not be tracked; runs on the worker's thread."""
        if isinstance(error, ValueError):
            self.get_logger().error(
                f'an image is left out: {error}', throttle_duration_sec=_LOG_PERIOD_S
            )
        else:
            self.get_logger().error(
                f'an image could not be tracked ({type(error).__name__}: {error}); if this goes '
                'on, choose another back end or model and configure the node again',
                throttle_duration_sec=_LOG_PERIOD_S,
            )

    def _reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Forget all tracks and begin a new session."""
        if self._worker is not None:
            self._worker.reset()
        # An inactive node has no tracks, and begins a session when it is activated.
        response.success = True
        response.message = 'all tracks start anew'
        return response

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Process images, or ignore them until enabled again."""
        self._enabled = request.data
        if self._worker is not None:
            self._worker.enabled = request.data
        response.success = True
        response.message = 'images are tracked' if request.data else 'images are ignored'
        return response

    def _apply(self, changes: Iterable[Parameter]) -> None:
        """Let changes of live parameters take effect."""
        values = {change.name: change.value for change in changes}
        if self._pipeline is not None and 'score_threshold' in values:
            self._pipeline.score_threshold = values['score_threshold'] or None
        if self._outputs is not None and 'publish_embeddings' in values:
            self._outputs.embeddings = values['publish_embeddings']

    def _stop(self) -> None:
        """Stop listening, and finish the images that have arrived."""
        if self._images is not None:
            self.destroy_subscription(self._images)
            self._images = None
        if self._worker is not None:
            self._worker.stop()
            self.get_logger().info(
                f'{self._worker.processed} images tracked, {self._worker.dropped} left out '
                'because a newer one came before they could be tracked'
            )
            self._worker = None

    def _release(self) -> None:
        """Let go of all that configuring and activating made."""
        self._stop()
        for service in self._commands:
            self.destroy_service(service)
        self._commands = []
        if self._outputs is not None:
            self._outputs.destroy()
            self._outputs = None
        self._pipeline = None
        self._declared.frozen = False


def _load_pipeline(values: SimpleNamespace) -> TrackingPipeline:
    """Return the pipeline that the parameters ask for.

    Raises:
        OSError, ValueError, ImportError: if the model cannot be loaded.
    """
    engine = load_engine(values.model or None, values.backend, values.precision or None)
    trusted = values.birth_score or engine.info.score_threshold
    config = TrackerConfig(
        confident_score=trusted,
        birth_score=trusted,
        confirmation_hits=values.confirmation_hits,
        coast_time=values.coast_time,
        lost_time=values.lost_time,
    )
    return TrackingPipeline(
        engine=engine,
        tracker=Tracker(config),
        score_threshold=values.score_threshold or None,
    )


def main() -> int:
    """Run the node until it is interrupted; return the exit code."""
    return run_process('jtn_tracker', _serve)


def _serve() -> None:
    """Serve the lifecycle, having started the node where the parameters ask for it.

    Raises:
        RuntimeError: if the start failed.
    """
    node = TrackerNode()
    try:
        if node.get_parameter('autostart').value and not node.start():
            raise OSError('the node could not start; the error above says why')
        rclpy.spin(node)
    finally:
        node.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
