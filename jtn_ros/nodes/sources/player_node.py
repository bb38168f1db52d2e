"""Publish a video, an image folder or the images of a bag, with their rate and timestamps."""

import sys
from dataclasses import dataclass

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.media import Frame
from jtn_ros.media import open_frames
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.common.process import run_process
from jtn_ros.nodes.sources.playing import Pace
from jtn_ros.nodes.sources.playing import wait_for_subscribers
from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class PlayerSettings(Settings):
    """The parameters of the node."""

    input: str = setting('', 'Video file, image folder, MOTChallenge sequence or bag to play.')
    rate: float = setting(1.0, 'Playback speed. 2 is twice as fast.', low=0.01, high=100.0)
    loop: bool = setting(False, 'Start again at the end. The timestamps then jump back.')
    wait_for_subscribers: int = setting(
        1, 'Number of subscribers to wait for before the first frame.', low=0, high=100
    )
    frame_id: str = setting('camera', 'Coordinate frame in the headers.')


class PlayerNode(Node):
    """A camera that plays a recording with the timestamps of the recording."""

    def __init__(self, **kwargs: object) -> None:
        """Open the recording.

        Raises:
            JtnError: if the input is not set or of an unknown kind.
            OSError: if it cannot be read.
        """
        super().__init__('player', **kwargs)
        self._values = NodeParameters(self, PlayerSettings).values()
        if not self._values.input:
            raise JtnError('the parameter input is empty; set it to the recording to play')
        self._frames = open_frames(self._values.input)
        self._publisher = self.create_publisher(
            Image,
            'image',
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )

    def play(self) -> None:
        """Wait for the subscribers, publish all frames, and wait until they have arrived."""
        wait_for_subscribers(self, self._publisher, self._values.wait_for_subscribers)
        number = self._play_once()
        if not number:
            raise JtnError(f'{self._values.input} contains no frame that can be read')
        while self._values.loop:
            number += self._play_once()
        self._publisher.wait_for_all_acked(Duration(seconds=5))
        self.get_logger().info(f'played {number} frames of {self._values.input}')

    def _play_once(self) -> int:
        """Publish each frame when it is due; return the number of frames."""
        number = 0
        pace = Pace(self, self._values.rate)
        for frame in self._frames:
            message = self._message(frame)
            pace.wait_until(frame.stamp_ns)
            self._publisher.publish(message)
            number += 1
        return number

    def _message(self, frame: Frame) -> Image:
        """Return the frame as a message."""
        header = Header(stamp=ns_to_stamp(frame.stamp_ns), frame_id=self._values.frame_id)
        return array_to_image(frame.image, header)


def main() -> int:
    """Play to the end; return 0, or 1 if the recording cannot be played."""
    return run_process('player', lambda: PlayerNode().play())


if __name__ == '__main__':
    sys.exit(main())
