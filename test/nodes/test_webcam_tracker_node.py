"""Camera and tracker in one process: nothing lost uncounted, honest stamps, an orderly end."""

import re
import signal
import subprocess
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.nodes.common.conversions import stamp_to_ns

from media.camera_servers import Camera
from media.camera_servers import MjpegServer
from media.camera_servers import RtspServer
from media.camera_servers import numbered
from nodes.camera_nodes import RATE
from nodes.camera_nodes import end_by_signal
from nodes.camera_nodes import running
from nodes.graph import Graph

pytestmark = pytest.mark.ros


@pytest.fixture
def camera() -> Camera:
    return Camera(rate=RATE)


def node(url: str, model: Path) -> AbstractContextManager[subprocess.Popen]:
    given = {
        'jtn_tracker:model': model,
        'jtn_tracker:backend': 'onnxruntime',
        'jtn_tracker:autostart': 'true',
        'webcam:device': url,
    }
    return running('webcam_tracker_node', given)


class User:
    """What the nodes published."""

    def __init__(self, graph: Graph) -> None:
        user = graph.add(Node('user'))
        self.tracks: list[TrackedObjectArray] = []
        self.statuses: dict[str, dict[str, str]] = {}
        user.create_subscription(TrackedObjectArray, '/jtn_tracker/tracks', self.tracks.append, 10)
        user.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)

    def _note(self, array: DiagnosticArray) -> None:
        for status in array.status:
            values = {item.key: item.value for item in status.values}
            self.statuses[status.name.split(':')[0]] = values | {'message': status.message}


@pytest.mark.parametrize('server', [MjpegServer, RtspServer])
def test_every_image_is_tracked_or_counted(
    graph: Graph, camera: Camera, block_model: Path, server
) -> None:
    user = User(graph)
    with server(camera) as opened, node(opened.url, block_model) as process:
        graph.wait(lambda: len(user.tracks) > 30, what='tracks')
        camera.frozen.set()  # so that the numbers stand still
        graph.wait(lambda: user.statuses['webcam']['problem'] != '', what='the problem')
        seen = dict(user.statuses)
        graph.wait(
            lambda: user.statuses['jtn_tracker'] is not seen['jtn_tracker'], what='final counts'
        )
        counts = user.statuses
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=20)
    grabbed, dropped = (int(counts['webcam'][name]) for name in ('grabbed', 'dropped'))
    published = int(counts['webcam']['published'])
    assert published + dropped == grabbed
    tracked, replaced = (int(counts['jtn_tracker'][name]) for name in ('processed', 'dropped'))
    # The tracker is subscribed a little later than the camera sends.
    assert 0 <= published - tracked - replaced < 20
    assert len(user.tracks) == pytest.approx(tracked, abs=2)
    taken = np.array(list(camera.taken.values()))
    errors = [min(abs(taken - stamp_to_ns(one.header.stamp))) for one in user.tracks]
    assert np.median(errors) < 10_000_000
    assert 'sent nothing' in counts['jtn_tracker']['problem']
    assert process.returncode == 0
    assert 'Traceback' not in text


@pytest.mark.parametrize('state', ['sending', 'frozen', 'gone'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_it_within_seconds_and_log_nothing_false(
    graph: Graph, camera: Camera, block_model: Path, state: str, number: signal.Signals
) -> None:
    user = User(graph)
    with MjpegServer(camera) as server, node(server.url, block_model) as process:
        graph.wait(lambda: len(user.tracks) > 5, what='tracks')
        text = end_by_signal(process, number, camera, state)
    assert 'Traceback' not in text
    assert 'another back end' not in text
    assert not re.search('ERROR|FATAL', text)


def test_a_camera_that_is_none_ends_both(block_model: Path) -> None:
    with node('hello', block_model) as process:
        _, text = process.communicate(timeout=30)
    assert process.returncode == 1
    assert 'hello is no file; give a camera, its URL, or a video file' in text
    assert 'Traceback' not in text


def test_a_video_that_is_played_again_begins_a_session_at_the_cut(
    graph: Graph, block_model: Path, tmp_path: Path
) -> None:
    video = tmp_path / 'street.webm'
    with VideoWriter(video, 20) as writer:
        for number in range(30):
            writer.write(numbered(number))
    user = User(graph)
    with node(str(video), block_model):
        graph.wait(lambda: len({bytes(one.session.uuid) for one in user.tracks}) > 2, what='cuts')
    for before, after in pairwise(user.tracks):
        backward = stamp_to_ns(after.header.stamp) < stamp_to_ns(before.header.stamp)
        assert (after.session != before.session) == backward
