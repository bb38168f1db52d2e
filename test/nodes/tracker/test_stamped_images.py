"""Depth images find the image of their time, and hostile stamps do no harm."""

import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.errors import JtnError
from jtn_ros.nodes.tracker.stamped_images import StampedImages


def depth(sec: int, nanosec: int = 0) -> Image:
    return Image(header=Header(stamp=Time(sec=sec, nanosec=nanosec)))


def test_a_depth_image_with_a_negative_stamp_is_skipped() -> None:
    buffer = StampedImages('depth image', 'the image', 0.05, 0.0, 'Wait')
    buffer.add(depth(-1))
    buffer.add(good := depth(7))
    assert buffer.at(Time(sec=7, nanosec=40_000_000)) is good


def test_an_image_before_time_zero_has_no_depth() -> None:
    buffer = StampedImages('depth image', 'the image', 0.05, 0.0, 'Wait')
    buffer.add(depth(0))
    with pytest.raises(JtnError, match=r'negative \(-1 s\)'):
        buffer.at(Time(sec=-1))


def test_images_and_depth_without_stamps_find_each_other() -> None:
    buffer = StampedImages('depth image', 'the image', 0.05, 0.0, 'Wait')
    buffer.add(only := depth(0))
    assert buffer.at(Time()) is only
