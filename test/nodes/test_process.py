"""The process around a node: how it ends when it is interrupted."""

import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.ros


@pytest.mark.parametrize('seconds', [0.05, 0.1])
def test_ctrl_c_that_arrives_twice_ends_the_tracker_cleanly(seconds):
    command = [sys.executable, '-m', 'jtn_ros.nodes.tracker_node']
    process = subprocess.Popen(
        [*command, '--ros-args', '-p', 'autostart:=true'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
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
