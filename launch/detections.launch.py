"""Track the detections of another node, and start that node if its launch file is given.

ros2 launch jtn_ros detections.launch.py detections:=/detections_output \\
    detector:=$(ros2 pkg prefix --share isaac_ros_rtdetr)/launch/isaac_ros_rtdetr.launch.py
ros2 launch jtn_ros detections.launch.py input:=detections_3d \\
    detections:=/oak/nn/spatial_detections fixed_frame:=odom

All arguments of tracker.launch.py are accepted.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import GroupAction
from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import AnyLaunchDescriptionSource

from jtn_ros.launching.arguments import Argument
from jtn_ros.launching.arguments import check_arguments
from jtn_ros.launching.arguments import declare_arguments
from jtn_ros.launching.tracker import include_tracker

SHARE = Path(get_package_share_directory('jtn_ros'))

ARGUMENTS = {
    'detector': Argument(
        description='Launch file that starts the detector, with its defaults. Empty if it is '
        'running already.'
    ),
    'input': Argument(
        default='detections',
        description='Type of the messages: 2D or 3D detections.',
        choices=('detections', 'detections_3d'),
    ),
}


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *declare_arguments(ARGUMENTS, __file__),
            # The arguments of the tracker are not passed to the detector.
            OpaqueFunction(function=_start_detector),
            include_tracker(SHARE / 'launch', {}),
        ]
    )


def _start_detector(context: LaunchContext) -> list[Action]:
    file = context.launch_configurations['detector']
    if not file:
        return []
    if not Path(file).is_file():
        raise RuntimeError(f'detector:={file} is not a file; specify the path of a launch file')
    check_arguments(context.launch_configurations)
    detector = IncludeLaunchDescription(AnyLaunchDescriptionSource(file))
    return [GroupAction([detector], scoped=True, forwarding=False)]
