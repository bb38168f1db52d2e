"""Supported encodings give the stored pixels; all others give a clear error."""

import array
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import example
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.image_file import is_cut_off
from jtn_ros.media.image_encoding import ENCODINGS
from jtn_ros.media.image_encoding import decode_compressed_image
from jtn_ros.media.image_encoding import decode_image
from jtn_ros.media.intensity import IntensityRange

WIDTH, HEIGHT = 8, 6
# BT.601 with limited range: the eight corners of the color cube, as (Y, U, V) and (B, G, R).
COLOURS = {
    (16, 128, 128): (0, 0, 0),
    (235, 128, 128): (255, 255, 255),
    (81, 90, 240): (0, 0, 255),
    (145, 54, 34): (0, 255, 0),
    (41, 240, 110): (255, 0, 0),
}


def random_pixels(channels: int, dtype: type = np.uint8) -> np.ndarray:
    """Return a (HEIGHT, WIDTH, channels) image of random values."""
    high = np.iinfo(dtype).max + 1
    return np.random.default_rng(7).integers(0, high, (HEIGHT, WIDTH, channels), dtype=dtype)


def padded(rows: np.ndarray, padding: int) -> tuple[int, bytes]:
    """Return the step and the bytes of rows that are followed by padding of 0xAA."""
    flat = np.frombuffer(rows.tobytes(), np.uint8).reshape(len(rows), -1)
    wide = np.pad(flat, ((0, 0), (0, padding)), constant_values=0xAA)
    return wide.shape[1], wide.tobytes()


@pytest.mark.parametrize('padding', [0, 5])
@pytest.mark.parametrize(
    ('encoding', 'channels', 'order'),
    [
        ('bgr8', 3, (0, 1, 2)),
        ('8UC3', 3, (0, 1, 2)),
        ('rgb8', 3, (2, 1, 0)),
        ('bgra8', 4, (0, 1, 2)),
        ('8UC4', 4, (0, 1, 2)),
        ('rgba8', 4, (2, 1, 0)),
        ('mono8', 1, (0, 0, 0)),
        ('8UC1', 1, (0, 0, 0)),
    ],
)
def test_8_bit_pixels_are_kept(
    encoding: str, channels: int, order: tuple[int, int, int], padding: int
) -> None:
    pixels = random_pixels(channels)
    step, data = padded(pixels, padding)
    image = decode_image(encoding, WIDTH, HEIGHT, step, False, data)
    assert image.dtype == np.uint8
    np.testing.assert_array_equal(image, pixels[..., list(order)])


@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize(
    ('encoding', 'channels', 'order'),
    [
        ('bgr16', 3, (0, 1, 2)),
        ('rgb16', 3, (2, 1, 0)),
        ('bgra16', 4, (0, 1, 2)),
        ('rgba16', 4, (2, 1, 0)),
        ('mono16', 1, (0, 0, 0)),
    ],
)
def test_16_bit_pixels_are_stretched_from_a_range(
    encoding: str, channels: int, order: tuple[int, int, int], big_endian: bool
) -> None:
    pixels = random_pixels(channels, np.uint16)
    step, data = padded(pixels.astype('>u2' if big_endian else '<u2'), 6)
    whole = IntensityRange((0, 65535))
    image = decode_image(encoding, WIDTH, HEIGHT, step, big_endian, data, whole)
    np.testing.assert_allclose(image, (pixels / 257)[..., list(order)], atol=0.51)


@pytest.mark.parametrize('depth', [8, 16])
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_a_bayer_pattern_of_one_color_gives_that_color(pattern: str, depth: int) -> None:
    color = {'b': 30, 'g': 120, 'r': 210}
    tile = np.array([color[letter] for letter in pattern], np.uint16).reshape(2, 2)
    mosaic = np.tile(tile, (HEIGHT // 2, WIDTH // 2))
    mosaic = mosaic.astype(np.uint8) if depth == 8 else (mosaic << 8).astype('<u2')
    step, data = padded(mosaic, 4)
    whole = IntensityRange((0, 255 << 8))
    image = decode_image(f'bayer_{pattern}{depth}', WIDTH, HEIGHT, step, False, data, whole)
    np.testing.assert_array_equal(image, np.broadcast_to((30, 120, 210), (HEIGHT, WIDTH, 3)))


@pytest.mark.parametrize(
    ('encoding', 'order'),
    [('yuv422', 'uyvy'), ('uyvy', 'uyvy'), ('yuv422_yuy2', 'yuyv'), ('yuyv', 'yuyv')],
)
@pytest.mark.parametrize('yuv', COLOURS)
def test_packed_yuv_colors(encoding: str, order: str, yuv: tuple[int, int, int]) -> None:
    values = dict(zip('yuv', yuv, strict=True))
    row = np.array([values[letter] for letter in order] * (WIDTH // 2), np.uint8)
    step, data = padded(np.tile(row, (HEIGHT, 1)), 3)
    image = decode_image(encoding, WIDTH, HEIGHT, step, False, data)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - COLOURS[yuv]).max() <= 2


@pytest.mark.parametrize(('encoding', 'order'), [('nv12', 'uv'), ('nv21', 'vu')])
@pytest.mark.parametrize('yuv', COLOURS)
def test_planar_yuv_colors(encoding: str, order: str, yuv: tuple[int, int, int]) -> None:
    values = dict(zip('yuv', yuv, strict=True))
    luma = np.full((HEIGHT, WIDTH), values['y'], np.uint8)
    chroma = np.tile([values[letter] for letter in order], (HEIGHT // 2, WIDTH // 2))
    step, data = padded(np.vstack([luma, chroma]).astype(np.uint8), 8)
    image = decode_image(encoding, WIDTH, HEIGHT, step, False, data)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - COLOURS[yuv]).max() <= 2


@pytest.mark.parametrize('padding', [0, 8])
@pytest.mark.parametrize('yuv', COLOURS)
def test_i420_colors(yuv: tuple[int, int, int], padding: int) -> None:
    y, u, v = yuv
    step, luma = padded(np.full((HEIGHT, WIDTH), y, np.uint8), padding)
    planes = [
        padded(np.full((HEIGHT // 2, WIDTH // 2), c, np.uint8), padding // 2) for c in (u, v)
    ]
    assert all(2 * half == step for half, _ in planes)
    data = luma + planes[0][1] + planes[1][1]
    image = decode_image('i420', WIDTH, HEIGHT, step, False, data)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - COLOURS[yuv]).max() <= 2


@pytest.mark.parametrize('padding', [0, 8])
@pytest.mark.parametrize('yuv', COLOURS)
def test_nv24_colors(yuv: tuple[int, int, int], padding: int) -> None:
    y, u, v = yuv
    step, luma = padded(np.full((HEIGHT, WIDTH), y, np.uint8), padding)
    chroma = padded(np.tile(np.array([u, v], np.uint8), (HEIGHT, WIDTH)), 2 * padding)[1]
    image = decode_image('nv24', WIDTH, HEIGHT, step, False, luma + chroma)
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(image.astype(int) - COLOURS[yuv]).max() <= 2


def test_each_pixel_of_nv24_has_its_own_color() -> None:
    pixels = list(COLOURS)
    luma = np.array([[y for y, _, _ in pixels]] * 2, np.uint8)
    chroma = np.array([[c for _, u, v in pixels for c in (u, v)]] * 2, np.uint8)
    image = decode_image('nv24', 5, 2, 5, False, luma.tobytes() + chroma.tobytes())
    assert np.abs(image.astype(int) - [list(COLOURS.values())] * 2).max() <= 2


@pytest.mark.parametrize('big_endian', [False, True])
@pytest.mark.parametrize(
    ('encoding', 'kind'),
    [('16UC1', 'u2'), ('mono16', 'u2'), ('16SC1', 'i2'), ('32SC1', 'i4'), ('32FC1', 'f4'),
     ('64FC1', 'f8')],
)  # fmt: skip
def test_thermal_pixels_are_stretched(encoding: str, kind: str, big_endian: bool) -> None:
    ramp = np.tile(np.linspace(7000, 9000, WIDTH), (HEIGHT, 1))
    step, data = padded(ramp.astype(('>' if big_endian else '<') + kind), 16)
    image = decode_image(encoding, WIDTH, HEIGHT, step, big_endian, data)
    assert image.shape == (HEIGHT, WIDTH, 3)
    np.testing.assert_allclose(image[0, :, 1], np.linspace(0, 255, WIDTH), atol=8)
    fixed = decode_image(
        encoding, WIDTH, HEIGHT, step, big_endian, data, IntensityRange((0, 9000))
    )
    np.testing.assert_allclose(fixed[0, :, 1], ramp[0] / 9000 * 255, atol=1)


@pytest.mark.parametrize('padding', [0, 5])
def test_bgr8_is_a_view(padding: int) -> None:
    step, data = padded(random_pixels(3), padding)
    values = array.array('B', data)
    image = decode_image('bgr8', WIDTH, HEIGHT, step, False, values)
    values[1] = 99
    assert image[0, 0, 1] == 99


def test_padding_of_the_last_row_may_be_missing() -> None:
    pixels = random_pixels(3)
    step, data = padded(pixels, 5)
    image = decode_image('bgr8', WIDTH, HEIGHT, step, False, data[:-5])
    np.testing.assert_array_equal(image, pixels)
    with pytest.raises(ValueError, match='too few'):
        decode_image('bgr8', WIDTH, HEIGHT, step, False, data[:-6])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('32FC2', 8, 6, 64), "'32FC2' is not supported; publish one of bgr8"),
        (('', 8, 6, 24), "'' is not supported"),
        (('bgr8', 0, 6, 24), '0x6 pixels is empty'),
        (('bgr8', 8, -1, 24), '8x-1 pixels is empty'),
        (('bgr8', 8, 6, 23), 'step 23 is shorter than a row of 8 bgr8 pixels'),
        (('bgr8', 8, 6, 25), '144 bytes are too few'),
        (('yuyv', 7, 6, 16), 'yuyv stores color for pairs of pixels, so 7x6 is not'),
        (('nv12', 8, 5, 8), 'nv12 stores color for pairs of pixels, so 8x5 is not'),
        (('bayer_rggb8', 2, 6, 8), '2x6 pixels are too few'),
    ],
)
def test_contradicting_fields_are_named(
    arguments: tuple[str, int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        decode_image(*arguments, False, bytes(144))


@given(
    encoding=st.sampled_from(ENCODINGS),
    width=st.integers(-1, 20),
    height=st.integers(-1, 20),
    step=st.integers(-1, 200),
    is_bigendian=st.booleans(),
    data=st.binary(max_size=3000),
)
@example('bgr8', 1, 1, 3, False, b'abc')
@example('nv21', 2, 2, 2, False, b'abcdef')
@example('mono16', 1, 1, 2, True, b'ab')
def test_any_message_gives_an_image_or_a_value_error(
    encoding: str, width: int, height: int, step: int, is_bigendian: bool, data: bytes
) -> None:
    try:
        image = decode_image(encoding, width, height, step, is_bigendian, data)
    except ValueError:
        return
    assert image.shape == (height, width, 3)
    assert image.dtype == np.uint8
    assert int(image.sum()) >= 0  # reads every pixel: none lies outside the data


def test_compressed_png_is_lossless() -> None:
    pixels = random_pixels(3)
    data = cv2.imencode('.png', pixels)[1]
    np.testing.assert_array_equal(decode_compressed_image('bgr8; png compressed', data), pixels)


def test_compressed_jpeg_is_close() -> None:
    pixels = np.full((32, 48, 3), (40, 90, 200), np.uint8)
    data = cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    image = decode_compressed_image('jpeg', data)
    assert image.shape == pixels.shape
    assert np.abs(image.astype(int) - pixels).max() <= 3


def test_a_compressed_image_beyond_the_limits_of_opencv_is_refused() -> None:
    # An encoder writes the size into bytes 16 to 23; OpenCV looks there before it decodes.
    data = bytearray(cv2.imencode('.png', random_pixels(3))[1])
    data[16:24] = struct.pack('>II', 40_000, 30_000)
    data[29:33] = struct.pack('>I', zlib.crc32(data[12:29]))
    with pytest.raises(JtnError, match=r'cannot be decoded .*very large, scale it down'):
        decode_compressed_image('png', data)


@given(st.binary(max_size=300))
@example(b'')
@example(b'\xff\xd8\xff')
def test_compressed_noise_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match='are not an image that OpenCV can decode'):
        decode_compressed_image('jpeg', data)


@pytest.fixture(params=[0, 1], ids=['baseline', 'progressive'])
def jpeg(request: pytest.FixtureRequest) -> NDArray[np.uint8]:
    pixels = np.kron(random_pixels(3), np.ones((8, 8, 1), np.uint8))
    return cv2.imencode('.jpg', pixels, [cv2.IMWRITE_JPEG_PROGRESSIVE, request.param])[1]


@pytest.mark.parametrize('share', [0.4, 0.7, 0.999])
def test_a_truncated_jpeg_is_a_value_error(jpeg: NDArray[np.uint8], share: float) -> None:
    with pytest.raises(ValueError, match='are not an image'):
        decode_compressed_image('jpeg', jpeg[: int(share * len(jpeg))])


def test_the_end_of_a_jpeg_is_found_by_itself(jpeg: NDArray[np.uint8]) -> None:
    # OpenCV 4.14 rejects truncated images, 4.6 and 4.10 do not; all versions must give an error.
    thumbnail = b'\xff\xe1' + (4 + len(jpeg)).to_bytes(2) + b'\0\0' + jpeg.tobytes()
    content = jpeg.tobytes()[:2] + thumbnail + jpeg.tobytes()[2:]
    for whole in (jpeg.tobytes(), content, content + b'\0' * 5, content + b'\xff\xda of a video'):
        assert not is_cut_off(np.frombuffer(whole, np.uint8))
    starts = np.linspace(len(content) - len(jpeg) + 700, len(content) - 1, 50).astype(int)
    for length in starts.tolist():
        assert is_cut_off(np.frombuffer(content[:length], np.uint8))
    for other in (b'', b'\xff\xd8', b'\xff\xd8\xff\xe1\0\0', b'\x89PNG'):
        assert not is_cut_off(np.frombuffer(other, np.uint8))


@pytest.mark.parametrize('depth', [8, 16])
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_a_mosaic_that_was_compressed_as_gray_gets_its_color(pattern: str, depth: int) -> None:
    color = {'b': 30, 'g': 120, 'r': 210}
    tile = np.array([color[letter] for letter in pattern]).reshape(2, 2)
    mosaic = np.tile(tile, (8, 8)) << (depth - 8)
    data = cv2.imencode('.png', mosaic.astype(f'u{depth // 8}'))[1]
    format_ = f'bayer_{pattern}{depth}; png compressed '
    image = decode_compressed_image(format_, data, IntensityRange((0, 255 << (depth - 8))))
    np.testing.assert_array_equal(image, np.broadcast_to((30, 120, 210), (16, 16, 3)))


def test_a_mosaic_that_was_compressed_in_color_keeps_it() -> None:
    pixels = np.full((16, 16, 3), (40, 90, 200), np.uint8)
    data = cv2.imencode('.png', pixels)[1]
    image = decode_compressed_image('bayer_rggb8; png compressed bgr8', data)
    np.testing.assert_array_equal(image, pixels)


def test_a_compressed_thermal_image_is_stretched() -> None:
    ramp = np.tile(np.linspace(7000, 9000, 80), (60, 1)).astype(np.uint16)
    image = decode_compressed_image('16UC1; png compressed ', cv2.imencode('.png', ramp)[1])
    np.testing.assert_allclose(image[0, :, 2], np.linspace(0, 255, 80), atol=3)


@pytest.mark.parametrize('channels', [1, 4])
def test_compressed_gray_and_alpha(channels: int) -> None:
    pixels = random_pixels(channels)
    image = decode_compressed_image('png', cv2.imencode('.png', pixels)[1])
    np.testing.assert_array_equal(image, np.broadcast_to(pixels[..., :3], (HEIGHT, WIDTH, 3)))


@pytest.mark.parametrize(
    'format_', ['h264', 'H265', 'video/hevc', 'av1', 'h264;yuv420p;bgr8', 'bgr8; h264']
)
def test_a_video_format_is_rejected_as_a_compressed_image(format_: str) -> None:
    with pytest.raises(ValueError, match='is a video, whose images depend on earlier ones'):
        decode_compressed_image(format_, b'abc')


def test_a_depth_map_is_refused() -> None:
    with pytest.raises(ValueError, match='is a depth map; choose a color image topic'):
        decode_compressed_image('16UC1; compressedDepth', b'')
