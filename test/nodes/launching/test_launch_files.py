"""The launch files as users start them, with the ros2 command."""

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import yaml
from launch import LaunchContext
from launch.launch_description_sources import PythonLaunchDescriptionSource
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from jtn_msgs.msg import Target
from jtn_msgs.msg import TrackedObjectArray
from jtn_msgs.srv import SelectTarget
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.parameters import ros_default
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.settings import settings_of

from nodes.foreign_detections import boxes_message
from nodes.graph import Graph
from nodes.leftovers import MARK
from nodes.leftovers import processes_marked
from places import ROOT

pytestmark = pytest.mark.ros

FRAMES = 20

STAND_IN_FOR_RVIZ = f"""#!{sys.executable}
import signal, sys
from pathlib import Path
signals = {{signal.SIGINT, signal.SIGTERM}}
signal.pthread_sigmask(signal.SIG_BLOCK, signals)
new = Path(__file__).with_name('new')
new.write_text(' '.join(sys.argv) + '\\n' + Path(sys.argv[2]).read_text())
new.rename(new.with_name('shown'))
signal.sigwait(signals)
"""

Launch = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def launch() -> Iterator[Launch]:
    """Start a launch file of the checkout with arguments."""
    ros2 = shutil.which('ros2')
    assert ros2, 'the ros2 command is not on the PATH'
    processes: list[subprocess.Popen[str]] = []

    def run(name: str, **arguments: object) -> subprocess.Popen[str]:
        values = [f'{key}:={value}' for key, value in arguments.items()]
        process = subprocess.Popen(
            [ros2, 'launch', '--noninteractive', str(ROOT / 'launch' / name), *values],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def shown_topics(rviz: Path) -> set[str]:
    """Return the topics of the displays that RViz was started with."""
    return set(re.findall(r'Value: (/.*)', rviz.read_text()))


def picture(number: int) -> np.ndarray:
    """Return a white block on black ground that moves by three pixels a frame."""
    image = np.zeros((192, 320, 3), np.uint8)
    image[60:108, 20 + 3 * number : 44 + 3 * number] = 255
    return image


@pytest.fixture
def rviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a script on the PATH that writes to a file what RViz would show, until interrupted.

    It stays, as RViz does: `ros2 launch` may wait for ever for a process that ends by itself in
    the moment of Ctrl-C (4 of 150 tries, without anything of this project).
    """
    folder = tmp_path / 'bin'
    folder.mkdir()
    script = folder / 'rviz2'
    script.write_text(STAND_IN_FOR_RVIZ)
    script.chmod(0o755)
    monkeypatch.setenv('PATH', f'{folder}:{os.environ["PATH"]}')
    return folder / 'shown'


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / 'clip'
    folder.mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(folder / f'{number:03}.png'), picture(number))
    return folder


def test_tracker_launch_starts_an_active_node_with_its_arguments(
    graph: Graph, launch: Launch, block_model: Path, rviz: Path
) -> None:
    process = launch(
        'tracker.launch.py',
        model=block_model,
        backend='onnxruntime',
        namespace='robot',
        image='/front/image',
        log_level='warn',
        positions='depth',
        rviz='true',
    )
    outputs: list[TrackedObjectArray] = []
    node = graph.add(Node('user'))
    images = node.create_publisher(Image, '/front/image', QoSProfile(depth=10))
    node.create_subscription(
        TrackedObjectArray, '/robot/jtn_tracker/tracks', outputs.append, QoSProfile(depth=10)
    )
    header = Header(stamp=ns_to_stamp(5_000_000_000), frame_id='front')
    message = array_to_image(picture(0), header)

    def answered() -> bool:
        # Again and again: discovery is over when both sides know each other.
        images.publish(message)
        return len(outputs) > 0

    graph.wait(answered, what='the tracks of an image', timeout=60)
    assert outputs[0].header == header
    graph.wait(lambda: answered() and rviz.exists(), what='RViz', timeout=60)
    assert shown_topics(rviz) == {
        '/front/image',
        '/robot/jtn_tracker/debug_image',
        '/robot/jtn_tracker/markers_3d',
    }
    assert [o.class_name for o in outputs[0].objects] == ['block']
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text
    assert 'process has finished cleanly' in text


def test_detections_launch_starts_a_detector_and_tracks_its_detections(
    graph: Graph, launch: Launch, tmp_path: Path
) -> None:
    detector = tmp_path / 'detector.launch.xml'
    detector.write_text(
        f"""<launch>
        <arg name="detections" default="its_own"/>
        <executable cmd="touch {tmp_path}/$(var detections)"/>
        </launch>"""
    )
    process = launch(
        'detections.launch.py', detector=detector, detections='/found', namespace='robot'
    )
    outputs: list[TrackedObjectArray] = []
    node = graph.add(Node('user'))
    detections = node.create_publisher(Detection2DArray, '/found', QoSProfile(depth=10))
    node.create_subscription(
        TrackedObjectArray, '/robot/jtn_tracker/tracks', outputs.append, QoSProfile(depth=10)
    )
    message = boxes_message(0, [[10, 20, 30, 60]], ['cat'])

    def answered() -> bool:
        detections.publish(message)
        return len(outputs) > 0

    graph.wait(answered, what='the tracks of detections', timeout=60)
    assert outputs[0].header == message.header
    assert [o.class_name for o in outputs[0].objects] == ['cat']
    assert (tmp_path / 'its_own').exists()  # the arguments of the tracker are not the detector's
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text


def test_demo_launch_records_every_frame_and_its_tracks_and_ends(
    launch: Launch, block_model: Path, clip: Path, tmp_path: Path
) -> None:
    process = launch(
        'demo.launch.py',
        input=clip,
        output=tmp_path / 'out',
        rate=0.25,
        model=block_model,
        backend='onnxruntime',
    )
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    with BagReader(tmp_path / 'out' / 'bag') as bag:
        images = [m.deserialize() for m in bag.messages(['/image'])]
        tracks = [m.deserialize() for m in bag.messages(['/jtn_tracker/tracks'])]
        detections = [m.deserialize() for m in bag.messages(['/jtn_tracker/detections'])]
    stamps = [stamp_to_ns(image.header.stamp) for image in images]
    assert stamps == [round(number * 1e9 / 30) for number in range(FRAMES)]
    # A stalled machine may leave frames out, but none is unaccounted for.
    ((tracked_number, left_out),) = re.findall(r'(\d+) images tracked, (\d+) dropped', text)
    assert len(tracks) == len(detections) == int(tracked_number) == FRAMES - int(left_out)
    assert len(tracks) > FRAMES // 2
    assert {tuple(o.id for o in message.objects) for message in tracks} == {(1,)}
    for message in tracks:
        number = stamps.index(stamp_to_ns(message.header.stamp))
        (tracked,) = message.objects
        assert tracked.bbox.center.position.x == pytest.approx(31.5 + 3 * number, abs=1)
        assert tracked.bbox.center.position.y == pytest.approx(83.5, abs=1)
    assert tracked.velocity == pytest.approx([90, 0], abs=2)


def test_demo_launch_fails_when_a_node_fails(
    launch: Launch, block_model: Path, tmp_path: Path
) -> None:
    process = launch(
        'demo.launch.py',
        input='/no/clip.mp4',
        output=tmp_path / 'out',
        model=block_model,
        backend='onnxruntime',
    )
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 1, text
    assert '/no/clip.mp4 does not exist' in text
    assert text.count('ended with exit code') == 1  # the first one, and nothing that follows
    assert not re.search(r'player_node-\d+\] Traceback', text)


def test_parameter_file_lists_every_parameter_with_its_default() -> None:
    text = (ROOT / 'config' / 'tracker.yaml').read_text()
    assert yaml.safe_load(text) == {
        '/**/jtn_tracker': {'ros__parameters': {'camera_name': 'camera'}}
    }
    lines = re.findall(r'^    #?(\w+: .+)$', text, re.MULTILINE)
    values = {name: value for line in lines for name, value in yaml.safe_load(line).items()}
    defaults = {entry.name: ros_default(entry) for entry in settings_of(TrackerNodeSettings)}
    del defaults['autostart']  # the launch file sets it
    assert values == defaults


def block_message(number: int) -> Image:
    header = Header(stamp=ns_to_stamp(100_000_000_000 + number * 40_000_000), frame_id='lens')
    return array_to_image(picture(number), header)


def write_bag(path: Path) -> list[int]:
    """Write a recording with images, calibration and an old clock; return the stamps."""
    stamps = []
    with BagWriter(path) as bag:
        for number in range(FRAMES):
            message = block_message(number)
            stamps.append(stamp_to_ns(message.header.stamp))
            received = stamps[-1] + 5_000_000
            info = CameraInfo(header=message.header, width=320, height=192)
            info.k = [300.0, 0.0, 159.5, 0.0, 300.0, 95.5, 0.0, 0.0, 1.0]
            clock = Clock(clock=ns_to_stamp(7))
            for topic, kind, content in (
                ('/clock', 'rosgraph_msgs/msg/Clock', clock),
                ('/front/camera_info', 'sensor_msgs/msg/CameraInfo', info),
                ('/front/image_raw', 'sensor_msgs/msg/Image', message),
            ):
                bag.write(topic, kind, received, serialize_message(content))
    return stamps


def test_replay_launch_records_the_tracks_of_a_bag_at_its_times(
    launch: Launch, block_model: Path, tmp_path: Path, rviz: Path
) -> None:
    stamps = write_bag(tmp_path / 'bag')
    own = tmp_path / 'own.yaml'
    own.write_text('/**: {ros__parameters: {camera_name: own}}')
    names = ['tracks', 'debug_image', 'detections', 'label_info', 'markers', 'markers_3d']
    topics = [f'/jtn_tracker/{name}' for name in names]
    process = launch(
        'replay.launch.py',
        bag=tmp_path / 'bag',
        output=tmp_path / 'out',
        rate=0.25,
        positions='ground',
        params_file=own,
        model=block_model,
        backend='onnxruntime',
        rviz='true',
        topics=f'[{", ".join(topics)}]',
    )
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert f'played {2 * FRAMES} messages' in text
    # RViz shows the time of the bag and the frame of its images.
    assert 'use_sim_time:=true' in rviz.read_text()
    assert 'Fixed Frame: lens' in rviz.read_text()
    assert shown_topics(rviz) == {
        '/image',
        '/jtn_tracker/debug_image',
        '/jtn_tracker/markers_3d',
    }
    with BagReader(tmp_path / 'out') as bag:
        recorded = list(bag.messages(['/jtn_tracker/tracks']))
        counts, (first, *_) = bag.counts, bag.messages()
    # Playing began when all topics were connected, and recording when the time was known.
    *each_frame, latched, markers, markers_3d = (counts[topic] for topic in topics)
    assert (each_frame, latched) == ([len(recorded)] * 3, 1)
    # When the node ends, it deletes its markers, which the recorder may still hear.
    assert {markers, markers_3d} <= {len(recorded), len(recorded) + 1}
    assert abs(first.received_ns - stamps[0]) < 1_000_000_000
    tracks = [message.deserialize() for message in recorded]
    tracked = [stamp_to_ns(message.header.stamp) for message in tracks]
    ((tracked_number, left_out),) = re.findall(r'(\d+) images tracked, (\d+) dropped', text)
    assert len(tracks) == int(tracked_number) == FRAMES - int(left_out)
    assert set(tracked) <= set(stamps)
    assert len(tracked) > FRAMES // 2
    # Recorded in the time of the bag, however long the playing took.
    for message, stamp_ns in zip(recorded, tracked, strict=True):
        assert stamp_ns <= message.received_ns < stamp_ns + 2_000_000_000
    for message in tracks:
        number = stamps.index(stamp_to_ns(message.header.stamp))
        (one,) = message.objects
        assert one.bbox.center.position.x == pytest.approx(31.5 + 3 * number, abs=1)
        assert one.has_3d
        assert message.pose_frame_id == 'lens'
        assert message.camera_name == 'own'
    # The foot is 12 pixels below the horizon of a camera 1 m above the ground.
    assert one.pose.pose.position.z == pytest.approx(300 / 12, rel=0.1)
    assert one.pose.pose.position.y == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ('bag', 'refusal'),
    [
        ('bag', 'bag: no image topic; its image topics: none; of its topics, /clock'),
        ('none', 'none: No such file or directory; check the path'),
        (
            'clip.mp4',
            'clip.mp4 is not a bag; specify a folder with a bag, or a .mcap or .db3 file',
        ),
    ],
)
def test_a_replay_without_images_starts_nothing(
    launch: Launch, tmp_path: Path, bag: str, refusal: str
) -> None:
    with BagWriter(tmp_path / 'bag') as writer:
        writer.write('/clock', 'rosgraph_msgs/msg/Clock', 7, serialize_message(Clock()))
    (tmp_path / 'clip.mp4').write_bytes(b'0' * 20)
    process = launch('replay.launch.py', bag=tmp_path / bag, output=tmp_path / 'out')
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 1, text
    assert refusal in text
    assert 'process started' not in text
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('name', ['replay.launch.py', 'demo.launch.py'])
def test_a_launch_does_not_overwrite_the_bag_that_it_plays(
    launch: Launch, tmp_path: Path, name: str
) -> None:
    write_bag(tmp_path / 'bag')
    before = {path: path.read_bytes() for path in (tmp_path / 'bag').iterdir()}
    if name == 'replay.launch.py':
        arguments = {'bag': tmp_path / 'bag', 'output': tmp_path / 'bag'}
    else:
        arguments = {'input': tmp_path / 'bag', 'output': tmp_path}
    text, _ = (process := launch(name, **arguments)).communicate(timeout=60)
    assert process.returncode == 1, text
    assert f'the output {tmp_path}/bag is the input; choose another output' in text
    assert 'process started' not in text
    assert {path: path.read_bytes() for path in (tmp_path / 'bag').iterdir()} == before


def test_several_cameras_and_their_topics_come_from_the_launch_file(
    graph: Graph, launch: Launch, block_model: Path
) -> None:
    process = launch(
        'multi_camera.launch.py',
        cameras='front,rear',
        image='/{camera}/color',
        positions='ground',
        fixed_frame='map',
        outputs='world_tracks,detections_3d',
        model=block_model,
        backend='onnxruntime',
    )
    node = graph.add(Node('user'))
    outputs: dict[str, list[TrackedObjectArray]] = {'front': [], 'rear': []}
    publishers = {}
    for name, received in outputs.items():
        publishers[name] = node.create_publisher(Image, f'/{name}/color', QoSProfile(depth=10))
        node.create_subscription(
            TrackedObjectArray, f'/jtn_tracker/{name}/tracks', received.append, 10
        )

    def answered() -> bool:
        for number, publisher in enumerate(publishers.values()):
            publisher.publish(block_message(10 * number))
        return all(outputs.values())

    graph.wait(answered, what='the tracks of both cameras', timeout=60)
    for topic in ('world_tracks', 'front/detections_3d', 'rear/detections_3d'):
        assert node.count_publishers(f'/jtn_tracker/{topic}') == 1
    for name, x in (('front', 31.5), ('rear', 61.5)):
        message = outputs[name][0]
        assert message.camera_name == name
        assert message.objects[0].bbox.center.position.x == pytest.approx(x, abs=1)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text


def test_a_target_is_selected_and_followed_with_the_launch_file(
    graph: Graph, launch: Launch, block_model: Path
) -> None:
    process = launch('follow.launch.py', image='/color', model=block_model, backend='onnxruntime')
    node = graph.add(Node('user'))
    images = node.create_publisher(Image, '/color', QoSProfile(depth=10))
    client = node.create_client(SelectTarget, '/jtn_tracker/select')
    states: list[Target] = []
    node.create_subscription(Target, '/jtn_tracker/target_state', states.append, 10)
    numbers = count(1)

    def selected() -> bool:
        images.publish(block_message(next(numbers) % FRAMES))
        request = SelectTarget.Request(by=SelectTarget.Request.LARGEST)
        return client.service_is_ready() and bool(graph.call(client, request).success)

    graph.wait(selected, what='a selected target', timeout=60)

    def followed() -> bool:
        selected()  # the stamps begin again meanwhile, and with them the session
        return any(state.object.id for state in states)

    graph.wait(followed, what='the state of the target', timeout=60)
    process.send_signal(signal.SIGINT)
    text, _ = process.communicate(timeout=60)
    assert process.returncode == 0, text


@pytest.mark.parametrize('one_process', ['true', 'false'])
def test_webcam_launch_tracks_in_a_video_that_loops(
    graph: Graph, launch: Launch, block_model: Path, tmp_path: Path, one_process: str
) -> None:
    video = tmp_path / 'video.avi'
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*'MJPG'), 20, (320, 192))
    for number in range(10):
        writer.write(picture(number))
    writer.release()
    launch(
        'webcam.launch.py',
        device=video,
        rate=20,
        frame_id='lens',
        model=block_model,
        backend='onnxruntime',
        one_process=one_process,
    )
    node = graph.add(Node('user'))
    outputs: list[TrackedObjectArray] = []
    node.create_subscription(TrackedObjectArray, '/jtn_tracker/tracks', outputs.append, 10)
    # More than the video has: it began again.
    graph.wait(lambda: len(outputs) > 15, what='tracks of more than one round', timeout=60)
    assert len({bytes(message.session.uuid) for message in outputs}) > 1  # one for each round
    assert outputs[0].header.frame_id == 'lens'
    seen = [o for message in outputs for o in message.objects if not o.predicted]
    assert len(seen) > 10
    assert all(30 < o.bbox.center.position.x < 60 for o in seen)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGKILL])
def test_nodes_end_with_a_launch_that_does_not_end_them(
    launch: Launch, block_model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    write_bag(tmp_path / 'bag')
    process = launch(
        'replay.launch.py',
        bag=tmp_path / 'bag',
        output=tmp_path / 'out',
        rate=0.1,
        image='/front/image_raw',
        model=block_model,
        backend='onnxruntime',
    )
    assert process.stdout is not None
    assert any('recording /jtn_tracker/tracks' in line for line in process.stdout)
    nodes = psutil.Process(process.pid).children(recursive=True)
    assert len(nodes) == 3
    process.send_signal(number)
    process.communicate(timeout=60)
    assert psutil.wait_procs(nodes, timeout=30)[1] == []
    assert not list(tmp_path.glob('*.part'))


NO_RVIZ = 'rviz:=true, but rviz2 is not installed: sudo apt install ros-$ROS_DISTRO-rviz2'


@pytest.mark.parametrize(
    ('name', 'arguments', 'reason'),
    [
        ('tracker', {'rviz': 'true'}, NO_RVIZ),
        ('webcam', {'rviz': 'true'}, NO_RVIZ),
        ('multi_camera', {'rviz': 'true', 'cameras': 'a,b'}, NO_RVIZ),
        ('webcam', {'rviz': 'yes'}, 'Argument "rviz" provided value "yes" is not valid'),
        ('multi_camera', {'autostart': 'no', 'cameras': 'a'}, 'Argument "autostart"'),
        ('webcam', {'rate': 'fast'}, 'rate:=fast is not a number'),
        (
            'webcam',
            {'one_process': 'false', 'params_file': '/no'},
            'params_file:=/no is not a file',
        ),
        (
            'webcam',
            {'devise': '0', 'params_file': '/no'},
            'no argument devise (did you mean device',
        ),
        (
            'tracker',
            {'imge': '/x', 'params_file': '/no'},
            'no argument imge (did you mean image?)',
        ),
        ('follow', {'positions': 'off'}, 'Argument "positions" provided value "off"'),
        ('detections', {'detector': '/no'}, 'detector:=/no is not a file'),
        ('demo', {'rate': 'fast', 'input': '/no', 'output': '/no'}, 'fast'),
        ('demo', {'topics': '[', 'input': '/no', 'output': '/no'}, 'topics:=[ is not a list'),
        ('replay', {'rate': 'fast', 'bag': '/no', 'output': '/no'}, 'rate:=fast is not a number'),
    ],
)
def test_a_launch_that_is_refused_leaves_no_process(
    name: str, arguments: dict[str, str], reason: str
) -> None:
    if reason == NO_RVIZ and shutil.which('rviz2') is not None:
        pytest.skip('rviz2 is installed')
    mark = str(uuid.uuid4())
    values = [f'{key}:={value}' for key, value in arguments.items()]
    path = str(ROOT / 'launch' / f'{name}.launch.py')
    done = subprocess.run(
        ['ros2', 'launch', '--noninteractive', path, *values],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {MARK: mark},
    )
    assert done.returncode == 1
    assert reason in done.stdout + done.stderr
    assert processes_marked(mark) == []


@pytest.mark.parametrize(
    'name',
    ['tracker', 'multi_camera', 'follow', 'webcam', 'replay', 'demo', 'detections'],
)
def test_every_launch_argument_is_described(name: str) -> None:
    source = PythonLaunchDescriptionSource(str(ROOT / 'launch' / f'{name}.launch.py'))
    description = source.get_launch_description(LaunchContext())
    arguments = description.get_launch_arguments()
    assert len(arguments) >= 4
    for argument in arguments:
        assert len(argument.description) > 10, argument.name
