"""Start one tracker node for several cameras, configured and active.

ros2 launch jtn_ros multi_camera.launch.py cameras:=front,rear image:=/{camera}/image_raw
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from jtn_ros.launching.tracker import declare_arguments
from jtn_ros.launching.tracker import include_tracker

SHARE = Path(get_package_share_directory('jtn_ros'))

CAMERAS = {
    'cameras': (None, 'Names of the cameras, as in front,rear.'),
    'image': ('/{camera}/image_raw', 'Image topics; {camera} stands for the name of each.'),
    'camera_info': ('/{camera}/camera_info', 'Calibration topics.'),
    'depth': ('/{camera}/depth', 'Depth topics, registered to the images.'),
}
# Other arguments that tracker.launch.py takes as well.
PASSED = {
    'model': ('', 'Exported model; empty takes that of the parameter file.'),
    'backend': ('', 'What runs the network; empty takes that of the parameter file.'),
    'namespace': ('', 'Namespace of the node.'),
    'positions': ('', 'off, depth or ground; empty takes that of the parameter file.'),
    'fixed_frame': ('', 'Frame of the positions; empty takes that of the parameter file.'),
    'params_file': (
        str(SHARE / 'config' / 'tracker.yaml'), 'YAML file with parameters of jtn_tracker.'
    ),
    'autostart': ('true', 'Configure and activate the node: true or false.'),
    'use_sim_time': ('false', 'Take the time from /clock: true or false.'),
    'rviz': ('false', 'Show the cameras in RViz: true or false.'),
    'rviz_frame': ('', 'Fixed frame of RViz; empty takes that of the positions or images.'),
    'log_level': ('info', 'Least severity of the messages that are logged.'),
}  # fmt: skip


def generate_launch_description() -> LaunchDescription:
    arguments = CAMERAS | PASSED
    tracker = include_tracker(
        SHARE / 'launch', {name: LaunchConfiguration(name) for name in arguments}
    )
    return LaunchDescription([*declare_arguments(arguments), tracker])
