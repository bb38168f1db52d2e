"""Play a clip, track in it and record everything; end when the clip ends.

The exit code is 0 only if all three nodes did their work to the end.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument
from launch.actions import EmitEvent
from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.actions import RegisterEventHandler
from launch.actions import Shutdown
from launch.actions import TimerAction
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

SHARE = Path(get_package_share_directory('jtn_ros'))
PARAMETERS = str(SHARE / 'config' / 'demo.yaml')
# Time for the last image to reach the tracker's worker, and for the last tracks to be recorded.
SETTLE_S = 1.0

ARGUMENTS = (
    DeclareLaunchArgument('input', description='Video, image folder, MOTChallenge sequence, bag.'),
    DeclareLaunchArgument('output', description='Folder for the results; the bag goes to "bag".'),
    DeclareLaunchArgument('rate', default_value='1.0', description='Speed; 2 is twice as fast.'),
    DeclareLaunchArgument(
        'model', default_value='', description='Exported model; empty takes the bundled one.'
    ),
    DeclareLaunchArgument('backend', default_value='auto', description='What runs the network.'),
    DeclareLaunchArgument(
        'topics',
        default_value='[/jtn_tracker/tracks, /jtn_tracker/detections, /image]',
        description='Topics to record; the images last, because the player waits for them.',
    ),
)


def generate_launch_description() -> LaunchDescription:
    player = Node(
        package='jtn_ros',
        executable='player_node',
        name='player',
        parameters=[
            PARAMETERS,
            {'input': LaunchConfiguration('input'), 'rate': LaunchConfiguration('rate')},
        ],
        output='screen',
    )
    recorder = Node(
        package='jtn_ros',
        executable='recorder_node',
        name='recorder',
        parameters=[
            {
                'output': PathJoinSubstitution([LaunchConfiguration('output'), 'bag']),
                'topics': LaunchConfiguration('topics'),
            }
        ],
        output='screen',
        # Writing the last images may take longer than the five seconds that nodes are given.
        sigterm_timeout='60',
    )
    tracker = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(SHARE / 'launch' / 'tracker.launch.py')),
        launch_arguments={
            'model': LaunchConfiguration('model'),
            'backend': LaunchConfiguration('backend'),
            'params_file': PARAMETERS,
        }.items(),
    )
    return LaunchDescription(
        [
            *ARGUMENTS,
            RegisterEventHandler(OnProcessExit(on_exit=_go_on)),
            RegisterEventHandler(
                OnStateTransition(
                    start_state='deactivating',
                    goal_state='inactive',
                    entities=[
                        TimerAction(
                            period=SETTLE_S,
                            actions=[Shutdown(reason='the clip has been tracked')],
                        )
                    ],
                )
            ),
            tracker,
            recorder,
            player,
        ]
    )


def _go_on(event: ProcessExited, context: LaunchContext) -> list[Action]:
    """Let the tracker finish when the player has; end with an error when anything else ends."""
    if context.is_shutdown and event.returncode == 0:
        return []
    if event.returncode == 0 and event.process_name.startswith('player_node'):
        # An inactive tracker has finished what had arrived.
        deactivate = ChangeState(
            lifecycle_node_matcher=lambda node: node.node_name == '/jtn_tracker',
            transition_id=Transition.TRANSITION_DEACTIVATE,
        )
        return [TimerAction(period=SETTLE_S, actions=[EmitEvent(event=deactivate)])]
    return [OpaqueFunction(function=_fail, args=[event])]


def _fail(_: LaunchContext, event: ProcessExited) -> None:
    raise RuntimeError(
        f'{event.process_name} ended with exit code {event.returncode}; see its messages above'
    )
