"""`jtn_tracker`: images in, tracked objects out, as a managed (lifecycle) node."""

import sys
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace
from functools import wraps
from traceback import format_exc
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.service import Service
from rclpy.signals import SignalHandlerOptions
from std_srvs.srv import SetBool
from std_srvs.srv import Trigger

from jtn_ros.errors import JtnError
from jtn_ros.inference import Engine
from jtn_ros.inference.batching import BatchingEngine
from jtn_ros.inference.options import AUTO
from jtn_ros.interruption import interruptible
from jtn_ros.masking import mask
from jtn_ros.nodes.common.bond import Bond
from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.common.process import explain
from jtn_ros.nodes.common.process import run_process
from jtn_ros.nodes.common.process import spin
from jtn_ros.nodes.common.transforms import TransformSource
from jtn_ros.nodes.outputs.conventions import HUMANS
from jtn_ros.nodes.outputs.conventions import WORLD_TRACKS
from jtn_ros.nodes.outputs.conventions import usable_outputs
from jtn_ros.nodes.outputs.diagnostics import Diagnostics
from jtn_ros.nodes.outputs.humans import HumanBodies
from jtn_ros.nodes.outputs.shared_output import SharedOutput
from jtn_ros.nodes.outputs.world_tracks import WorldTrackPublisher
from jtn_ros.nodes.tracker.camera import Camera
from jtn_ros.nodes.tracker.foreign_detector import ClassRegistry
from jtn_ros.nodes.tracker.foreign_detector import ForeignDetector
from jtn_ros.nodes.tracker.foreign_detector import ForeignModel
from jtn_ros.nodes.tracker.reported_progress import reported_progress
from jtn_ros.nodes.tracker.rivals import Rivals
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.nodes.tracker.settings import located

_CHECK_PERIOD_S = 1.0

type Transition = Callable[[Any, LifecycleState], TransitionCallbackReturn]


def _reported(transition: Transition) -> Transition:
    """Log the exception of a transition, which rclpy would discard, before `on_error` runs."""

    @wraps(transition)
    def run(self: 'TrackerNode', state: LifecycleState) -> TransitionCallbackReturn:
        try:
            return transition(self, state)
        except Exception as error:
            self.last_error = f'{transition.__name__} failed: {explain(error)[0]}'
            self.get_logger().error(self.last_error)
            self.get_logger().debug(format_exc())
            return TransitionCallbackReturn.ERROR

    return run


class TrackerNode(LifecycleNode):
    """Tracks the objects in the images of one or more cameras, with one engine.

    Alternatively, another node publishes detections, which replace images and engine.

    *configure* loads the engine and creates the outputs. *activate* subscribes to the images as
    soon as the outputs have subscribers. *deactivate* finishes the images that have arrived.
    *cleanup* releases everything.
    """

    def __init__(self, **kwargs: object) -> None:
        """Declare the parameters; everything else is created by the lifecycle transitions."""
        # Since Kilted, ROS also destroys a node whose construction failed, so everything that is
        # released must exist from the beginning.
        self._detector: Engine | ForeignDetector | None = None
        self._choice = ''
        self._transforms: TransformSource | None = None
        self._cameras: list[Camera] = []
        self._shared_outputs: list[SharedOutput] = []
        self._bond: Bond | None = None
        self._commands: list[Service] = []
        super().__init__('jtn_tracker', **kwargs)
        self.last_error = ''
        self._declared = NodeParameters(self, TrackerNodeSettings)
        self._enabled = True
        self._diagnostics = Diagnostics(self)
        self._rivals = Rivals(
            self,
            lambda: [camera.tracks_topic for camera in self._cameras],
            lambda: [camera.input_topic for camera in self._cameras],
            shared=('/diagnostics',),
        )
        # With a steady clock, because simulated time may be paused while there is a problem.
        self.create_timer(
            _CHECK_PERIOD_S, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.add_on_set_parameters_callback(self._admit)
        self.add_post_set_parameters_callback(self._apply)

    @property
    def cameras(self) -> Sequence[Camera]:
        """Return the cameras; empty while the node is not configured."""
        return tuple(self._cameras)

    def start(self) -> bool:
        """Configure and activate the node; return whether that worked."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    @_reported
    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the engine, open outputs and services."""
        values = self._declared.values()
        in_space = located(values)
        outputs = usable_outputs(
            values.outputs,
            positions=in_space,
            fixed_frame=bool(values.fixed_frame),
            logger=self.get_logger(),
        )
        values = replace(values, outputs=outputs)
        names = values.cameras
        self._check_source(values)
        detector = self._detector = self._load(values)
        if values.input == 'images':
            self.get_logger().info(f'{detector.info.name} runs on {detector.description}')
        if in_space and (values.fixed_frame or values.ground_frame):
            self._transforms = TransformSource(self, values.transform_timeout)
        class_names = detector.info.class_names
        if HUMANS in outputs:
            self._shared_outputs.append(HumanBodies(self, class_names, self._listen))
        if WORLD_TRACKS in outputs:
            self._shared_outputs.append(
                WorldTrackPublisher(self, values, class_names, values.trail_seconds, self._listen)
            )
        appearance = values.load_appearance(values.threads or None)
        if appearance is not None:
            self.get_logger().info(f'appearance: {appearance.description}')
        shared = self, detector, appearance, values, self._transforms
        cameras = [(name, f'{name}/') for name in names] or [(values.camera_name, '')]
        for name, prefix in cameras:  # one by one, so that the others are released if one fails
            self._cameras.append(
                Camera(*shared, name=name, prefix=prefix, shared_outputs=self._shared_outputs)
            )
        self._bond = Bond.wanted(self, values.bond_heartbeat_period)
        self._commands = [
            self.create_service(Trigger, '~/reset', self._reset),
            self.create_service(SetBool, '~/enable', self._enable),
        ]
        self._declared.frozen = True
        self.last_error = ''
        return super().on_configure(state)

    def _check_source(self, values: TrackerNodeSettings) -> None:
        """Check that a camera that the node reads itself can be used with the other parameters.

        Raises:
            JtnError: if it cannot.
        """
        if not values.source:
            return
        if values.cameras:
            raise JtnError(
                f'source is {mask(values.source)}, a single camera; leave cameras empty'
            )
        if values.input != 'images':
            raise JtnError(f'source is {mask(values.source)}, so input must be images')

    def _load(self, values: TrackerNodeSettings) -> Engine | ForeignDetector:
        """Return the detector.

        Raises:
            OSError, JtnError: if a model cannot be loaded.
        """
        if values.input != 'images':
            return ForeignDetector(
                info=ForeignModel(class_names=ClassRegistry(values.class_names))
            )
        if values.model == AUTO:
            with reported_progress(self.get_logger(), 'choosing the model'):
                choice = values.choose_model()
            self.get_logger().info(f'{choice.model} is chosen: {choice.reason}')
            self._choice = choice.reason
            values = replace(values, model=choice.model)
        with reported_progress(
            self.get_logger(), f'loading {values.model or "the bundled model"}'
        ):
            engine = values.load()
            number = len(values.cameras)
            return BatchingEngine(engine, number) if number > 1 else engine

    @_reported
    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start a new session of every camera."""
        activated = super().on_activate(state)
        for camera in self._cameras:
            camera.activate(self._enabled)
        if self._bond is not None:
            self._bond.start()
        return activated

    @_reported
    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Finish the messages that have arrived, and unsubscribe."""
        if self._bond is not None:
            self._bond.stop()
        for camera in self._cameras:
            camera.deactivate()
        return super().on_deactivate(state)

    @_reported
    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release the engine, outputs and services."""
        self._release()
        self._declared.frozen = False
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
        self._declared.frozen = False
        return super().on_error(state)

    def destroy_node(self) -> None:
        """Release everything and destroy the node."""
        self._release()
        super().destroy_node()

    def _listen(self) -> None:
        """Update the cameras when the subscribers of shared outputs change."""
        for camera in self._cameras:
            camera.listen()

    def _check(self) -> None:
        """Check the cameras and publish their diagnostics."""
        states = [camera.check() for camera in self._cameras]
        problem = self._rivals.check()
        self._diagnostics.publish(self._detector, self._choice, self.last_error, problem, states)

    def _reset(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Remove all tracks and start new sessions."""
        # Inactive cameras have no tracks, and start a session when they are activated.
        for camera in self._cameras:
            camera.reset()
        for output in self._shared_outputs:
            output.reset()
        response.success = True
        response.message = 'a new session starts'
        return response

    def _enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        """Process images, or ignore them until enabled again."""
        self._enabled = request.data
        for camera in self._cameras:
            camera.enable(request.data)
        response.success = True
        response.message = 'images are tracked' if request.data else 'images are ignored'
        return response

    def _admit(self, changes: Iterable[Parameter]) -> SetParametersResult:
        """Reject changes that do not fit the model and the cameras."""
        try:
            values = self._declared.values_with(changes)
            for camera in self._cameras:
                camera.filter_for(values)
        except JtnError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, _: Iterable[Parameter]) -> None:
        """Apply changes of live parameters."""
        values = self._declared.values()
        for camera in self._cameras:
            camera.apply(values)

    def _release(self) -> None:
        """Release everything that *configure* and *activate* created."""
        if self._bond is not None:
            self._bond.destroy()
            self._bond = None
        for camera in self._cameras:
            camera.destroy()
        self._cameras = []
        for output in self._shared_outputs:
            output.destroy()
        self._shared_outputs = []
        for service in self._commands:
            self.destroy_service(service)
        self._commands = []
        if self._transforms is not None:
            self._transforms.destroy()
            self._transforms = None
        self._detector, self._choice = None, ''
        # rclpy keeps a weak reference to every entity that a callback group ever contained.
        entities = self.default_callback_group.entities
        entities -= {entity for entity in list(entities) if entity() is None}


def main() -> int:
    """Run the node until it is interrupted; return the exit code."""
    # rclpy's handlers would shut ROS down under the threads that publish.
    return run_process('jtn_tracker', _serve, SignalHandlerOptions.NO)


def _serve() -> None:
    """Spin the node, after starting it if `autostart` is set.

    Raises:
        JtnError: if the start failed.
    """
    with interruptible():
        node = TrackerNode()
        try:
            if node.get_parameter('autostart').value and not node.start():
                raise JtnError('the node could not start; see the error above')
            spin(node)
        finally:
            node.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
