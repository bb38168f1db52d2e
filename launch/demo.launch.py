"""Play a clip, track the objects in it and record everything; exit at the end of the clip.

The exit code is 0 only if all three nodes finished successfully.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from jtn_ros.launching.arguments import Argument
from jtn_ros.launching.arguments import declare_arguments
from jtn_ros.launching.arguments import of_tracker
from jtn_ros.launching.recording import play_track_and_record
from jtn_ros.launching.recording import topics_to_record

SHARE = Path(get_package_share_directory('jtn_ros'))
PARAMETERS = str(SHARE / 'config' / 'demo.yaml')

ARGUMENTS = {
    'input': Argument(
        default=None, description='Video, image folder, MOTChallenge sequence or bag.'
    ),
    'output': Argument(
        default=None, description='Folder for the results. The bag is written to "bag".'
    ),
    'rate': Argument(default='1.0', description='Playback speed. 2 is twice as fast.'),
    **of_tracker('model', 'backend'),
    'topics': Argument(
        default=topics_to_record('/image'),
        description='Topics to record. The image topic must be last: the player waits for it.',
    ),
    **of_tracker('dds_profiles'),
}


def generate_launch_description() -> LaunchDescription:
    player = Node(
        package='jtn_ros',
        executable='player_node',
        name='player',
        parameters=[
            PARAMETERS,
            {
                'input': ParameterValue(LaunchConfiguration('input'), value_type=str),
                'rate': ParameterValue(LaunchConfiguration('rate'), value_type=float),
            },
        ],
        output='screen',
    )
    return LaunchDescription(
        [
            *declare_arguments(ARGUMENTS, __file__),
            *play_track_and_record(
                player,
                recording=LaunchConfiguration('input'),
                launch_folder=SHARE / 'launch',
                tracker_arguments={
                    'model': LaunchConfiguration('model'),
                    'backend': LaunchConfiguration('backend'),
                    'input': 'images',
                    'params_file': PARAMETERS,
                },
                bag=PathJoinSubstitution([LaunchConfiguration('output'), 'bag']),
                topics=LaunchConfiguration('topics'),
            ),
        ]
    )
