"""A camera and the tracker in one process: what `webcam_node` and `tracker_node` are in two."""

import sys

from rclpy.executors import SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions

from jtn_ros.errors import JtnError
from jtn_ros.interruption import interruptible
from jtn_ros.nodes.common.process import run_process
from jtn_ros.nodes.sources.webcam_node import CHECK_PERIOD_S
from jtn_ros.nodes.sources.webcam_node import WebcamNode
from jtn_ros.nodes.tracker.direct_input import DirectInput
from jtn_ros.nodes.tracker.tracker_node import TrackerNode


def main() -> int:
    """Run both nodes until interrupted; return the exit code."""
    return run_process('webcam_tracker', _serve, SignalHandlerOptions.NO)


def _serve() -> None:
    """Serve both nodes.

    Raises:
        JtnError: if the tracker could not start, or the camera is none.
    """
    with interruptible():
        executor = SingleThreadedExecutor()
        images = DirectInput()
        tracker = TrackerNode(make_input=images.attach)
        webcam: WebcamNode | None = None
        try:
            # The camera does not send before the engine is ready.
            if tracker.get_parameter('autostart').value and not tracker.start():
                raise JtnError('the node could not start; the error above says why')
            webcam = WebcamNode(on_image=images.put)
            images.problem = webcam.problem
            executor.add_node(tracker)
            executor.add_node(webcam)
            while tracker.context.ok() and webcam.failure is None:
                executor.spin_once(timeout_sec=CHECK_PERIOD_S)
            if webcam.failure is not None:
                raise webcam.failure
        finally:
            if webcam is not None:
                webcam.destroy_node()
            tracker.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
