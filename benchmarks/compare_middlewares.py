"""Count the images that arrive between two processes, for each middleware and setting.

    tools/run --dev python benchmarks/compare_middlewares.py [ROUNDS]

A camera publishes 600 images of 1080p at 30 Hz, best effort; a node in another process receives
them. Prints one line per round: the number of received images, and the latency in ms from
publishing to the callback.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from collections.abc import Mapping

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.middleware import profile_variables
from jtn_ros.nodes.common.qos import sensor_data

RATE = 30.0
PATIENCE_S, SETTLE_S = 30.0, 3.0
MESSAGES_OF_64_KB = (
    '<CycloneDDS><Domain Id="any"><General><MaxMessageSize>65500B</MaxMessageSize></General>'
    '</Domain></CycloneDDS>'
)


def settings() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield the middleware, the name of the setting, and its environment variables."""
    profiles = profile_variables({})
    yield 'rmw_cyclonedds_cpp', 'default', {}
    yield 'rmw_cyclonedds_cpp', 'MaxMessageSize 65500B', {'CYCLONEDDS_URI': MESSAGES_OF_64_KB}
    yield 'rmw_cyclonedds_cpp', 'config/dds', profiles
    yield 'rmw_fastrtps_dynamic_cpp', 'default', {}
    yield 'rmw_fastrtps_dynamic_cpp', 'config/dds', profiles


def listen(images: int) -> None:
    """Receive images until no more arrive, and print their number and latency."""
    node = Node('listener')
    late: list[int] = []

    def take(message: Image) -> None:
        late.append(time.time_ns() - stamp_to_ns(message.header.stamp))

    node.create_subscription(Image, 'image', take, sensor_data())
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        before = len(late)
        executor.spin_once(timeout_sec=0.5)
        if len(late) > before:
            end = time.monotonic() + SETTLE_S
    middle, high = np.percentile(late, (50, 99)) / 1e6 if late else (np.nan, np.nan)
    print(f'{len(late):4} of {images}, {middle:6.1f} ms median, {high:6.1f} ms 99 %', flush=True)


def publish(images: int) -> None:
    """Publish images after the listener has connected."""
    node = Node('camera')
    publisher = node.create_publisher(Image, 'image', sensor_data())
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3)).astype(np.uint8)
    message = array_to_image(noise, Header(frame_id='camera'))
    while not publisher.get_subscription_count():
        time.sleep(0.05)
    time.sleep(1)
    start = time.monotonic()
    for number in range(images):
        time.sleep(max(0.0, start + number / RATE - time.monotonic()))
        message.header.stamp = ns_to_stamp(time.time_ns())
        publisher.publish(message)
    time.sleep(SETTLE_S)


def count_arrivals(middleware: str, variables: Mapping[str, str], images: int) -> str:
    """Run a camera and a listener, and return the line that the listener prints."""
    environment = {**os.environ, 'RMW_IMPLEMENTATION': middleware, **variables}
    camera = [sys.executable, __file__, 'publish', str(images)]
    listener = [sys.executable, __file__, 'listen', str(images)]
    with subprocess.Popen(camera, env=environment):
        done = subprocess.run(listener, env=environment, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def main(rounds: int) -> None:
    """Print one line per round and setting."""
    for _ in range(rounds):
        for middleware, name, variables in settings():
            line = count_arrivals(middleware, variables, 600)
            print(f'{middleware:25} {name:22} {line}', flush=True)


if __name__ == '__main__':
    roles = {'listen': listen, 'publish': publish}
    first, *others = sys.argv[1:] or ['1']
    if first in roles:
        rclpy.init()
        roles[first](int(others[0]))
        rclpy.shutdown()
    else:
        main(int(first))
