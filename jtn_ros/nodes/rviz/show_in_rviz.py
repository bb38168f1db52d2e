"""`show_in_rviz`: open RViz with the displays of a tracker, in the frame of its images.

After the tracker has reported its cameras and frames, RViz replaces this process.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import rclpy
import yaml
from rcl_interfaces.srv import GetParameters
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import QoSProfile
from rclpy.task import Future

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.errors import JtnError
from jtn_ros.nodes.common.parameters import NodeParameters
from jtn_ros.nodes.common.process import run_process
from jtn_ros.nodes.rviz.layout import CameraTopics
from jtn_ros.nodes.rviz.layout import Layout
from jtn_ros.nodes.rviz.layout import tracker_layout
from jtn_ros.settings import Settings
from jtn_ros.settings import setting


@dataclass(frozen=True, kw_only=True)
class ShowInRvizSettings(Settings):
    """The parameters of the node."""

    tracker: str = setting('jtn_tracker', 'Name of the tracker.')
    frame: str = setting('', 'Fixed frame of RViz. Empty uses that of the positions or images.')


_REMINDER_S = 5.0


class ShowInRviz(Node):
    """Queries the outputs of a tracker; its topics are remapped like those of the tracker."""

    def __init__(self, **kwargs: object) -> None:
        """Declare the parameters."""
        super().__init__('show_in_rviz', **kwargs)
        self._values = NodeParameters(self, ShowInRvizSettings).values()
        self._tracker = self.resolve_topic_name(self._values.tracker)

    def layout(self) -> Layout:
        """Wait for the tracker and its first tracks, and return the layout that fits them.

        Raises:
            ExternalShutdownException: if ROS is shut down before that.
        """
        names, positions, fixed_frame, outputs = self._ask(
            'cameras', 'positions', 'fixed_frame', 'outputs'
        )
        cameras = [
            CameraTopics(
                name=name,
                outputs='/'.join([self._tracker, *([name] if name else [])]),
                image=self.resolve_topic_name('/'.join([*([name] if name else []), 'image'])),
            )
            for name in [name for name in names if name] or ['']
        ]
        images = self._frame_of_images(f'{cameras[0].outputs}/tracks')
        shown = self._values.frame or (fixed_frame if positions != 'off' else '') or images
        in_world = positions != 'off' and fixed_frame and 'world_tracks' in outputs
        return tracker_layout(
            cameras,
            positions=positions != 'off',
            fixed_frame=shown,
            camera_frame=images if images != shown else '',
            world=f'{self._tracker}/world_markers' if in_world else '',
        )

    def _ask(self, *parameters: str) -> list[Any]:
        """Return the values of parameters of the tracker."""
        client = self.create_client(GetParameters, f'{self._tracker}/get_parameters')
        while not client.wait_for_service(_REMINDER_S):
            self.get_logger().info(f'waiting for the node {self._tracker}')
        request = GetParameters.Request(names=parameters)
        answer = self._wait(
            lambda: client.call_async(request), f'the parameters of {self._tracker}'
        )
        return [parameter_value_to_python(value) for value in answer.values]

    def _frame_of_images(self, topic: str) -> str:
        """Return the frame of the first images that are tracked."""
        first: Future = Future()

        def take(tracks: TrackedObjectArray) -> None:
            if not first.done():
                first.set_result(tracks.header.frame_id)

        self.create_subscription(TrackedObjectArray, topic, take, QoSProfile(depth=1))
        self.get_logger().info(f'RViz opens with the first tracks on {topic}')
        return self._wait(lambda: first, f'the first tracks on {topic}')

    def _wait(self, ask: Callable[[], Future], what: str) -> Any:
        """Spin the node until the future that `ask` returns is done, and return its result.

        The request is repeated, because a response is lost if the service has not yet discovered
        its client.
        """
        while True:
            future = ask()
            rclpy.spin_until_future_complete(self, future, timeout_sec=_REMINDER_S)
            if future.done():
                return future.result()
            if not self.context.ok():
                raise ExternalShutdownException
            self.get_logger().info(f'waiting for {what}')


def main() -> int:
    """Replace this process by RViz; return 0 if interrupted before, else 1."""
    command: list[str] = []
    code = run_process('show_in_rviz', lambda: command.extend(_command_of_rviz()))
    if command:
        sys.stdout.flush()
        os.execv(command[0], command)
    return code


def _command_of_rviz() -> Sequence[str]:
    """Return the command that opens RViz with a layout that was written for it.

    Raises:
        JtnError: if there is no RViz.
    """
    rviz = shutil.which('rviz2')
    if rviz is None:
        raise JtnError('rviz2 is not on the PATH; install the package ros-$ROS_DISTRO-rviz2')
    node = ShowInRviz()
    try:
        layout = node.layout()
        simulated = str(node.get_parameter('use_sim_time').value).lower()
    finally:
        node.destroy_node()
    with tempfile.NamedTemporaryFile(
        'w', encoding='utf-8', prefix='jtn_tracker_', suffix='.rviz', delete=False
    ) as file:
        yaml.safe_dump(layout, file, sort_keys=False)
    return [rviz, '-d', file.name, '--ros-args', '-p', f'use_sim_time:={simulated}']


if __name__ == '__main__':
    sys.exit(main())
