"""`jtn demo` end to end: nodes of their own, a real graph, a bag, and the report made of it."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.interfaces import QosDurability

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.geometry import box_iou
from jtn_ros.media import open_frames
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.recorded_tracks import read_tracks
from jtn_ros.media.video_writer import browser_suffix

from nodes.outputs.foxglove_layout import placed_panels
from nodes.outputs.foxglove_layout import plotted
from nodes.outputs.foxglove_layout import read_panels
from nodes.outputs.foxglove_layout import topics_of

pytestmark = pytest.mark.ros

FRAMES = 30
FRAME_RATE = 10
STEP = 3  # pixels per frame


@pytest.fixture(scope='module')
def blocks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a sequence in which two white blocks pass each other, with ground truth."""
    folder = tmp_path_factory.mktemp('data') / 'blocks'
    (folder / 'img1').mkdir(parents=True)
    (folder / 'gt').mkdir()
    rows = []
    for index in range(FRAMES):
        image = np.zeros((192, 320, 3), np.uint8)
        for identity, x, y in ((1, 90 + STEP * index, 30), (2, 200 - STEP * index, 110)):
            image[y : y + 48, x : x + 24] = 255
            rows.append(f'{index + 1},{identity},{x},{y},24,48,1,1,1')
        assert cv2.imwrite(str(folder / 'img1' / f'{index + 1:06d}.png'), image)
    (folder / 'gt' / 'gt.txt').write_text('\n'.join(rows))
    info = SequenceInfo(
        name='blocks',
        frame_rate=FRAME_RATE,
        length=FRAMES,
        width=320,
        height=192,
        image_extension='.png',
    )
    write_sequence_info(folder, info)
    return folder


@pytest.fixture(scope='module')
def demo(blocks: Path, block_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of a demo with these blocks."""
    output = tmp_path_factory.mktemp('demo') / 'out'
    arguments = ['--input', str(blocks), '--output', str(output), '--model', str(block_model)]
    assert main(['demo', *arguments]) == 0
    return output


def test_every_frame_is_published_and_either_tracked_or_counted_as_dropped(demo: Path) -> None:
    result = json.loads((demo / 'result.json').read_text())
    assert result['model'] == 'blocks'
    assert result['frames_published'] == FRAMES
    assert result['frames_processed'] + result['frames_dropped'] == FRAMES
    assert result['frames_processed'] >= FRAMES // 4
    assert 0 < result['latency_ms']['median'] <= result['latency_ms']['p95']
    with BagReader(demo / 'bag') as bag:
        assert bag.counts['/image'] == FRAMES
        assert bag.counts['/jtn_tracker/tracks'] == result['frames_processed']


def test_the_tracks_are_where_the_blocks_are(demo: Path, blocks: Path) -> None:
    truth = read_annotations(blocks / 'gt' / 'gt.txt')
    results = read_results(demo / 'tracks' / 'blocks.txt')
    assert len(results) >= FRAMES // 4 - 2
    for frame, tracked in results.items():
        overlap = box_iou(truth[frame].boxes, tracked.boxes)
        assert overlap.max(axis=0).min() > 0.7
    result = json.loads((demo / 'result.json').read_text())
    assert result['tracks'] == 2
    assert result['scores']['id_switches'] == 0
    assert result['scores']['true_objects'] == 2 * FRAMES


def test_velocities_are_in_pixels_per_second(demo: Path) -> None:
    """Check the median: after dropped frames this model's displacements fall short."""
    with BagReader(demo / 'bag') as bag:
        frames = [frame.tracks for frame in read_tracks(bag)]
    for identity, expected in ((1, STEP * FRAME_RATE), (2, -STEP * FRAME_RATE)):
        velocities = [t.velocities[t.ids == identity][0] for t in frames[2:]]
        np.testing.assert_allclose(np.median(velocities, axis=0), [expected, 0], atol=4.5)


def test_the_video_and_the_picture_show_them(demo: Path) -> None:
    with open_frames(demo / f'tracks{browser_suffix()}') as video:
        assert (video.width, video.height, video.frame_rate) == (320, 192, FRAME_RATE)
        assert len(list(video)) == FRAMES
    picture = cv2.imread(str(demo / 'tracks.png'))
    assert picture is not None
    saturation = picture.max(axis=2).astype(int) - picture.min(axis=2)
    assert (saturation > 80).sum() > 200  # the scene is black and white, the tracks are not


def test_a_bag_can_be_tracked_in_turn(demo: Path, block_model: Path, tmp_path: Path) -> None:
    """Track the recording of the demo, without ROS."""
    model = str(block_model)
    assert main(['track', str(demo / 'bag'), '--output', str(tmp_path), '--model', model]) == 0
    results = read_results(tmp_path / 'bag.txt')
    assert set(results) >= set(range(3, FRAMES + 1))
    assert {i for tracked in results.values() for i in tracked.ids.tolist()} == {1, 2}


def test_the_recording_contains_the_topics_of_the_layout(demo: Path) -> None:
    shown = {
        topic: kind
        for identity in placed_panels()
        if identity != '3D!positions'  # the demo has no calibration
        for topic, kind in topics_of(identity).items()
    }
    with BagReader(demo / 'bag') as bag:
        assert shown.items() <= bag.topics.items()
        assert all(bag.counts[topic] for topic in shown)
        tracked = bag.counts['/jtn_tracker/tracks']
        assert bag.counts['/jtn_tracker/detections'] == tracked
        # They are deleted when the node is deactivated, with a last message that may be recorded.
        assert bag.counts['/jtn_tracker/annotations'] - tracked in (0, 1)
        # When the node ends, it deletes its markers, which the recorder may still hear.
        assert bag.counts['/jtn_tracker/markers'] in (tracked, tracked + 1)
        last = [message.deserialize() for message in bag.messages(['/jtn_tracker/tracks'])][-1]
        (names,) = [m.deserialize() for m in bag.messages(['/jtn_tracker/label_info'])]
        (latched,) = bag.messages(['/jtn_tracker/label_info'])
        markers = [m.deserialize() for m in bag.messages(['/jtn_tracker/markers'])]
    for identity in ('Plot!latency', 'Plot!tracks'):
        for path in read_panels()[identity]['paths']:
            (value,) = plotted(path['value'], last)
            assert value == 2 if identity == 'Plot!tracks' else 0 < value < 10
    assert [item.class_name for item in names.class_map] == ['block']
    assert isinstance(latched.connection.ext, ConnectionExtRosbag2)
    (profile,) = latched.connection.ext.offered_qos_profiles
    assert profile.durability == QosDurability.TRANSIENT_LOCAL
    assert {m.header.frame_id for message in markers for m in message.markers} == {
        read_panels()['3D!plane']['followTf']
    }


def test_a_tracked_bag_contains_the_topics_of_the_layout(
    demo: Path, block_model: Path, tmp_path: Path
) -> None:
    """Except for topics that only nodes have: diagnostics, and positions."""
    with BagReader(demo / 'bag') as old, BagWriter(tmp_path / 'images') as new:
        for message in old.messages(['/image']):
            new.copy(message)
    arguments = ['--output', str(tmp_path), '--bag', '--model', str(block_model)]
    assert main(['track', str(tmp_path / 'images'), *arguments]) == 0
    shown: dict[str, str] = {}
    for identity in placed_panels():
        if identity not in ('3D!positions', 'DiagnosticSummary!state'):
            shown |= topics_of(identity)
    with BagReader(tmp_path / 'images_tracked') as bag:
        assert shown.items() <= bag.topics.items()
        assert {bag.counts[topic] for topic in shown} == {FRAMES}


def test_a_missing_model_is_reported_in_one_line(
    blocks: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = main(
        ['demo', '--input', str(blocks), '--output', str(tmp_path), '--model', 'none.onnx']
    )
    assert code == 1
    last = capfd.readouterr().err.splitlines()[-1]
    assert last.startswith('jtn demo: ')
    assert 'none.onnx' in last
    assert str(tmp_path / 'ros2.log') in last
