"""Messages that no driver should send, as strategies of Hypothesis."""

from array import array

from builtin_interfaces.msg import Time
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from jtn_ros.media.image_encoding import ENCODINGS

from nodes.scene import SECOND
from nodes.scene import START
from nodes.scene import message

small, sizes, bytes_ = st.integers(0, 48), st.integers(0, 8192), st.integers(0, 255)
stamps = st.builds(Time, sec=st.integers(-(2**31), 2**31 - 1), nanosec=st.integers(0, 2**32 - 1))
headers = st.builds(Header, stamp=stamps, frame_id=st.text(max_size=4))
raw_images = st.builds(
    Image,
    header=headers,
    width=st.one_of(small, st.sampled_from([2**16, 2**31, 2**32 - 1])),
    height=st.one_of(small, st.sampled_from([2**16, 2**31, 2**32 - 1])),
    step=st.one_of(st.integers(0, 200), st.sampled_from([2**31, 2**32 - 1])),
    # Names that are not known are left to cv_bridge, which is tested by itself.
    encoding=st.sampled_from(ENCODINGS),
    is_bigendian=st.integers(0, 255),
    data=st.builds(lambda size, fill: array('B', bytes([fill]) * size), sizes, bytes_),
)
compressed_images = st.builds(
    CompressedImage,
    header=headers,
    format=st.sampled_from(['', 'jpeg', 'png', 'bgr8; jpeg compressed bgr8', 'compressedDepth']),
    data=st.binary(max_size=64).map(lambda data: array('B', b'\xff\xd8\xff' + data)),
)
# Zero, past, repeated and future.
badly_stamped_images = st.builds(
    message,
    st.integers(0, 20),
    stamp_ns=st.sampled_from([0, 1, START - 50 * SECOND, START, START + 10**9 * SECOND]),
)


def _numbers(count: int) -> st.SearchStrategy[list[float]]:
    return st.lists(st.floats(), min_size=count, max_size=count)


camera_infos = st.builds(
    CameraInfo,
    header=headers,
    width=st.integers(0, 2**32 - 1),
    height=st.integers(0, 2**32 - 1),
    distortion_model=st.sampled_from(['', 'plumb_bob', 'equidistant', 'none of these']),
    d=st.lists(st.floats(), max_size=16),
    k=_numbers(9),
    r=_numbers(9),
    p=_numbers(12),
    binning_x=st.integers(0, 2**32 - 1),
)
