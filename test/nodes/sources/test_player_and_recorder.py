"""The player and the recorder as processes of their own, as users run them."""

import signal
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from time import sleep

import cv2
import numpy as np
import pytest
from rclpy.duration import Duration
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.interfaces import QosDurability
from sensor_msgs.msg import Image
from std_msgs.msg import Empty
from std_msgs.msg import String
from vision_msgs.msg import LabelInfo
from vision_msgs.msg import VisionClass

from jtn_ros.errors import JtnError
from jtn_ros.media import open_frames
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.sources.player_node import PlayerNode
from jtn_ros.nodes.sources.recorder_node import RecorderNode

from nodes.graph import Graph

pytestmark = pytest.mark.ros

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a node's process with parameters."""
    processes: list[subprocess.Popen[str]] = []

    def run(node: str, *arguments: str, **parameters: object) -> subprocess.Popen[str]:
        settings = [f'{key}:={value}' for key, value in parameters.items()]
        options = [word for setting in settings for word in ('-p', setting)]
        process = subprocess.Popen(
            [
                sys.executable,
                '-m',
                f'jtn_ros.nodes.sources.{node}',
                '--ros-args',
                *options,
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A folder of twelve random images, 80x60, lossless."""
    folder = tmp_path / 'clip'
    folder.mkdir()
    pixels = np.random.default_rng(2)
    for number in range(12):
        image = pixels.integers(0, 256, (60, 80, 3), np.uint8)
        cv2.imwrite(str(folder / f'{number:03}.png'), image)
    return folder


def overrides(**values: object) -> list[Parameter]:
    return [Parameter(name, value=value) for name, value in values.items()]


def output_of(process: subprocess.Popen[str], code: int = 0) -> str:
    """Return the output of a process that must end with this exit code."""
    text, _ = process.communicate(timeout=30)
    assert process.returncode == code, text
    return text


def test_player_publishes_every_frame_at_its_time_and_ends(
    graph: Graph, start: Start, clip: Path
) -> None:
    received: list[tuple[float, Image]] = []
    node = graph.add(Node('listener'))
    node.create_subscription(
        Image, 'image', lambda m: received.append((monotonic(), m)), QoSProfile(depth=50)
    )
    player = start('player_node', input=clip, frame_id='lens', rate=0.25)
    assert 'played 12 frames' in output_of(player)
    graph.wait(lambda: len(received) == 12, what='12 images')
    frames = list(open_frames(clip))
    for (_, message), frame in zip(received, frames, strict=True):
        assert stamp_to_ns(message.header.stamp) == frame.stamp_ns
        assert message.header.frame_id == 'lens'
        np.testing.assert_array_equal(image_to_array(message), frame.image)
    took = received[-1][0] - received[0][0]
    assert took == pytest.approx(4 * 11 / 30, abs=0.7)  # other processes may delay some frames


def test_player_waits_for_its_subscribers(graph: Graph, start: Start, clip: Path) -> None:
    player = start('player_node', input=clip, wait_for_subscribers=2, rate=20.0)
    first: list[Image] = []
    second: list[Image] = []
    node = graph.add(Node('listener'))
    node.create_subscription(Image, 'image', first.append, QoSProfile(depth=50))
    graph.wait(lambda: node.count_publishers('image') == 1, what='the player')
    assert player.poll() is None
    late = graph.add(Node('late_listener'))
    late.create_subscription(Image, 'image', second.append, QoSProfile(depth=50))
    output_of(player)
    graph.wait(lambda: len(first) == len(second) == 12, what='12 images for both')


def test_looping_player_jumps_back_until_it_is_interrupted(
    graph: Graph, start: Start, clip: Path
) -> None:
    stamps: list[int] = []
    node = graph.add(Node('listener'))
    node.create_subscription(
        Image, 'image', lambda m: stamps.append(stamp_to_ns(m.header.stamp)), QoSProfile(depth=50)
    )
    player = start('player_node', input=clip, loop=True, rate=10.0)
    graph.wait(lambda: len(stamps) >= 30, what='more than two rounds')
    player.send_signal(signal.SIGINT)
    output_of(player)
    once = [frame.stamp_ns for frame in open_frames(clip)]
    assert stamps[:30] == (once * 3)[:30]


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({}, 'the parameter input is empty'),
        ({'input': '/does/not/exist.mp4'}, r'/does/not/exist\.mp4 does not exist'),
        ({'input': '.', 'rate': 0.0}, 'rate'),
    ],
)
def test_player_reports_errors(ros: None, parameters: dict[str, object], message: str) -> None:
    with pytest.raises((JtnError, ParameterException), match=message):
        PlayerNode(parameter_overrides=overrides(**parameters))


def test_player_that_cannot_play_fails_with_one_line(start: Start) -> None:
    text = output_of(start('player_node', input='/does/not/exist.mp4'), code=1)
    assert '/does/not/exist.mp4 does not exist' in text
    assert 'Traceback' not in text


def test_recorder_writes_all_messages_and_finishes_on_sigint(
    graph: Graph, start: Start, clip: Path, tmp_path: Path
) -> None:
    bag = tmp_path / 'new' / 'bag'
    recorder = start('recorder_node', output=bag, topics='[notes, image]')
    node = graph.add(Node('talker'))
    notes = node.create_publisher(String, 'notes', 10)
    graph.wait(lambda: notes.get_subscription_count() == 1, what='the recorder')
    notes.publish(String(data='first'))
    assert 'played 12 frames' in output_of(start('player_node', input=clip, rate=4.0))
    recorder.send_signal(signal.SIGINT)
    assert 'recorded 1 of /notes, 12 of /image' in output_of(recorder)
    with BagReader(bag) as reader:
        assert reader.topics == {
            '/notes': 'std_msgs/msg/String',
            '/image': 'sensor_msgs/msg/Image',
        }
        assert [m.deserialize().data for m in reader.messages(['/notes'])] == ['first']
    with open_frames(bag) as recorded:
        for frame, original in zip(recorded, open_frames(clip), strict=True):
            assert frame.stamp_ns == original.stamp_ns
            np.testing.assert_array_equal(frame.image, original.image)


def test_recorder_connects_topics_in_the_given_order(graph: Graph, tmp_path: Path) -> None:
    bag = tmp_path / 'bag'
    recorder = graph.add(
        RecorderNode(parameter_overrides=overrides(output=str(bag), topics=['first', 'second']))
    )
    node = graph.add(Node('talker'))
    second = node.create_publisher(String, 'second', 10)
    graph.wait(lambda: recorder.count_publishers('second') == 1, what='the talker')
    sleep(0.5)
    assert second.get_subscription_count() == 0
    node.create_publisher(String, 'first', 10)
    graph.wait(lambda: second.get_subscription_count() == 1, what='second after first')
    second.publish(String(data='now'))
    graph.wait(lambda: recorder._counts['/second'] == 1, what='the message')
    recorder.finish()
    recorder.expect_messages()
    with BagReader(bag) as reader:
        assert reader.counts == {'/second': 1}


def test_recorder_receives_latched_messages_and_reports_when_it_is_ready(
    graph: Graph, start: Start, tmp_path: Path
) -> None:
    """Transient-local topics; the types are those that only some installations of ROS have."""
    foxglove = pytest.importorskip('foxglove_msgs.msg', reason='foxglove_msgs is not installed')
    node = graph.add(Node('talker'))
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    labels = LabelInfo(class_map=[VisionClass(class_id=3, class_name='car')], threshold=0.5)
    node.create_publisher(LabelInfo, 'labels', latched).publish(labels)
    ready: list[Empty] = []
    node.create_subscription(Empty, 'recorder/ready', ready.append, latched)
    recorder = start('recorder_node', output=tmp_path / 'bag', topics='[labels, drawn]')
    graph.wait(lambda: node.count_subscribers('labels') == 1, what='the recorder')
    sleep(0.5)
    graph.wait(lambda: not ready, what='nothing, since a topic is missing')
    drawn = node.create_publisher(foxglove.ImageAnnotations, 'drawn', 10)
    graph.wait(lambda: len(ready) == 1, what='the recorder to be ready')
    text = foxglove.TextAnnotation(text='7', position=foxglove.Point2(x=1.5, y=2.0))
    drawn.publish(foxglove.ImageAnnotations(texts=[text]))
    graph.wait(lambda: drawn.wait_for_all_acked(Duration(seconds=1)), what='the message')
    recorder.send_signal(signal.SIGINT)
    assert 'recorded 1 of /labels, 1 of /drawn' in output_of(recorder)
    with BagReader(tmp_path / 'bag') as bag:
        (first,), (second,) = bag.messages(['/labels']), bag.messages(['/drawn'])
    assert isinstance(first.connection.ext, ConnectionExtRosbag2)
    assert isinstance(second.connection.ext, ConnectionExtRosbag2)
    (profile,) = first.connection.ext.offered_qos_profiles
    assert profile.durability == QosDurability.TRANSIENT_LOCAL
    assert second.connection.ext.offered_qos_profiles == []
    assert [(c.class_id, c.class_name) for c in first.deserialize().class_map] == [(3, 'car')]
    (read,) = second.deserialize().texts
    assert (read.text, read.position.x, read.position.y) == ('7', 1.5, 2.0)


def test_recorder_that_records_nothing_fails_and_leaves_no_bag(
    graph: Graph, start: Start, tmp_path: Path
) -> None:
    recorder = start('recorder_node', output=tmp_path / 'bag', topics='[notes]')
    node = graph.add(Node('talker'))
    notes = node.create_publisher(String, 'notes', 10)
    graph.wait(lambda: notes.get_subscription_count() == 1, what='the recorder')
    recorder.send_signal(signal.SIGINT)
    assert 'no message arrived on /notes; no bag is written' in output_of(recorder, code=1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('parameters', 'message'),
    [
        ({'topics': ['image']}, 'the parameter output is empty'),
        ({'output': 'bag'}, 'the parameter topics is empty'),
        ({'output': '.', 'topics': ['image']}, 'exists'),
        ({'output': 'bag', 'topics': ['image'], 'storage': 'zip'}, 'choose one of mcap, sqlite3'),
    ],
)
def test_recorder_reports_errors(ros: None, parameters: dict[str, object], message: str) -> None:
    with pytest.raises((JtnError, ParameterException), match=message):
        RecorderNode(parameter_overrides=overrides(**parameters))
