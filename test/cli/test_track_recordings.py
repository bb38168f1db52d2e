"""`jtn track` with a network on bags, folders and streams: jumps, broken frames, ranges."""

import functools
import http.server
import json
import threading
import time
from collections.abc import Callable
from collections.abc import Container
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.media.bags.bag import STORAGES
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.message_types import message_types
from jtn_ros.media.bags.recorded_tracks import read_tracks
from jtn_ros.media.video_writer import VideoWriter
from jtn_ros.media.video_writer import browser_suffix

from cli.recorded_counts import recorded_counts
from media.camera_servers import Camera
from media.camera_servers import MjpegServer
from media.camera_servers import RtspServer
from media.camera_servers import numbered
from nodes.block_model import BLOCK
from nodes.block_model import HEIGHT
from nodes.block_model import WIDTH

PERIOD = 100_000_000
RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'


def picture(index: int) -> np.ndarray:
    """Return a block that moves to the right by 4 pixels a frame."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[40 : 40 + BLOCK[1], 8 + 4 * index : 8 + 4 * index + BLOCK[0]] = 255
    return image


def write_bag(
    path: Path,
    stamps: Iterable[int],
    storage: str = 'mcap',
    kind: str = RAW,
    broken: Container[int] = (),
) -> Path:
    types = message_types().types
    with BagWriter(path, storage) as bag:
        for index, stamp in enumerate(stamps):
            header = types['std_msgs/msg/Header'](
                types['builtin_interfaces/msg/Time'](*divmod(stamp, 10**9)), 'camera'
            )
            image = picture(index)
            if kind == RAW:
                message = types[RAW](
                    header=header,
                    height=HEIGHT,
                    width=WIDTH,
                    encoding='bgr8',
                    is_bigendian=0,
                    step=1 if index in broken else 3 * WIDTH,
                    data=image.reshape(-1),
                )
            else:
                png = cv2.imencode('.png', image)[1].ravel()
                message = types[COMPRESSED](
                    header=header, format='png', data=png[:20] if index in broken else png
                )
            data = message_types().serialize_cdr(message, kind)
            bag.write('/left/image', kind, 10**18 + index * PERIOD, data)
    return path


def track(source: object, output: Path, model: Path, *options: str) -> list[dict[str, Any]]:
    """Run `jtn track` and return the lines of its JSON."""
    assert (
        main(['track', str(source), '--model', str(model), '--output', str(output), *options]) == 0
    )
    (lines,) = output.glob('*.jsonl')
    return [json.loads(line) for line in lines.read_text().splitlines()]


@pytest.mark.parametrize('storage', STORAGES)
@pytest.mark.parametrize('kind', [RAW, COMPRESSED])
def test_a_bag_with_a_broken_frame(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str], storage: str, kind: str
) -> None:
    bag = write_bag(tmp_path / 'drive', [i * PERIOD for i in range(8)], storage, kind, broken=[3])
    lines = track(bag, tmp_path / 'out', model, '--bag')
    assert 'drive: 7 frames (1 more could not be read), 1 track,' in capsys.readouterr().out
    assert [line['frame'] for line in lines] == [1, 2, 3, 5, 6, 7, 8]
    last = lines[-1]['tracks'][0]
    assert last['velocity'] == pytest.approx([40, 0], abs=4)
    np.testing.assert_allclose(last['box'], [36, 40, 36 + BLOCK[0], 40 + BLOCK[1]], atol=1)
    with BagReader(tmp_path / 'out' / 'drive_tracked') as tracked:
        assert tracked.counts == {'/left/image': 8, **recorded_counts(7)}
        stamps = [message.stamp_ns for message in read_tracks(tracked)]
    assert stamps == [i * PERIOD for i in range(8) if i != 3]


def test_where_stamps_jump_back_a_session_begins(tmp_path: Path, model: Path) -> None:
    bag = write_bag(tmp_path / 'drive', [i * PERIOD for i in (5, 6, 7, 0, 1, 2)])
    lines = track(bag, tmp_path / 'out', model, '--bag')
    assert [line['session'] for line in lines] == [1, 1, 1, 2, 2, 2]
    ids = [line['tracks'][0]['id'] for line in lines]
    assert ids[0] == ids[2] != ids[3] == ids[5]
    assert len(read_results(tmp_path / 'out' / 'drive.txt')) == 6
    with BagReader(tmp_path / 'out' / 'drive_tracked') as tracked:
        sessions = [message.session for message in read_tracks(tracked)]
    assert len(set(sessions[:3])) == len(set(sessions[3:])) == 1
    assert sessions[0] != sessions[3]


@pytest.mark.parametrize(
    ('stamps', 'complaint'),
    [
        ([0] * 8, 'frame 1 has no stamp'),
        ([10**18] * 8, 'frame 2 has the same stamp as the previous image'),
        (
            [10**18 + i * PERIOD - 10**14 * (i == 4) for i in range(8)],
            'frame 5 has a stamp far from its',
        ),
        ([(10**18 + i * PERIOD) * (i != 4) for i in range(8)], 'frame 5 has no stamp'),
        ([10**18 + i * PERIOD + 10**14 * (i == 4) for i in range(8)], 'frame 5 has a stamp far'),
    ],
)
def test_where_stamps_are_wrong_the_time_of_recording_is_taken(
    tmp_path: Path,
    model: Path,
    stamps: list[int],
    complaint: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bag = write_bag(tmp_path / 'drive', stamps)
    lines = track(bag, tmp_path / 'out', model, '--bag')
    assert [line['session'] for line in lines] == [1] * 8
    assert [line['stamp_ns'] for line in lines] == [10**18 + i * PERIOD for i in range(8)]
    assert {line['tracks'][0]['id'] for line in lines} == {lines[0]['tracks'][0]['id']}
    assert lines[-1]['tracks'][0]['velocity'] == pytest.approx([40, 0], abs=4)
    assert complaint in caplog.text
    assert [record.name for record in caplog.records].count('jtn_ros.offline') == 1
    with BagReader(tmp_path / 'out' / 'drive_tracked') as tracked:
        assert [message.stamp_ns for message in read_tracks(tracked)] == stamps


@pytest.mark.parametrize('limits', [None, ('20000', '60000')])
def test_thermal_images_and_a_range_for_them(
    tmp_path: Path, model: Path, limits: tuple[str, str] | None
) -> None:
    (tmp_path / 'thermal').mkdir()
    for index in range(4):
        counts = 7000 + 8 * picture(index)[..., 0].astype(np.uint16)
        cv2.imwrite(str(tmp_path / 'thermal' / f'{index}.png'), counts)
    options = () if limits is None else ('--intensity-range', *limits)
    lines = track(tmp_path / 'thermal', tmp_path / 'out', model, *options)
    # In a range that begins at 20000, all is black.
    assert [len(line['tracks']) for line in lines] == [0 if limits else 1] * 4


def test_a_range_of_a_bag_keeps_all_of_its_messages(tmp_path: Path, model: Path) -> None:
    bag = write_bag(tmp_path / 'drive', [i * PERIOD for i in range(8)])
    lines = track(bag, tmp_path / 'out', model, '--start', '3', '--end', '5', '--bag')
    assert [line['frame'] for line in lines] == [3, 4, 5]
    with BagReader(tmp_path / 'out' / 'drive_tracked') as tracked:
        assert tracked.counts == {'/left/image': 8, **recorded_counts(3)}


def test_a_bag_is_not_overwritten(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bag = write_bag(tmp_path / 'drive', [0, PERIOD])
    track(bag, tmp_path / 'out', model, '--bag')
    before = (tmp_path / 'out' / 'drive.jsonl').stat().st_mtime_ns
    arguments = ['track', str(bag), '--model', str(model), '--output', str(tmp_path / 'out')]
    assert main([*arguments, '--bag']) == 1
    assert 'drive_tracked exists' in capsys.readouterr().err
    assert (tmp_path / 'out' / 'drive.jsonl').stat().st_mtime_ns == before
    assert not list((tmp_path / 'out').glob('.*'))


def test_views_are_drawn_into_the_video(tmp_path: Path, model: Path) -> None:
    (tmp_path / 'images').mkdir()
    for index in range(4):
        cv2.imwrite(str(tmp_path / 'images' / f'{index}.png'), picture(index))
    means = {}
    for view in ('trails', 'heatmap'):
        track(tmp_path / 'images', tmp_path / view, model, '--video', '--show', view)
        capture = cv2.VideoCapture(str(tmp_path / view / f'images{browser_suffix()}'))
        image = [capture.read()[1] for _ in range(4)][3].astype(int)
        means[view] = image[48:51, 22:27].mean(axis=(0, 1))  # above the arrow
    assert means['trails'].min() > 150  # white still
    assert means['heatmap'].sum() < 0.8 * means['trails'].sum()  # JET is darker than white


def test_a_stream_from_a_network_address(tmp_path: Path, model: Path) -> None:
    with VideoWriter(tmp_path / 'clip.webm', 10) as video:
        for index in range(6):
            video.write(picture(index))

    class SilentHandler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Log nothing."""

    handler = functools.partial(SilentHandler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}/clip.webm'
        lines = track(url, tmp_path / 'out', model, '--end', '5')
        server.shutdown()
    assert [line['frame'] for line in lines] == [1, 2, 3, 4, 5]
    assert len(lines[-1]['tracks']) == 1


@pytest.fixture
def camera() -> Camera:
    """A network camera with a block in its images."""
    camera = Camera(rate=20.0)

    def draw(number: int) -> np.ndarray:
        image = numbered(number)
        image[40 : 40 + HEIGHT, :WIDTH] = picture(number % 20)
        return image

    camera.draw = draw
    return camera


def after(number: int, camera: Camera, *actions: Callable[[], None]) -> None:
    """Act once after the given number of images, and again two seconds later."""

    def act() -> None:
        while len(camera.taken) < number:
            time.sleep(0.01)
        for action in actions:
            action()
            time.sleep(2)

    threading.Thread(target=act, daemon=True).start()


def results_of(output: Path) -> list[dict[str, Any]]:
    (path,) = output.glob('*.jsonl')
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize('server', [MjpegServer, RtspServer])
def test_a_camera_that_stops_is_an_error_and_its_recording_is_kept(
    camera: Camera,
    server: type[MjpegServer] | type[RtspServer],
    model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with server(camera) as opened:
        after(40, camera, camera.gone.set)
        url = opened.url.replace('//', '//admin:secret@')
        code = main(['track', url, '--output', str(tmp_path), '--model', str(model)])
    lines = results_of(tmp_path)
    printed = capsys.readouterr()
    assert code == 1
    assert f'live stopped after {len(lines)} frames: ' in printed.err
    assert f'live: {len(lines)} frames' in printed.out
    assert 'secret' not in printed.err + printed.out + str(lines[0])
    assert sum(line['dropped'] for line in lines) == pytest.approx(
        camera_count(camera, lines) - len(lines), abs=3
    )
    stamps = [line['stamp_ns'] for line in lines]
    assert min(abs(np.array(list(camera.taken.values())) - stamps[-1])) < 20_000_000


def camera_count(camera: Camera, lines: list[dict[str, Any]]) -> int:
    """Return how many images the camera took from the first to the last line."""
    first, last = lines[0]['stamp_ns'], lines[-1]['stamp_ns']
    return sum(first - 10**7 < stamp < last + 10**7 for stamp in camera.taken.values())


def test_a_camera_is_opened_again_and_a_long_gap_begins_a_session(
    camera: Camera, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / 'params.yaml').write_text('/**:\n  ros__parameters:\n    lost_time: 1.0\n')
    with MjpegServer(camera) as opened:
        after(40, camera, camera.gone.set, camera.gone.clear)
        code = main(
            [
                'track',
                opened.url,
                '--output',
                str(tmp_path / 'out'),
                '--model',
                str(model),
                '--reconnect',
                '--end',
                '60',
                '--params-file',
                str(tmp_path / 'params.yaml'),
            ]
        )
    assert code == 0
    lines = results_of(tmp_path / 'out')
    assert [line['frame'] for line in lines] == list(range(1, 61))
    assert {line['session'] for line in lines} == {1, 2}
    gap = max(b['stamp_ns'] - a['stamp_ns'] for a, b in pairwise(lines))
    assert 1.5e9 < gap < 8e9


def test_streams_of_one_host_share_a_folder_and_no_recording_is_overwritten(
    camera: Camera, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with MjpegServer(camera) as opened:
        codes = [
            main(['track', opened.url.replace('live', path), '--output', str(tmp_path),
                  '--model', str(model), '--end', '3'])
            for path in ('channel/1', 'channel/2', 'channel/1')
        ]  # fmt: skip
        names = {f'{opened.place.replace(":", "_")}_channel_{number}.jsonl' for number in (1, 2)}
    assert codes == [0, 0, 2]
    assert {path.name for path in tmp_path.glob('*.jsonl')} == names
    assert 'choose another --output, or remove the file' in capsys.readouterr().err
