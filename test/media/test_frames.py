"""Videos, image folders and sequences: every frame, its index and its stamp."""

import os
import re
import struct
import zlib
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.errors import JtnError
from jtn_ros.errors import UsageError
from jtn_ros.files import what_came_instead
from jtn_ros.media import open_frames
from jtn_ros.media.frames import REPORTED_FRAMES

from places import SHARED

WIDTH, HEIGHT = 64, 48
SHARED_DATA = SHARED / 'data'


def picture(index: int) -> np.ndarray:
    """Return an image that no other index has."""
    return np.random.default_rng(index).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def write_video(path: Path, frames: int = 6, rate: float = 12.5) -> Path:
    """Write a lossless video of `picture`."""
    writer = cv2.VideoWriter(
        str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*'FFV1'), rate, (WIDTH, HEIGHT)
    )
    for index in range(frames):
        writer.write(picture(index))
    writer.release()
    return path


def write_images(folder: Path, names: list[str]) -> Path:
    """Write `picture` of 0, 1, ... under these names."""
    folder.mkdir(parents=True)
    for index, name in enumerate(names):
        assert cv2.imwrite(str(folder / name), picture(index))
    return folder


def write_sequence(folder: Path, names: list[str], rate: float = 7) -> Path:
    """Write a MOTChallenge sequence."""
    write_images(folder / 'img1', names)
    write_sequence_info(
        folder,
        SequenceInfo(
            name='Walk-1',
            frame_rate=rate,
            length=len(names) or 6,
            width=WIDTH,
            height=HEIGHT,
            image_extension='.png',
        ),
    )
    return folder


def write_huge_png(path: Path) -> None:
    """Write a PNG of a few bytes that announces 40000x30000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack('>I', len(data)) + body + struct.pack('>I', zlib.crc32(body))

    header = struct.pack('>IIBBBBB', 40_000, 30_000, 8, 0, 0, 0, 0)
    pixels = chunk(b'IDAT', zlib.compress(bytes(1000)))
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + pixels + chunk(b'IEND', b''))


@pytest.mark.parametrize('extension', ['avi', 'mkv'])
def test_a_lossless_video_is_read_byte_for_byte(tmp_path: Path, extension: str) -> None:
    with open_frames(write_video(tmp_path / f'walk.{extension}')) as source:
        assert (source.name, source.width, source.height) == ('walk', WIDTH, HEIGHT)
        assert (source.frame_rate, source.length) == (12.5, 6)
        frames = list(source)
    assert [frame.index for frame in frames] == list(range(6))
    assert [frame.stamp_ns for frame in frames] == [i * 80_000_000 for i in range(6)]
    for frame in frames:
        np.testing.assert_array_equal(frame.image, picture(frame.index))


def test_a_video_can_be_read_in_part_and_again(tmp_path: Path) -> None:
    with open_frames(write_video(tmp_path / 'walk.avi')) as source:
        assert [f.index for f in source.read(2, 4)] == [2, 3]
        (last,) = source.read(5)
        assert len(list(source)) == 6
    assert last.stamp_ns == 400_000_000
    np.testing.assert_array_equal(last.image, picture(5))


def test_a_frame_rate_replaces_the_times_of_a_video(tmp_path: Path) -> None:
    with open_frames(write_video(tmp_path / 'walk.avi'), frame_rate=100) as source:
        assert [f.stamp_ns for f in source.read(0, 3)] == [0, 10_000_000, 20_000_000]


def test_a_truncated_video_says_where_it_ends(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_video(tmp_path / 'walk.avi', frames=20)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with open_frames(path) as source:
        frames = list(source)
    assert 5 <= len(frames) <= 11
    np.testing.assert_array_equal(frames[4].image, picture(4))
    assert (
        f'ends after {len(frames) + source.broken} frames, but its header states 20' in caplog.text
    )


def test_a_complete_video_of_variable_rate_is_not_truncated(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A frame every 80 ms in a file that says one lasts 40 ms, so that twice as many fit."""
    path = write_video(tmp_path / 'walk.mkv', frames=20)
    data, duration = path.read_bytes(), b'\x23\xe3\x83\x84'  # DefaultDuration, of four bytes
    assert data.count(duration) == 1
    start = data.index(duration) + 4
    assert int.from_bytes(data[start : start + 4]) == 80_000_000
    data = data[:start] + (40_000_000).to_bytes(4) + data[start + 4 :]
    path.write_bytes(data)
    with open_frames(path) as source:
        assert source.length == 40
        frames = list(source)
    assert [frame.stamp_ns for frame in frames] == [i * 80_000_000 for i in range(20)]
    assert caplog.text == ''
    path.write_bytes(data[: len(data) // 2])
    with open_frames(path) as source:
        frames = list(source)
    assert f'ends after {len(frames)} frames, but its header states 40' in caplog.text


@settings(max_examples=15, deadline=None)
@given(data=st.binary(max_size=500))
@example(data=b'\xff\xd8')
def test_noise_is_not_a_video(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp('noise') / 'noise.mp4'
    path.write_bytes(data)
    # Noise may look like what a download brings instead of a video, or begin like a JPEG file.
    reason = what_came_instead(path) or 'not a video that FFmpeg can read'
    expected = re.escape(f'{path} is {reason}')
    if data.startswith(b'\xff\xd8'):
        expected += '|' + re.escape(f'{path} contains no frame that can be decoded')
    with pytest.raises(JtnError, match=expected):
        open_frames(path)


def test_images_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    folder = write_images(tmp_path / 'shots', ['a1.png', 'a2.png', 'a10.png'])
    (folder / 'notes.txt').write_text('not an image')
    with open_frames(folder) as source:
        assert (source.name, source.width, source.height) == ('shots', WIDTH, HEIGHT)
        assert (source.frame_rate, source.length) == (30, 3)
        frames = list(source)
    assert [frame.stamp_ns for frame in frames] == [0, 33_333_333, 66_666_667]
    for frame in frames:
        np.testing.assert_array_equal(frame.image, picture(frame.index))


def test_a_broken_image_is_reported_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_images(tmp_path / 'shots', ['1.png', '2.png', '3.png', '4.png'])
    (folder / '2.png').write_bytes(b'')
    (folder / '3.png').write_bytes((folder / '4.png').read_bytes()[:40])
    with open_frames(folder, frame_rate=10) as source:
        frames = list(source)
        assert source.broken == 2
    assert [(frame.index, frame.stamp_ns) for frame in frames] == [(0, 0), (3, 300_000_000)]
    assert 'shots: frame 2 is skipped: 2.png cannot be decoded' in caplog.text


@pytest.mark.parametrize(
    ('suffix', 'kind'), [('png', np.uint16), ('tiff', np.uint16), ('tiff', np.float32)]
)
@pytest.mark.parametrize('limits', [None, (7000, 9000)])
def test_images_of_more_than_8_bits_are_not_black(
    tmp_path: Path, suffix: str, kind: type[np.generic], limits: tuple[int, int] | None
) -> None:
    folder = tmp_path / 'thermal'
    folder.mkdir()
    ramp = np.tile(np.linspace(7000, 9000, WIDTH), (HEIGHT, 1)).astype(kind)
    for number in range(3):
        assert cv2.imwrite(str(folder / f'{number}.{suffix}'), ramp)
    with open_frames(folder, intensity_range=limits) as source:
        images = [frame.image for frame in source]
    assert len(images) == 3
    for image in images:
        np.testing.assert_allclose(image[0, :, 1], np.linspace(0, 255, WIDTH), atol=3)


def test_an_image_beyond_the_limits_of_opencv_is_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_images(tmp_path / 'shots', ['1.png', '2.png'])
    write_huge_png(folder / '1.png')
    with open_frames(folder) as source:
        assert [frame.index for frame in source] == [1]
    assert 'frame 1 is skipped: 1.png cannot be decoded (pixels' in caplog.text
    assert 'if it is very large, scale it down' in caplog.text
    (folder / '2.png').unlink()
    with pytest.raises(JtnError, match=r'none of the 1 images can be read: 1\.png cannot'):
        open_frames(folder)


def test_a_sequence_says_which_images_it_lacks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sequence = write_sequence(tmp_path / 'walk', ['000001.png', '000003.png', '000009.png'])
    with open_frames(sequence) as source:
        assert [frame.index for frame in source] == [0, 2, 8]
    assert 'walk/img1: no image of the frames 2\n' in caplog.text
    assert 'images of the frames 9; the sequence has 3 frames' in caplog.text


def test_only_a_bag_has_topics(tmp_path: Path) -> None:
    folder = write_images(tmp_path / 'shots', ['1.png'])
    with pytest.raises(JtnError, match="shots is not a bag and has no topic '/image'; remove"):
        open_frames(folder, topic='/image')


@pytest.mark.parametrize('place', ['folder', 'video', 'sequence'])
def test_a_name_that_is_not_utf8_is_refused(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = Path(os.fsdecode(bytes(tmp_path) + b'/k\xe9vin'))
    if place == 'video':
        path = write_video(tmp_path / 'walk.avi').rename(odd.with_suffix('.avi'))
    elif place == 'sequence':
        path = write_sequence(tmp_path / 'walk', [])
        write_video(tmp_path / 'walk.avi').rename(path / f'{odd.name}.avi')
    else:
        write_images(tmp_path / 'walk', ['1.png']).rename(odd)
        monkeypatch.chdir(odd)
        path = Path()
    with pytest.raises(UsageError, match=r'vin.* is not UTF-8; rename the file or folder'):
        open_frames(path)


def test_a_sequence_has_its_rate_and_numbers(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'x', ['000001.png', '000002.png', '000005.png'])
    with open_frames(folder) as source:
        assert (source.name, source.frame_rate, source.length) == ('x', 7, 5)
        frames = list(source)
    assert [frame.index for frame in frames] == [0, 1, 4]
    assert frames[2].stamp_ns == 571_428_571
    np.testing.assert_array_equal(frames[2].image, picture(2))


def test_a_sequence_may_hold_a_video(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'x', [])
    (folder / 'img1').rmdir()
    write_video(folder / 'clip.avi')
    with open_frames(folder) as source:
        assert (source.name, source.frame_rate, source.length) == ('x', 7, 6)
        assert [f.stamp_ns for f in source.read(0, 2)] == [0, 142_857_143]


def test_a_real_sequence_with_a_video() -> None:
    if not (SHARED_DATA / 'TUD-Campus').is_dir():
        pytest.skip('shared/data/TUD-Campus is not here')
    with open_frames(SHARED_DATA / 'TUD-Campus') as source:
        frames = list(source)
    assert len(frames) == source.length == 71
    assert frames[70].stamp_ns == 70 * 40_000_000
    assert frames[70].image.shape == (480, 640, 3)


def test_a_single_image_is_a_recording_of_one_frame(tmp_path: Path) -> None:
    image = np.full((8, 16, 3), (10, 20, 30), np.uint8)
    cv2.imwrite(str(tmp_path / 'photo.png'), image)
    cv2.imwrite(str(tmp_path / 'other.png'), image)
    with open_frames(tmp_path / 'photo.png') as source:
        (frame,) = source
    assert (source.name, source.length, frame.index, frame.stamp_ns) == ('photo', 1, 0, 0)
    np.testing.assert_array_equal(frame.image, image)


@pytest.mark.parametrize('name', ['walk', 'walk.gif', 'walk.nut'])
def test_a_video_is_recognized_by_its_content(tmp_path: Path, name: str) -> None:
    gif = tmp_path / 'made.gif'
    with av.open(str(gif), 'w') as container:
        stream = container.add_stream('gif', rate=10)
        stream.width, stream.height, stream.pix_fmt = 32, 16, 'rgb8'
        for gray in (0, 120, 240):
            pixels = np.full((16, 32, 3), gray, np.uint8)
            picture = av.VideoFrame.from_ndarray(pixels, 'rgb24').reformat(format='rgb8')
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    gif.rename(tmp_path / name)
    with open_frames(tmp_path / name) as source:
        frames = list(source)
    assert source.name == 'walk'
    assert [frame.stamp_ns for frame in frames] == [0, 100_000_000, 200_000_000]
    for frame, gray in zip(frames, (0, 120, 240), strict=True):
        assert abs(frame.image.mean() - gray) < 10  # dithered with 256 colors


def test_videos_beside_images_are_named_as_they_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / 'note.txt').write_text('x')
    with open_frames(tmp_path) as source:
        assert source.length == 1
    assert caplog.text == ''
    (tmp_path / 'walk.mp4').write_bytes(b'0')
    (tmp_path / 'north' / 'day').mkdir(parents=True)
    (tmp_path / 'north' / 'day' / 'drive.mcap').write_bytes(b'0')
    (tmp_path / 'results').mkdir()
    for name in ('a.jsonl', 'a.webm'):
        (tmp_path / 'results' / name).write_bytes(b'0')
    with open_frames(tmp_path) as source:
        assert source.length == 1
    assert 'only the images in it are tracked, not north, walk.mp4; specify these' in caplog.text


def test_of_many_broken_images_the_first_ones_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cv2.imwrite(str(tmp_path / '000.png'), np.zeros((8, 8, 3), np.uint8))
    for number in range(1, REPORTED_FRAMES + 5):
        (tmp_path / f'{number:03}.png').write_bytes(b'nothing')
    with open_frames(tmp_path) as source:
        assert len(list(source)) == 1
    assert source.broken == REPORTED_FRAMES + 4
    assert caplog.text.count('is skipped') == REPORTED_FRAMES
    assert caplog.text.count('further ones are only counted') == 1


def test_inputs_that_cannot_be_opened_are_reported(tmp_path: Path) -> None:
    with pytest.raises(JtnError, match=r'walk.mp4 does not exist; specify a video'):
        open_frames(tmp_path / 'walk.mp4')
    (tmp_path / 'walk.txt').write_text('hello')
    with pytest.raises(ValueError, match=r'walk.txt is neither a video that FFmpeg can read nor'):
        open_frames(tmp_path / 'walk.txt')
    (tmp_path / 'empty').mkdir()
    with pytest.raises(ValueError, match='empty contains no images'):
        open_frames(tmp_path / 'empty')
    with pytest.raises(JtnError, match='camera 98 does not open: there is no /dev/video98'):
        open_frames('98')
    with pytest.raises(JtnError, match=r'camera rtsp://127.0.0.1:9/x does not open'):
        open_frames('rtsp://127.0.0.1:9/x')
    with pytest.raises(ValueError, match='frame rate -1 is not positive'):
        open_frames(tmp_path / 'empty', frame_rate=-1)
    folder = write_sequence(tmp_path / 'x', ['000001.png', 'front.png'])
    with pytest.raises(
        ValueError, match=r'front.png: images of a MOTChallenge sequence are named'
    ):
        open_frames(folder)


@pytest.mark.parametrize('name', ['walk.mp4', 'walk.mcap'])
def test_a_pointer_instead_of_a_recording_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b'version https://git-lfs.github.com/spec/v1\noid sha256:0d\nsize 9\n')
    with pytest.raises(JtnError, match=rf'{name} is a pointer of Git LFS; .*: git lfs pull$'):
        open_frames(path)
