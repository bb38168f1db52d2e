"""Images lost by the middleware: as reported by it, or else estimated from the stamps."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from jtn_ros.nodes.common.middleware import loss_remedy
from jtn_ros.nodes.tracker.image_losses import ImageLosses

PERIOD = 33_366_700

# Publishes large images faster than any middleware gets them through, and counts.
LOSING = """
import json, time
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.nodes.tracker.image_input import ImageInput
rclpy.init()
executor = SingleThreadedExecutor()
camera, user = Node('camera'), Node('user')
executor.add_node(user)
came = []
images = ImageInput(
    user, 'image', 'raw', lambda image: came.append(image.header.stamp.nanosec), print
)
images.open()
publisher = camera.create_publisher(Image, 'image', sensor_data())
while not publisher.get_subscription_count():
    executor.spin_once(timeout_sec=0.1)
message = Image(height=1080, width=1920, step=5760, encoding='bgr8', data=bytes(5760 * 1080))
for number in range(1, 81):
    message.header.stamp.nanosec = number
    publisher.publish(message)
    if number % 20 == 0:
        executor.spin_once(timeout_sec=0.1)
end = time.monotonic() + 10
while time.monotonic() < end and (not came or came[-1] < 80):
    executor.spin_once(timeout_sec=0.1)
problem = images.check()
print(json.dumps([came, images.lost, problem and problem.text]))
"""


def lose(share: float, number: int, spread: float = 0.0) -> tuple[ImageLosses, int]:
    """Return the counted losses of a camera whose images are lost at random, and the truth."""
    rng = np.random.default_rng(2)
    steps = PERIOD * rng.uniform(1 - spread, 1 + spread, number)
    stamps = 10**18 + np.cumsum(steps).astype(int)
    came = rng.random(number) >= share
    came[[0, -1]] = True
    losses = ImageLosses('rmw_cyclonedds_cpp')
    for stamp_ns in stamps[came].tolist():
        losses.arrived(stamp_ns, None)
    return losses, int(number - came.sum())


@pytest.mark.parametrize('share', [0.15, 0.5, 0.7])
def test_stamps_of_a_steady_camera_reveal_missing_images(share: float) -> None:
    losses, truth = lose(share, 2000, spread=0.03)
    # The period has to be known first.
    assert losses.lost == pytest.approx(truth, abs=0.05 * truth + 30 / (1 - share))
    problem = losses.problem('/image')
    assert problem is not None
    assert problem.text.startswith('by their stamps, /image lacks images; the camera skips')
    assert problem.text.endswith(loss_remedy('rmw_cyclonedds_cpp'))


def test_a_camera_that_is_complete_has_lost_nothing() -> None:
    losses, _ = lose(0.0, 1000, spread=0.03)
    assert losses.lost == 0
    assert losses.problem('/image') is None


def test_stamps_of_a_camera_without_a_steady_rate_tell_nothing() -> None:
    losses, _ = lose(0.0, 1000, spread=0.8)
    assert losses.lost == 0


def test_a_pause_is_no_loss() -> None:
    losses = ImageLosses('rmw_cyclonedds_cpp')
    for number in [*range(100), *range(200, 300)]:
        losses.arrived(10**18 + number * PERIOD, None)
    assert losses.lost == 0


def test_numbers_of_the_publisher_are_counted_whatever_the_stamps_say() -> None:
    losses = ImageLosses('rmw_fastrtps_cpp')
    for number in range(31):
        losses.arrived(10**18 + number**2 * PERIOD, 7 + 2 * number)
    assert losses.lost == 30
    problem = losses.problem('/image')
    assert problem is not None
    assert problem.text == (
        'the middleware rmw_fastrtps_cpp loses images of /image (49% of the last); '
        f'{loss_remedy("rmw_fastrtps_cpp")}'
    )


def test_a_restarted_publisher_and_two_publishers_are_not_counted_as_losses() -> None:
    losses = ImageLosses('rmw_fastrtps_cpp')
    for number in [*range(900, 930), *range(1, 30)]:
        losses.arrived(10**18, number)
    for number in range(30):
        losses.arrived(10**18, 5000 + number)
        losses.arrived(10**18, number)
    assert losses.lost == 0


@pytest.mark.ros
def test_lost_and_received_images_add_up_to_all_images() -> None:
    middleware = 'rmw_fastrtps_cpp'
    environment = os.environ | {'RMW_IMPLEMENTATION': middleware}
    done = subprocess.run(
        [sys.executable, '-c', LOSING], env=environment, capture_output=True, text=True, timeout=60
    )
    if 'failed to load' in done.stderr or 'not found' in done.stderr:
        pytest.skip(f'{middleware} is not installed')
    came, lost, problem = json.loads(done.stdout)
    assert len(came) + lost == came[-1] - came[0] + 1
    assert lost > 20
    assert f'the middleware {middleware} loses images of /image' in problem
