"""Publish a webcam, a network camera or a recording as a live camera."""

import sys
from dataclasses import dataclass

import rclpy
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from jtn_ros.interruption import interruptible
from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.common.process import run_process
from jtn_ros.nodes.live.camera_stream import CameraStream
from jtn_ros.nodes.live.camera_stream import StreamSettings
from jtn_ros.settings import setting

_CHECK_PERIOD_S = 0.25


@dataclass(frozen=True, kw_only=True)
class WebcamSettings(StreamSettings):
    """The parameters of the node."""

    device: str = setting(
        '0',
        'Number of a webcam, device file, URL, or path of a video, folder or bag (played in a '
        'loop). env:VARIABLE or file:PATH reads the URL from there and keeps it secret, because '
        'every node can read parameters.',
    )


class WebcamNode(Node):
    """A camera; see `CameraStream`."""

    def __init__(self, **kwargs: object) -> None:
        """Start to publish.

        Raises:
            OSError, JtnError: see `CameraStream`.
        """
        self._stream: CameraStream | None = None  # as long as construction may fail
        super().__init__('webcam', **kwargs)
        values = NodeParameters(self, WebcamSettings).values()
        self._stream = CameraStream(self, values.device, values)

    @property
    def failure(self) -> Exception | None:
        """Return why the node cannot continue; None while it can."""
        return None if self._stream is None else self._stream.failure

    def destroy_node(self) -> None:
        """Release the camera and destroy the node."""
        if self._stream is not None:
            self._stream.close()
        super().destroy_node()


def main() -> int:
    """Publish until interrupted; return the exit code."""
    return run_process('webcam', _serve, SignalHandlerOptions.NO)


def _serve() -> None:
    with interruptible():
        node = WebcamNode()
        try:
            while rclpy.ok() and node.failure is None:
                rclpy.spin_once(node, timeout_sec=_CHECK_PERIOD_S)
            if node.failure is not None:
                raise node.failure
        finally:
            node.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
