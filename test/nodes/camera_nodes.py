"""Nodes with a network camera, in processes of their own, and how they end."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager

from media.camera_servers import Camera

RATE = 20.0


@contextmanager
def running(
    node: str, parameters: Mapping[str, object], **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a module of `jtn_ros.nodes` with parameters and variables; kill it at the end."""
    given = (part for name, value in parameters.items() for part in ('-p', f'{name}:={value}'))
    process = subprocess.Popen(
        [sys.executable, '-m', f'jtn_ros.nodes.{node}', '--ros-args', *given],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | variables,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def end_by_signal(process: subprocess.Popen[str], number: int, camera: Camera, state: str) -> str:
    """Send a signal while the camera is in a state, and return what the node has logged.

    The process must exit without an error within five seconds.
    """
    if state != 'sending':
        getattr(camera, state).set()
        time.sleep(0.5)
    process.send_signal(number)
    began = time.monotonic()
    _, text = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    assert process.returncode == 0
    return text
