"""Start one tracker node for several cameras, configured and active.

ros2 launch jtn_ros multi_camera.launch.py cameras:=front,rear image:=/{camera}/image_raw
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from jtn_ros.launching.middleware import DDS_PROFILES
from jtn_ros.launching.tracker import declare_arguments
from jtn_ros.launching.tracker import include_tracker

SHARE = Path(get_package_share_directory('jtn_ros'))

CAMERAS = {
    'cameras': (None, 'Names of the cameras, such as front,rear.'),
    'image': (
        '/{camera}/image_raw',
        'Image topics. {camera} is replaced by the name of each camera.',
    ),
    'camera_info': ('/{camera}/camera_info', 'Calibration topics.'),
    'depth': ('/{camera}/depth', 'Depth topics, registered to the images.'),
}
# Other arguments that tracker.launch.py takes as well.
PASSED = {
    'model': ('', 'Exported model. Empty uses the parameter file.'),
    'backend': ('', 'Inference back end. Empty uses the parameter file.'),
    'namespace': ('', 'Namespace of the node.'),
    'positions': ('', 'off, depth or ground. Empty uses the parameter file.'),
    'fixed_frame': ('', 'tf frame of the positions. Empty uses the parameter file.'),
    'outputs': (
        '',
        'More outputs, such as world_tracks, the tracks of all cameras together. Empty uses the '
        'parameter file.',
    ),
    'params_file': (str(SHARE / 'config' / 'tracker.yaml'), 'Parameter file of jtn_tracker.'),
    'autostart': ('true', 'Configure and activate the node: true or false.'),
    'use_sim_time': ('false', 'Use the time of /clock: true or false.'),
    'rviz': ('false', 'Show the cameras in RViz: true or false.'),
    'rviz_frame': ('', 'Fixed frame of RViz. Empty uses that of the positions or images.'),
    'log_level': ('info', 'Minimum severity of log messages.'),
}


def generate_launch_description() -> LaunchDescription:
    arguments = CAMERAS | PASSED | DDS_PROFILES
    tracker = include_tracker(
        SHARE / 'launch', {name: LaunchConfiguration(name) for name in arguments}
    )
    return LaunchDescription([*declare_arguments(arguments), tracker])
