"""Play a bag to the tracker as it was recorded, record the tracks, and end when the bag ends.

Every topic of the bag is played, with its time on /clock. The exit code is 0 only if all three
nodes did their work to the end.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from jtn_ros.launching.middleware import DDS_PROFILES
from jtn_ros.launching.recording import READY_TOPIC
from jtn_ros.launching.recording import play_track_and_record
from jtn_ros.launching.tracker import declare_arguments
from jtn_ros.media.messages.tracker_topics import TRACKS

SHARE = Path(get_package_share_directory('jtn_ros'))
PARAMETERS = str(SHARE / 'config' / 'replay.yaml')
TOPICS = ('image', 'camera_info', 'depth')

ARGUMENTS = (
    DeclareLaunchArgument('bag', description='Bag to play: a folder, or an .mcap or .db3 file.'),
    DeclareLaunchArgument('output', description='Folder of the bag to write.'),
    DeclareLaunchArgument(
        'image',
        default_value='/image',
        description='Image topic in the bag, raw or compressed. Give the full name.',
    ),
    DeclareLaunchArgument(
        'camera_info', default_value='/camera_info', description='Calibration topic in the bag.'
    ),
    DeclareLaunchArgument('depth', default_value='/depth', description='Depth topic in the bag.'),
    DeclareLaunchArgument(
        'rate', default_value='1.0', description='Playback speed. 2 is twice as fast.'
    ),
    DeclareLaunchArgument(
        'model', default_value='', description='Exported model. Empty selects the bundled one.'
    ),
    DeclareLaunchArgument('backend', default_value='auto', description='Inference back end.'),
    DeclareLaunchArgument(
        'positions',
        default_value='',
        description='off, depth or ground. Empty uses the parameter file.',
    ),
    DeclareLaunchArgument(
        'fixed_frame',
        default_value='',
        description='tf frame of the positions. Empty uses the parameter file.',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PARAMETERS,
        description='Parameter file of jtn_tracker.',
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        description='Show the tracks in RViz.',
        choices=['true', 'false'],
    ),
    DeclareLaunchArgument(
        'rviz_frame',
        default_value='',
        description='Fixed frame of RViz. Empty uses that of the positions or images.',
    ),
    DeclareLaunchArgument(
        'topics',
        default_value=f'[{TRACKS.full_name}]',
        description='Topics to record. Playback starts when all of them are connected.',
    ),
    *declare_arguments(DDS_PROFILES),
)


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=_start)])


def _start(context: LaunchContext) -> list[Action]:
    argument = context.launch_configurations
    player = Node(
        package='jtn_ros',
        executable='bag_player_node',
        name='bag_player',
        parameters=[
            PARAMETERS,
            {
                'input': argument['bag'],
                'rate': float(argument['rate']),
                'wait_for': argument['image'],
                'wait_for_ready': READY_TOPIC,
                # What an earlier run recorded must not stand beside what this one finds.
                'exclude': ['/jtn_tracker/'],
            },
        ],
        # Under their common names, the topics have the quality of service of the parameter file.
        remappings=[(argument[topic], f'/{topic}') for topic in TOPICS],
        output='screen',
    )
    passed = (
        'model',
        'backend',
        'positions',
        'fixed_frame',
        'params_file',
        'rviz',
        'rviz_frame',
    )
    return play_track_and_record(
        player,
        recording=LaunchConfiguration('bag'),
        launch_folder=SHARE / 'launch',
        tracker_arguments={
            **{name: argument[name] for name in passed},
            **{topic: f'/{topic}' for topic in TOPICS},
            'use_sim_time': 'true',
        },
        bag=LaunchConfiguration('output'),
        topics=LaunchConfiguration('topics'),
        use_sim_time=True,
    )
