"""Publish a video, an image folder or the images of a bag, at their own rate and times."""

import sys
from time import monotonic

import rclpy
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.media import Frame
from jtn_ros.media import open_frames
from jtn_ros.nodes.conversions import array_to_image
from jtn_ros.nodes.conversions import ns_to_stamp
from jtn_ros.nodes.parameters import NodeParameters
from jtn_ros.nodes.parameters import ParameterSpec
from jtn_ros.nodes.process import run_process

PARAMETERS = (
    ParameterSpec(
        name='input',
        default='',
        description='Video file, image folder, MOTChallenge sequence or bag to play.',
    ),
    ParameterSpec(
        name='rate', default=1.0, low=0.01, high=100.0, description='Speed; 2 is twice as fast.'
    ),
    ParameterSpec(
        name='loop',
        default=False,
        description='Whether to start again at the end; the stamps then jump back.',
    ),
    ParameterSpec(
        name='wait_for_subscribers',
        default=1,
        low=0,
        high=100,
        description='Number of subscribers that have to be there before the first frame.',
    ),
    ParameterSpec(
        name='frame_id', default='camera', description='Coordinate frame in the headers.'
    ),
)

_LATE_S = 0.5
# A subscriber that is counted may not know of this publisher yet, and would miss the first frames.
_SETTLE_S = 0.5


class PlayerNode(Node):
    """A camera that plays a recording; the stamps are the recording's own."""

    def __init__(self, **kwargs: object) -> None:
        """Open the recording.

        Raises:
            ValueError: if the input is not given or of an unknown kind.
            OSError: if it cannot be read.
        """
        super().__init__('player', **kwargs)
        self._values = NodeParameters(self, PARAMETERS).values()
        if not self._values.input:
            raise ValueError('the parameter input is empty; set it to the recording to play')
        self._frames = open_frames(self._values.input)
        self._publisher = self.create_publisher(
            Image,
            'image',
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def play(self) -> None:
        """Wait for the subscribers, publish all frames, and wait until they have arrived."""
        wanted = self._values.wait_for_subscribers
        if self._publisher.get_subscription_count() < wanted:
            self.get_logger().info(
                f'waiting for {wanted} subscriber(s) of {self._publisher.topic_name}'
            )
        while self._publisher.get_subscription_count() < wanted:
            self._spin_for(0.05)
        self._spin_for(_SETTLE_S)
        number = self._play_once()
        while self._values.loop:
            number += self._play_once()
        self._publisher.wait_for_all_acked(Duration(seconds=5))
        self.get_logger().info(f'played {number} frames of {self._values.input}')

    def _play_once(self) -> int:
        """Publish every frame when its time has come; return how many there were."""
        number = 0
        first_ns, start = 0, monotonic()
        for number, frame in enumerate(self._frames, start=1):
            message = self._message(frame)
            if number == 1:
                first_ns, start = frame.stamp_ns, monotonic()
            due = start + (frame.stamp_ns - first_ns) / 1e9 / self._values.rate
            if monotonic() - due > _LATE_S:
                self.get_logger().warning(
                    f'{monotonic() - due:.1f} s late, this machine cannot play so fast; '
                    'lower the parameter rate',
                    throttle_duration_sec=5.0,
                )
            self._spin_for(due - monotonic())
            self._publisher.publish(message)
        return number

    def _message(self, frame: Frame) -> Image:
        """Return the frame as a message."""
        header = Header(stamp=ns_to_stamp(frame.stamp_ns), frame_id=self._values.frame_id)
        return array_to_image(frame.image, header)

    def _spin_for(self, seconds: float) -> None:
        """Serve the node for so long.

        Raises:
            ExternalShutdownException: if ROS is shut down before that.
        """
        end = monotonic() + seconds
        while (remaining := end - monotonic()) > 0:
            rclpy.spin_once(self, timeout_sec=remaining)
            if not self.context.ok():
                raise ExternalShutdownException


def main() -> int:
    """Play to the end; return 0, or 1 when the recording cannot be played."""
    return run_process('player', lambda: PlayerNode().play())


if __name__ == '__main__':
    sys.exit(main())
