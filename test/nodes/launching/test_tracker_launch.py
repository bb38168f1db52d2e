"""`tracker.launch.py` under launch_testing: the node gets active, answers, and ends cleanly."""

import time
import unittest
from collections.abc import Callable

import launch_testing.actions
import launch_testing.asserts
import numpy as np
import pytest
import rclpy
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_testing import ActiveProcInfoHandler
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp

from places import ROOT

LAUNCH_FILE = ROOT / 'launch' / 'tracker.launch.py'
STAMP = ns_to_stamp(1_234_567_890)
PATIENCE_S = 60.0


@pytest.mark.launch_test
def generate_test_description() -> LaunchDescription:
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(LAUNCH_FILE)),
        launch_arguments={'namespace': 'robot', 'image': '/front/image'}.items(),
    )
    return LaunchDescription([tracker, launch_testing.actions.ReadyToTest()])


class TestTracker(unittest.TestCase):
    """Speak to the node as a robot would."""

    node: Node

    @classmethod
    def setUpClass(cls) -> None:
        rclpy.init()
        cls.node = rclpy.create_node('robot')

    @classmethod
    def tearDownClass(cls) -> None:
        cls.node.destroy_node()
        rclpy.shutdown()

    def wait_until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not done():
            assert time.monotonic() < end, 'the tracker did not answer in time'
            rclpy.spin_once(self.node, timeout_sec=0.1)

    def test_node_is_active_and_tracks_with_the_bundled_model(self) -> None:
        client = self.node.create_client(GetState, '/robot/jtn_tracker/get_state')
        assert client.wait_for_service(timeout_sec=PATIENCE_S)

        def active() -> bool:
            # A response is lost while the service has not discovered its client.
            answer = client.call_async(GetState.Request())
            rclpy.spin_until_future_complete(self.node, answer, timeout_sec=2.0)
            state = answer.result().current_state.id if answer.done() else None
            return state == State.PRIMARY_STATE_ACTIVE

        self.wait_until(active)
        received: list[TrackedObjectArray] = []
        self.node.create_subscription(
            TrackedObjectArray, '/robot/jtn_tracker/tracks', received.append, 10
        )
        publisher = self.node.create_publisher(Image, '/front/image', 10)
        header = Header(stamp=STAMP, frame_id='front_camera_optical')
        image = np.full((288, 512, 3), 100, np.uint8)
        message = array_to_image(image, header)

        def answered() -> bool:
            # Again and again: discovery is over when both sides know each other.
            publisher.publish(message)
            return len(received) > 0

        self.wait_until(answered)
        assert received[0].header == header
        assert (received[0].image_width, received[0].image_height) == (512, 288)
        assert received[0].model_name in ('jtn_people', 'jtn_people_int8')
        assert list(received[0].objects) == [], 'nobody is in a gray image'


@launch_testing.post_shutdown_test()
class TestShutdown(unittest.TestCase):
    """Look at how the processes ended."""

    def test_node_ends_without_error(self, proc_info: ActiveProcInfoHandler) -> None:
        launch_testing.asserts.assertExitCodes(proc_info)
