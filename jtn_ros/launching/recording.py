"""The launch of a player, the tracker and a recorder, which ends when the recording ends."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from launch import LaunchContext
from launch import Substitution
from launch.action import Action
from launch.actions import EmitEvent
from launch.actions import GroupAction
from launch.actions import OpaqueFunction
from launch.actions import RegisterEventHandler
from launch.actions import Shutdown
from launch.actions import TimerAction
from launch.event_handlers import OnProcessExit
from launch.events.process import ProcessExited
from launch_ros.actions import Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from lifecycle_msgs.msg import Transition

from jtn_ros.launching.middleware import apply_dds_profiles
from jtn_ros.launching.tracker import end_nodes_with_launch
from jtn_ros.launching.tracker import include_tracker
from jtn_ros.media.messages.tracker_topics import DIAGNOSTICS
from jtn_ros.media.messages.tracker_topics import RECORDED
from jtn_ros.media.overwriting import protect_inputs
from jtn_ros.nodes.common.conversions import is_installed

READY_TOPIC = '/recorder/ready'
# Time for the last image to reach the tracker's worker, and for the last tracks to be recorded.
SETTLE_S = 1.0


def topics_to_record(*others: str) -> str:
    """Return the topics needed to view a recording of the tracker, as a YAML list.

    Annotations are skipped where this ROS has no messages for them, as the tracker does.

    Args:
        others: topics to record after these.
    """
    names = [topic.full_name for topic in RECORDED if is_installed(topic.type_name)]
    return f'[{", ".join([*names, DIAGNOSTICS, *others])}]'


def play_track_and_record(
    player: Node,
    *,
    recording: Substitution,
    launch_folder: Path,
    tracker_arguments: Mapping[str, Any],
    bag: Substitution,
    topics: Substitution,
    use_sim_time: bool = False,
) -> list[Action]:
    """Return the actions; the launch fails if one of the three nodes does.

    Args:
        player: plays the recording and ends.
        recording: what it plays; the bag must not replace that.
        launch_folder: where ``tracker.launch.py`` is.
        tracker_arguments: arguments of that launch file.
        bag: folder of the bag to write.
        topics: list of the topics to record.
        use_sim_time: whether the recorder takes the time from /clock.
    """
    recorder = Node(
        package='jtn_ros',
        executable='recorder_node',
        name='recorder',
        parameters=[{'output': bag, 'topics': topics, 'use_sim_time': use_sim_time}],
        output='screen',
        # Writing the last images may take longer than the five seconds that nodes are given.
        sigterm_timeout='60',
    )
    # Scoped: its arguments are not those of the same name of the launch file around it.
    tracker = GroupAction([include_tracker(launch_folder, tracker_arguments)])
    finished = TimerAction(
        period=SETTLE_S, actions=[Shutdown(reason='the recording has been tracked')]
    )
    player_name = str(player.node_executable)
    failed: list[str] = []

    def go_on(event: ProcessExited, context: LaunchContext) -> list[Action]:
        """Let the tracker finish after the player; fail if any other process exits."""
        if context.is_shutdown and event.returncode == 0:
            return []
        if event.process_name.startswith('show_in_rviz'):
            return []  # RViz does not affect the recording
        if event.returncode == 0 and event.process_name.startswith(player_name):
            # An inactive tracker has finished what had arrived.
            deactivate = ChangeState(
                lifecycle_node_matcher=lambda node: node.node_name == '/jtn_tracker',
                transition_id=Transition.TRANSITION_DEACTIVATE,
            )
            return [TimerAction(period=SETTLE_S, actions=[EmitEvent(event=deactivate)])]
        if failed:  # what follows from the first failure would only hide it
            return []
        failed.append(event.process_name)
        return [OpaqueFunction(function=_fail, args=[event])]

    return [
        # A process that is just starting outlives a launch that fails. So what may be refused
        # comes first: the bag, the topics, then the arguments of the player.
        OpaqueFunction(function=_protect, args=[recording, bag]),
        OpaqueFunction(function=_check_topics, args=[topics]),
        RegisterEventHandler(OnProcessExit(on_exit=go_on)),
        RegisterEventHandler(
            OnStateTransition(
                start_state='deactivating', goal_state='inactive', entities=[finished]
            )
        ),
        end_nodes_with_launch(),
        apply_dds_profiles(),
        player,
        recorder,
        tracker,
    ]


def _protect(context: LaunchContext, recording: Substitution, bag: Substitution) -> None:
    """Reject an output that exists, such as the recording that is played."""
    path = bag.perform(context)
    protect_inputs([path], [recording.perform(context)])
    if Path(path).exists():
        raise RuntimeError(f'the output {path} exists; choose another one, or remove it')


def _check_topics(context: LaunchContext, topics: Substitution) -> None:
    """Reject topics that are not a list of names."""
    text = context.perform_substitution(topics)
    try:
        names = yaml.safe_load(text)
    except yaml.YAMLError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise RuntimeError(f'topics:={text} is not a list of topics such as [/image, /tf]')


def _fail(_: LaunchContext, event: ProcessExited) -> None:
    raise RuntimeError(
        f'{event.process_name} ended with exit code {event.returncode}; see its messages above'
    )
