"""Start the tracker node, configured and active, and optionally RViz."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction
from launch_ros.actions import LifecycleNode

from jtn_ros.launching.arguments import TRACKER
from jtn_ros.launching.arguments import camera_parameters
from jtn_ros.launching.arguments import check_arguments
from jtn_ros.launching.arguments import declare_arguments
from jtn_ros.launching.arguments import names
from jtn_ros.launching.arguments import parameter_files
from jtn_ros.launching.middleware import apply_dds_profiles
from jtn_ros.launching.tracker import end_nodes_with_launch
from jtn_ros.launching.tracker import rviz_node

CONFIG = Path(get_package_share_directory('jtn_ros')) / 'config'

TOPICS = ('image', 'detections', 'camera_info', 'depth')


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *declare_arguments(TRACKER, __file__),
            end_nodes_with_launch(),
            apply_dds_profiles(),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[Action]:
    argument = context.launch_configurations
    check_arguments(argument)
    parameters: dict[str, object] = {
        'autostart': argument['autostart'] == 'true',
        'use_sim_time': argument['use_sim_time'] == 'true',
    }
    # Arguments that are not given are left to the parameter file.
    named = ('source', 'input', 'model', 'backend', 'positions', 'fixed_frame')
    parameters |= {name: argument[name] for name in named if argument[name]}
    parameters |= camera_parameters(argument)
    if outputs := names(argument, 'outputs'):
        parameters['outputs'] = outputs
    cameras = names(argument, 'cameras')
    if argument['lazy']:
        parameters['lazy'] = argument['lazy'] == 'true'
    remappings = [(topic, argument[topic]) for topic in TOPICS]
    if cameras:
        parameters['cameras'] = cameras
        remappings = [
            (f'{camera}/{topic}', argument[topic].replace('{camera}', camera))
            for camera in cameras
            for topic in TOPICS
        ]
    files = parameter_files(argument) or [str(CONFIG / 'tracker.yaml')]
    tracker = LifecycleNode(
        package='jtn_ros',
        executable='tracker_node',
        name='jtn_tracker',
        namespace=argument['namespace'],
        parameters=[*files, parameters],
        remappings=remappings,
        arguments=['--ros-args', '--log-level', f'jtn_tracker:={argument["log_level"]}'],
        output='screen',
    )
    if argument['rviz'] == 'false':
        return [tracker]
    rviz = rviz_node(
        argument['rviz_frame'],
        remappings,
        namespace=argument['namespace'],
        use_sim_time=argument['use_sim_time'] == 'true',
    )
    return [tracker, rviz]
