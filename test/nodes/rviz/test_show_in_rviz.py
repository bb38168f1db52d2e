"""The arguments with which RViz is started, with a script instead of RViz and a real tracker."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sensor_msgs.msg import Image

from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import message

pytestmark = pytest.mark.ros

SCRIPT = """#!/bin/sh
cp "$2" "$(dirname "$0")/layout.rviz"
rm "$2"
echo "rviz2 $1 $3 $4 $5"
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start `show_in_rviz` with a script that keeps the layout."""
    script = tmp_path / 'rviz2'
    script.write_text(SCRIPT)
    script.chmod(0o755)

    def run(*arguments: str, path: Path = tmp_path) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            '-m',
            'jtn_ros.nodes.rviz.show_in_rviz',
            '--ros-args',
            *arguments,
        ]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {'PATH': f'{path}:/usr/bin:/bin'},
        )

    return run


def finish(harness: Harness, process: subprocess.Popen[str], *topics: str) -> str:
    """Send images until RViz would have been started; return what was printed."""
    publishers = [harness.user.create_publisher(Image, topic, DEEP) for topic in topics]

    def ended() -> bool:
        for publisher in publishers:
            publisher.publish(message(0))
        return process.poll() is not None

    try:
        harness.wait(ended, 'the end of show_in_rviz')
    finally:
        process.kill()
        output, _ = process.communicate(timeout=10)
    return output


def manager_of(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / 'layout.rviz').read_text())['Visualization Manager']


def test_the_frame_comes_from_the_images_and_the_topics_from_the_tracker(
    make: Callable[..., Harness], block_model: Path, start: Start, tmp_path: Path
) -> None:
    harness = make(model=str(block_model), namespace='robot', listening=False, publishing=False)
    assert harness.transit('configure', 'activate')
    process = start('-r', '__ns:=/robot', '-p', 'use_sim_time:=true')
    output = finish(harness, process, 'image')
    assert process.returncode == 0, output
    assert 'rviz2 -d --ros-args -p use_sim_time:=true' in output
    manager = manager_of(tmp_path)
    assert manager['Global Options']['Fixed Frame'] == 'lens'
    topics = [d['Topic']['Value'] for d in manager['Displays']]
    assert topics == ['/robot/jtn_tracker/debug_image', '/robot/jtn_tracker/markers']


def test_positions_and_cameras_come_from_the_parameters_of_the_tracker(
    make: Callable[..., Harness], block_model: Path, start: Start, tmp_path: Path
) -> None:
    harness = make(
        model=str(block_model),
        cameras=['front', 'rear'],
        positions='ground',
        fixed_frame='map',
        outputs=['world_tracks'],
        listening=False,
        publishing=False,
    )
    assert harness.transit('configure', 'activate')
    process = start('-r', 'front/image:=/front/color')
    output = finish(harness, process, 'front/image')
    assert 'rviz2 -d --ros-args -p use_sim_time:=false' in output
    manager = manager_of(tmp_path)
    assert manager['Global Options']['Fixed Frame'] == 'map'
    assert manager['Views']['Current']['Target Frame'] == 'lens'
    groups = [d for d in manager['Displays'] if d['Class'] == 'rviz_common/Group']
    assert [[d['Topic']['Value'] for d in group['Displays']] for group in groups] == [
        ['/jtn_tracker/front/debug_image', '/front/color', '/jtn_tracker/front/markers_3d'],
        ['/jtn_tracker/rear/debug_image', '/rear/image', '/jtn_tracker/rear/markers_3d'],
    ]
    shared = [d['Topic']['Value'] for d in manager['Displays'] if 'Topic' in d]
    assert shared == ['/jtn_tracker/world_markers']


def test_another_frame_can_be_asked_for(
    make: Callable[..., Harness], block_model: Path, start: Start, tmp_path: Path
) -> None:
    harness = make(model=str(block_model), listening=False, publishing=False)
    assert harness.transit('configure', 'activate')
    output = finish(harness, start('-p', 'frame:=odom'), 'image')
    assert 'rviz2 -d' in output
    assert manager_of(tmp_path)['Global Options']['Fixed Frame'] == 'odom'


def test_without_rviz_the_reason_is_given(start: Start, tmp_path: Path) -> None:
    (tmp_path / 'rviz2').unlink()
    output, _ = start().communicate(timeout=30)
    assert 'rviz2 is not on the PATH; install the package' in output
    assert 'Traceback' not in output


def test_waiting_can_be_interrupted(start: Start) -> None:
    process = start()
    assert process.stdout is not None
    assert any('waiting for the node /jtn_tracker' in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert 'Traceback' not in output
