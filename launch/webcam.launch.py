"""Track in the images of a webcam, a network camera, a video or a bag."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from jtn_ros.launching.camera import CAMERA
from jtn_ros.launching.camera import camera_parameters
from jtn_ros.launching.middleware import DDS_PROFILES
from jtn_ros.launching.middleware import apply_dds_profiles
from jtn_ros.launching.tracker import declare_arguments
from jtn_ros.launching.tracker import end_nodes_with_launch
from jtn_ros.launching.tracker import include_tracker
from jtn_ros.launching.tracker import require_rviz

SHARE = Path(get_package_share_directory('jtn_ros'))

DEVICE = {
    'device': ('0', 'Number of a webcam, device file, URL, or path of a video, folder or bag.'),
    'one_process': (
        'true',
        'The tracker reads the camera itself, so that no image is lost between them. false runs '
        'a node of its own for the camera.',
    ),
}
TRACKER = {
    'model': ('', 'Exported model. Empty uses the parameter file.'),
    'backend': ('', 'Inference back end. Empty uses the parameter file.'),
    'positions': ('', 'off or ground. Empty uses the parameter file.'),
    'params_file': (str(SHARE / 'config' / 'tracker.yaml'), 'Parameter file of jtn_tracker.'),
    'rviz': ('false', 'Show image, boxes, ids and trails in RViz: true or false.'),
    'rviz_frame': ('', 'Fixed frame of RViz. Empty uses that of the positions or images.'),
}


def generate_launch_description() -> LaunchDescription:
    # What may be refused comes first, so that no process is left behind.
    checked = OpaqueFunction(function=require_rviz)
    arguments = declare_arguments(DEVICE | CAMERA | TRACKER | DDS_PROFILES)
    start = OpaqueFunction(function=_start)
    return LaunchDescription(
        [*arguments, checked, end_nodes_with_launch(), apply_dds_profiles(), start]
    )


def _start(context: LaunchContext) -> list[Action]:
    argument = context.launch_configurations
    passed = {name: argument[name] for name in TRACKER}
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
