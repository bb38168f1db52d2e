"""Publish a webcam, a network camera or a video as a live camera."""

import sys
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from threading import Event
from threading import Thread
from time import monotonic

import rclpy
import yaml
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.interruption import interruptible
from jtn_ros.media import Frame
from jtn_ros.media import FrameSource
from jtn_ros.media import open_frames
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.live.live_source import LiveSource
from jtn_ros.media.live.open_camera import open_camera
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.common.process import run_process
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.nodes.sources.webcam_diagnostics import WebcamDiagnostics
from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class WebcamSettings(Settings):
    """The parameters of the node."""

    device: str = setting(
        '0',
        'Number of a webcam, device file, URL or video file (played in a loop). env:VARIABLE or '
        'file:PATH reads the URL from there and keeps it secret, because every node can read '
        'parameters.',
    )
    width: int = setting(
        0,
        'Requested image width, in pixels. 0 keeps the setting of the camera.',
        low=0,
        high=16384,
    )
    height: int = setting(
        0,
        'Requested image height, in pixels. 0 keeps the setting of the camera.',
        low=0,
        high=16384,
    )
    rate: float = setting(
        0.0, 'Images per second. 0 uses the rate of the camera or video.', low=0.0, high=1000.0
    )
    frame_id: str = setting('camera', 'Coordinate frame in the headers.')
    calibration: str = setting(
        '', 'Calibration file of camera_calibration (YAML). If given, camera_info is published.'
    )


CHECK_PERIOD_S = 0.25
_DIAGNOSTICS_PERIOD_S = 1.0
# The time-outs of a camera are shorter, so that its thread ends by itself.
_PATIENCE_S = 5.0


class WebcamNode(Node):
    """A camera; its images carry the time at which they were taken.

    A camera that fails is opened again until it answers. A video is played again and again; the
    stamps keep its spacing, and jump back at the cut, as it is the same time once more.
    """

    def __init__(
        self, *, on_image: Callable[[Image], None] | None = None, **kwargs: object
    ) -> None:
        """Read the calibration and begin to publish, on a thread of its own.

        Args:
            on_image: called with every image, on that thread; the image is then published only
                while the topic has a subscriber.
            kwargs: of the node.

        Raises:
            OSError: if the calibration cannot be read.
            JtnError: if it is none, or the device is neither a camera nor a video.
        """
        super().__init__('webcam', **kwargs)
        self._values = NodeParameters(self, WebcamSettings).values()
        self._on_image = on_image
        self._info = read_calibration(self._values.calibration)
        self._camera: LiveSource | None = None
        self._video: FrameSource | None = None
        device = self._values.device
        if Path(device).is_file() or Path(device).is_dir():
            self._video = open_frames(device)
        elif is_camera(device):
            self._camera = open_camera(
                device,
                width=self._values.width,
                height=self._values.height,
                frame_rate=self._values.rate,
                reconnect=True,
            )
        else:
            raise JtnError(f'{device} is no file; give a camera, its URL, or a video file')
        overriding = {'qos_overriding_options': QoSOverridingOptions.with_default_policies()}
        self._images = self.create_publisher(Image, 'image', sensor_data(), **overriding)
        self._infos = None
        if self._info is not None:
            self._infos = self.create_publisher(
                CameraInfo, 'camera_info', sensor_data(), **overriding
            )
        self._published = 0
        if self._camera is not None:
            self._diagnostics = WebcamDiagnostics(self, self._camera.name)
            clock = Clock(clock_type=ClockType.STEADY_TIME)
            self.create_timer(_DIAGNOSTICS_PERIOD_S, self._diagnose, clock=clock)
        self.failure: Exception | None = None
        self._closing = Event()
        # A process can end while a driver does not answer.
        self._thread = Thread(target=self._run, name='webcam', daemon=True)
        self._thread.start()

    def problem(self) -> Problem | None:
        """Return why no images come; None while they do, and for a video."""
        text = '' if self._camera is None else self._camera.counts.problem
        return Problem(text, text) if text else None

    def destroy_node(self) -> None:
        """Let go of the camera and leave the graph."""
        self._closing.set()
        if self._camera is not None:
            self._camera.close()
        self._thread.join(_PATIENCE_S)
        if self._video is not None:
            self._video.close()
        super().destroy_node()

    def _diagnose(self) -> None:
        assert self._camera is not None
        self._diagnostics.publish(self._camera.counts, self._published)

    def _run(self) -> None:
        """Publish until closed."""
        try:
            for frame in self._frames():
                if self._closing.is_set():
                    return
                self._publish(frame)
        except Exception as error:
            if self.context.ok() and not self._closing.is_set():  # else it was interrupted
                self.failure = error

    def _frames(self) -> Iterator[Frame]:
        """Yield the frames of the camera, or those of the video when they are due."""
        if self._camera is not None:
            yield from self._camera
            return
        assert self._video is not None
        start_ns = self.get_clock().now().nanoseconds
        scale = self._video.frame_rate / (self._values.rate or self._video.frame_rate)
        while True:
            begun, number = monotonic(), 0
            with suppress(JtnError, OSError):  # it was removed, or it is being replaced
                for frame in self._video:
                    elapsed_ns = round(frame.stamp_ns * scale)
                    self._closing.wait(max(0.0, begun + elapsed_ns / 1e9 - monotonic()))
                    yield replace(frame, stamp_ns=start_ns + elapsed_ns)
                    number += 1
            if not number:
                raise JtnError(f'the video {self._values.device} can no longer be read')
            self._closing.wait(scale / self._video.frame_rate)

    def _publish(self, frame: Frame) -> None:
        """Publish one image, and the calibration with it."""
        header = Header(stamp=ns_to_stamp(frame.stamp_ns), frame_id=self._values.frame_id)
        message = array_to_image(frame.image, header)
        if self._on_image is not None:
            self._on_image(message)
        if self._on_image is None or self._images.get_subscription_count():
            self._images.publish(message)
        self._published += 1
        if self._infos is not None and self._info is not None:
            self._info.header = header
            self._infos.publish(self._info)


def read_calibration(path: str) -> CameraInfo | None:
    """Return the calibration in a file as ROS's camera_calibration writes it; None without path.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is no such file.
    """
    if not path:
        return None
    try:
        content = yaml.safe_load(Path(path).read_text('utf-8'))
        return CameraInfo(
            width=content['image_width'],
            height=content['image_height'],
            distortion_model=content['distortion_model'],
            d=[float(value) for value in content['distortion_coefficients']['data']],
            k=[float(value) for value in content['camera_matrix']['data']],
            r=[float(value) for value in content['rectification_matrix']['data']],
            p=[float(value) for value in content['projection_matrix']['data']],
        )
    except (AssertionError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        raise JtnError(
            f'{path} is no calibration file ({type(error).__name__}: {error}); make one with '
            'camera_calibration'
        ) from error


def main() -> int:
    """Publish until interrupted; return the exit code."""
    return run_process('webcam', _serve, SignalHandlerOptions.NO)


def _serve() -> None:
    with interruptible():
        node = WebcamNode()
        try:
            while rclpy.ok() and node.failure is None:
                rclpy.spin_once(node, timeout_sec=CHECK_PERIOD_S)
            if node.failure is not None:
                raise node.failure
        finally:
            node.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
