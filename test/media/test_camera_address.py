"""Addresses of cameras: their recognition and storage, without leaking secrets."""

from pathlib import Path

import pytest

from jtn_ros.errors import JtnError
from jtn_ros.errors import one_line
from jtn_ros.masking import mask
from jtn_ros.media.camera_address import describe
from jtn_ros.media.camera_address import is_camera
from jtn_ros.media.camera_address import name_of
from jtn_ros.media.camera_address import read_address


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        ('rtsp://admin:secret@10.0.0.5:554/live', 'rtsp://***@10.0.0.5:554/live'),
        ('rtsp://admin:se/c?r#e@t@camera/live', 'rtsp://***@camera/live'),
        ('http://camera/live?user=a&password=secret', 'http://camera/live?***'),
        ('http://camera/live', 'http://camera/live'),
        ("it's 'rtsp://a:secret@b/1' or rtsp://a:secret@c/2?k=secret; check",
         "it's 'rtsp://***@b/1' or rtsp://***@c/2?***; check"),
        ('a user@host is not an address', 'a user@host is not an address'),
    ],
)  # fmt: skip
def test_secrets_in_addresses_are_masked(text: str, shown: str) -> None:
    assert mask(text) == one_line(text) == shown
    assert describe(text) == f'camera {shown}'


@pytest.mark.parametrize(
    ('address', 'name'),
    [
        ('0', 'camera0'),
        ('/dev/video2', 'video2'),
        ('rtsp://a:secret@10.0.0.5/Streaming/Channels/101', '10.0.0.5_Streaming_Channels_101'),
        ('rtsp://a:secret@10.0.0.5:8554/Streaming/Channels/102',
         '10.0.0.5_8554_Streaming_Channels_102'),
        ('rtsp://nvr/cam/realmonitor?channel=2&subtype=0&password=secret',
         'nvr_cam_realmonitor_channel_2_subtype_0'),
        ('http://[fe80::1]:80/x', 'fe80_1_80_x'),
        ('rtsp://camera/' + 300 * 'x', 'camera_' + 93 * 'x'),
        ('videotestsrc ! appsink', 'videotestsrc_appsink'),
    ],
)  # fmt: skip
def test_every_stream_of_a_host_has_a_name_of_its_own(address: str, name: str) -> None:
    assert name_of(address) == name


@pytest.mark.parametrize(
    'text',
    ['0', '98', '/dev/video98', 'rtsp://camera/stream', 'a ! b', 'env:CAMERA', 'file:camera.txt'],
)
def test_devices_that_may_be_plugged_in_later_are_cameras(text: str) -> None:
    assert is_camera(text)


@pytest.mark.parametrize('text', ['hello', 'clip.mp4', '/nowhere/clip.mp4', '-1'])
def test_other_names_are_files(text: str) -> None:
    assert not is_camera(text)


def test_an_address_is_read_from_where_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('CAMERA', 'rtsp://a:secret@b/c')
    assert read_address('env:CAMERA') == 'rtsp://a:secret@b/c'
    (tmp_path / 'camera.txt').write_text('rtsp://a:secret@b/d\n')
    assert read_address(f'file:{tmp_path}/camera.txt') == 'rtsp://a:secret@b/d'
    assert read_address('0') == '0'
    monkeypatch.delenv('CAMERA')
    with pytest.raises(JtnError, match='env:CAMERA contains no address; put the address'):
        read_address('env:CAMERA')
    with pytest.raises(FileNotFoundError):
        read_address(f'file:{tmp_path}/nothing.txt')
