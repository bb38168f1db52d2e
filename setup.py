"""Package the ROS 2 way: data files go to share/, scripts to lib/jtn_ros."""

from pathlib import Path

from setuptools import find_packages
from setuptools import setup

NAME = 'jtn_ros'


def data_files() -> list[tuple[str, list[str]]]:
    """Map each folder below share/jtn_ros to the files that belong there."""
    files = [path for folder in ('launch', 'config', 'models') for path in Path(folder).rglob('*')]
    by_folder: dict[str, list[str]] = {}
    for path in sorted(path for path in files if path.is_file() and path.suffix != '.pyc'):
        by_folder.setdefault(f'share/{NAME}/{path.parent}', []).append(str(path))
    return list(by_folder.items())


setup(
    name=NAME,
    version='0.1.0',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['py.typed'], f'{NAME}.evaluation.report': ['templates/*']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        (f'share/{NAME}', ['package.xml']),
        ('bin', ['tools/jtn']),
        *data_files(),
    ],
    install_requires=['setuptools'],
    extras_require={'test': ['pytest']},
    zip_safe=False,
    maintainer='JointTrackNet for ROS 2 developers',
    maintainer_email='jtn-ros@users.noreply.github.com',
    description='Joint detection and tracking of people and objects in camera images.',
    license='Apache-2.0',
    entry_points={
        'console_scripts': [
            'jtn = jtn_ros.cli.main:main',
            'tracker_node = jtn_ros.nodes.executables:tracker_node',
            'player_node = jtn_ros.nodes.executables:player_node',
            'recorder_node = jtn_ros.nodes.executables:recorder_node',
            'bag_player_node = jtn_ros.nodes.executables:bag_player_node',
            'webcam_node = jtn_ros.nodes.executables:webcam_node',
            'webcam_tracker_node = jtn_ros.nodes.executables:webcam_tracker_node',
            'show_in_rviz = jtn_ros.nodes.executables:show_in_rviz',
        ],
    },
)
