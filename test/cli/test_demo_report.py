"""The report of a demo, from a bag like that of the nodes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from jtn_ros.cli.demo_report import make_report
from jtn_ros.cli.demo_report import print_report
from jtn_ros.cli.demo_verb import clear_output
from jtn_ros.cli.demo_verb import locked
from jtn_ros.cli.demo_verb import output_folder
from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.errors import JtnError
from jtn_ros.media import open_frames
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.message_types import message_types
from jtn_ros.media.bags.recorded_tracks import read_tracks
from jtn_ros.media.messages.tracker_topics import TRACKS
from jtn_ros.media.video_writer import browser_suffix
from jtn_ros.tracking import TrackState

FRAMES = 12
PERIOD_NS = 100_000_000
DROPPED = (4, 5)


def box_at(index: int) -> tuple[float, float, float, float]:
    """Return the true box of the only person, who walks to the right at 60 px/s."""
    return 10 + 6 * index, 50, 50 + 6 * index, 150


def write_walk(folder: Path) -> Path:
    """Write a sequence with ground truth."""
    (folder / 'img1').mkdir(parents=True)
    (folder / 'gt').mkdir()
    rows = []
    for index in range(FRAMES):
        image = np.full((240, 320, 3), 60, np.uint8)
        assert cv2.imwrite(str(folder / 'img1' / f'{index + 1:06d}.png'), image)
        x1, y1, x2, y2 = box_at(index)
        rows.append(f'{index + 1},1,{x1},{y1},{x2 - x1},{y2 - y1},1,1,1.0')
    (folder / 'gt' / 'gt.txt').write_text('\n'.join(rows))
    write_sequence_info(
        folder,
        SequenceInfo(
            name='Walk',
            frame_rate=10,
            length=FRAMES,
            width=320,
            height=240,
            image_extension='.png',
        ),
    )
    return folder


def tracks_message(index: int, start_ns: int = 0) -> Any:
    """Return the messages of the node for a frame: the person, and a predicted one."""
    types = message_types().types
    seconds, nanoseconds = divmod(start_ns + index * PERIOD_NS, 10**9)
    time = types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds)
    point, pose2d = types['vision_msgs/msg/Point2D'], types['vision_msgs/msg/Pose2D']
    pose = types['geometry_msgs/msg/PoseWithCovariance'](
        pose=types['geometry_msgs/msg/Pose'](
            position=types['geometry_msgs/msg/Point'](x=0, y=0, z=0),
            orientation=types['geometry_msgs/msg/Quaternion'](x=0, y=0, z=0, w=1),
        ),
        covariance=np.zeros(36),
    )
    zero = types['geometry_msgs/msg/Vector3'](x=0, y=0, z=0)
    twist = types['geometry_msgs/msg/TwistWithCovariance'](
        twist=types['geometry_msgs/msg/Twist'](linear=zero, angular=zero),
        covariance=np.zeros(36),
    )
    x1, y1, x2, y2 = box_at(index)

    def tracked(track_id: int, x: float, predicted: bool) -> Any:
        return types['jtn_msgs/msg/TrackedObject'](
            id=track_id,
            class_id=0,
            class_name='person',
            score=0.9,
            bbox=types['vision_msgs/msg/BoundingBox2D'](
                center=pose2d(position=point(x=x, y=(y1 + y2) / 2), theta=0.0),
                size_x=x2 - x1,
                size_y=y2 - y1,
            ),
            velocity=np.array([60, 0], np.float32),
            velocity_covariance=np.array([4, 0, 0, 9], np.float32),
            state=TrackState.LOST if predicted else TrackState.CONFIRMED,
            predicted=predicted,
            reliable=not predicted,
            age=index + 1,
            hits=index,
            time_since_observation=types['builtin_interfaces/msg/Duration'](
                sec=1 if predicted else 0, nanosec=500
            ),
            embedding=np.zeros(0, np.float32),
            has_3d=False,
            pose=pose,
            twist=twist,
        )

    return types[TRACKS.type_name](
        header=types['std_msgs/msg/Header'](stamp=time, frame_id='camera'),
        session=types['unique_identifier_msgs/msg/UUID'](np.zeros(16, np.uint8)),
        camera_name='camera',
        image_width=320,
        image_height=240,
        model_name='light',
        latencies=[
            types['jtn_msgs/msg/StageLatency'](name='inference', duration=0.02),
            types['jtn_msgs/msg/StageLatency'](name='tracking', duration=0.001 * index),
        ],
        pose_frame_id='',
        objects=[tracked(1, (x1 + x2) / 2, False), tracked(2, 200, True)],
    )


def write_bag(path: Path, indices: Iterable[int], start_ns: int = 0) -> None:
    """Write the tracks of these frames."""
    with BagWriter(path) as bag:
        for index in indices:
            message = tracks_message(index, start_ns)
            data = message_types().serialize_cdr(message, TRACKS.type_name)
            bag.write(TRACKS.full_name, TRACKS.type_name, 10**18 + index * PERIOD_NS, data)


def test_recorded_tracks_are_read(tmp_path: Path) -> None:
    write_bag(tmp_path / 'bag', [3])
    with BagReader(tmp_path / 'bag') as bag:
        (frame,) = read_tracks(bag)
    assert frame.stamp_ns == 3 * PERIOD_NS
    assert frame.received_ns == 10**18 + 3 * PERIOD_NS
    assert frame.latency_s == pytest.approx(0.023)
    assert frame.class_names == {0: 'person'}
    tracks = frame.tracks
    assert tracks.ids.tolist() == [1, 2]
    np.testing.assert_allclose(tracks.boxes[0], box_at(3))
    np.testing.assert_allclose(tracks.velocities, [[60, 0]] * 2)
    np.testing.assert_allclose(tracks.velocity_covariances[1], [[4, 0], [0, 9]])
    assert tracks.states.tolist() == [TrackState.CONFIRMED, TrackState.LOST]
    assert tracks.observed.tolist() == [True, False]
    assert (tracks.ages.tolist(), tracks.hits.tolist()) == ([3, 3], [3, 3])
    assert tracks.unseen_ns.tolist() == [500, 1_000_000_500]


def test_the_report_counts_and_scores_and_draws(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = write_walk(tmp_path / 'walk')
    output = tmp_path / 'out'
    write_bag(output / 'bag', [i for i in range(FRAMES) if i not in DROPPED])
    with open_frames(walk) as source:
        report = make_report(source, walk, output, {'lost_time': 4.5})
    summary = report.summary
    assert (summary.frames_published, summary.frames_processed) == (FRAMES, FRAMES - 2)
    assert (summary.frames_dropped, summary.tracks) == (2, 1)
    # 20 ms and 0, 1, 2, 3, 6, 7, ... 11 ms
    assert summary.latency_median == pytest.approx(0.0265)
    assert 0.030 < summary.latency_p95 < 0.031
    assert report.scores is not None
    # Two of twelve frames are missing, the rest is exact and keeps its identity.
    assert report.scores.mota == pytest.approx(100 * 10 / 12, abs=0.01)
    assert report.scores.idf1 == pytest.approx(100 * 20 / 22, abs=0.01)
    assert report.scores.id_switches == 0
    assert (output / 'report.html') in report.files
    assert 'data:image/jpeg' in (output / 'report.html').read_text()
    used = json.loads((output / 'report.json').read_text())['parameters']
    assert used == {'model': 'light', 'lost_time': 4.5}

    results = read_results(output / 'tracks' / 'walk.txt')
    assert sorted(results) == [i + 1 for i in range(FRAMES) if i not in DROPPED]
    written = json.loads((output / 'result.json').read_text())
    assert written['frames_dropped'] == 2
    assert written['latency_ms']['median'] == pytest.approx(26.5)
    assert written['scores']['mota'] == pytest.approx(report.scores.mota)

    print_report(report)
    text = capsys.readouterr().out
    for words in (
        'walk, tracked by light',
        'frames dropped',
        '26.5 ms',
        'MOTA',
        '83.3',
        str(output / f'tracks{browser_suffix()}'),
    ):
        assert words in text


def test_the_video_has_every_frame_and_holds_the_picture_where_one_was_dropped(
    tmp_path: Path,
) -> None:
    walk = write_walk(tmp_path / 'walk')
    output = tmp_path / 'out'
    write_bag(output / 'bag', [i for i in range(FRAMES) if i not in DROPPED])
    with open_frames(walk) as source:
        make_report(source, walk, output)
    capture = cv2.VideoCapture(str(output / f'tracks{browser_suffix()}'))
    images = []
    while (read := capture.read())[0]:
        images.append(read[1].astype(int))
    assert len(images) == FRAMES
    assert capture.get(cv2.CAP_PROP_FPS) == 10
    for shown, index in [(3, 3), (4, 3), (5, 3), (6, 6)]:
        left = int(box_at(index)[0])
        assert abs(images[shown][70:140, left] - 60).max(axis=1).min() > 40
    picture = cv2.imread(str(output / 'tracks.png'))
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    assert np.any(picture != 60)


def test_without_ground_truth_there_are_no_scores(tmp_path: Path) -> None:
    walk = write_walk(tmp_path / 'walk')
    (walk / 'gt' / 'gt.txt').unlink()
    write_bag(tmp_path / 'out' / 'bag', range(FRAMES))
    with open_frames(walk) as source:
        report = make_report(source, walk, tmp_path / 'out')
    assert report.scores is None
    assert json.loads((tmp_path / 'out' / 'result.json').read_text())['scores'] is None


def test_a_recording_of_something_else_is_an_error(tmp_path: Path) -> None:
    walk = write_walk(tmp_path / 'walk')
    write_bag(tmp_path / 'out' / 'bag', range(3), start_ns=77)
    with open_frames(walk) as source, pytest.raises(ValueError, match='are not frames of the so'):
        make_report(source, walk, tmp_path / 'out')
    assert not (tmp_path / 'out' / 'result.json').exists()


def test_a_recording_without_tracks_is_an_error(tmp_path: Path) -> None:
    walk = write_walk(tmp_path / 'walk')
    with BagWriter(tmp_path / 'out' / 'bag'):
        pass
    with open_frames(walk) as source, pytest.raises(ValueError, match='no tracks'):
        make_report(source, walk, tmp_path / 'out')


def test_only_the_results_of_a_demo_are_replaced(tmp_path: Path) -> None:
    for name in ('ros2.log', 'tracks.png', 'notes.txt'):
        (tmp_path / name).write_text('x')
    (tmp_path / 'bag').mkdir()
    clear_output(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ['notes.txt']
    (tmp_path / 'bag').mkdir()
    with pytest.raises(JtnError, match='contains bag which a demo did not create'):
        clear_output(tmp_path)


def test_without_trackeval_there_is_a_report_without_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, 'trackeval', None)
    walk = write_walk(tmp_path / 'walk')
    output = tmp_path / 'out'
    write_bag(output / 'bag', range(FRAMES))
    with open_frames(walk) as source:
        report = make_report(source, walk, output)
    assert report.scores is None
    assert report.summary.frames_processed == FRAMES
    assert not (output / 'report.html').exists()
    assert json.loads((output / 'result.json').read_text())['scores'] is None
    said = caplog.messages[-1]
    assert said.startswith('no scores: scores need trackeval: ')
    assert said.endswith('-m pip install --no-deps trackeval==1.3.0')


def folder_without_a_place(tmp_path: Path, **variables: str) -> str:
    """Return the folder of a demo that is started where nothing can be written."""
    code = 'from jtn_ros.cli.demo_verb import output_folder; print(output_folder(None))'
    return subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        cwd='/proc',  # read-only for all users, including root
        env=os.environ | {'TMPDIR': str(tmp_path)} | variables,
    ).stdout.strip()


def test_the_demo_writes_where_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('JTN_OUTPUT', raising=False)
    assert Path(folder_without_a_place(tmp_path)).parent == tmp_path
    assert folder_without_a_place(tmp_path, JTN_OUTPUT=str(tmp_path / 'out')) == str(
        tmp_path / 'out'
    )
    monkeypatch.chdir(tmp_path)
    assert output_folder(None) == tmp_path / 'demo_output'
    assert output_folder(Path('mine')) == tmp_path / 'mine'


def test_a_second_demo_leaves_the_folder_of_the_first_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'out' / 'bag').mkdir(parents=True)
    (tmp_path / 'out' / 'ros2.log').write_text('of the first')
    with locked(tmp_path / 'out'):
        assert main(['demo', '--output', str(tmp_path / 'out')]) == 2
    assert f'another demo is writing {tmp_path / "out"}' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'ros2.log').read_text() == 'of the first'
    assert (tmp_path / 'out' / 'bag').is_dir()
    with locked(tmp_path / 'out'):  # the first has ended
        clear_output(tmp_path / 'out')
    assert list((tmp_path / 'out').iterdir()) == []
