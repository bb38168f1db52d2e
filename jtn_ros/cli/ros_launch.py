"""Run a ROS 2 launch file as a subprocess, apart from other ROS 2 systems on the network."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from jtn_ros.errors import JtnError

_DOMAINS = 100
_ERROR = re.compile(r'\[(?:ERROR|FATAL)\].*?: *(.+)')


def run_launch_file(
    path: Path, arguments: Mapping[str, str], *, log: Path, timeout_s: float
) -> None:
    """Run a launch file to its end; the output of its processes goes to a log file.

    Args:
        path: the launch file.
        arguments: its arguments; empty values are left at their default.
        log: the file to write.
        timeout_s: seconds after which it is stopped.

    Raises:
        JtnError: if there is no ROS 2, the launch or a process in it fails, or it takes too long.
    """
    ros2 = shutil.which('ros2')
    if ros2 is None:
        raise JtnError('the command ros2 is not found; source a ROS 2, or use tools/run')
    # A domain of its own, and this machine only: the demo neither sees nor disturbs a robot. The
    # logs that every node writes go beside ours, as the home may be one that cannot be written.
    environment = os.environ | {
        'ROS_DOMAIN_ID': str(1 + os.getpid() % _DOMAINS),
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_LOG_DIR': str(log.with_suffix('')),
    }
    values = [f'{name}:={value}' for name, value in arguments.items() if value]
    command = [ros2, 'launch', '--noninteractive', str(path), *values]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open('w', encoding='utf-8') as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # Ctrl-C reaches us alone, and we pass it on once
        )
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            _stop(process)
            raise JtnError(
                f'the ROS 2 nodes did not finish within {timeout_s:.0f} s; see {log}'
            ) from error
        except BaseException:
            _stop(process)
            raise
    if code:
        problem = first_error(log) or 'ros2 launch failed'
        raise JtnError(f'{problem} (exit code {code}; all output is in {log})')


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a launch with SIGINT, so that it stops its nodes; kill it after a while."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def first_error(log: Path) -> str | None:
    """Return the text of the first error that a node logged, or None."""
    for line in log.read_text(encoding='utf-8', errors='replace').splitlines():
        if found := _ERROR.search(line):
            return found[1]
    return None
