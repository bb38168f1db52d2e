"""The webcam node with network cameras on loopback: stamps, failures, diagnostics, its end."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import Log
from rclpy.node import Node
from sensor_msgs.msg import Image

from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.qos import sensor_data

from media.camera_servers import Camera
from media.camera_servers import MjpegServer
from media.camera_servers import RtspServer
from media.camera_servers import number_in
from nodes.camera_nodes import RATE
from nodes.camera_nodes import end_by_signal
from nodes.camera_nodes import running
from nodes.graph import Graph

pytestmark = pytest.mark.ros
MS = 1_000_000


@pytest.fixture
def camera() -> Camera:
    return Camera(rate=RATE)


@pytest.fixture(params=[MjpegServer, RtspServer], ids=['http', 'rtsp'])
def server(request: pytest.FixtureRequest, camera: Camera) -> Iterator[MjpegServer | RtspServer]:
    with request.param(camera) as server:
        yield server


def webcam(device: str, **variables: str) -> AbstractContextManager[subprocess.Popen[str]]:
    return running('sources.webcam_node', {'device': device}, **variables)


class User:
    """What the node published."""

    def __init__(self, graph: Graph) -> None:
        node = graph.add(Node('user'))
        self.images: list[tuple[int, int]] = []
        self.statuses: list[dict[str, str]] = []
        self.messages: list[str] = []
        self.logged: list[str] = []
        node.create_subscription(Image, 'image', self._take, sensor_data())
        node.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)
        node.create_subscription(Log, '/rosout', lambda log: self.logged.append(log.msg), 100)

    def _take(self, message: Image) -> None:
        self.images.append((stamp_to_ns(message.header.stamp), number_in(image_to_array(message))))

    def _note(self, array: DiagnosticArray) -> None:
        for status in array.status:
            if status.name.startswith('webcam: '):
                self.statuses.append({item.key: item.value for item in status.values})
                self.messages.append(status.message)


def test_images_are_stamped_when_they_were_taken_and_counted(
    graph: Graph, camera: Camera, server: MjpegServer | RtspServer
) -> None:
    user = User(graph)
    with webcam(server.url):
        graph.wait(lambda: len(user.images) > 20 and len(user.statuses) > 2, what='images')
    errors = [abs(stamp - camera.taken[number]) for stamp, number in user.images]
    assert np.median(errors) < 10 * MS
    stamps = [stamp for stamp, _ in user.images]
    assert stamps == sorted(set(stamps))
    status = user.statuses[-1]
    counted = int(status['published']) + int(status['dropped'])
    assert 0 <= int(status['grabbed']) - counted <= 2  # one waits, one is being published
    reasons = (int(status[f'dropped: {reason}']) for reason in ('replaced', 'unusable'))
    assert sum(reasons) == int(status['dropped'])
    assert (status['reconnections'], status['problem']) == ('0', '')
    assert float(status['age of the newest image [s]']) < 1


def test_a_frozen_camera_is_reported_as_a_problem_and_recovers(
    graph: Graph, camera: Camera, server: MjpegServer | RtspServer, tmp_path: Path
) -> None:
    user = User(graph)
    url = server.url.replace('//', '//admin:secret@')
    with webcam('env:CAMERA', CAMERA=url, ROS_LOG_DIR=str(tmp_path)) as process:
        graph.wait(lambda: len(user.images) > 5, what='images')
        camera.frozen.set()
        graph.wait(lambda: any('sent nothing' in m for m in user.messages), what='the problem')
        number = len(user.images)
        camera.frozen.clear()
        graph.wait(lambda: len(user.images) > number + 5, what='images again')
        graph.wait(lambda: user.statuses[-1]['problem'] == '', what='that all is well')
        assert int(user.statuses[-1]['reconnections']) >= 1
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=20)
    for stamp, shown in user.images:
        assert abs(stamp - camera.taken[shown]) < 200 * MS
    assert text.count('sent nothing for 2.5 s') == 1
    assert 'sends images again' in text
    (kept,) = (path.read_text() for path in tmp_path.glob('*.log'))
    for place in (text, kept, '\n'.join(user.logged), '\n'.join(user.messages)):
        assert '***@127.0.0.1' in place
        assert 'secret' not in place
    assert 'secret' not in json.dumps(user.statuses)


@pytest.mark.parametrize('state', ['sending', 'frozen', 'gone'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_the_node_at_once_and_in_silence(
    graph: Graph, camera: Camera, state: str, number: signal.Signals
) -> None:
    user = User(graph)
    with MjpegServer(camera) as server, webcam(server.url) as process:
        graph.wait(lambda: len(user.images) > 5, what='images')
        text = end_by_signal(process, number, camera, state)
    expected = ['trying again'] if state == 'gone' else []
    lines = [line for line in text.splitlines() if line.strip()]
    assert [line for line in lines if not any(part in line for part in expected)] == []


@pytest.mark.parametrize(
    ('device', 'reason'),
    [
        ('0', 'camera 0 does not open: there is no /dev/video0'),
        ('{server}/nothing', 'it has no such path; check the path'),
        ('{server}/private', 'the user or the password is wrong or missing'),
        ('rtsp://admin:secret@127.0.0.1:9/x', 'nothing listens on this port'),
    ],
)
def test_errors_are_logged_once_and_retried(
    graph: Graph, camera: Camera, device: str, reason: str
) -> None:
    if device == '0' and os.path.exists('/dev/video0'):
        pytest.skip('there is a camera')
    user = User(graph)
    with MjpegServer(camera) as server:
        address = device.format(server=server.url.replace('/live', ''))
        with webcam(address) as process:
            graph.wait(lambda: len(user.messages) > 3, what='several attempts')
            process.send_signal(signal.SIGINT)
            _, text = process.communicate(timeout=20)
    assert process.returncode == 0
    assert text.count(reason) == 1
    assert reason in user.messages[-1]
    assert 'secret' not in text + json.dumps(user.statuses)


@pytest.mark.parametrize('device', ['hello', '/nowhere/clip.mp4', 'env:NOT_SET', 'file:/nowhere'])
def test_an_invalid_camera_ends_the_node(device: str) -> None:
    with webcam(device) as process:
        _, text = process.communicate(timeout=30)
    assert process.returncode == 1
    assert device.removeprefix('file:') in text
    assert 'Traceback' not in text
