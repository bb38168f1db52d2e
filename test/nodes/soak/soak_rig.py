"""A camera and a listener for long runs of a tracker node, and resources of its process."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
from time import monotonic
from time import sleep
from time import time_ns

import numpy as np
import psutil
from diagnostic_msgs.msg import DiagnosticArray
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns

from nodes.graph import Graph


@dataclass
class Holdings:
    """What a process holds."""

    resident_mb: float
    threads: int
    descriptors: int

    @classmethod
    def of(cls, process: psutil.Process) -> 'Holdings':
        return cls(process.memory_info().rss / 2**20, process.num_threads(), process.num_fds())


@dataclass
class Sample:
    """The latency of one image, and the reported times of the stages, in seconds."""

    latency: float
    stages: dict[str, float] = field(default_factory=dict)


def moving_blocks(width: int, height: int) -> list[NDArray[np.uint8]]:
    """Return images of eight blocks that move to and fro."""
    unit = width // 160  # of the block model
    images = []
    for shift in (0, 1, 2, 3, 2, 1):
        image = np.zeros((height, width, 3), np.uint8)
        for column in range(4):
            for row in range(2):
                x, y = (10 + 38 * column + shift) * unit, (8 + 42 * row) * unit
                image[y : y + 24 * unit, x : x + 12 * unit] = 255
        images.append(image)
    return images


class Camera:
    """Publishes images of eight moving blocks, and receives the tracks."""

    def __init__(self, graph: Graph, width: int, height: int) -> None:
        self.node = graph.add(Node('camera'))
        self._graph = graph
        self._images = self.node.create_publisher(Image, 'image', qos_profile_sensor_data)
        self._messages = [
            array_to_image(image, Header(frame_id='lens'))
            for image in moving_blocks(width, height)
        ]
        self.sent = 0
        self.received = 0
        self.samples: list[Sample] = []
        self.keep = False
        self.status: dict[str, str] = {}
        self.node.create_subscription(
            TrackedObjectArray, '/jtn_tracker/tracks', self._take, QoSProfile(depth=10)
        )
        self.node.create_subscription(
            DiagnosticArray, '/diagnostics', self._diagnose, QoSProfile(depth=10)
        )

    def connect(self) -> None:
        """Wait until tracks are received."""

        def answered() -> bool:
            self.publish()
            sleep(0.1)
            return self.received > 0

        self._graph.wait(answered, what='the first tracks', timeout=120)
        self.wait_for_status('processed')

    def publish(self) -> None:
        message = self._messages[self.sent % len(self._messages)]
        message.header.stamp = ns_to_stamp(time_ns())
        self._images.publish(message)
        self.sent += 1

    def stream(self, rate: float, seconds: float) -> None:
        """Publish at a rate for so long."""
        start, number = monotonic(), 0
        while (now := monotonic() - start) < seconds:
            self.publish()
            number += 1
            sleep(max(0.0, number / rate - now - (monotonic() - start - now)))

    def measure(self, rate: float, seconds: float) -> list[Sample]:
        """Return the latencies of a stream."""
        self.samples, self.keep = [], True
        self.stream(rate, seconds)
        sleep(1.5)
        self.keep = False
        return self.samples

    def wait_for_status(self, key: str) -> dict[str, str]:
        """Return the next diagnostics of the camera."""
        self.status = {}
        self._graph.wait(lambda: key in self.status, what='diagnostics', timeout=30)
        return dict(self.status)

    def _take(self, message: TrackedObjectArray) -> None:
        self.received += 1
        if self.keep:
            latency = (time_ns() - stamp_to_ns(message.header.stamp)) / 1e9
            self.samples.append(Sample(latency, {s.name: s.duration for s in message.latencies}))

    def _diagnose(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == 'jtn_tracker: camera':
                self.status = {entry.key: entry.value for entry in status.values}


@contextmanager
def tracker_process(**parameters: object) -> Iterator[psutil.Process]:
    """Run an active tracker node in a separate process."""
    arguments = [f'{name}:={value}' for name, value in parameters.items() if value]
    command = [sys.executable, '-m', 'jtn_ros.nodes.tracker.tracker_node', '--ros-args']
    for argument in ('autostart:=true', *arguments):
        command += ['-p', argument]
    process = subprocess.Popen(command)
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        assert process.wait(60) in (0, -15)


def growth(holdings: list[Holdings]) -> str:
    """Return how holdings changed, for people."""
    texts = [re.sub(r'Holdings\((.*)\)', r'\1', str(item)) for item in holdings]
    return f'{texts[0]} -> {texts[-1]}'
