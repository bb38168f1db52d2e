"""Network cameras on loopback: newest images, capture times, and reported failures."""

import time
from collections import deque
from collections.abc import Iterable
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from jtn_ros.errors import JtnError
from jtn_ros.errors import one_line
from jtn_ros.media import open_frames
from jtn_ros.media.live.live_source import CameraStoppedError
from jtn_ros.media.live.live_source import LiveSource
from jtn_ros.media.live.open_camera import DeviceInput
from jtn_ros.media.video_decoding import Deinterlacer

from media.camera_servers import HEIGHT
from media.camera_servers import PASSWORD
from media.camera_servers import USER
from media.camera_servers import WIDTH
from media.camera_servers import Camera
from media.camera_servers import H264Server
from media.camera_servers import H264UdpServer
from media.camera_servers import H265Server
from media.camera_servers import MjpegServer
from media.camera_servers import RtspServer
from media.camera_servers import number_in
from media.camera_servers import numbered
from waiting import wait_for

MS = 1_000_000
SERVERS = [MjpegServer, RtspServer, H264Server]


@pytest.fixture
def camera() -> Camera:
    return Camera(rate=50.0)


@pytest.fixture(params=SERVERS, ids=['http', 'rtsp', 'h264'])
def server(request: pytest.FixtureRequest, camera: Camera) -> Iterator[MjpegServer | RtspServer]:
    with request.param(camera) as server:
        yield server


def live(url: str, reconnect: bool = False) -> LiveSource:
    source = open_frames(url, reconnect=reconnect)
    assert isinstance(source, LiveSource)
    return source


@pytest.mark.parametrize('kind', [*SERVERS, H265Server, H264UdpServer])
def test_a_stream_that_is_read_in_time_is_decoded_without_loss(
    kind: type[MjpegServer] | type[RtspServer], camera: Camera
) -> None:
    camera.rate = 10.0
    with kind(camera) as server, live(server.url) as source:
        assert (source.width, source.height, source.length) == (WIDTH, HEIGHT, None)
        frames = list(source.read(2, 12))
        counts = source.counts
    assert [frame.index for frame in frames] == list(range(2, 12))
    for frame in frames:
        np.testing.assert_allclose(frame.image[40:], numbered(0)[40:], atol=6)
    numbers = [number_in(frame.image) for frame in frames]
    assert [after - before - 1 for before, after in pairwise(numbers)] == [
        frame.dropped for frame in frames[1:]
    ]
    assert counts.connections == 1
    assert counts.problem == ''


def test_a_slow_reader_gets_new_frames_and_the_count_of_the_others(
    server: MjpegServer | RtspServer, camera: Camera
) -> None:
    with live(server.url) as source:
        numbers, ages, dropped = [], [], []
        for frame in source.read(0, 12):
            numbers.append(number_in(frame.image))
            ages.append(time.time_ns() - camera.taken[numbers[-1]])
            dropped.append(frame.dropped or 0)
            time.sleep(0.1)  # five frames
    # Not even after more than a second, and an eighth of the frames, is anything old.
    assert np.median(ages) < 60 * MS
    assert np.median(ages[6:]) < np.median(ages[:6]) + 20 * MS
    assert numbers[-1] - numbers[0] - 11 == pytest.approx(sum(dropped[1:]), abs=2)
    assert sum(dropped[1:]) > 30


def test_frames_are_stamped_when_they_were_taken(
    server: MjpegServer | RtspServer, camera: Camera
) -> None:
    with live(server.url) as source:
        frames = list(source.read(0, 30))
    errors = [frame.stamp_ns - camera.taken[number_in(frame.image)] for frame in frames]
    # FFmpeg knows that an image of H.264 is complete when the next one begins.
    late = 20 * MS if isinstance(server, H264Server) else 0
    assert np.median(np.abs(np.array(errors) - late)) < 5 * MS
    stamps = [frame.stamp_ns for frame in frames]
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize('kind', [RtspServer, MjpegServer])
def test_the_spacing_is_that_of_the_camera_however_unsteadily_its_pictures_arrive(
    camera: Camera, kind: type[MjpegServer] | type[RtspServer]
) -> None:
    """By the times of the stream, or, if it has none, by its rate once that is known.

    How soon it is known depends on how busy the machine is.
    """
    delays = np.random.default_rng(3).uniform(0, 0.015, 100_000)
    camera.held = lambda number: float(delays[number])
    latest: deque[tuple[int, int]] = deque(maxlen=40)
    with kind(camera) as server, live(server.url) as source:
        for frame in source.read(0, 500):
            latest.append((number_in(frame.image), frame.stamp_ns))
            numbers, stamps = np.array(latest).T
            errors = np.abs(np.diff(stamps) - np.diff(numbers) * 1e9 / camera.rate)
            if len(latest) == 40 and np.quantile(errors, 0.9) < 2 * MS:
                break
        else:
            pytest.fail(f'the spacing is wrong by {np.quantile(errors, 0.9) / MS:.1f} ms')
    if kind is RtspServer:
        assert frame.index < 60
        assert errors.max() < 2 * MS


def test_a_decoder_that_is_too_slow_skips_to_key_frames(
    camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    push = Deinterlacer.push

    def slow_push(self: Deinterlacer, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        for frame in push(self, frames):
            time.sleep(0.04)  # twice the time between two frames
            yield frame

    monkeypatch.setattr(Deinterlacer, 'push', slow_push)
    ages, numbers = [], []
    with H264Server(camera) as server, live(server.url) as source:
        end = time.monotonic() + 6
        for frame in source.read():
            numbers.append(number_in(frame.image))
            ages.append((time.time_ns() - camera.taken[numbers[-1]]) / 1e9)
            assert abs(frame.stamp_ns - camera.taken[numbers[-1]]) < 100 * MS
            if time.monotonic() > end:
                break
        dropped = source.counts.dropped
    # A key frame comes every half a second; without skipping the age would be 3 s now.
    assert max(ages) < 2.2
    assert numbers == sorted(numbers)
    assert dropped > 50


def test_a_stop_is_reported_with_the_number_of_frames_and_the_last_frame_is_kept(
    server: MjpegServer | RtspServer, camera: Camera
) -> None:
    with live(server.url) as source:
        frames = source.read()
        for _ in range(5):
            next(frames)
        camera.gone.set()
        with pytest.raises(
            CameraStoppedError, match=r'live stopped after \d+ frames: it (ended|closed) the'
        ):
            list(frames)


def test_a_frozen_stream_ends_within_seconds(
    server: MjpegServer | RtspServer, camera: Camera
) -> None:
    with live(server.url) as source:
        frames = source.read()
        next(frames)
        camera.frozen.set()
        began = time.monotonic()
        with pytest.raises(
            CameraStoppedError, match=r'it sent nothing for 2\.5 s; check the host'
        ):
            list(frames)
        assert 2 < time.monotonic() - began < 4


def test_a_frozen_stream_is_opened_again_and_nothing_old_is_shown(
    server: MjpegServer | RtspServer, camera: Camera
) -> None:
    with live(server.url, reconnect=True) as source:
        frames = source.read()
        next(frames)
        camera.frozen.set()
        wait_for(lambda: source.counts.problem != '')
        assert 'sent nothing for 2.5 s' in source.counts.problem
        camera.frozen.clear()
        frame = next(frames)
        assert time.time_ns() - camera.taken[number_in(frame.image)] < 200 * MS
        assert abs(frame.stamp_ns - camera.taken[number_in(frame.image)]) < 50 * MS
        assert source.counts.connections == 2
        assert source.counts.problem == ''


def test_images_delayed_by_a_short_pause_are_not_shown(
    server: MjpegServer | RtspServer, camera: Camera
) -> None:
    with live(server.url) as source:
        frames = source.read()
        next(frames)
        count = source.counts.grabbed
        wait_for(lambda: source.counts.grabbed > count)
        camera.frozen.set()
        time.sleep(1.0)
        next(frames)  # arrived before the pause
        camera.frozen.clear()
        ages, errors = [], []
        for _ in range(10):
            frame = next(frames)
            taken_ns = camera.taken[number_in(frame.image)]
            ages.append(time.time_ns() - taken_ns)
            errors.append(abs(frame.stamp_ns - taken_ns))
        assert source.counts.connections == 1
    assert max(ages) < 300 * MS
    assert max(errors) < 60 * MS


def test_a_camera_that_returns_is_reopened(
    server: MjpegServer | RtspServer, camera: Camera, caplog: pytest.LogCaptureFixture
) -> None:
    with live(server.url, reconnect=True) as source:
        frames = source.read()
        next(frames)
        camera.gone.set()
        wait_for(lambda: source.counts.problem != '')
        camera.gone.clear()
        next(frames)
        assert source.counts.connections == 2


@pytest.mark.parametrize('state', ['sending', 'frozen', 'gone'])
def test_closing_ends_the_thread_in_every_state(
    server: MjpegServer | RtspServer, camera: Camera, state: str
) -> None:
    source = live(server.url, reconnect=True)
    next(source.read())
    if state != 'sending':
        getattr(camera, state).set()
        time.sleep(0.3)
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 3.5
    assert not source._thread.is_alive()
    assert list(source.read()) == []


def test_a_password_is_used_and_never_shown(server: MjpegServer | RtspServer) -> None:
    place = server.url.replace('/live', '/private')
    with pytest.raises(JtnError, match='the user or the password is wrong or missing') as wrong:
        live(place.replace('//', f'//{USER}:hunter2@'))
    assert 'hunter2' not in str(wrong.value)
    assert one_line(wrong.value).endswith('put USER:PASSWORD@ before the host of the address')
    assert '***@127.0.0.1' in str(wrong.value)
    with pytest.raises(JtnError, match='the user or the password is wrong or missing'):
        live(place)
    with live(place.replace('//', f'//{USER}:{PASSWORD}@')) as source:
        assert PASSWORD not in source.name
        next(source.read())


@pytest.mark.parametrize(
    ('address', 'reason'),
    [
        ('{server}/nothing', 'it has no such path; check the path of the address'),
        ('rtsp://127.0.0.1:9/x', 'nothing listens on this port; check the port'),
        ('http://127.0.0.1:9/x', 'nothing listens on this port; check the port'),
        ('rtsp://no-such-host.invalid/x', 'there is no host no-such-host.invalid; check its name'),
        ('http://no-such-host.invalid/x', 'there is no host no-such-host.invalid; check its name'),
        ('foo://camera/x', 'FFmpeg does not support this protocol; specify rtsp:// or http://'),
        ('/dev/video98', r'there is no /dev/video98 \(there are: '),
        ('98', r'there is no /dev/video98 \(there are: '),
    ],
)
def test_errors_are_reported_immediately(
    server: MjpegServer | RtspServer, address: str, reason: str
) -> None:
    began = time.monotonic()
    with pytest.raises(JtnError, match=f'^camera .* does not open: {reason}'):
        open_frames(address.format(server=server.url.rpartition('/')[0]))
    assert time.monotonic() - began < 5


def test_a_web_page_is_not_accepted_as_a_stream(camera: Camera) -> None:
    with (
        MjpegServer(camera) as server,
        pytest.raises(JtnError, match='does not open: it sends no video; check the path'),
    ):
        open_frames(server.url.replace('/live', '/page'))


def test_a_camera_that_does_not_respond_is_reported_within_seconds(camera: Camera) -> None:
    camera.frozen.set()
    with (
        MjpegServer(camera) as server,
        pytest.raises(JtnError, match='does not open: it does not answer within 3 s'),
    ):
        open_frames(server.url)


def test_a_camera_that_sends_nothing_is_reported_within_seconds(camera: Camera) -> None:
    camera.frozen.set()
    with (
        RtspServer(camera) as server,
        live(server.url) as source,
        pytest.raises(CameraStoppedError, match='stopped after 0 frames: it sent nothing'),
    ):
        next(source.read())


def test_two_streams_of_one_host_have_names_of_their_own(server: MjpegServer | RtspServer) -> None:
    with (
        live(server.url.replace('/live', '/channel/1')) as first,
        live(server.url.replace('/live', '/channel/2')) as second,
    ):
        assert first.name != second.name
        assert {first.name, second.name} == {
            f'127.0.0.1_{server.server_address[1]}_channel_{number}' for number in (1, 2)
        }


def test_a_device_is_grabbed_in_the_same_way(tmp_path: Path) -> None:
    """What OpenCV opens as a numbered series stands for a driver, and ends like one."""
    for number in range(4):
        cv2.imwrite(str(tmp_path / f'{number}.png'), numbered(number))
    live_input = DeviceInput(str(tmp_path / '%d.png'))
    assert (live_input.width, live_input.height) == (WIDTH, HEIGHT)
    source = LiveSource('series', 'camera series', lambda: live_input)
    with pytest.raises(CameraStoppedError, match='camera series stopped after'):
        list(source.read())
    assert source.counts.grabbed == 4
    source.close()
