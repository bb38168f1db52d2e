"""Publish a webcam, a network camera or a video as a live camera, by OpenCV."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from threading import Thread
from time import monotonic

import cv2
import numpy as np
import rclpy
import yaml
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.nodes.conversions import array_to_image
from jtn_ros.nodes.parameters import NodeParameters
from jtn_ros.nodes.parameters import ParameterSpec
from jtn_ros.nodes.process import run_process
from jtn_ros.nodes.quality import sensor_data
from jtn_ros.nodes.rivals import Rivals

PARAMETERS = (
    ParameterSpec(
        name='device',
        default='0',
        description='Number of a webcam, its device file, a URL, or a video file, which loops.',
    ),
    ParameterSpec(
        name='width',
        default=0,
        low=0,
        high=16384,
        description='Width to ask the camera for, in pixels; 0 leaves it as it is.',
    ),
    ParameterSpec(
        name='height',
        default=0,
        low=0,
        high=16384,
        description='Height to ask the camera for, in pixels; 0 leaves it as it is.',
    ),
    ParameterSpec(
        name='rate',
        default=0.0,
        low=0.0,
        high=1000.0,
        description='Images per second; 0 takes what the camera or video says.',
    ),
    ParameterSpec(
        name='frame_id', default='camera', description='Coordinate frame in the headers.'
    ),
    ParameterSpec(
        name='calibration',
        default='',
        description='YAML file of camera_calibration; with it, camera_info is published too.',
    ),
)

_RETRY_S = 1.0
_CHECK_PERIOD_S = 1.0
_DEFAULT_RATE = 30.0


class WebcamNode(Node):
    """A camera; its images carry the time at which they were taken from the device.

    A camera that fails is opened again until it answers. A video that cannot be played ends the
    node.
    """

    def __init__(self, **kwargs: object) -> None:
        """Read the calibration and begin to publish, on a thread of its own.

        Raises:
            OSError: if the calibration cannot be read.
            JtnError: if it is none, or the device is a file that is missing or no video.
        """
        super().__init__('webcam', **kwargs)
        self._values = NodeParameters(self, PARAMETERS).values()
        self._is_video = is_video(self._values.device)
        self._info = read_calibration(self._values.calibration)
        overriding = {'qos_overriding_options': QoSOverridingOptions.with_default_policies()}
        self._images = self.create_publisher(Image, 'image', sensor_data(), **overriding)
        self._infos = None
        if self._info is not None:
            self._infos = self.create_publisher(
                CameraInfo, 'camera_info', sensor_data(), **overriding
            )
        self.failure = ''
        rivals = Rivals(self, lambda: [self._images.topic_name])
        self.create_timer(_CHECK_PERIOD_S, rivals.check)
        self._closing = Event()
        self._thread = Thread(target=self._run, name='webcam')
        self._thread.start()

    def destroy_node(self) -> None:
        """Let go of the camera and leave the graph."""
        self._closing.set()
        self._thread.join()
        super().destroy_node()

    def _run(self) -> None:
        """Publish, opening the camera again when it fails."""
        while not self._closing.is_set():
            number = 0
            try:
                for image in self._capture():
                    self._publish(image)
                    number += 1
            except RuntimeError:
                if self.context.ok():
                    raise
                return  # interrupted: nothing can be published any more
            if self._is_video:
                if number:
                    continue  # the video is at its end
                self.failure = f'the video {self._values.device} can no longer be read'
                return
            if not self._closing.is_set():
                what = 'stopped' if number else 'does not open'
                self.get_logger().warning(
                    f'camera {self._values.device} {what}; check that it is connected and that '
                    'no other program uses it. Trying again',
                    throttle_duration_sec=10.0,
                )
            self._closing.wait(_RETRY_S)

    def _capture(self) -> Iterator[NDArray[np.uint8]]:
        """Yield images, at the rate that is asked for, until the camera fails."""
        device = self._values.device
        capture = cv2.VideoCapture(int(device) if device.isdigit() else device)
        try:
            for key, value in (
                (cv2.CAP_PROP_FRAME_WIDTH, self._values.width),
                (cv2.CAP_PROP_FRAME_HEIGHT, self._values.height),
                (cv2.CAP_PROP_FPS, self._values.rate),
            ):
                if value and not self._is_video:
                    capture.set(key, value)
            rate = self._values.rate or capture.get(cv2.CAP_PROP_FPS)
            period = 1 / (rate if 0 < rate <= 1000 else _DEFAULT_RATE)
            due = monotonic()
            while not self._closing.is_set() and capture.grab():
                # A live camera keeps its own pace; a video has to be slowed down.
                if self._is_video:
                    due += period
                    self._closing.wait(max(0.0, due - monotonic()))
                good, image = capture.retrieve()
                if good:
                    yield np.asarray(image, np.uint8)
        finally:
            capture.release()

    def _publish(self, image: NDArray[np.uint8]) -> None:
        """Publish one image, and the calibration with it."""
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._values.frame_id)
        self._images.publish(array_to_image(image, header))
        if self._infos is not None and self._info is not None:
            self._info.header = header
            self._infos.publish(self._info)


def is_video(device: str) -> bool:
    """Return whether a device is a video file, not a camera, a URL or a GStreamer pipeline.

    Raises:
        JtnError: if it can only be a file, and is missing or no video.
    """
    path = Path(device)
    camera = device.isdigit() or device.startswith('/dev/') or path.is_char_device()
    if camera or '://' in device or ' ! ' in device:
        return False
    if not path.is_file():
        reason = 'is no file' if path.exists() else 'does not exist'
        raise JtnError(
            f'{device!r} {reason}; device is the number of a webcam, its device file, a URL, or a '
            'video file'
        )
    capture = cv2.VideoCapture(device)
    good = capture.isOpened() and capture.grab()
    capture.release()
    if not good:
        raise JtnError(f'{device} is not a video that OpenCV can read; try to play it with ffplay')
    return True


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
    return run_process('webcam', _serve)


def _serve() -> None:
    node = WebcamNode()
    try:
        while rclpy.ok() and not node.failure:
            rclpy.spin_once(node, timeout_sec=_CHECK_PERIOD_S)
        if node.failure:
            raise JtnError(node.failure)
    finally:
        node.destroy_node()


if __name__ == '__main__':
    sys.exit(main())
