"""Imports run downward only, and what runs on a robot needs no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / 'jtn_ros'

# A room may import from its own layer's own room and from every layer below.
LAYERS = [
    {'cli', 'nodes'},
    {'training'},
    {'evaluation'},
    {'media', 'pipeline'},
    {'inference', 'tracking', 'datasets', 'positions', 'camera_flow'},
    {'network', 'detections', 'geometry', 'gaussian', 'resources', 'image_file'},
    {'files', 'renames'},
    {'errors', 'interruption'},
    {'masking', 'installing'},
]
LAYER_OF = {room: number for number, rooms in enumerate(LAYERS) for room in rooms}
ROS = {'rclpy', 'sensor_msgs', 'vision_msgs', 'visualization_msgs', 'std_srvs', 'jtn_msgs',
       'diagnostic_msgs', 'builtin_interfaces', 'geometry_msgs', 'std_msgs', 'lifecycle_msgs',
       'message_filters', 'tf2_ros', 'cv_bridge', 'unique_identifier_msgs'}  # fmt: skip
TORCH_ROOMS = ('network', 'training', 'inference/torch_engine.py', 'inference/export.py')


def modules():
    """Return every module of the package as (relative path, syntax tree)."""
    return [
        (path.relative_to(PACKAGE), ast.parse(path.read_text()))
        for path in sorted(PACKAGE.rglob('*.py'))
    ]


def imported(tree):
    """Return the dotted names that a module imports, also inside functions."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def room_of(path):
    """Return the room that a file belongs to."""
    return path.parts[0].removesuffix('.py')


@pytest.mark.parametrize(('path', 'tree'), modules(), ids=lambda value: str(value)[:60])
def test_imports_run_downward(path, tree):
    room = room_of(path)
    for name in imported(tree):
        top, *rest = name.split('.')
        if top == 'jtn_ros' and rest and room != '__init__':
            other = rest[0]
            assert room == other or LAYER_OF[other] > LAYER_OF[room], f'{path} imports {name}'
        if top in ROS:
            assert room == 'nodes', f'{path} imports {name}; only nodes knows ROS'
        if top in ('torch', 'torchvision') and not str(path).startswith(TORCH_ROOMS):
            assert room == 'cli', f'{path} imports {name}'


def test_the_robot_side_runs_without_torch():
    rooms = ['pipeline', 'inference', 'tracking', 'media', 'datasets', 'evaluation.metrics']
    code = 'import sys\nsys.modules["torch"] = None\n' + '\n'.join(
        f'import jtn_ros.{room}' for room in rooms
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_tests_import_what_they_share_by_name():
    # pytest 7.4, the one of Ubuntu 24.04, collects nothing of a test with relative imports.
    relative = [
        str(path.relative_to(PACKAGE.parent))
        for path in sorted((PACKAGE.parent / 'test').rglob('*.py'))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
