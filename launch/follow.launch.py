"""Track people and publish a selected one as the target for Nav2's following server.

ros2 launch jtn_ros follow.launch.py image:=/camera/image_raw fixed_frame:=odom
ros2 service call /jtn_tracker/select jtn_msgs/srv/SelectTarget "{by: 3}"    # the nearest
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from jtn_ros.launching.arguments import RUNNING
from jtn_ros.launching.arguments import Argument
from jtn_ros.launching.arguments import declare_arguments
from jtn_ros.launching.arguments import of_tracker
from jtn_ros.launching.arguments import switch
from jtn_ros.launching.tracker import include_tracker

SHARE = Path(get_package_share_directory('jtn_ros'))

# Arguments of tracker.launch.py, some with the defaults that following needs.
ARGUMENTS = {
    **of_tracker('image', 'camera_info', 'depth'),
    'positions': Argument(
        default='depth',
        description='How 3D positions are computed.',
        choices=('depth', 'ground'),
    ),
    'fixed_frame': Argument(
        default='odom', description='tf frame in which the target is published.'
    ),
    'lazy': switch('false', 'Track only while an output has subscribers.'),
    **of_tracker(
        'model',
        'backend',
        'namespace',
        *RUNNING,
    ),
}


def generate_launch_description() -> LaunchDescription:
    tracker = include_tracker(
        SHARE / 'launch', {name: LaunchConfiguration(name) for name in ARGUMENTS}
    )
    return LaunchDescription([*declare_arguments(ARGUMENTS, __file__), tracker])
