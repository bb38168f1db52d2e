"""Track, ready to follow one of the people, for Nav2's following server.

ros2 launch jtn_ros follow.launch.py image:=/camera/image_raw fixed_frame:=odom
ros2 service call /jtn_tracker/select jtn_msgs/srv/SelectTarget "{by: 3}"    # the nearest
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from jtn_ros.launching.middleware import DDS_PROFILES
from jtn_ros.launching.tracker import declare_arguments
from jtn_ros.launching.tracker import include_tracker

SHARE = Path(get_package_share_directory('jtn_ros'))

# Arguments of tracker.launch.py, with the defaults that following needs.
PASSED = {
    'image': ('image', 'Image topic.'),
    'camera_info': ('camera_info', 'Calibration topic of the camera.'),
    'depth': ('depth', 'Topic of depth images that are registered to the images.'),
    'positions': ('depth', 'How 3D positions are computed: depth or ground.'),
    'fixed_frame': ('odom', 'tf frame in which the target is published.'),
    'lazy': ('false', 'Track only while somebody listens: true or false.'),
    'model': ('', 'Exported model. Empty uses the parameter file.'),
    'backend': ('', 'Inference back end. Empty uses the parameter file.'),
    'namespace': ('', 'Namespace of the node.'),
    'params_file': (str(SHARE / 'config' / 'tracker.yaml'), 'Parameter file of jtn_tracker.'),
    'autostart': ('true', 'Configure and activate the node: true or false.'),
    'use_sim_time': ('false', 'Use the time of /clock: true or false.'),
    'rviz': ('false', 'Show the tracks and positions in RViz: true or false.'),
    'rviz_frame': ('', 'Fixed frame of RViz. Empty uses that of the positions or images.'),
    'log_level': ('info', 'Minimum severity of log messages.'),
}


def generate_launch_description() -> LaunchDescription:
    arguments = PASSED | DDS_PROFILES
    tracker = include_tracker(
        SHARE / 'launch', {name: LaunchConfiguration(name) for name in arguments}
    )
    return LaunchDescription([*declare_arguments(arguments), tracker])
