"""`jtn track --rerun`: logged data, as read by Rerun from a file and through a viewer."""

import shutil
import signal
import socket
import subprocess
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from time import monotonic
from time import sleep
from typing import Any

import cv2
import numpy as np
import pytest
from rerun.chunk import RrdReader

from jtn_ros.cli.main import main
from jtn_ros.media.drawing import color_of
from jtn_ros.pipeline import STAGES

from cli.test_track_recordings import PERIOD
from cli.test_track_recordings import picture
from cli.test_track_recordings import track
from cli.test_track_recordings import write_bag
from cli.test_track_verb import write_sequence

pytestmark = pytest.mark.filterwarnings('error:::rerun')

START = 10**18
FRAMES = 8


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    return write_bag(tmp_path / 'drive', [START + index * PERIOD for index in range(FRAMES)])


def read_log(path: Path) -> dict[str, dict[int, dict[str, Any]]]:
    """Return what was logged, by entity and frame (0 for what has no time), and its stamp."""
    rows: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
    reader = RrdReader(path)
    (recording,) = reader.recordings()
    for chunk in reader.stream(store=recording):
        batch = chunk.to_record_batch()
        names = batch.schema.names
        values = {
            name: batch.column(name).to_pylist()
            for name in names
            if ':' in name or name in ('track_id', 'score', 'observed', 'state', 'velocity_px_s')
        }
        stamps = batch.column('stamp').cast('int64').to_pylist() if 'stamp' in names else None
        frames = batch.column('frame').to_pylist() if 'frame' in names else [0] * len(batch)
        for row, frame in enumerate(frames):
            item = rows[chunk.entity_path].setdefault(frame, {})
            item |= {name: column[row] for name, column in values.items()}
            item['stamp_ns'] = None if stamps is None else stamps[row]
    return rows


def test_a_file_holds_images_tracks_and_latencies(
    tmp_path: Path, model: Path, drive: Path
) -> None:
    path = tmp_path / 'logs' / 'drive.rrd'
    lines = track(drive, tmp_path / 'out', model, '--rerun', str(path))
    assert [item.name for item in path.parent.iterdir()] == ['drive.rrd']
    log = read_log(path)
    assert set(log['/image/tracks']) == set(range(1, FRAMES + 1))
    for frame, line in enumerate(lines, 1):
        (expected,) = line['tracks']
        row = log['/image/tracks'][frame]
        assert row['stamp_ns'] == line['stamp_ns'] == START + (frame - 1) * PERIOD
        (center,), (half,) = row['Boxes2D:centers'], row['Boxes2D:half_sizes']
        box = [*np.subtract(center, half), *np.add(center, half)]
        np.testing.assert_allclose(box, expected['box'], atol=0.01)
        assert row['track_id'] == [expected['id']]
        assert row['Boxes2D:labels'] == [f'{expected["id"]} {expected["score"]:.2f}']
        assert row['Boxes2D:class_ids'] == [0]
        assert row['state'] == [expected['state']]
        assert row['observed'] == [True]
        np.testing.assert_allclose(row['velocity_px_s'], [expected['velocity']], atol=0.01)
        arrows = log['/image/tracks/velocities'][frame]
        np.testing.assert_allclose(
            arrows['Arrows2D:vectors'], [0.5 * np.array(expected['velocity'])], atol=0.01
        )
        (jpeg,) = log['/image'][frame]['EncodedImage:blob']
        image = cv2.imdecode(np.array(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert np.abs(image.astype(int) - picture(frame - 1)).mean() < 2
        for stage in STAGES:
            (milliseconds,) = log[f'/latency_ms/{stage}'][frame]['Scalars:scalars']
            assert 0 <= milliseconds < 60_000
        counts = [
            log[f'/tracks/{state}'][frame]['Scalars:scalars'][0]
            for state in ('tentative', 'confirmed', 'lost')
        ]
        assert sum(counts) == 1
    blue, green, red = color_of(lines[-1]['tracks'][0]['id'])
    (color,) = log['/image/tracks'][FRAMES]['Boxes2D:colors']
    assert color == (red << 24 | green << 16 | blue << 8 | 255)
    # The feet of all frames, which move by four pixels a frame.
    (trail,) = log['/image/tracks/trails'][FRAMES]['LineStrips2D:strips']
    np.testing.assert_allclose(np.diff([x for x, _ in trail]), [4] * (FRAMES - 1), atol=0.5)
    assert '/image/heatmap' not in log
    assert '/image/displacements' not in log


def test_network_outputs_are_logged_on_request(tmp_path: Path, model: Path, drive: Path) -> None:
    path = tmp_path / 'drive.rrd'
    track(
        drive,
        tmp_path / 'out',
        model,
        '--rerun',
        str(path),
        '--show',
        'heatmap,displacement,embedding',
    )
    log = read_log(path)
    assert '/image/tracks/trails' not in log
    last = log['/image/displacements'][FRAMES]
    np.testing.assert_allclose(last['Arrows2D:vectors'], [[-4, 0]], atol=0.5)
    orders = [
        log[name][FRAMES]['EncodedImage:draw_order'] for name in ('/image', '/image/heatmap')
    ]
    assert orders == [[-10], [-5]], 'the heat map is drawn over the image'
    (jpeg,) = log['/image/heatmap'][FRAMES]['EncodedImage:blob']
    decoded = cv2.imdecode(np.array(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    drawn = decoded.astype(int)
    colored = np.argwhere(drawn.max(axis=2) - drawn.min(axis=2) > 80)[:, ::-1]
    np.testing.assert_allclose(
        colored.mean(axis=0), last['Arrows2D:origins'][0], atol=4, err_msg='a cell is 4 pixels'
    )


def test_frames_without_tracks_show_none(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'Walk', images=True)
    detections = folder / 'det' / 'det.txt'
    kept = [row for row in detections.read_text().splitlines() if int(row.split(',')[0]) < 3]
    detections.write_text('\n'.join(kept))
    path = tmp_path / 'walk.rrd'
    arguments = ['--detections', str(detections), '--output', str(tmp_path / 'out')]
    assert main(['track', str(folder), *arguments, '--rerun', str(path)]) == 0
    tracks = read_log(path)['/image/tracks']
    assert tracks[2]['track_id'] == [1, 2]
    assert tracks[20]['Clear:is_recursive'] == [True]
    assert tracks[20].get('Boxes2D:centers') is None


def test_a_log_is_replaced_only_by_a_log_of_the_same_input(
    tmp_path: Path, model: Path, drive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / 'drive.rrd', tmp_path / 'out'
    track(drive, out, model, '--rerun', str(path))
    track(drive, out, model, '--rerun', str(path), '--end', '3')
    assert set(read_log(path)['/image']) == {0, 1, 2, 3}
    before = path.read_bytes()
    shutil.copytree(drive, tmp_path / 'other')
    arguments = ['--model', str(model), '--output', str(tmp_path / 'new'), '--rerun', str(path)]
    assert main(['track', str(tmp_path / 'other'), *arguments]) == 2
    assert f'{path} is not a result of this input' in capsys.readouterr().err
    assert path.read_bytes() == before
    assert list((tmp_path / 'new').glob('*')) == []


def test_a_run_that_fails_leaves_no_log(tmp_path: Path, model: Path, drive: Path) -> None:
    path = tmp_path / 'logs' / 'drive.rrd'
    arguments = ['--model', str(model), '--output', str(tmp_path / 'out'), '--start', '99']
    assert main(['track', str(drive), *arguments, '--rerun', str(path)]) == 1
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ('target', 'reason'),
    [
        ('drive.rec', '--rerun drive.rec is neither a file (drive.rec.rrd) nor live'),
        ('live', '--rerun live opens a viewer, and there is no screen; specify a file'),
    ],
)
def test_other_targets_are_refused(
    tmp_path: Path,
    drive: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    target: str,
    reason: str,
) -> None:
    for name in ('DISPLAY', 'WAYLAND_DISPLAY'):
        monkeypatch.delenv(name, raising=False)
    assert main(['track', str(drive), '--output', str(tmp_path / 'out'), '--rerun', target]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_without_the_package_there_is_one_line_with_the_remedy(
    tmp_path: Path,
    model: Path,
    drive: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, 'rerun', None)
    arguments = ['--model', str(model), '--output', str(tmp_path / 'out')]
    assert main(['track', str(drive), *arguments, '--rerun', str(tmp_path / 'drive.rrd')]) == 1
    error = capsys.readouterr().err
    assert '--rerun needs the package rerun' in error
    assert error.rstrip().endswith('pip install rerun-sdk==0.41.0')
    assert list((tmp_path / 'out').glob('*')) == []


def test_a_viewer_that_runs_gets_everything(tmp_path: Path, model: Path, drive: Path) -> None:
    """The receiver of Rerun stands for a viewer on another machine, and keeps what it gets."""
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        port = probe.getsockname()[1]
    path = tmp_path / 'received.rrd'
    command = [sys.executable, '-m', 'rerun', '--save', str(path), '--port', str(port)]
    viewer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until_served(port)
        address = f'rerun+http://127.0.0.1:{port}/proxy'
        track(drive, tmp_path / 'out', model, '--rerun', address)
        sleep(0.5)
    finally:
        viewer.send_signal(signal.SIGINT)
        viewer.communicate(timeout=30)
    with warnings.catch_warnings(action='ignore'):  # the file has no end, as it was interrupted
        log = read_log(path)
    assert set(log['/image/tracks']) == set(log['/image']) - {0} == set(range(1, FRAMES + 1))


def test_a_viewer_that_does_not_answer_is_named(
    tmp_path: Path, model: Path, drive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as closed:
        closed.bind(('127.0.0.1', 0))
        address = f'rerun+http://127.0.0.1:{closed.getsockname()[1]}/proxy'
        arguments = ['--model', str(model), '--output', str(tmp_path / 'out')]
        assert main(['track', str(drive), *arguments, '--rerun', address]) == 1
    assert f'--rerun {address}: ' in capsys.readouterr().err
    assert list((tmp_path / 'out').glob('*')) == []


def wait_until_served(port: int) -> None:
    deadline = monotonic() + 30
    while monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(('127.0.0.1', port)) == 0:
                return
        sleep(0.1)
    raise AssertionError('the receiver of Rerun does not listen')
