"""Measurement of the latency from an image to its tracks through a real ROS 2 graph."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from threading import Event
from threading import Thread

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.errors import JtnError
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.middleware import profile_variables
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.pipeline import STAGES

WHOLE = 'publish to tracks'

_DOMAINS = 100
_START_S, _SETTLE_S = 120.0, 2.0
_STATUS_S = 5.0


@dataclass(frozen=True, kw_only=True)
class NodeLatency:
    """The latencies of a tracker node in another process.

    Attributes:
        engine: model, back end, device and precision.
        middleware: its identifier.
        sent: images that were published.
        dropped: images that arrived but were replaced by a newer one.
        milliseconds: (tracked,) of each part, and of the whole from publishing to the tracks.
    """

    engine: str
    middleware: str
    sent: int
    dropped: int
    milliseconds: Mapping[str, NDArray[np.float64]]

    @property
    def tracked(self) -> int:
        """Return the number of images whose tracks arrived."""
        return len(self.milliseconds[WHOLE])


class _Camera(Node):
    """Publishes images, and receives the tracks and the diagnostics."""

    def __init__(self, images: Sequence[NDArray[np.uint8]]) -> None:
        super().__init__('camera', namespace=_namespace())
        header = Header(frame_id='camera')
        self._messages = cycle([array_to_image(image, header) for image in images])
        self._images = self.create_publisher(Image, 'image', sensor_data())
        self.rows: list[tuple[float, float, float]] = []
        self.status: dict[str, str] = {}
        tracks = QoSProfile(depth=100)
        self.create_subscription(TrackedObjectArray, 'jtn_tracker/tracks', self._take, tracks)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)

    def publish(self) -> None:
        """Publish the next image."""
        message = next(self._messages)
        message.header.stamp = ns_to_stamp(time.time_ns())
        self._images.publish(message)

    def _take(self, message: TrackedObjectArray) -> None:
        whole = time.time_ns() - stamp_to_ns(message.header.stamp)
        stages = {stage.name: stage.duration for stage in message.latencies}
        work = sum(seconds for name, seconds in stages.items() if name in STAGES)
        self.rows.append((whole / 1e6, work * 1e3, (sum(stages.values()) - work) * 1e3))

    def _note(self, array: DiagnosticArray) -> None:
        own = f'{_namespace()}/jtn_tracker: '
        for status in array.status:
            if status.name in (f'{own}engine', f'{own}camera'):
                self.status |= {entry.key: entry.value for entry in status.values}


def measure_node(
    images: Sequence[NDArray[np.uint8]],
    *,
    rate: float,
    frames: int,
    parameters: Mapping[str, object],
) -> NodeLatency:
    """Publish images to a tracker node in a separate process, and measure until its tracks.

    The graph is restricted to this machine, with the profiles of `config/dds`. The environment of
    this process is changed for this purpose.

    Args:
        images: uint8 BGR (H, W, 3), repeated as long as needed.
        rate: images per second.
        frames: images that are published.
        parameters: of the tracker node.

    Raises:
        JtnError: if the node does not start, or no tracks come.
    """
    os.environ |= profile_variables(os.environ)
    os.environ |= {
        'ROS_DOMAIN_ID': str(1 + os.getpid() % _DOMAINS),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
    }
    rclpy.init()
    try:
        with _served(_Camera(images)) as camera, _tracker(parameters) as process:
            _connect(camera, process)
            before = _status(camera)
            camera.rows.clear()
            _stream(camera, rate, frames)
            after = _status(camera)
    finally:
        rclpy.shutdown()
    if not camera.rows:
        raise JtnError(f'none of {frames} images was tracked; lower the rate')
    whole, work, hand_over = np.array(camera.rows).T
    return NodeLatency(
        engine=f'{after["model"]} on {after["engine"]}',
        middleware=rclpy.get_rmw_implementation_identifier(),
        sent=frames,
        dropped=int(after['dropped']) - int(before['dropped']),
        milliseconds={
            WHOLE: whole,
            'network and tracking': work,
            'queue and conversion': hand_over,
            'transport and messages': whole - work - hand_over,
        },
    )


def _namespace() -> str:
    """Return a unique namespace, in case another process uses the same domain."""
    return f'benchmark_{os.getpid()}'


@contextmanager
def _served(camera: _Camera) -> Iterator[_Camera]:
    """Spin a node on a separate thread."""
    executor = SingleThreadedExecutor()
    executor.add_node(camera)
    closing = Event()

    def serve() -> None:
        while not closing.is_set():
            executor.spin_once(timeout_sec=0.1)

    thread = Thread(target=serve, name='served')
    thread.start()
    try:
        yield camera
    finally:
        closing.set()
        thread.join()
        camera.destroy_node()


@contextmanager
def _tracker(parameters: Mapping[str, object]) -> Iterator[subprocess.Popen[bytes]]:
    given = {'autostart': 'true', **parameters}
    arguments = [part for name, value in given.items() for part in ('-p', f'{name}:={value}')]
    module = ['-m', 'jtn_ros.nodes.tracker.tracker_node']
    arguments += ['-r', f'__ns:=/{_namespace()}']
    process = subprocess.Popen([sys.executable, *module, '--ros-args', *arguments])
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _connect(camera: _Camera, process: subprocess.Popen[bytes]) -> None:
    """Publish until tracks arrive."""
    end = time.monotonic() + _START_S
    while not camera.rows:
        if process.poll() is not None or time.monotonic() > end:
            raise JtnError('the tracker node did not start; see its messages above')
        camera.publish()
        time.sleep(0.2)


def _status(camera: _Camera) -> dict[str, str]:
    """Wait until all tracks have arrived, and then for new diagnostics."""
    time.sleep(_SETTLE_S)
    camera.status = {}
    end = time.monotonic() + _STATUS_S
    while not {'engine', 'dropped'} <= camera.status.keys():
        if time.monotonic() > end:
            raise JtnError('the tracker node sends no diagnostics; see its messages above')
        time.sleep(0.05)
    return dict(camera.status)


def _stream(camera: _Camera, rate: float, frames: int) -> None:
    start = time.monotonic()
    for number in range(frames):
        time.sleep(max(0.0, start + number / rate - time.monotonic()))
        camera.publish()
