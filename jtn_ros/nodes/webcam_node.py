"""Publish a webcam, a network camera or a video as a live camera."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from threading import Thread
from time import monotonic

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
from jtn_ros.media import FrameSource
from jtn_ros.media import open_frames
from jtn_ros.media.camera import open_camera
from jtn_ros.media.camera_address import describe
from jtn_ros.media.camera_address import is_camera
from jtn_ros.nodes.conversions import array_to_image
from jtn_ros.nodes.parameters import NodeParameters
from jtn_ros.nodes.parameters import ParameterSpec
from jtn_ros.nodes.process import run_process
from jtn_ros.nodes.quality import sensor_data

PARAMETERS = (
    ParameterSpec(
        name='device',
        default='0',
        description='Number of a webcam, its device file, a URL, or a video file, which loops; '
        'env:VARIABLE or @FILE where the URL is kept, since parameters can be read by all.',
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


class WebcamNode(Node):
    """A camera; its images carry the time at which they were taken from the device.

    A camera that fails is opened again until it answers.
    """

    def __init__(self, **kwargs: object) -> None:
        """Read the calibration and begin to publish, on a thread of its own.

        Raises:
            OSError: if the calibration cannot be read.
            JtnError: if it is none.
        """
        super().__init__('webcam', **kwargs)
        self._values = NodeParameters(self, PARAMETERS).values()
        device = Path(self._values.device)
        self._is_video = device.is_file() or device.is_dir()
        if self._is_video:
            self._open().close()
        elif not is_camera(self._values.device):
            raise JtnError(f'{device} is no file; give a camera, its URL, or a video file')
        self._info = read_calibration(self._values.calibration)
        overriding = {'qos_overriding_options': QoSOverridingOptions.with_default_policies()}
        self._images = self.create_publisher(Image, 'image', sensor_data(), **overriding)
        self._infos = None
        if self._info is not None:
            self._infos = self.create_publisher(
                CameraInfo, 'camera_info', sensor_data(), **overriding
            )
        self.failure = ''
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
            problem = 'it stopped'
            try:
                with self._open() as source:
                    for image in self._images_of(source):
                        self._publish(image)
                        number += 1
            except (JtnError, OSError) as error:
                problem = str(error)
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
                self.get_logger().warning(
                    f'{describe(self._values.device)}: {problem}. Trying again',
                    throttle_duration_sec=10.0,
                )
            self._closing.wait(_RETRY_S)

    def _images_of(self, source: FrameSource) -> Iterator[NDArray[np.uint8]]:
        """Yield images, at the rate that is asked for, until the camera fails."""
        rate = self._values.rate or source.frame_rate
        due = monotonic()
        for frame in source:
            # A live camera keeps its own pace; a video has to be slowed down.
            if self._is_video:
                due += 1 / rate
                self._closing.wait(max(0.0, due - monotonic()))
            if self._closing.is_set():
                return
            yield frame.image

    def _open(self) -> FrameSource:
        """Open the camera or the video.

        Raises:
            OSError: if the video may not be read.
            JtnError: if it does not open.
        """
        values = self._values
        if self._is_video:
            return open_frames(values.device)
        return open_camera(
            values.device, width=values.width, height=values.height, frame_rate=values.rate
        )

    def _publish(self, image: NDArray[np.uint8]) -> None:
        """Publish one image, and the calibration with it."""
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._values.frame_id)
        self._images.publish(array_to_image(image, header))
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
