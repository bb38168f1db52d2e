"""The nodes that replace a camera driver: live cameras with OpenCV, and the player of bags."""

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import String

from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.qos import sensor_data
from jtn_ros.nodes.live.calibration import read_calibration
from jtn_ros.nodes.live.camera_stream import CameraStream
from jtn_ros.nodes.live.camera_stream import StreamSettings
from jtn_ros.nodes.sources.bag_player_node import BagPlayerNode
from jtn_ros.nodes.sources.webcam_node import WebcamNode

from media.test_video_decoding import CODECS
from media.test_video_decoding import PERIOD as VIDEO_PERIOD
from media.test_video_decoding import T0
from media.test_video_decoding import assert_shows
from media.test_video_decoding import bag_of_video
from media.test_video_decoding import distance
from media.test_video_decoding import encode
from media.test_video_decoding import packets
from media.test_video_decoding import roughness
from media.test_video_decoding import woven
from nodes.graph import Graph
from nodes.harness import DEEP

pytestmark = pytest.mark.ros

K = [500.0, 0.0, 32.0, 0.0, 510.0, 24.0, 0.0, 0.0, 1.0]


@pytest.fixture
def calibration(tmp_path: Path) -> Path:
    def matrix(rows: int, columns: int, data: list[float]) -> dict[str, object]:
        return {'rows': rows, 'cols': columns, 'data': data}

    path = tmp_path / 'calibration.yaml'
    content = {
        'image_width': 64,
        'image_height': 48,
        'camera_name': 'lens',
        'camera_matrix': matrix(3, 3, K),
        'distortion_model': 'plumb_bob',
        'distortion_coefficients': matrix(1, 5, [0.1, -0.2, 0, 0, 0]),
        'rectification_matrix': matrix(3, 3, [1, 0, 0, 0, 1, 0, 0, 0, 1]),
        'projection_matrix': matrix(3, 4, [400, 0, 32, 0, 0, 400, 24, 0, 0, 0, 1, 0]),
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_a_calibration_file_is_read(calibration: Path) -> None:
    info = read_calibration(str(calibration))
    assert info is not None
    assert (info.width, info.height, info.distortion_model) == (64, 48, 'plumb_bob')
    assert list(info.k) == K
    assert list(info.d) == [0.1, -0.2, 0, 0, 0]
    assert (info.p[0], info.p[6]) == (400, 24)
    assert read_calibration('') is None


@pytest.mark.parametrize('text', ['', 'image_width: 3', '[1, 2]', 'a: [', '{image_width: many}'])
def test_invalid_calibrations_are_rejected(tmp_path: Path, text: str) -> None:
    path = tmp_path / 'wrong.yaml'
    path.write_text(text)
    with pytest.raises(ValueError, match=r'wrong.yaml is not a calibration file'):
        read_calibration(str(path))


def test_a_video_is_published_as_a_live_camera_with_its_calibration(
    graph: Graph, tmp_path: Path, calibration: Path
) -> None:
    video = tmp_path / 'video.avi'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*'MJPG'), 30, (64, 48))
    for value in (0, 80, 160, 240):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    parameters = {'device': str(video), 'calibration': str(calibration), 'frame_id': 'lens'}
    user = graph.add(Node('user'))
    images: list[Image] = []
    infos: list[CameraInfo] = []
    user.create_subscription(Image, 'image', images.append, sensor_data())
    user.create_subscription(CameraInfo, 'camera_info', infos.append, sensor_data())
    node = WebcamNode(parameter_overrides=[Parameter(n, value=v) for n, v in parameters.items()])
    try:
        graph.wait(lambda: len(images) > 6 and len(infos) > 6, what='two rounds of the video')
    finally:
        node.destroy_node()
    values = [round(float(image_to_array(image).mean()) / 80) for image in images]
    assert set(values) == {0, 1, 2, 3}
    stamps = [(image.header.stamp.sec, image.header.stamp.nanosec) for image in images]
    assert_plays_again_and_again(images, 4, 10**9 // 30)
    assert {image.header.frame_id for image in images} == {'lens'}
    calibrated = {(info.header.stamp.sec, info.header.stamp.nanosec) for info in infos}
    assert len(calibrated & set(stamps)) > 3
    assert list(infos[0].k) == K


def test_a_camera_whose_calibration_cannot_be_published_leaves_no_topic_behind(
    graph: Graph, tmp_path: Path, calibration: Path
) -> None:
    frames = tmp_path / 'frames'
    frames.mkdir()
    cv2.imwrite(str(frames / '1.png'), np.zeros((48, 64, 3), np.uint8))
    override = Parameter('qos_overrides./camera_info.publisher.reliability', value='firm')
    node = graph.add(Node('camera', parameter_overrides=[override]))
    before = [publisher.topic_name for publisher in node.publishers]
    values = StreamSettings(calibration=str(calibration))
    with pytest.raises(Exception, match='firm'):
        CameraStream(node, str(frames), values, title='', topics=('image', 'camera_info'))
    assert [publisher.topic_name for publisher in node.publishers] == before


def assert_plays_again_and_again(images: list[Image], length: int, period_ns: int) -> None:
    """Check that the stamps keep the spacing of the video, and go back at each cut."""
    stamps = [stamp_to_ns(image.header.stamp) for image in images]
    assert max(stamps) - min(stamps) == pytest.approx((length - 1) * period_ns, abs=1000)
    steps = [round((after - before) / period_ns) for before, after in pairwise(stamps)]
    assert set(steps) >= {1, 1 - length}
    for before, after in pairwise(stamps):
        assert (after - before) / period_ns == pytest.approx(
            round((after - before) / period_ns), abs=0.01
        )


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        (
            'missing.mp4',
            'missing.mp4 is not a file; specify a camera, its URL, or a video, folder or bag',
        ),
        ('folder', 'folder contains no images'),
        ('text.mp4', 'text.mp4 is not a video that FFmpeg can read'),
        ('empty.mp4', 'empty.mp4 is an empty file; fetch it again'),
    ],
)
def test_a_file_that_is_no_video_ends_the_webcam_node(
    tmp_path: Path, name: str, reason: str
) -> None:
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'text.mp4').write_text('no video')
    (tmp_path / 'empty.mp4').touch()
    done = subprocess.run(
        [
            sys.executable,
            '-m',
            'jtn_ros.nodes.sources.webcam_node',
            '--ros-args',
            '-p',
            f'device:={tmp_path / name}',
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert reason in done.stderr
    assert 'Traceback' not in done.stderr


def test_a_video_that_vanishes_ends_the_webcam_node(graph: Graph, tmp_path: Path) -> None:
    video = tmp_path / 'video.avi'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*'MJPG'), 30, (64, 48))
    writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    process = subprocess.Popen(
        [
            sys.executable,
            '-m',
            'jtn_ros.nodes.sources.webcam_node',
            '--ros-args',
            '-p',
            f'device:={video}',
            '-p',
            'rate:=10.0',
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    images: list[Image] = []
    graph.add(Node('user')).create_subscription(Image, 'image', images.append, sensor_data())
    try:
        graph.wait(lambda: len(images) > 1, what='images')
        video.unlink()
        _, text = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 1
    assert f'{video} can no longer be read' in text


def bag(path: Path) -> Path:
    with BagWriter(path) as writer:
        for number in range(4):
            message = String(data=f'number {number}')
            writer.write(
                '/words', 'std_msgs/msg/String', number * 10**8, serialize_message(message)
            )
    return path


def player(**parameters: object) -> BagPlayerNode:
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    return BagPlayerNode(parameter_overrides=overrides)


def test_a_bag_is_played_as_it_was_recorded(graph: Graph, tmp_path: Path) -> None:
    received: list[str] = []
    user = graph.add(Node('user'))
    user.create_subscription(String, '/words', lambda message: received.append(message.data), DEEP)
    node = player(input=str(bag(tmp_path / 'bag')), rate=10.0, wait_for='/words')
    node.play()
    graph.wait(lambda: len(received) == 4, what='all messages')
    assert received == [f'number {number}' for number in range(4)]
    node.destroy_node()


def test_recordings_of_an_earlier_run_are_not_played(graph: Graph, tmp_path: Path) -> None:
    received: dict[str, list[str]] = {'/words': [], '/jtn_tracker/words': []}
    user = graph.add(Node('user'))
    for topic, into in received.items():
        user.create_subscription(String, topic, lambda m, into=into: into.append(m.data), DEEP)
    path = tmp_path / 'bag'
    with BagReader(bag(tmp_path / 'words')) as words, BagWriter(path) as writer:
        for message in words.messages():
            for topic in received:
                writer.write(topic, message.type_name, message.received_ns, message.data)
    node = player(input=str(path), rate=10.0, wait_for='/words', exclude=['/jtn_tracker/'])
    node.play()
    graph.wait(lambda: len(received['/words']) == 4, what='all messages')
    assert received['/jtn_tracker/words'] == []
    node.destroy_node()


def test_the_video_that_is_waited_for_is_played_as_raw_images(
    graph: Graph, tmp_path: Path
) -> None:
    received: list[Image] = []
    user = graph.add(Node('user'))
    user.create_subscription(Image, '/cam', received.append, DEEP)
    data = packets(12)
    data[3] = b'noise'
    path = bag_of_video(tmp_path / 'bag', 'foxglove_msgs/msg/CompressedVideo', 'h264', data)
    node = player(input=str(path), rate=5.0, wait_for='/cam')
    node.play()
    graph.wait(lambda: len(received) >= 9 and stamps_of(received)[-1] == 11, what='the last image')
    numbers = stamps_of(received)
    assert numbers[:3] == [0, 1, 2]
    assert set(numbers) >= {6, 7, 8, 9, 10, 11}  # from the next key frame on
    for number, message in zip(numbers, received, strict=True):
        assert message.header.frame_id == 'lens'
        if number < 3 or number > 5:
            assert_shows(image_to_array(message), number)
    node.destroy_node()


def stamps_of(images: list[Image]) -> list[int]:
    """Return the numbers of frames, by their stamps."""
    return [(stamp_to_ns(message.header.stamp) - T0) // VIDEO_PERIOD for message in images]


def test_a_bag_without_a_message_is_not_played(ros: None, tmp_path: Path) -> None:
    with BagWriter(tmp_path / 'bag'):
        pass
    node = player(input=str(tmp_path / 'bag'))
    with pytest.raises(ValueError, match='contains no message that can be played'):
        node.play()
    node.destroy_node()


@pytest.mark.parametrize(
    ('device', 'reason'),
    [
        (
            '/nowhere/clip.mp4',
            '/nowhere/clip.mp4 is not a file; specify a camera, its URL, or a video',
        ),
        ('{folder}/noise.mp4', 'is not a video that FFmpeg can read'),
    ],
)
def test_a_video_that_cannot_be_read_is_not_tried_again(
    ros: None, tmp_path: Path, device: str, reason: str
) -> None:
    (tmp_path / 'noise.mp4').write_bytes(b'noise')
    parameter = Parameter('device', value=device.format(folder=tmp_path))
    with pytest.raises(ValueError, match=reason):
        WebcamNode(parameter_overrides=[parameter])


def test_an_interlaced_video_is_published_deinterlaced(graph: Graph, tmp_path: Path) -> None:
    codec, suffix, options = CODECS['H.264']
    path = encode([woven(i) for i in range(6)], tmp_path / f'tv.{suffix}', codec, options)
    images: list[Image] = []
    user = graph.add(Node('user'))
    user.create_subscription(Image, 'image', images.append, sensor_data())
    node = WebcamNode(parameter_overrides=[Parameter('device', value=str(path))])
    try:
        graph.wait(lambda: len(images) > 6, what='more than a round of the video')
    finally:
        node.destroy_node()
    for message in images:
        image = image_to_array(message)
        assert min(distance(image, half / 2) for half in range(12)) < 5
        assert roughness(image) < 0.1 * roughness(woven(0))


@pytest.mark.parametrize(
    ('parameters', 'reason'),
    [
        ({}, 'the parameter input is empty'),
        ({'topics': ['/images']}, 'has no topic /images; it has /words'),
        (
            {'wait_for': '/images'},
            'wait_for is /images, which is not played; choose one of /words',
        ),
    ],
)
def test_unplayable_inputs_are_reported(
    ros: None, tmp_path: Path, parameters: dict[str, object], reason: str
) -> None:
    path = bag(tmp_path / 'bag')
    given = {'input': str(path), **parameters} if parameters else {}
    with pytest.raises(ValueError, match=reason):
        player(**given)
