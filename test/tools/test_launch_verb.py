"""`ros2 launch` works, also if the ROS 2 installation lacks it."""

import subprocess
from pathlib import Path

import pytest

LAUNCH_FILE = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('word', default_value='nothing', description='what to say'),
        ExecuteProcess(cmd=['echo', 'said', LaunchConfiguration('word')], output='screen'),
    ])
"""


@pytest.fixture
def launch_file(tmp_path: Path) -> Path:
    path = tmp_path / 'say.launch.py'
    path.write_text(LAUNCH_FILE)
    return path


def ros2_launch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = ['ros2', 'launch', *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_arguments_reach_the_launch_file(launch_file: Path) -> None:
    result = ros2_launch(launch_file, 'word:=hello')
    assert result.returncode == 0
    assert 'said hello' in result.stdout


def test_arguments_are_shown(launch_file: Path) -> None:
    result = ros2_launch('--show-args', launch_file)
    assert result.returncode == 0
    assert "'word'" in result.stdout
    assert 'what to say' in result.stdout
    assert 'nothing' in result.stdout


def test_unknown_launch_file_is_an_error() -> None:
    result = ros2_launch('jtn_ros', 'no_such.launch.py')
    assert result.returncode != 0
    assert 'no_such.launch.py' in result.stderr
