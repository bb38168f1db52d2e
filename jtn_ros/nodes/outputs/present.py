"""Prediction of located objects from the time of the image to the present."""

from collections.abc import Callable
from threading import Lock

from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.node import Node

from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.outputs.settings import OutputSettings
from jtn_ros.positions.position_filter import FORGET_S


class PresentOutputs:
    """Publishes frames at the time of the image or predicted to the present, maybe at a rate."""

    def __init__(
        self,
        node: Node,
        values: OutputSettings,
        publish: Callable[[CameraFrame], None],
        on_error: Callable[[Exception], None],
        logger: RcutilsLogger,
    ) -> None:
        """Start the timer, if there is a rate.

        Args:
            node: provides the clock and the timer.
            values: the parameters of the outputs.
            publish: publishes the outputs in space of a frame; called on the thread that adds
                frames, or on that of the timer if there is a rate.
            on_error: called with exceptions on the thread of the timer.
            logger: of the camera.
        """
        self._node = node
        self._publish = publish
        self._on_error = on_error
        self._logger = logger
        self._predicting = values.predict_to == 'now'
        self._guard = Lock()
        self._latest: CameraFrame | None = None
        self._timer = None
        if values.output_rate:
            self._timer = node.create_timer(1 / values.output_rate, self._tick)

    def offer(self, frame: CameraFrame) -> None:
        """Add a new frame."""
        if not self._predicting:
            self._publish(frame)
            return
        age_s = (self._node.get_clock().now().nanoseconds - frame.stamp_ns) / 1e9
        if abs(age_s) > FORGET_S:
            when = f'{age_s:.1f} s old' if age_s > 0 else f'stamped {-age_s:.1f} s ahead of time'
            self._logger.warning(
                f'an image is {when}, so its tracks are not predicted to the present; '
                'synchronize the clocks, or set use_sim_time for a recording',
                throttle_duration_sec=10.0,
            )
        with self._guard:
            self._latest = frame
        if self._timer is None:
            self._repeat()

    def forget(self) -> None:
        """Stop publishing the frames so far."""
        with self._guard:
            self._latest = None

    def destroy(self) -> None:
        """Stop the timer."""
        self.forget()
        if self._timer is not None:
            self._node.destroy_timer(self._timer)
            self._timer = None

    def _tick(self) -> None:
        """Publish on the thread of the executor; an exception would terminate it."""
        try:
            self._repeat()
        except Exception as error:  # a robot's node outlives any single frame
            self._on_error(error)

    def _repeat(self) -> None:
        """Publish the latest frame predicted to now, unless its time is too far away."""
        now_ns = self._node.get_clock().now().nanoseconds
        with self._guard:
            frame = self._latest
            if frame is not None and abs(now_ns - frame.stamp_ns) <= FORGET_S * 1e9:
                self._publish(frame.predicted(now_ns))
