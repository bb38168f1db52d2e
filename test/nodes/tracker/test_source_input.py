"""A tracker that reads its camera: counted losses, correct stamps, clean exit."""

import re
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.qos import sensor_data

from media.camera_servers import Camera
from media.camera_servers import MjpegServer
from media.camera_servers import RtspServer
from media.camera_servers import numbered
from nodes.camera_nodes import RATE
from nodes.camera_nodes import end_by_signal
from nodes.camera_nodes import running
from nodes.graph import Graph
from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import message

pytestmark = pytest.mark.ros


@pytest.fixture
def camera() -> Camera:
    return Camera(rate=RATE)


def node(url: str, model: Path) -> AbstractContextManager[subprocess.Popen[str]]:
    given = {
        'model': model,
        'backend': 'onnxruntime',
        'autostart': 'true',
        'source': url,
    }
    return running('tracker.tracker_node', given)


class User:
    """What the nodes published."""

    def __init__(self, graph: Graph) -> None:
        user = graph.add(Node('user'))
        self.tracks: list[TrackedObjectArray] = []
        self.statuses: dict[str, dict[str, str]] = {}
        user.create_subscription(
            TrackedObjectArray, '/jtn_tracker/tracks', self.tracks.append, DEEP
        )
        user.create_subscription(DiagnosticArray, '/diagnostics', self._note, 10)

    def _note(self, array: DiagnosticArray) -> None:
        for status in array.status:
            values = {item.key: item.value for item in status.values}
            self.statuses[status.name.removeprefix('jtn_tracker: ')] = values | {
                'message': status.message
            }


@pytest.mark.parametrize('server', [MjpegServer, RtspServer])
def test_every_image_is_tracked_or_counted(
    graph: Graph, camera: Camera, block_model: Path, server: type[MjpegServer] | type[RtspServer]
) -> None:
    user = User(graph)
    with server(camera) as opened, node(opened.url, block_model) as process:
        graph.wait(lambda: len(user.tracks) > 30, what='tracks')
        camera.frozen.set()  # so that the numbers stand still
        graph.wait(lambda: user.statuses['source']['problem'] != '', what='the problem')
        seen = dict(user.statuses)
        graph.wait(lambda: user.statuses['camera'] is not seen['camera'], what='final counts')
        counts = user.statuses
        process.send_signal(signal.SIGINT)
        _, text = process.communicate(timeout=20)
    grabbed, dropped = (int(counts['source'][name]) for name in ('grabbed', 'dropped'))
    published = int(counts['source']['published'])
    assert published + dropped == grabbed
    tracked, replaced = (int(counts['camera'][name]) for name in ('processed', 'dropped'))
    assert len(user.tracks) == pytest.approx(tracked, abs=2)
    # The camera sends images before the tracker is active, and has a subscriber.
    assert published - tracked - replaced >= 0
    numbers, taken = (np.array(list(part)) for part in zip(*camera.taken.items(), strict=True))
    errors = abs(taken - np.array([[stamp_to_ns(one.header.stamp)] for one in user.tracks]))
    first, *_, last = numbers[errors.argmin(axis=1)]
    assert last - first + 1 - len(user.tracks) <= replaced + dropped + 1
    assert np.median(errors.min(axis=1)) < 10_000_000
    assert 'sent nothing' in counts['camera']['problem']
    assert process.returncode == 0
    assert 'Traceback' not in text
    assert 'same name' not in text  # the node and its camera both publish diagnostics


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


def test_an_unavailable_camera_ends_the_node(block_model: Path) -> None:
    with node('hello', block_model) as process:
        _, text = process.communicate(timeout=30)
    assert process.returncode == 1
    assert 'hello is not a file; specify a camera, its URL, or a video, folder or bag' in text
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


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A recording of two blocks that move, at ten images per second."""
    path = tmp_path / 'bag'
    with BagWriter(path) as writer:
        for number in range(10):
            image = message(number)
            stamp_ns = 1_700_000_000_000_000_000 + number * 100_000_000
            image.header.stamp = ns_to_stamp(stamp_ns)
            writer.write('/front', 'sensor_msgs/msg/Image', stamp_ns, serialize_message(image))
    return path


def test_a_bag_is_tracked_at_its_rate_and_published_for_subscribers(
    make: Callable[..., Harness], block_model: Path, bag: Path
) -> None:
    harness = make(model=str(block_model), source=str(bag), frame_id='lens', publishing=False)
    assert harness.transit('configure', 'activate')
    harness.wait(lambda: len(harness.outputs) > 12, 'tracks of more than one round')
    stamps = np.array([stamp_to_ns(one.header.stamp) for one in harness.outputs])
    steps = np.diff(stamps)
    assert np.median(steps) == 100_000_000
    assert steps.min() < 0  # it began again
    assert {one.header.frame_id for one in harness.outputs} == {'lens'}
    assert {len(one.objects) for one in harness.outputs} == {2}
    (publisher,) = [p for p in harness.tracker.publishers if p.topic_name == '/image']
    assert publisher.get_subscription_count() == 0
    images: list[Image] = []
    harness.user.create_subscription(Image, 'image', images.append, sensor_data())
    harness.wait(lambda: len(images) > 2, 'images for those who look')
    assert images[0].header.frame_id == 'lens'
    assert harness.transit('deactivate', 'cleanup')
    assert '/image' not in [p.topic_name for p in harness.tracker.publishers]
    assert 'camera_stream' not in [thread.name for thread in threading.enumerate()]


def test_one_camera_reads_a_source(make: Callable[..., Harness], block_model: Path) -> None:
    harness = make(model=str(block_model), source='rtsp://a:b@camera/x', cameras=['front', 'rear'])
    assert not harness.transit('configure')
    harness.wait_for_log('source is rtsp://***@camera/x, a single camera')


def test_a_camera_is_let_go_where_an_output_cannot_be_made(
    make: Callable[..., Harness], block_model: Path, bag: Path
) -> None:
    override = {'qos_overrides./jtn_tracker/target.publisher.reliability': 'firm'}
    harness = make(model=str(block_model), source=str(bag), publishing=False, **override)
    assert not harness.transit('configure')
    harness.wait_for_log('`firm`; check the parameters qos_overrides.*')
    assert 'camera_stream' not in [thread.name for thread in threading.enumerate()]
    assert '/image' not in [p.topic_name for p in harness.tracker.publishers]


@pytest.mark.parametrize('topic', ['jtn_tracker/target_state', 'jtn_tracker/debug_image'])
def test_an_output_that_cannot_be_made_leaves_no_other_behind(
    make: Callable[..., Harness], block_model: Path, topic: str
) -> None:
    override = {f'qos_overrides./{topic}.publisher.reliability': 'firm'}
    harness = make(model=str(block_model), **override)

    def topics_and_services() -> tuple[set[str], set[str]]:
        tracker = harness.tracker
        return {p.topic_name for p in tracker.publishers}, {s.srv_name for s in tracker.services}

    before = topics_and_services()
    assert not harness.transit('configure')
    harness.wait_for_log('`firm`; check the parameters qos_overrides.*')
    assert harness.state == 'unconfigured'
    assert topics_and_services() == before


def test_a_recording_that_vanishes_is_a_problem_and_the_node_stays(
    make: Callable[..., Harness], block_model: Path, tmp_path: Path
) -> None:
    video = tmp_path / 'street.webm'
    with VideoWriter(video, 20) as writer:
        for number in range(5):
            writer.write(numbered(number))
    harness = make(model=str(block_model), source=str(video), publishing=False)
    assert harness.transit('configure', 'activate')
    harness.wait(lambda: len(harness.outputs) > 2, 'tracks')
    video.unlink()
    harness.wait_for_log(f'{video} can no longer be read')
    assert harness.state == 'active'
