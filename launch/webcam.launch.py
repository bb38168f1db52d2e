"""Track in the images of a webcam, a network camera, a video or a bag."""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext
from launch import LaunchDescription
from launch.action import Action
from launch.actions import OpaqueFunction
from launch_ros.actions import LifecycleNode
from launch_ros.actions import Node

from jtn_ros.launching.middleware import DDS_PROFILES
from jtn_ros.launching.middleware import apply_dds_profiles
from jtn_ros.launching.tracker import declare_arguments
from jtn_ros.launching.tracker import end_nodes_with_launch
from jtn_ros.launching.tracker import include_tracker
from jtn_ros.launching.tracker import require_rviz
from jtn_ros.launching.tracker import rviz_node

SHARE = Path(get_package_share_directory('jtn_ros'))

CAMERA = {
    'device': ('0', 'Number of a webcam, device file, URL, or path of a video, folder or bag.'),
    'width': ('0', 'Requested image width, in pixels. 0 keeps the setting of the camera.'),
    'height': ('0', 'Requested image height, in pixels. 0 keeps the setting of the camera.'),
    'rate': ('0.0', 'Images per second. 0 uses the rate of the camera or recording.'),
    'frame_id': ('camera', 'Coordinate frame of the camera.'),
    'calibration': ('', 'Calibration file of camera_calibration (YAML), required for positions.'),
}
PROCESS = {
    'one_process': (
        'true',
        'The tracker reads the camera itself, so that no image is lost between them. false runs '
        'a node of its own for the camera.',
    ),
}
TYPES = {'width': int, 'height': int, 'rate': float}
TRACKER = {
    'model': ('', 'Exported model. Empty uses the parameter file.'),
    'backend': ('', 'Inference back end. Empty uses the parameter file.'),
    'positions': ('', 'off or ground; empty takes that of the parameter file.'),
    'params_file': (str(SHARE / 'config' / 'tracker.yaml'), 'Parameter file of jtn_tracker.'),
    'rviz': ('false', 'Show image, boxes, ids and trails in RViz: true or false.'),
    'rviz_frame': ('', 'Fixed frame of RViz. Empty uses that of the positions or images.'),
}


def generate_launch_description() -> LaunchDescription:
    # What may be refused comes first, so that no process is left behind.
    checked = OpaqueFunction(function=require_rviz)
    arguments = declare_arguments(CAMERA | TRACKER | PROCESS | DDS_PROFILES)
    start = OpaqueFunction(function=_start)
    return LaunchDescription(
        [*arguments, checked, end_nodes_with_launch(), apply_dds_profiles(), start]
    )


def _start(context: LaunchContext) -> list[Action]:
    argument = context.launch_configurations
    camera = {name: TYPES.get(name, str)(argument[name]) for name in CAMERA}
    if argument['one_process'] == 'false':
        webcam = Node(
            package='jtn_ros',
            executable='webcam_node',
            name='webcam',
            parameters=[camera],
            output='screen',
        )
        return [
            webcam,
            include_tracker(SHARE / 'launch', {name: argument[name] for name in TRACKER}),
        ]
    source = camera.pop('device')
    named = ('model', 'backend', 'positions')
    given = {name: argument[name] for name in named if argument[name]}
    tracker = LifecycleNode(
        package='jtn_ros',
        executable='tracker_node',
        name='jtn_tracker',
        namespace='',
        parameters=[
            argument['params_file'],
            {'autostart': True, 'source': source, **camera, **given},
        ],
        output='screen',
    )
    if argument['rviz'] == 'false':
        return [tracker]
    return [tracker, rviz_node(argument['rviz_frame'])]
