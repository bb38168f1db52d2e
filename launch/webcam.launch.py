"""Track objects in the images of a webcam, a network camera, a video or a bag."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from jtn_ros.launching.arguments import CAMERA
from jtn_ros.launching.arguments import FROM_FILE
from jtn_ros.launching.arguments import Argument
from jtn_ros.launching.arguments import camera_parameters
from jtn_ros.launching.arguments import check_arguments
from jtn_ros.launching.arguments import declare_arguments
from jtn_ros.launching.arguments import of_tracker
from jtn_ros.launching.arguments import switch
from jtn_ros.launching.middleware import apply_dds_profiles
from jtn_ros.launching.tracker import end_nodes_with_launch
from jtn_ros.launching.tracker import include_tracker

SHARE = Path(get_package_share_directory('jtn_ros'))

DEVICE = {
    'device': Argument(
        default='0',
        description='Number of a webcam, device file, URL, or path of a video, folder or bag.',
    ),
    'one_process': switch(
        'true',
        'The tracker reads the camera itself, so that no image is lost in between. false starts a '
        'separate node for the camera.',
    ),
}
OF_TRACKER = {
    **of_tracker('model', 'backend'),
    'positions': Argument(
        description=f'How 3D positions are computed. {FROM_FILE}', choices=('off', 'ground', '')
    ),
    **of_tracker(
        'fixed_frame', 'outputs', 'params_file', 'lazy', 'rviz', 'rviz_frame', 'log_level'
    ),
}


def generate_launch_description() -> LaunchDescription:
    arguments = DEVICE | CAMERA | OF_TRACKER | of_tracker('dds_profiles')
    return LaunchDescription(
        [
            *declare_arguments(arguments, __file__),
            end_nodes_with_launch(),
            apply_dds_profiles(),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[Action]:
    argument = context.launch_configurations
    check_arguments(argument)
    passed = {name: argument[name] for name in OF_TRACKER}
    if argument['one_process'] == 'true':
        passed |= {'source': argument['device']} | {name: argument[name] for name in CAMERA}
        return [include_tracker(SHARE / 'launch', passed)]
    webcam = Node(
        package='jtn_ros',
        executable='webcam_node',
        name='webcam',
        parameters=[{'device': argument['device'], **camera_parameters(argument)}],
        output='screen',
    )
    return [webcam, include_tracker(SHARE / 'launch', passed)]
