"""Video that OpenCV reads incorrectly: interlaced, damaged, or in the messages of a bag."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from jtn_ros.media import open_frames
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.message_types import message_types

WIDTH, HEIGHT, RATE = 160, 96, 25
T0 = 1_700_000_000_000_000_000
PERIOD = 10**9 // RATE
CODECS = {
    'H.264': ('libx264', 'mp4', {'x264-params': 'tff=1:bframes=0'}),
    'H.264 in MPEG-TS': ('libx264', 'ts', {'x264-params': 'bff=1:bframes=2'}),
    'MPEG-2': ('mpeg2video', 'mpg', {'flags': '+ildct+ilme'}),
}


def picture(time: float) -> np.ndarray:
    """Return a white bar on gray ground that moves by 4 pixels a frame."""
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    left = round(8 + 4 * time)
    image[:, left : left + 24] = 250
    return image


def woven(index: int) -> np.ndarray:
    """Return a frame of two fields, the lower half a period later."""
    image = picture(index)
    image[1::2] = picture(index + 0.5)[1::2]
    return image


def encode(images: list[np.ndarray], path: Path, codec: str, options: dict[str, str]) -> Path:
    """Write a video."""
    with av.open(str(path), 'w') as container:
        stream = container.add_stream(codec, rate=RATE, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
        stream.bit_rate = 4_000_000
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format='bgr24')
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def packets(count: int = 12, codec: str = 'libx264') -> list[bytes]:
    """Return the packets of a video, as encoders on robots make them: no frame waits."""
    context = av.CodecContext.create(codec, 'w')
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = WIDTH, HEIGHT, 'yuv420p'
    context.time_base, context.framerate = Fraction(1, RATE), Fraction(RATE)
    context.gop_size = 6
    context.options = {'tune': 'zerolatency'} if codec.startswith('libx26') else {}
    found = []
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(picture(index), format='bgr24')
        frame.pts = index
        found += [bytes(packet) for packet in context.encode(frame)]
    found += [bytes(packet) for packet in context.encode(None)]
    assert len(found) == count
    return found


def distance(image: np.ndarray, time: float) -> float:
    """Return the mean difference to the picture of a time."""
    assert image.shape == (HEIGHT, WIDTH, 3)
    return float(np.abs(image.astype(int) - picture(time)).mean())


def roughness(image: np.ndarray) -> float:
    """Return the mean difference between rows."""
    return float(np.abs(np.diff(image[8:-8, :, 1].astype(int), axis=0)).mean())


def assert_shows(image: np.ndarray, time: float) -> None:
    """Expect the image of a time, within the loss of codecs."""
    assert distance(image, time) < 5


@pytest.mark.parametrize('kind', CODECS)
def test_interlaced_video_is_deinterlaced(tmp_path: Path, kind: str) -> None:
    codec, suffix, options = CODECS[kind]
    path = encode([woven(i) for i in range(20)], tmp_path / f'tv.{suffix}', codec, options)
    with open_frames(path) as source:
        frames = list(source)
        assert source.broken == 0
        part = [frame.index for frame in source.read(5, 8)]
    assert [frame.index for frame in frames] == list(range(20))
    assert part == [5, 6, 7]
    stamps = [frame.stamp_ns - frames[0].stamp_ns for frame in frames]
    np.testing.assert_allclose(stamps, np.arange(20) * PERIOD, atol=1e6)
    for frame in frames:
        # The encoder says which field comes first, and that one is kept.
        assert min(distance(frame.image, frame.index + half) for half in (0, 0.5)) < 5
        # The edges of the bar are one line, not a comb of two.
        assert roughness(frame.image) < 0.1 * roughness(woven(frame.index))


def test_progressive_video_is_not_deinterlaced(tmp_path: Path) -> None:
    path = encode([picture(i) for i in range(20)], tmp_path / 'clip.mp4', 'libx264', {})
    with open_frames(path) as source:
        assert (source.frame_rate, source.length) == (RATE, 20)
        frames = list(source)
    assert [frame.stamp_ns for frame in frames] == [i * PERIOD for i in range(20)]
    for frame in frames:
        assert_shows(frame.image, frame.index)


def test_a_video_that_is_turned_is_shown_upright(tmp_path: Path) -> None:
    path = encode([picture(i) for i in range(3)], tmp_path / 'clip.mp4', 'libx264', {})
    data = path.read_bytes()
    # The matrix in the track header: a quarter clockwise, as phones that are held upright say.
    upright = b''.join(v.to_bytes(4, 'big') for v in (65536, 0, 0, 0, 65536, 0, 0, 0, 2**30))
    turned = b''.join(
        (v % 2**32).to_bytes(4, 'big') for v in (0, 65536, 0, -65536, 0, 0, HEIGHT << 16, 0, 2**30)
    )
    start = data.index(b'tkhd')
    path.write_bytes(data[:start] + data[start:].replace(upright, turned, 1))
    with open_frames(path) as source:
        assert (source.width, source.height) == (HEIGHT, WIDTH)
        (frame, *_) = source
    assert np.abs(frame.image.astype(int) - np.rot90(picture(0), -1)).mean() < 5


@pytest.mark.parametrize('limits', [None, (7000, 9000)])
def test_a_video_of_14_bits_is_not_black(tmp_path: Path, limits: tuple[int, int] | None) -> None:
    ramp = np.tile(np.linspace(7000, 9000, WIDTH), (HEIGHT, 1)).astype(np.uint16)
    path = tmp_path / 'thermal.mkv'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('ffv1', rate=RATE)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, 'gray16le'
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(ramp, format='gray16le')
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with open_frames(path, intensity_range=limits) as source:
        images = [frame.image for frame in source]
    assert len(images) == 3
    for image in images:
        np.testing.assert_allclose(image[0, :, 1], np.linspace(0, 255, WIDTH), atol=3)


def test_damaged_frames_are_counted_not_shown(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = encode(
        [picture(i) for i in range(20)], tmp_path / 'clip.mp4', 'libx264', {'g': '5', 'bf': '0'}
    )
    data = bytearray(path.read_bytes())
    start = data.index(b'mdat')
    middle = start + int.from_bytes(data[start - 4 : start], 'big') // 2
    data[middle : middle + 200] = bytes(200)
    path.write_bytes(data)
    with open_frames(path) as source:
        frames = list(source)
    assert source.broken > 0
    assert len(frames) + source.broken == 20
    for frame in [frames[0], *frames[-5:]]:  # before the damage, and from the last key frame on
        assert_shows(frame.image, frame.index)
    assert 'is skipped: ' in caplog.text


def bag_of_video(path: Path, type_name: str, format_: str, data: list[bytes]) -> Path:
    """Write a bag with a packet in each message."""
    types = message_types().types
    with BagWriter(path) as bag:
        for index, packet in enumerate(data):
            stamp = types['builtin_interfaces/msg/Time'](*divmod(T0 + index * PERIOD, 10**9))
            header = types['std_msgs/msg/Header'](stamp, 'lens')
            values = np.frombuffer(packet, np.uint8)
            fields: dict[str, tuple[Any, ...]] = {
                'sensor_msgs/msg/CompressedImage': (header, format_, values),
                'foxglove_msgs/msg/CompressedVideo': (stamp, 'lens', values, format_),
                'foxglove_msgs/msg/CompressedImage': (stamp, 'lens', values, format_),
                'ffmpeg_image_transport_msgs/msg/FFMPEGPacket': (
                    header,
                    WIDTH,
                    HEIGHT,
                    format_,
                    index,
                    0,
                    False,
                    values,
                ),
            }
            data_ = message_types().serialize_cdr(types[type_name](*fields[type_name]), type_name)
            bag.write('/cam', type_name, T0 + index * PERIOD + 5_000_000, data_)
    return path


@pytest.mark.parametrize(
    ('type_name', 'format_', 'codec'),
    [
        ('sensor_msgs/msg/CompressedImage', 'h264', 'libx264'),
        ('foxglove_msgs/msg/CompressedVideo', 'h264', 'libx264'),
        ('foxglove_msgs/msg/CompressedVideo', 'h265', 'libx265'),
        ('foxglove_msgs/msg/CompressedVideo', 'vp9', 'libvpx-vp9'),
        ('ffmpeg_image_transport_msgs/msg/FFMPEGPacket', 'libx264', 'libx264'),
        ('ffmpeg_image_transport_msgs/msg/FFMPEGPacket', 'hevc_nvenc;yuv420p;bgr8', 'libx265'),
    ],
)
def test_the_video_in_a_bag_is_decoded(
    tmp_path: Path, type_name: str, format_: str, codec: str
) -> None:
    path = bag_of_video(tmp_path / 'bag', type_name, format_, packets(codec=codec))
    with open_frames(path) as source:
        assert (source.width, source.height, source.length) == (WIDTH, HEIGHT, 12)
        assert source.frame_rate == pytest.approx(RATE)
        frames = list(source)
        part = list(source.read(4, 9))
        assert source.broken == 0
    assert [frame.index for frame in frames] == list(range(12))
    assert [frame.stamp_ns for frame in frames] == [T0 + i * PERIOD for i in range(12)]
    for frame in frames:
        assert_shows(frame.image, frame.index)
    assert [frame.index for frame in part] == [4, 5, 6, 7, 8]
    np.testing.assert_array_equal(part[0].image, frames[4].image)


def test_a_video_is_shown_from_its_first_key_frame(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = packets(12)[2:]  # key frames are 0 and 6
    path = bag_of_video(tmp_path / 'bag', 'sensor_msgs/msg/CompressedImage', 'h264', data)
    with open_frames(path) as source:
        frames = list(source)
        assert source.broken == 4
    assert [frame.index for frame in frames] == [4, 5, 6, 7, 8, 9]
    for frame in frames:
        assert_shows(frame.image, frame.index + 2)
    assert 'frame 1 is skipped: the video is damaged, or has no key frame before it' in caplog.text


def test_a_video_without_a_key_frame_has_no_readable_image(tmp_path: Path) -> None:
    path = bag_of_video(
        tmp_path / 'bag', 'foxglove_msgs/msg/CompressedVideo', 'h264', packets(6)[1:]
    )
    with pytest.raises(ValueError, match='no message of /cam is a readable image: the video is'):
        open_frames(path)


def test_foxglove_images_are_images(tmp_path: Path) -> None:
    data = [cv2.imencode('.png', picture(i))[1].tobytes() for i in range(3)]
    path = bag_of_video(tmp_path / 'bag', 'foxglove_msgs/msg/CompressedImage', 'png', data)
    kind = 'foxglove_msgs/msg/RawImage'
    types = message_types().types
    with BagReader(path) as old, BagWriter(tmp_path / 'both') as bag:
        for index, recorded in enumerate(old.messages()):
            bag.copy(recorded)
            stamp = types['builtin_interfaces/msg/Time'](*divmod(T0 + index * PERIOD, 10**9))
            message = types[kind](
                stamp,
                'lens',
                WIDTH,
                HEIGHT,
                'rgb8',
                3 * WIDTH,
                np.ascontiguousarray(picture(index)[..., ::-1]).reshape(-1),
            )
            bag.write(
                '/raw', kind, recorded.received_ns, message_types().serialize_cdr(message, kind)
            )
    for topic in ('/cam', '/raw'):
        with open_frames(tmp_path / 'both', topic=topic) as source:
            frames = list(source)
        assert [frame.stamp_ns for frame in frames] == [T0 + i * PERIOD for i in range(3)]
        for frame in frames:
            np.testing.assert_array_equal(frame.image, picture(frame.index))
