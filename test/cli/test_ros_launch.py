"""Launch files as subprocesses: errors in one line, and no remaining processes."""

import os
import shutil
from pathlib import Path

import pytest

from jtn_ros.cli.main import main
from jtn_ros.cli.ros_launch import run_launch_file
from jtn_ros.errors import JtnError

needs_ros = pytest.mark.skipif(shutil.which('ros2') is None, reason='no ROS 2 is sourced')

HEAD = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction
from launch.substitutions import LaunchConfiguration
def fail(context):
    raise RuntimeError('the model is missing')
def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument('word', default_value='nothing'),
"""


def write_launch_file(folder: Path, action: str) -> Path:
    """Write a launch file with one action."""
    path = folder / 'try.launch.py'
    path.write_text(f'{HEAD}        {action},\n    ])\n')
    return path


@needs_ros
@pytest.mark.ros
def test_arguments_arrive_and_the_output_is_in_the_log(tmp_path: Path) -> None:
    command = "ExecuteProcess(cmd=['printenv', LaunchConfiguration('word')], output='screen')"
    path = write_launch_file(tmp_path, command)
    log = tmp_path / 'ros2.log'
    run_launch_file(path, {'word': 'ROS_DOMAIN_ID', 'empty': ''}, log=log, timeout_s=60)
    assert f'{1 + os.getpid() % 100}\n' in log.read_text()


@needs_ros
@pytest.mark.ros
def test_a_failing_launch_is_named(tmp_path: Path) -> None:
    path = write_launch_file(tmp_path, 'OpaqueFunction(function=fail)')
    with pytest.raises(ValueError, match='the model is missing') as error:
        run_launch_file(path, {}, log=tmp_path / 'ros2.log', timeout_s=60)
    assert str(tmp_path / 'ros2.log') in str(error.value)


@needs_ros
@pytest.mark.ros
def test_a_launch_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    seconds = str(600 + os.getpid() / 1e5)  # an argument that no other process has
    path = write_launch_file(tmp_path, f"ExecuteProcess(cmd=['sleep', '{seconds}'])")
    with pytest.raises(ValueError, match='did not finish within 8 s'):
        run_launch_file(path, {}, log=tmp_path / 'ros2.log', timeout_s=8)
    assert 'process started' in (tmp_path / 'ros2.log').read_text()
    commands = [p.read_bytes() for p in Path('/proc').glob('[0-9]*/cmdline') if p.exists()]
    assert not any(seconds.encode() in command for command in commands)


def test_without_ros_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(JtnError, match='ros2 is not found; source a ROS 2, or use tools/run'):
        run_launch_file(tmp_path / 'x.launch.py', {}, log=tmp_path / 'log', timeout_s=1)


def test_a_missing_input_is_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ['--input', str(tmp_path / 'none.mp4'), '--output', str(tmp_path / 'out')]
    assert main(['demo', *arguments]) == 1
    assert 'none.mp4 does not exist' in capsys.readouterr().err
    assert main(['demo', *arguments, '--rate', '0']) == 1
    assert '--rate 0.0 is not positive' in capsys.readouterr().err
