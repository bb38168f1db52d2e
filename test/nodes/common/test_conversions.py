from array import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.media.image_encoding import ENCODINGS
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import image_to_array
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.common.conversions import stamp_to_ns

HEADER = Header(stamp=Time(sec=12, nanosec=345_678_901), frame_id='camera')


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)


def test_stamps_keep_every_nanosecond() -> None:
    assert stamp_to_ns(HEADER.stamp) == 12_345_678_901
    assert ns_to_stamp(12_345_678_901) == HEADER.stamp
    assert stamp_to_ns(ns_to_stamp(1_753_000_000_123_456_789)) == 1_753_000_000_123_456_789


@pytest.mark.parametrize('stamp_ns', [-1, 2**31 * 1_000_000_000])
def test_times_outside_a_stamp_are_refused(stamp_ns: int) -> None:
    with pytest.raises(ValueError, match='outside the range of a ROS stamp'):
        ns_to_stamp(stamp_ns)


def test_image_survives_the_message(image: np.ndarray) -> None:
    message = array_to_image(image, HEADER)
    assert (message.height, message.width, message.step) == (48, 64, 192)
    assert (message.encoding, message.header) == ('bgr8', HEADER)
    np.testing.assert_array_equal(image_to_array(message), image)


def test_bgr8_is_not_copied(image: np.ndarray) -> None:
    message = array_to_image(image, HEADER)
    assert np.shares_memory(image_to_array(message), np.frombuffer(message.data, np.uint8))


def test_slices_are_converted(image: np.ndarray) -> None:
    np.testing.assert_array_equal(
        image_to_array(array_to_image(image[::2, ::-1], HEADER)), image[::2, ::-1]
    )


@pytest.mark.parametrize(
    'wrong', [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3))]
)
def test_other_arrays_are_refused(wrong: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r'expected uint8 \(height, width, 3\)'):
        array_to_image(wrong, HEADER)


def test_padding_and_channel_order_are_honored(image: np.ndarray) -> None:
    padded = np.full((48, 200), 255, np.uint8)
    padded[:, :192] = image[..., ::-1].reshape(48, 192)
    message = Image(
        height=48, width=64, step=200, encoding='rgb8', data=array('B', padded.tobytes())
    )
    np.testing.assert_array_equal(image_to_array(message), image)


@settings(max_examples=300, deadline=None)
@given(
    encoding=st.one_of(st.sampled_from(ENCODINGS), st.text(max_size=12)),
    width=st.integers(0, 40),
    height=st.integers(0, 40),
    step=st.one_of(st.integers(0, 400), st.just(2**32 - 1)),
    is_bigendian=st.integers(0, 255),
    data=st.binary(max_size=3000),
)
def test_any_message_is_decoded_or_refused_with_a_value_error(
    encoding: str, width: int, height: int, step: int, is_bigendian: int, data: bytes
) -> None:
    message = Image(
        height=height,
        width=width,
        step=step,
        encoding=encoding,
        is_bigendian=is_bigendian,
        data=array('B', data),
    )
    try:
        decoded = image_to_array(message)
    except ValueError:
        return
    assert decoded.shape == (height, width, 3)
    assert decoded.dtype == np.uint8
