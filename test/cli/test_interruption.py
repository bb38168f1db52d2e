"""The files that remain when `jtn track` is interrupted, or the disk is full."""

import http.server
import json
import os
import pty
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.video import VideoFrames

from cli.recorded_counts import recorded_counts
from cli.test_track_recordings import PERIOD
from cli.test_track_recordings import picture
from cli.test_track_recordings import write_bag
from media.camera_servers import Camera
from media.camera_servers import RtspServer
from places import ROOT
from waiting import wait_for

COMMAND = [sys.executable, '-m', 'jtn_ros.cli.main', 'track']
STOPPERS = [
    (signal.SIGINT,),
    (signal.SIGTERM,),
    (signal.SIGHUP,),
    (signal.SIGHUP, signal.SIGTERM, signal.SIGINT),
]


class Stream(http.server.BaseHTTPRequestHandler):
    """A network camera that sends an image (MJPEG) every twentieth of a second."""

    sent = 0

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=f')
        self.end_headers()
        try:
            for number in range(2000):
                data = cv2.imencode('.jpg', picture(number % 20))[1].tobytes()
                head = f'--f\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n'
                self.wfile.write(head.encode() + data + b'\r\n')
                Stream.sent = number
                time.sleep(0.05)
        except OSError:
            return

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def camera() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), Stream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/camera.mjpg'
        server.shutdown()


def is_recording(output: Path) -> bool:
    """Return whether frames have been drawn into the video."""
    parts = [*output.glob('.127.0.0.1_*_camera.mjpg.part.webm')]
    return bool(parts) and parts[0].stat().st_size > 2000


def check_recording(output: Path) -> None:
    """Check that everything is complete, and of the same number of frames."""
    names = {path.name for path in output.iterdir()}
    (stem,) = (path.stem for path in output.glob('*.jsonl'))
    assert stem.startswith('127.0.0.1_')
    assert stem.endswith('_camera.mjpg')
    assert names - {f'{stem}_tracked'} == {f'{stem}.txt', f'{stem}.jsonl', f'{stem}.webm'}
    lines = (output / f'{stem}.jsonl').read_text().splitlines()
    assert len(lines) > 1
    assert [json.loads(line)['frame'] for line in lines] == list(range(1, len(lines) + 1))
    shown = [frame.stamp_ns for frame in VideoFrames(output / f'{stem}.webm')]
    assert len(shown) == len(lines)
    stamps = np.array([json.loads(line)['stamp_ns'] for line in lines])
    np.testing.assert_allclose(shown, stamps - stamps[0], atol=2_000_000)
    if f'{stem}_tracked' in names:
        with BagReader(output / f'{stem}_tracked') as bag:
            assert bag.counts == recorded_counts(len(lines))


@pytest.mark.parametrize('signals', STOPPERS, ids=lambda given: '+'.join(s.name for s in given))
def test_a_recording_of_a_camera_is_kept_whatever_ends_it(
    camera: str, model: Path, tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    output = tmp_path / 'out'
    process = subprocess.Popen(
        [*COMMAND, camera, '--model', model, '--output', output, '--video', '--bag'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        wait_for(lambda: is_recording(output))
        for number in signals:
            process.send_signal(number)
        text, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, '')
    assert '_camera.mjpg: ' in text
    check_recording(output)


@pytest.mark.parametrize('state', ['frozen', 'gone'])
def test_a_recording_is_kept_when_a_signal_comes_while_the_camera_is_silent(
    model: Path,
    tmp_path: Path,
    state: str,
) -> None:
    camera = Camera(rate=20.0)
    output = tmp_path / 'out'
    with RtspServer(camera) as server:
        process = subprocess.Popen(
            [*COMMAND, server.url, '--model', model, '--output', output, '--reconnect'],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        try:
            wait_for(lambda: len(camera.taken) > 60)
            getattr(camera, state).set()
            time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            text, _ = process.communicate(timeout=60)
        finally:
            process.kill()
        assert time.monotonic() - began < 5
    assert process.returncode == 0
    (lines,) = output.glob('*.jsonl')
    number = len(lines.read_text().splitlines())
    assert f'live: {number} frames' in text
    assert number > 10


def test_a_recording_of_a_camera_is_kept_when_its_terminal_is_closed(
    camera: str, model: Path, tmp_path: Path
) -> None:
    output = tmp_path / 'out'
    arguments = [*COMMAND, camera, '--model', str(model), '--output', str(output), '--video']
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, arguments)
    end = time.monotonic() + 60
    while not is_recording(output) and time.monotonic() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            os.read(terminal, 65536)  # the progress bar
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    check_recording(output)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_run_over_a_recording_leaves_nothing(
    model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / 'images').mkdir()
    for index in range(1000):
        cv2.imwrite(str(tmp_path / 'images' / f'{index}.png'), picture(index % 20))
    output = tmp_path / 'out'
    process = subprocess.Popen(
        [*COMMAND, tmp_path / 'images', '--model', model, '--output', output, '--bag'],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        wait_for(lambda: output.exists() and any(output.iterdir()))
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, errors) == (130, 'jtn track: interrupted\n')
    assert list(output.iterdir()) == []


def write_noise(folder: Path) -> Path:
    """Write images that no codec makes small."""
    folder.mkdir()
    for index in range(30):
        noise = np.random.default_rng(index).integers(0, 256, (96, 160, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f'{index}.png'), noise)
    return folder


@pytest.mark.parametrize(
    ('case', 'limit', 'options'),
    [
        ('lines', 8_000, []),
        ('mcap', 1_000_000, ['--bag']),
        ('sqlite3', 1_000_000, ['--bag']),
        ('video', 60_000, ['--video']),
    ],
)
def test_a_full_disk_leaves_nothing(
    model: Path, tmp_path: Path, case: str, limit: int, options: list[str]
) -> None:
    if case == 'video':
        source = write_noise(tmp_path / 'noise')
    else:
        storage = 'sqlite3' if case == 'sqlite3' else 'mcap'
        source = write_bag(tmp_path / 'drive', [i * PERIOD for i in range(100)], storage)
    output = tmp_path / 'out'
    # The files of the process cannot grow beyond a limit, which the last of them exceeds.
    done = subprocess.run(
        [*COMMAND, source, '--model', model, '--output', output, *options],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 1, done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith('jtn track: ')]
    assert 'another disk' in line or 'free some space' in line
    assert 'internal error' not in line
    assert list(output.iterdir()) == []
