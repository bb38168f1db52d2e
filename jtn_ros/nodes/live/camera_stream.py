"""A camera, or a recording played like a camera, that a node reads and publishes."""

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from threading import Event
from threading import Thread
from time import monotonic

from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.media import Frame
from jtn_ros.media import FrameSource
from jtn_ros.media import open_frames
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.live.live_source import LiveSource
from jtn_ros.media.live.open_camera import open_camera
from jtn_ros.nodes.common.conversions import OwnImage
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.problem import Problem
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.nodes.live.calibration import read_calibration
from jtn_ros.nodes.live.stream_diagnostics import StreamDiagnostics
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

_DIAGNOSTICS_PERIOD_S = 1.0
# The timeouts of a camera are shorter, so its thread ends within this time. [s]
_PATIENCE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class StreamSettings(Settings):
    """Parameters of reading a camera and publishing its images."""

    width: int = setting(
        0,
        'Requested width of the images of a webcam, in pixels. 0 keeps the setting of the camera.',
        low=0,
        high=16384,
    )
    height: int = setting(
        0,
        'Requested height of the images of a webcam, in pixels. 0 keeps the setting of the '
        'camera.',
        low=0,
        high=16384,
    )
    rate: float = setting(
        0.0,
        'Images per second of a webcam or recording. 0 uses the rate of the camera or recording.',
        low=0.0,
        high=1000.0,
    )
    frame_id: str = setting('camera', 'Coordinate frame in the headers of the images.')
    calibration: str = setting(
        '',
        'Calibration file of camera_calibration (YAML). If it is set, camera_info is published.',
    )


class CameraStream:
    """Images of a camera, stamped with the time at which they were taken.

    A camera that fails is reopened until it responds. A recording is played in a loop; the stamps
    keep its spacing, and jump back at the end of each repetition.
    """

    def __init__(
        self,
        node: Node,
        device: str,
        values: StreamSettings,
        *,
        title: str = '',
        topics: tuple[str, str] = ('image', 'camera_info'),
        on_image: Callable[[OwnImage], None] | None = None,
    ) -> None:
        """Read the calibration and start to publish, on a separate thread.

        Args:
            node: the node that publishes.
            device: webcam number, device file, URL, or path of a video, folder or bag.
            values: how to read it.
            title: of its diagnostics; empty uses the name of the camera.
            topics: of images and calibrations, before remapping.
            on_image: called with every image, on that thread; the image is then published only
                while the topic has a subscriber.

        Raises:
            OSError: if the calibration or the recording cannot be read.
            JtnError: if it is invalid, or the device is neither a camera nor a recording.
        """
        self._node = node
        self._device = device
        self._values = values
        self._on_image = on_image
        self._info = read_calibration(values.calibration)
        self._camera: LiveSource | None = None
        self._recording: FrameSource | None = None
        overriding = {'qos_overriding_options': QoSOverridingOptions.with_default_policies()}
        with ExitStack() as created:  # so that what exists is released if something fails
            if Path(device).is_file() or Path(device).is_dir():
                self._recording = open_frames(device)
                created.callback(self._recording.close)
            elif is_camera(device):
                self._camera = open_camera(
                    device,
                    width=values.width,
                    height=values.height,
                    frame_rate=values.rate,
                    reconnect=True,
                )
                created.callback(self._camera.close)
            else:
                raise JtnError(
                    f'{device} is not a file; specify a camera, its URL, or a video, folder or bag'
                )
            self._images = node.create_publisher(Image, topics[0], sensor_data(), **overriding)
            created.callback(node.destroy_publisher, self._images)
            self._infos = None
            if self._info is not None:
                self._infos = node.create_publisher(
                    CameraInfo, topics[1], sensor_data(), **overriding
                )
            created.pop_all()
        self._published = 0
        self._diagnostics: StreamDiagnostics | None = None
        if self._camera is not None:
            self._diagnostics = StreamDiagnostics(node, title or self._camera.name)
            clock = Clock(clock_type=ClockType.STEADY_TIME)
            self._timer = node.create_timer(_DIAGNOSTICS_PERIOD_S, self._diagnose, clock=clock)
        self.failure: Exception | None = None
        self._closing = Event()
        # A process can end while a driver does not answer.
        self._thread = Thread(target=self._run, name='camera_stream', daemon=True)
        self._thread.start()

    @property
    def topic(self) -> str:
        """Return the full name of the topic of the images."""
        return str(self._images.topic_name)

    def problem(self) -> Problem | None:
        """Return why no images arrive; None while they do."""
        text = str(self.failure or '')
        if self._camera is not None:
            text = text or self._camera.counts.problem
        return Problem(text, text) if text else None

    def close(self) -> None:
        """Release the camera and the topics."""
        self._closing.set()
        if self._camera is not None:
            self._camera.close()
        self._thread.join(_PATIENCE_S)
        if self._recording is not None:
            self._recording.close()
        if self._diagnostics is not None:
            self._node.destroy_timer(self._timer)
            self._diagnostics.destroy()
        for publisher in (self._images, self._infos):
            if publisher is not None:
                self._node.destroy_publisher(publisher)

    def _diagnose(self) -> None:
        assert self._camera is not None
        assert self._diagnostics is not None
        self._diagnostics.publish(self._camera.counts, self._published)

    def _run(self) -> None:
        """Publish until closed."""
        try:
            for frame in self._frames():
                if self._closing.is_set():
                    return
                self._publish(frame)
        except Exception as error:
            if self._node.context.ok() and not self._closing.is_set():  # else it was interrupted
                self.failure = error

    def _frames(self) -> Iterator[Frame]:
        """Yield the frames of the camera, or those of the recording when they are due."""
        if self._camera is not None:
            yield from self._camera
            return
        assert self._recording is not None
        start_ns = self._node.get_clock().now().nanoseconds
        frame_rate = self._recording.frame_rate
        scale = frame_rate / (self._values.rate or frame_rate)
        while True:
            begun, first_ns = monotonic(), None
            with suppress(JtnError, OSError):  # it was removed, or it is being replaced
                for frame in self._recording:
                    first_ns = frame.stamp_ns if first_ns is None else first_ns
                    elapsed_ns = round((frame.stamp_ns - first_ns) * scale)
                    self._closing.wait(max(0.0, begun + elapsed_ns / 1e9 - monotonic()))
                    yield replace(frame, stamp_ns=start_ns + elapsed_ns)
            if first_ns is None:
                raise JtnError(f'{self._device} can no longer be read')
            self._closing.wait(scale / frame_rate)

    def _publish(self, frame: Frame) -> None:
        """Publish one image, and the calibration with it."""
        header = Header(stamp=ns_to_stamp(frame.stamp_ns), frame_id=self._values.frame_id)
        if self._on_image is not None:
            self._on_image(OwnImage(header, frame.image))
        if self._on_image is None or self._images.get_subscription_count():
            self._images.publish(array_to_image(frame.image, header))
        self._published += 1
        if self._infos is not None and self._info is not None:
            self._info.header = header
            self._infos.publish(self._info)
