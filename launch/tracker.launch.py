"""Start the tracker node, configured and active, and RViz if wanted."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch_ros.actions import LifecycleNode

from jtn_ros.launching.camera import CAMERA
from jtn_ros.launching.camera import camera_parameters
from jtn_ros.launching.middleware import DDS_PROFILES
from jtn_ros.launching.middleware import apply_dds_profiles
from jtn_ros.launching.tracker import declare_arguments
from jtn_ros.launching.tracker import end_nodes_with_launch
from jtn_ros.launching.tracker import require_rviz
from jtn_ros.launching.tracker import rviz_node

CONFIG = Path(get_package_share_directory('jtn_ros')) / 'config'

TOPICS = ('image', 'detections', 'camera_info', 'depth')

ARGUMENTS = (
    DeclareLaunchArgument('image', default_value='image', description='Image topic.'),
    DeclareLaunchArgument(
        'source',
        default_value='',
        description='Camera or recording that the node reads itself: number of a webcam, device '
        'file, URL, or path of a video, folder or bag. Empty uses the parameter file.',
    ),
    *declare_arguments(CAMERA),
    DeclareLaunchArgument(
        'input',
        default_value='',
        description='What is tracked: images, or detections or detections_3d of another node. '
        'Empty uses the parameter file.',
    ),
    DeclareLaunchArgument(
        'detections',
        default_value='detections',
        description='Topic of the detections of another node.',
    ),
    DeclareLaunchArgument(
        'camera_info', default_value='camera_info', description='Calibration topic of the camera.'
    ),
    DeclareLaunchArgument(
        'depth',
        default_value='depth',
        description='Topic of depth images that are registered to the images.',
    ),
    DeclareLaunchArgument(
        'cameras',
        default_value='',
        description='Names of several cameras, such as front,rear. {camera} in topic names is '
        'replaced by each of them.',
    ),
    DeclareLaunchArgument(
        'positions',
        default_value='',
        description='How 3D positions are computed: off, depth or ground. Empty uses the '
        'parameter file.',
    ),
    DeclareLaunchArgument(
        'fixed_frame',
        default_value='',
        description='tf frame of the positions. Empty uses the parameter file.',
    ),
    DeclareLaunchArgument(
        'outputs',
        default_value='',
        description='More outputs, such as people,world_tracks. Empty uses the parameter file.',
    ),
    DeclareLaunchArgument(
        'model',
        default_value='',
        description='Exported model. Empty uses the parameter file.',
    ),
    DeclareLaunchArgument(
        'backend',
        default_value='',
        description='Inference back end: auto, openvino, onnxruntime, tensorrt or torch. Empty '
        'uses the parameter file.',
    ),
    DeclareLaunchArgument('namespace', default_value='', description='Namespace of the node.'),
    DeclareLaunchArgument(
        'params_file',
        default_value=str(CONFIG / 'tracker.yaml'),
        description='Parameter file of jtn_tracker.',
    ),
    DeclareLaunchArgument(
        'autostart',
        default_value='true',
        description='Configure and activate the node. false leaves that to a lifecycle manager.',
        choices=['true', 'false'],
    ),
    DeclareLaunchArgument(
        'lazy',
        default_value='',
        description='Subscribe to images only while an output has subscribers: true or false. '
        'Empty uses the parameter file.',
        choices=['true', 'false', ''],
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        description='Use the time of /clock.',
        choices=['true', 'false'],
    ),
    DeclareLaunchArgument(
        'rviz',
        default_value='false',
        description='Show image, boxes, ids, trails and positions in RViz.',
        choices=['true', 'false'],
    ),
    DeclareLaunchArgument(
        'rviz_frame',
        default_value='',
        description='Fixed frame of RViz. Empty uses that of the positions or images.',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        description='Minimum severity of log messages.',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
    ),
    *declare_arguments(DDS_PROFILES),
)


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            *ARGUMENTS,
            end_nodes_with_launch(),
            apply_dds_profiles(),
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[Action]:
    require_rviz(context)
    argument = context.launch_configurations
    parameters: dict[str, object] = {
        'autostart': argument['autostart'] == 'true',
        'use_sim_time': argument['use_sim_time'] == 'true',
    }
    # What is not given here is left to the parameter file.
    named = ('source', 'input', 'model', 'backend', 'positions', 'fixed_frame')
    parameters |= {name: argument[name] for name in named if argument[name]}
    parameters |= camera_parameters(argument)
    if outputs := _names(argument['outputs']):
        parameters['outputs'] = outputs
    cameras = _names(argument['cameras'])
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
    tracker = LifecycleNode(
        package='jtn_ros',
        executable='tracker_node',
        name='jtn_tracker',
        namespace=argument['namespace'],
        parameters=[argument['params_file'], parameters],
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


def _names(text: str) -> list[str]:
    """Return the names in a list with commas."""
    return [name.strip() for name in text.split(',') if name.strip()]
