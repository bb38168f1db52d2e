"""Evaluation of bags, offline and as recorded: exact scores, reported drops, clear errors."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import write_ground_truth
from jtn_ros.media.bags.bag import STORAGES
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.message_types import message_types
from jtn_ros.media.messages.tracker_topics import TRACKS

from nodes.block_model import BLOCK
from nodes.block_model import HEIGHT
from nodes.block_model import WIDTH
from nodes.block_model import write_block_model
from tables import annotations_of

FRAMES = 12
T0 = 1_700_000_000_000_000_000
PERIOD = 100_000_000
IMAGE = 'sensor_msgs/msg/Image'


def corners(index: int) -> list[tuple[int, int]]:
    """Return the positions of the two blocks."""
    return [(8 + 4 * index, 8), (120 - 4 * index, 56)]


def serialized_image(index: int) -> memoryview:
    types = message_types().types
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for x, y in corners(index):
        pixels[y : y + BLOCK[1], x : x + BLOCK[0]] = 255
    seconds, nanoseconds = divmod(T0 + index * PERIOD, 10**9)
    header = types['std_msgs/msg/Header'](
        types['builtin_interfaces/msg/Time'](seconds, nanoseconds), 'camera'
    )
    message = types[IMAGE](
        header=header,
        height=HEIGHT,
        width=WIDTH,
        encoding='bgr8',
        is_bigendian=0,
        step=3 * WIDTH,
        data=pixels.reshape(-1),
    )
    return message_types().serialize_cdr(message, IMAGE)


def write_recording(path: Path, frames: int = FRAMES, storage: str = 'mcap') -> Path:
    with BagWriter(path, storage) as bag:
        for index in range(frames):
            bag.write('/image', IMAGE, T0 + index * PERIOD + 5_000_000, serialized_image(index))
    return path


def write_truth(folder: Path, frames: int = FRAMES) -> Path:
    truth = {}
    for index in range(frames):
        boxes = [[x, y, x + BLOCK[0], y + BLOCK[1]] for x, y in corners(index)]
        truth[index + 1] = annotations_of(boxes)
    write_ground_truth(folder / 'gt' / 'gt.txt', truth)
    return folder


@pytest.fixture(scope='module')
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a model, a recording, its truth, and the tracks of every frame."""
    folder = tmp_path_factory.mktemp('drive')
    write_block_model(folder / 'blocks.onnx')
    write_truth(folder / 'truth')
    write_recording(folder / 'recording')
    assert (
        main(
            [
                'track',
                str(folder / 'recording'),
                '--model',
                str(folder / 'blocks.onnx'),
                '--output',
                str(folder / 'out'),
                '--bag',
            ]
        )
        == 0
    )
    return folder


def evaluate(drive: Path, output: Path, *options: object) -> dict[str, Any]:
    arguments = ['--ground-truth', drive / 'truth', *options, '--json', output]
    assert main(['evaluate', *map(str, arguments)]) == 0
    values: dict[str, Any] = json.loads(output.read_text())
    return values


def without(bag: Path, path: Path, dropped: set[int], shift_ns: int = 0) -> Path:
    """Copy the tracks of a bag, without those of some frames, and with shifted stamps."""
    kind = 'jtn_msgs/msg/TrackedObjectArray'
    with BagReader(bag) as old, BagWriter(path) as new:
        for index, recorded in enumerate(old.messages([TRACKS.full_name])):
            if index in dropped:
                continue
            message = recorded.deserialize()
            seconds, nanoseconds = divmod(recorded.stamp_ns() + shift_ns, 10**9)
            message.header.stamp.sec, message.header.stamp.nanosec = seconds, nanoseconds
            data = message_types().serialize_cdr(message, kind)
            new.write(TRACKS.full_name, kind, recorded.received_ns, data)
    return path


def test_offline_tracks_every_frame(drive: Path, tmp_path: Path) -> None:
    model, recording = drive / 'blocks.onnx', drive / 'recording'
    scores = evaluate(drive, tmp_path / 'a.json', '--bag', recording, '--model', model)['combined']
    assert (scores['frames'], scores['true_objects']) == (FRAMES, 2 * FRAMES)
    # Certain detections confirm tracks immediately, and all blocks are detected in all frames.
    assert scores['mota'] == pytest.approx(100)
    assert scores['id_switches'] == 0
    assert scores['idf1'] == pytest.approx(100)
    assert scores['hota'] > 80
    evaluate(drive, tmp_path / 'b.json', '--bag', recording, '--model', model)
    assert (tmp_path / 'a.json').read_bytes() == (tmp_path / 'b.json').read_bytes()


@pytest.mark.parametrize('storage', STORAGES)
def test_tracking_a_bag_twice_gives_the_same_bytes(
    drive: Path, tmp_path: Path, storage: str
) -> None:
    recording = write_recording(tmp_path / 'recording', storage=storage)
    contents = []
    for name in ('a', 'b'):
        assert (
            main(
                [
                    'track',
                    str(recording),
                    '--model',
                    str(drive / 'blocks.onnx'),
                    '--output',
                    str(tmp_path / name),
                    '--bag',
                ]
            )
            == 0
        )
        files = sorted(path for path in (tmp_path / name).rglob('*') if path.is_file())
        contents.append([path.read_bytes() for path in files])
    assert len(contents[0]) == 4
    assert contents[0] == contents[1]


def test_recorded_and_offline_agree_but_for_the_drops(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, recording = drive / 'blocks.onnx', drive / 'recording'
    tracked = drive / 'out' / 'recording_tracked'
    offline = evaluate(drive, tmp_path / 'a.json', '--bag', recording, '--model', model)
    complete = evaluate(drive, tmp_path / 'b.json', '--bag', recording, '--tracks', tracked)
    assert complete['combined'] == offline['combined']
    assert complete['unmatched']['truth'] == {
        'frames_without_tracks': [],
        'messages_without_frame_ns': [],
    }
    dropped = without(tracked, tmp_path / 'online', {4, 7, 8}, shift_ns=2_000_000)
    capsys.readouterr()
    online = evaluate(
        drive, tmp_path / 'c.json', '--bag', recording, '--tracks', dropped, '--against', tracked
    )
    output = capsys.readouterr().out
    assert 'truth: 3 frames without tracks count as missed: 5, 8-9' in output
    assert online['unmatched']['truth']['frames_without_tracks'] == [5, 8, 9]
    assert online['against']['combined'] == offline['combined']
    assert online['combined']['mota'] == pytest.approx(
        offline['combined']['mota'] - 100 * 3 / FRAMES
    )
    change = next(line for line in output.split('change')[1].splitlines() if 'truth' in line)
    assert change.split()[4] == '-25.00'


def test_a_message_of_no_frame_is_named(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth = write_truth(tmp_path / 'truth', 8)
    short = write_recording(tmp_path / 'short', 8)
    arguments = [
        '--ground-truth',
        truth,
        '--bag',
        short,
        '--tracks',
        drive / 'out' / 'recording_tracked',
    ]
    assert main(['evaluate', *map(str, arguments)]) == 0
    output = capsys.readouterr().out
    assert 'truth: 4 messages without a frame are ignored, stamped 1700000000.800' in output


def test_tracks_in_a_bag_can_be_the_truth(drive: Path, tmp_path: Path) -> None:
    tracked = drive / 'out' / 'recording_tracked'
    dropped = without(tracked, tmp_path / 'online', {5})
    arguments = ['--ground-truth', tracked, '--tracks', dropped, '--json', tmp_path / 's.json']
    assert main(['evaluate', *map(str, arguments)]) == 0
    scores = json.loads((tmp_path / 's.json').read_text())['combined']
    assert scores['true_objects'] == 2 * FRAMES
    assert scores['mota'] == pytest.approx(100 * (FRAMES - 1) / FRAMES)
    assert scores['fragmentations'] == 0  # CLEAR does not look at frames without any track


def failure(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Return the error line of a failing `jtn evaluate`."""
    assert main(['evaluate', *map(str, arguments)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_errors_in_bags_are_reported(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, recording = drive / 'truth', drive / 'recording'
    tracked = drive / 'out' / 'recording_tracked'
    base = ['--ground-truth', truth]
    model = ['--model', drive / 'blocks.onnx']
    # missing topics and wrong types
    error = failure(capsys, *base, '--bag', recording, '--topic', '/front', *model)
    assert 'no image topic /front; its image topics: /image' in error
    error = failure(capsys, *base, '--bag', tracked, '--topic', TRACKS.full_name, *model)
    assert (
        f'{TRACKS.full_name} is a jtn_msgs/msg/TrackedObjectArray; its image topics: /image'
        in error
    )
    error = failure(capsys, *base, '--bag', recording, '--tracks', recording)
    assert 'recording: no tracks' in error
    error = failure(
        capsys, *base, '--bag', recording, '--tracks', tracked, '--tracks-topic', '/image'
    )
    assert f'topics of tracks are {TRACKS.full_name}; /image is none of them' in error
    # zero frames
    empty = write_recording(tmp_path / 'empty', 0)
    assert 'no image topic' in failure(capsys, *base, '--bag', empty, *model)
    nothing = without(tracked, tmp_path / 'nothing', set(range(FRAMES)))
    assert 'no tracks' in failure(capsys, *base, '--bag', recording, '--tracks', nothing)
    # clocks that differ
    late = without(tracked, tmp_path / 'late', set(), shift_ns=3_600_000_000_000)
    error = failure(capsys, *base, '--bag', recording, '--tracks', late)
    assert 'no stamp of the tracks is within 0.01 s of a frame' in error
    assert 'Check that both use the same clock' in error
    # the wrong recording
    short = write_recording(tmp_path / 'short', 3)
    error = failure(capsys, *base, '--bag', short, *model)
    assert 'the ground truth has frame 12, but the recording 3 images' in error
    # no time line at all
    error = failure(capsys, *base, '--tracks', tracked)
    assert 'truth has no seqinfo.ini' in error
    assert '--bag' in error


def test_a_truncated_bag_is_an_error(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = write_recording(tmp_path / 'cut', storage='sqlite3')
    (file,) = (path for path in recording.iterdir() if path.suffix != '.yaml')
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    error = failure(
        capsys,
        '--ground-truth',
        drive / 'truth',
        '--bag',
        recording,
        '--model',
        drive / 'blocks.onnx',
    )
    assert 'cut' in error
    assert 'is not a readable bag' in error


def test_a_bag_that_was_cut_off_lacks_frames_of_the_truth(
    drive: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    recording = write_recording(tmp_path / 'cut', storage='mcap')
    (file,) = recording.glob('*.mcap')
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    assert (
        main(
            [
                'evaluate',
                '--ground-truth',
                str(drive / 'truth'),
                '--bag',
                str(recording),
                '--model',
                str(drive / 'blocks.onnx'),
            ]
        )
        == 1
    )
    (error,) = capsys.readouterr().err.splitlines()
    (warning,) = caplog.messages
    assert 'cut.mcap was not finished or is damaged' in warning
    assert f'the ground truth has frame {FRAMES}, but the recording ' in error


def test_wrong_usage_is_exit_code_2(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, expected in [
        (['--ground-truth', drive / 'truth'], 'specify --tracks, --trackers or --bag'),
        (['--synthetic', '--tracks', drive], '--synthetic needs --trackers'),
        (['--synthetic', '--trackers', '--against', drive], 'cannot be combined with --trackers'),
        (['--ground-truth', drive, '--bag', drive, '--tolerance', '-1'], '-1.0 is negative'),
    ]:
        assert main(['evaluate', *map(str, arguments)]) == 2
        assert expected in capsys.readouterr().err
