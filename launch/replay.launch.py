"""Play a bag to the tracker, record the tracks, and exit at the end of the bag.

All topics of the bag are played, with its time on /clock. The exit code is 0 only if all
three nodes finished successfully.
"""

from collections.abc import Mapping
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from jtn_ros.errors import JtnError
from jtn_ros.errors import as_mistake
from jtn_ros.errors import one_line
from jtn_ros.launching.arguments import Argument
from jtn_ros.launching.arguments import check_arguments
from jtn_ros.launching.arguments import declare_arguments
from jtn_ros.launching.arguments import number
from jtn_ros.launching.arguments import of_tracker
from jtn_ros.launching.arguments import parameter_files
from jtn_ros.launching.recording import READY_TOPIC
from jtn_ros.launching.recording import play_track_and_record
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.image_topics import calibration_topic
from jtn_ros.media.bags.image_topics import choose_image_topic
from jtn_ros.media.messages.tracker_topics import TRACKS

SHARE = Path(get_package_share_directory('jtn_ros'))
PARAMETERS = str(SHARE / 'config' / 'replay.yaml')
TOPICS = ('image', 'camera_info', 'depth')

ARGUMENTS = {
    'bag': Argument(default=None, description='Bag to play: a folder, or an .mcap or .db3 file.'),
    'output': Argument(default=None, description='Folder of the bag to write.'),
    'image': Argument(
        description='Image topic in the bag, raw or compressed. Empty selects the only one.'
    ),
    'camera_info': Argument(
        description='Calibration topic in the bag. Empty selects the one next to the image topic.'
    ),
    'depth': Argument(default='/depth', description='Depth topic in the bag.'),
    'rate': Argument(default='1.0', description='Playback speed. 2 is twice as fast.'),
    **of_tracker('model', 'backend', 'positions', 'fixed_frame'),
    'params_file': Argument(
        description='Parameter files of jtn_tracker, separated by commas, in addition to '
        'config/replay.yaml of jtn_ros, over which they take precedence.'
    ),
    **of_tracker('rviz', 'rviz_frame'),
    'topics': Argument(
        default=f'[{TRACKS.full_name}]',
        description='Topics to record. Playback starts when all of them are connected.',
    ),
    **of_tracker('dds_profiles'),
}


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [*declare_arguments(ARGUMENTS, __file__), OpaqueFunction(function=_start)]
    )


def _start(context: LaunchContext) -> list[Action]:
    argument = dict(context.launch_configurations)
    check_arguments(argument)
    rate = number(argument, 'rate')
    argument |= _topics_to_play(argument)
    player = Node(
        package='jtn_ros',
        executable='bag_player_node',
        name='bag_player',
        parameters=[
            PARAMETERS,
            {
                'input': argument['bag'],
                'rate': rate,
                'wait_for': argument['image'],
                'wait_for_ready': READY_TOPIC,
                # Exclude the results of an earlier run, which would mix with the new ones.
                'exclude': ['/jtn_tracker/'],
            },
        ],
        # The QoS settings of the parameter file apply to these common topic names.
        remappings=[(argument[topic], f'/{topic}') for topic in TOPICS],
        output='screen',
    )
    passed = ('model', 'backend', 'positions', 'fixed_frame', 'rviz', 'rviz_frame')
    return play_track_and_record(
        player,
        recording=LaunchConfiguration('bag'),
        launch_folder=SHARE / 'launch',
        tracker_arguments={
            **{name: argument[name] for name in passed},
            **{topic: f'/{topic}' for topic in TOPICS},
            # The first file prevents the loss of large images.
            'params_file': ','.join([PARAMETERS, *parameter_files(argument)]),
            'use_sim_time': 'true',
        },
        bag=LaunchConfiguration('output'),
        topics=LaunchConfiguration('topics'),
        use_sim_time=True,
    )


def _topics_to_play(argument: Mapping[str, str]) -> dict[str, str]:
    """Return the image and calibration topics of the bag.

    Raises:
        RuntimeError: if the bag cannot be read, or has no such images.
    """
    try:
        bag = BagReader(Path(argument['bag']))
        image = choose_image_topic(bag, argument['image'] or None)
        bag.close()
    except (OSError, JtnError) as error:
        raise RuntimeError(one_line(as_mistake(error) or error)) from error
    return {'image': image, 'camera_info': argument['camera_info'] or calibration_topic(image)}
