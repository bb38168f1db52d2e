"""Track in the images of a webcam, a network camera or a video."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from jtn_ros.nodes.tracker_launch import declare_arguments
from jtn_ros.nodes.tracker_launch import end_nodes_with_launch
from jtn_ros.nodes.tracker_launch import include_tracker
from jtn_ros.nodes.tracker_launch import require_rviz

SHARE = Path(get_package_share_directory('jtn_ros'))

CAMERA = {
    'device': ('0', 'Number of a webcam, its device file, a URL, or a video file.'),
    'width': ('0', 'Width to ask the camera for, in pixels; 0 leaves it as it is.'),
    'height': ('0', 'Height to ask the camera for, in pixels; 0 leaves it as it is.'),
    'rate': ('0.0', 'Images per second; 0 takes what the camera or video says.'),
    'frame_id': ('camera', 'Coordinate frame of the camera.'),
    'calibration': ('', 'YAML file of camera_calibration, needed for positions.'),
}
TYPES = {'width': int, 'height': int, 'rate': float}
TRACKER = {
    'model': ('', 'Exported model; empty takes that of the parameter file.'),
    'backend': ('', 'What runs the network; empty takes that of the parameter file.'),
    'positions': ('', 'off or ground; empty takes that of the parameter file.'),
    'params_file': (
        str(SHARE / 'config' / 'tracker.yaml'), 'YAML file with parameters of jtn_tracker.'
    ),
    'rviz': ('false', 'Show image, boxes, ids and trails in RViz: true or false.'),
    'rviz_frame': ('', 'Fixed frame of RViz; empty takes that of the positions or images.'),
}  # fmt: skip


def generate_launch_description() -> LaunchDescription:
    camera = Node(
        package='jtn_ros',
        executable='webcam_node',
        name='webcam',
        parameters=[
            {
                name: ParameterValue(LaunchConfiguration(name), value_type=TYPES.get(name, str))
                for name in CAMERA
            }
        ],
        output='screen',
    )
    tracker = include_tracker(
        SHARE / 'launch', {name: LaunchConfiguration(name) for name in TRACKER}
    )
    # What may be refused comes first, so that no process is left behind.
    checked = OpaqueFunction(function=require_rviz)
    arguments = declare_arguments(CAMERA | TRACKER)
    return LaunchDescription([*arguments, checked, end_nodes_with_launch(), camera, tracker])
