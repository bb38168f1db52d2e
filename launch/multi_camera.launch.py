"""Start one tracker node for several cameras, configured and active.

ros2 launch jtn_ros multi_camera.launch.py cameras:=front,rear image:=/{camera}/image_raw
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from jtn_ros.launching.arguments import RUNNING
from jtn_ros.launching.arguments import Argument
from jtn_ros.launching.arguments import declare_arguments
from jtn_ros.launching.arguments import of_tracker
from jtn_ros.launching.tracker import include_tracker

SHARE = Path(get_package_share_directory('jtn_ros'))

# Arguments of tracker.launch.py, some with the defaults that several cameras need.
ARGUMENTS = {
    'cameras': Argument(default=None, description='Names of the cameras, such as front,rear.'),
    'image': Argument(
        default='/{camera}/image_raw',
        description='Image topics. {camera} is replaced by the name of each camera.',
    ),
    'camera_info': Argument(
        default='/{camera}/camera_info', description='Calibration topics of the cameras.'
    ),
    'depth': Argument(
        default='/{camera}/depth',
        description='Topics of depth images that are registered to the images.',
    ),
    **of_tracker(
        'model',
        'backend',
        'namespace',
        'positions',
        'fixed_frame',
        'outputs',
        *RUNNING,
    ),
}


def generate_launch_description() -> LaunchDescription:
    tracker = include_tracker(
        SHARE / 'launch', {name: LaunchConfiguration(name) for name in ARGUMENTS}
    )
    return LaunchDescription([*declare_arguments(ARGUMENTS, __file__), tracker])
