"""The process around a node: how it ends when it is interrupted."""

import errno
import logging
import os
import pickle
import signal
import subprocess
import sys
import time

import psutil
import pytest
from rclpy.exceptions import InvalidParameterTypeException
from rclpy.logging import get_logger
from rclpy.parameter import Parameter

from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.nodes.common.process import ForwardingHandler
from jtn_ros.nodes.executables import LAUNCH_PID
from jtn_ros.nodes.sources.webcam_node import WebcamNode
from jtn_ros.nodes.tracker.reported_progress import reported_progress
from jtn_ros.nodes.tracker.tracker_node import TrackerNode

pytestmark = pytest.mark.ros


@pytest.mark.parametrize('seconds', [0.05, 0.1])
def test_ctrl_c_that_arrives_twice_ends_the_tracker_cleanly(seconds: float) -> None:
    command = [sys.executable, '-m', 'jtn_ros.nodes.tracker.tracker_node']
    process = subprocess.Popen(
        [*command, '--ros-args', '-p', 'autostart:=true', '-p', 'lazy:=false'],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert any('tracking in the images of' in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0, output
    assert '0 images tracked' in output


@pytest.mark.parametrize(
    ('kind', 'parameter'),
    [(TrackerNode, ('lost_time', 'long')), (WebcamNode, ('device', '/no/such/video.mp4'))],
)
def test_a_node_whose_construction_failed_can_be_destroyed(
    ros: None, kind: type[TrackerNode | WebcamNode], parameter: tuple[str, str]
) -> None:
    """As ROS 2 does when it is shut down, since Kilted."""
    node = kind.__new__(kind)
    name, value = parameter
    with pytest.raises((OSError, JtnError, InvalidParameterTypeException)):
        node.__init__(parameter_overrides=[Parameter(name, value=value)])  # type: ignore[misc]
    node.destroy_node()
    assert node.context.ok()


def test_forwarded_log_messages_reach_ros(ros: None, capfd: pytest.CaptureFixture[str]) -> None:
    handler = ForwardingHandler(get_logger('forwarded'))
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        for number in range(2):
            record = logging.LogRecord('jtn_ros', level, '', 0, 'message %d', (number,), None)
            handler.emit(record)
    lines = capfd.readouterr().err.splitlines()
    expected = [f'{level} {n}' for level in ('INFO', 'WARN', 'ERROR') for n in (0, 1)]
    found = [f'{line.split("]")[0].strip("[")} {line[-1]}' for line in lines]
    assert found == expected
    assert all('[forwarded]: message' in line for line in lines)


def test_a_node_that_cannot_start_ends_with_the_reason() -> None:
    command = [sys.executable, '-m', 'jtn_ros.nodes.tracker.tracker_node']
    done = subprocess.run(
        [*command, '--ros-args', '-p', 'autostart:=true', '-p', 'model:=/no/model.onnx'],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "on_configure failed: no model '/no/model.onnx'" in done.stderr
    assert 'the node could not start; see the error above' in done.stderr
    assert 'Traceback' not in done.stderr


@pytest.mark.parametrize(
    ('error', 'code', 'expected'),
    [
        (JtnError('no model; specify one'), 1, 'no model; specify one'),
        (UsageError('the input is empty'), 2, 'the input is empty'),
        (OSError(errno.ENOSPC, 'No space left'), 1, 'No space left; free some space'),
        (
            ValueError('shapes differ'),
            1,
            'ValueError: shapes differ; this is a bug in jtn_ros',
        ),
    ],
)
def test_the_error_that_ends_a_process_is_logged_in_one_line(
    error: Exception, code: int, expected: str
) -> None:
    program = (
        'import pickle, sys\nfrom jtn_ros.nodes.common.process import run_process\n'
        'def body():\n    raise pickle.loads(bytes.fromhex(sys.argv[1]))\n'
        'sys.exit(run_process("body", body))'
    )
    done = subprocess.run(
        [sys.executable, '-c', program, pickle.dumps(error).hex()],
        capture_output=True,
        text=True,
        timeout=60,
    )
    (line,) = done.stderr.splitlines()
    assert '[FATAL]' in line
    assert expected in line
    assert done.returncode == code


def test_ctrl_c_while_an_error_is_logged_ends_a_process_quietly() -> None:
    program = (
        'import os, signal, sys\nfrom jtn_ros.errors import JtnError\n'
        'from jtn_ros.nodes.common.process import run_process\n'
        'class Interrupting(JtnError):\n'
        '    def __str__(self):\n        os.kill(os.getpid(), signal.SIGINT)\n'
        '        return "late"\n'
        'def body():\n    raise Interrupting\n'
        'sys.exit(run_process("body", body))'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, '')


def test_progress_is_reported_while_something_takes_long(
    ros: None, capfd: pytest.CaptureFixture[str]
) -> None:
    with reported_progress(get_logger('slow'), 'building', period=0.02):
        time.sleep(0.15)
    lines = [line.split(']: ')[1] for line in capfd.readouterr().err.splitlines()]
    assert lines[0] == 'building ...'
    assert lines[1] == 'still building, 0 s so far'
    assert lines[-1].startswith('building took 0.')
    with pytest.raises(ValueError, match='broken'), reported_progress(get_logger('slow'), 'a'):
        raise ValueError('broken')


@pytest.mark.parametrize(
    ('arguments', 'variables', 'code', 'expected'),
    [
        ([], {'ROS_LOG_DIR': '/proc/nope'}, 1, 'set ROS_LOG_DIR to a folder that can be written'),
        ([], {'ROS_DOMAIN_ID': 'seven'}, 2, 'ROS_DOMAIN_ID is not an integral number'),
        (['--params-file', 'nope.yaml'], {}, 2, "params file: '--params-file nope.yaml'"),
        (['--no-such'], {}, 2, "['--no-such']; check the arguments after --ros-args"),
        (['-p', b'model:=k\xe9vin'], {}, 2, 'is not UTF-8; rename the file or folder'),
        (['-p', 'lost_time:=long'], {}, 1, "expecting type 'DOUBLE'"),
        (['-p', 'lost_time:=-1.0'], {}, 1, 'lost_time'),
    ],
)
def test_errors_of_ros_are_reported_in_one_line(
    arguments: list[str | bytes], variables: dict[str, str], code: int, expected: str
) -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'jtn_ros.nodes.tracker.tracker_node', '--ros-args', *arguments],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    # rcl adds a line of its own to some.
    (line,) = [line for line in done.stderr.splitlines() if '[FATAL]' in line]
    assert expected in line
    assert '/src/' not in line
    assert 'Traceback' not in done.stderr
    assert done.returncode == code


@pytest.mark.parametrize('node', ['tracker_node', 'recorder_node', 'webcam_node', 'player_node'])
def test_ctrl_c_while_a_node_is_imported_ends_it_in_silence(node: str) -> None:
    program = (
        f'import sys; from jtn_ros.nodes.executables import {node};'
        f'print("ready", flush=True); sys.exit({node}())'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == 'ready\n'
        time.sleep(0.15)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, output, errors) == (0, '', '')


@pytest.mark.parametrize('seconds', [0, 0.4])
def test_spinning_ends_when_ros_is_shut_down_and_nothing_wakes_the_executor(
    seconds: float,
) -> None:
    program = (
        'import rclpy, sys, threading, time\n'
        'from jtn_ros.nodes.common.process import run_process, spin\n'
        'def body():\n'
        '    node = rclpy.create_node("idle")\n'
        f'    threading.Timer({seconds}, node.context.handle.shutdown).start()\n'
        '    time.sleep(0.2)\n'
        '    spin(node)\n'
        'sys.exit(run_process("idle", body))'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=20
    )
    assert (done.returncode, done.stderr) == (0, '')


def test_a_node_whose_launch_has_ended_ends_at_once() -> None:
    """Also if the exit of the launch has not been detected yet."""
    with subprocess.Popen(['true']) as ended:
        while psutil.Process(ended.pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
        program = 'from jtn_ros.nodes.executables import show_in_rviz; show_in_rviz()'
        node = subprocess.run(
            [sys.executable, '-c', program],
            env=os.environ | {LAUNCH_PID: str(ended.pid)},
            timeout=60,
            check=False,
            capture_output=True,
            text=True,
        )
    assert (node.returncode, node.stdout, node.stderr) == (0, '', '')
