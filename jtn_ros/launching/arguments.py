"""The arguments of the launch files, as data; shared arguments are described once."""

import sys
from collections.abc import Collection
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from launch import LaunchContext
from launch.action import Action
from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch.logging import get_logger

from jtn_ros.errors import did_you_mean

SWITCH = ('true', 'false')
POSITIONS = ('off', 'depth', 'ground')
BACKENDS = ('auto', 'tensorrt', 'openvino', 'onnxruntime', 'torch')
FROM_FILE = 'Empty uses the parameter file.'


@dataclass(frozen=True, kw_only=True)
class Argument:
    """An argument of a launch file.

    Attributes:
        default: default value; None if the argument is required.
        description: sentences for users. The choices are shown with it.
        choices: the allowed values; empty if any value is allowed.
    """

    default: str | None = ''
    description: str
    choices: tuple[str, ...] = ()


def switch(default: str, description: str) -> Argument:
    """Return an argument that is true or false."""
    return Argument(default=default, description=description, choices=SWITCH)


# Those of a camera that a node of this package reads.
CAMERA = {
    'width': Argument(
        description='Image width to request from a webcam, in pixels. Empty requests nothing.'
    ),
    'height': Argument(
        description='Image height to request from a webcam, in pixels. Empty requests nothing.'
    ),
    'rate': Argument(
        description='Images per second. Empty uses the rate of the camera or recording.'
    ),
    'frame_id': Argument(description='Coordinate frame of the camera. Empty is "camera".'),
    'calibration': Argument(
        description='Calibration file of camera_calibration (YAML), required for positions.'
    ),
}

TRACKER = {
    'image': Argument(default='image', description='Image topic.'),
    'source': Argument(
        description='Camera or recording that the node reads itself: number of a webcam, device '
        f'file, URL, or path of a video, folder or bag. {FROM_FILE}'
    ),
    **CAMERA,
    'input': Argument(
        description='What is tracked: images, or 2D or 3D detections of another node. '
        f'{FROM_FILE}',
        choices=('images', 'detections', 'detections_3d', ''),
    ),
    'detections': Argument(
        default='detections', description='Topic of the detections of another node.'
    ),
    'camera_info': Argument(default='camera_info', description='Calibration topic of the camera.'),
    'depth': Argument(
        default='depth', description='Topic of depth images that are registered to the images.'
    ),
    'cameras': Argument(
        description='Names of several cameras, such as front,rear. {camera} in topic names is '
        f'replaced by each of them. {FROM_FILE}'
    ),
    'positions': Argument(
        description=f'How 3D positions are computed. {FROM_FILE}', choices=(*POSITIONS, '')
    ),
    'fixed_frame': Argument(description=f'tf frame of the positions. {FROM_FILE}'),
    'outputs': Argument(
        description='Additional outputs, separated by commas: detections_3d, people, obstacles, '
        f'tracked_objects, objects, humans, world_tracks. {FROM_FILE}'
    ),
    'model': Argument(
        description='Exported model, or the name of a bundled one, such as jtn_people_int8. '
        f'{FROM_FILE}'
    ),
    'backend': Argument(description=f'Inference back end. {FROM_FILE}', choices=(*BACKENDS, '')),
    'namespace': Argument(description='Namespace of the node.'),
    'params_file': Argument(
        description='Parameter files of jtn_tracker, separated by commas; later ones take '
        'precedence. Empty uses config/tracker.yaml of jtn_ros.'
    ),
    'autostart': switch(
        'true', 'Configure and activate the node. false leaves that to a lifecycle manager.'
    ),
    'lazy': Argument(
        description=f'Subscribe to images only while an output has subscribers. {FROM_FILE}',
        choices=(*SWITCH, ''),
    ),
    'use_sim_time': switch('false', 'Use the time of /clock.'),
    'rviz': switch('false', 'Show images, boxes, ids, trails and positions in RViz.'),
    'rviz_frame': Argument(
        description='Fixed frame of RViz. Empty uses that of the positions or images.'
    ),
    'log_level': Argument(
        default='info',
        description='Minimum severity of log messages.',
        choices=('debug', 'info', 'warn', 'error', 'fatal'),
    ),
    'dds_profiles': switch(
        'true',
        'Run the nodes with the profiles in config/dds, with which CycloneDDS and Fast DDS lose '
        'fewer large images, unless CYCLONEDDS_URI or FASTRTPS_DEFAULT_PROFILES_FILE is set.',
    ),
}


# Arguments of `TRACKER` about how the node runs, not about its input or results.
RUNNING = (
    'params_file',
    'autostart',
    'use_sim_time',
    'rviz',
    'rviz_frame',
    'log_level',
    'dds_profiles',
)


def of_tracker(*names: str) -> dict[str, Argument]:
    """Return some arguments of tracker.launch.py."""
    return {name: TRACKER[name] for name in names}


def declare_arguments(arguments: Mapping[str, Argument], file: str = '') -> list[Action]:
    """Return the declarations of arguments, after a warning of unknown ones.

    Args:
        arguments: by name.
        file: path of the launch file. If it is the one that the user started, what is given
            beside these arguments and those of tracker.launch.py has no effect.
    """
    known = {*arguments, *TRACKER}
    unknown = OpaqueFunction(function=_warn_of_unknown, args=[known])
    declarations = [
        DeclareLaunchArgument(
            name,
            default_value=argument.default,
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for name, argument in arguments.items()
    ]
    return [unknown, *declarations] if _is_started(file) else [*declarations]


def _is_started(file: str) -> bool:
    """Return whether ``ros2 launch`` runs this launch file, not one that includes it."""
    given = sys.argv[1:] if file else []
    named = 'jtn_ros' in given and Path(file).name in given
    return named or any(Path(path).is_file() and Path(path).samefile(file) for path in given)


def _warn_of_unknown(context: LaunchContext, known: Collection[str]) -> None:
    """Warn of what ``ros2 launch`` ignores without a word, such as a name with a typo."""
    for text in context.argv:
        name, assigned, _ = text.partition(':=')
        if assigned and name not in known:
            hint = did_you_mean(name, known)
            get_logger('launch').warning(f'there is no argument {name}{hint}; it is ignored')


def check_arguments(given: Mapping[str, str]) -> None:
    """Check the arguments before anything is started.

    If a launch fails while a process is starting, that process keeps running.

    Args:
        given: values by name.

    Raises:
        RuntimeError: if RViz is wanted and not installed, or the parameter file does not exist.
            ``ros2 launch`` would run the nodes with their defaults then.
    """
    if given.get('rviz') == 'true' and which('rviz2') is None:
        raise RuntimeError(
            'rviz:=true, but rviz2 is not installed: sudo apt install ros-$ROS_DISTRO-rviz2, '
            'or remove rviz:=true'
        )
    for path in parameter_files(given):
        if not Path(path).is_file():
            raise RuntimeError(f'params_file:={path} is not a file; check the path')


def parameter_files(given: Mapping[str, str]) -> list[str]:
    """Return the paths in the argument ``params_file``."""
    paths = (path.strip() for path in given.get('params_file', '').split(','))
    return [path for path in paths if path]


def number(given: Mapping[str, str], name: str) -> float:
    """Return an argument that is a number.

    Raises:
        RuntimeError: if it is none.
    """
    try:
        return float(given[name])
    except ValueError:
        raise RuntimeError(f'{name}:={given[name]} is not a number') from None


def names(given: Mapping[str, str], name: str) -> list[str]:
    """Return the names in an argument that is a list with commas.

    Raises:
        RuntimeError: if there are spaces in one.
    """
    found = [item.strip() for item in given[name].split(',') if item.strip()]
    if any(' ' in item for item in found):
        raise RuntimeError(f'{name}:="{given[name]}" has spaces; separate names with commas')
    return found


def camera_parameters(given: Mapping[str, str]) -> dict[str, object]:
    """Return those of the arguments of `CAMERA` that are given, as parameters of a node.

    Raises:
        RuntimeError: if one is not a number and has to be.
    """
    parameters: dict[str, object] = {
        name: given[name] for name in ('frame_id', 'calibration') if given[name]
    }
    parameters |= {name: _pixels(given, name) for name in ('width', 'height') if given[name]}
    if given['rate']:
        parameters['rate'] = number(given, 'rate')
    return parameters


def _pixels(given: Mapping[str, str], name: str) -> int:
    if not (value := number(given, name)).is_integer():
        raise RuntimeError(f'{name}:={given[name]} is not a whole number')
    return int(value)
