"""The blocks of `nodes.scene` in space: the inputs for their location, and their positions."""

from array import array
from typing import Any

import numpy as np
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.tracker.locator import SpatialLocator

from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import BLOCKS
from nodes.scene import PERIOD
from nodes.scene import SIZE
from nodes.scene import START
from nodes.scene import message
from nodes.scene import middles

FOCAL = 300.0
CENTER = (159.5, 95.5)
K = [FOCAL, 0.0, CENTER[0], 0.0, FOCAL, CENTER[1], 0.0, 0.0, 1.0]
DEPTHS = (4.0, 6.0)
APPROACH = -1.5  # m/s, of the first block
# From the optical frame to one with x forward, y to the left and z up.
UPRIGHT = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
UPRIGHT_QUATERNION = (-0.5, 0.5, -0.5, 0.5)


def depth_of(number: int) -> tuple[float, float]:
    return DEPTHS[0] + APPROACH * number * PERIOD / 1e9, DEPTHS[1]


def depth_message(number: int, encoding: str = '32FC1') -> Image:
    """Return the depth of a frame: the blocks, with holes, before a wall at 9 m."""
    depth = np.full((192, 320), 9.0)
    for (corner, step), distance in zip(BLOCKS, depth_of(number), strict=True):
        left, top = np.add(corner, np.multiply(number, step))
        depth[top : top + SIZE[1], left : left + SIZE[0]] = distance
    depth[::3, ::2] = 0 if encoding == '16UC1' else np.nan
    values = np.rint(depth * 1000).astype('>u2') if encoding == '16UC1' else depth.astype('<f4')
    return Image(
        header=message(number).header,
        height=192,
        width=320,
        encoding=encoding,
        step=values.strides[0],
        is_bigendian=encoding == '16UC1',
        data=array('B', values.tobytes()),
    )


def calibration(**changes: object) -> CameraInfo:
    return CameraInfo(**{'width': 320, 'height': 192, 'k': K, **changes})


def truth_in_space(number: int) -> NDArray[np.float64]:
    """Return the middles (2, 3) of the blocks in the optical frame."""
    offsets = (middles(number) - CENTER) / FOCAL
    distances = np.array(depth_of(number))[:, None]
    return np.hstack([offsets * distances, distances])


def points_of(output: TrackedObjectArray) -> NDArray[np.float64]:
    """Return the positions (N, 3), in the order of the ids."""
    objects = sorted(output.objects, key=lambda o: o.id)
    assert objects
    assert all(o.has_3d for o in objects)
    places = [o.pose.pose.position for o in objects]
    return np.array([[p.x, p.y, p.z] for p in places])


class Rig:
    """A tracker that locates objects, with the necessary inputs."""

    def __init__(self, harness: Harness, *, depth: bool = True) -> None:
        self.harness = harness
        harness.start()
        self.info = harness.publisher(CameraInfo, 'camera_info')
        self.depth = harness.publisher(Image, 'depth') if depth else None

    @property
    def locator(self) -> SpatialLocator:
        locator = self.harness.tracker.cameras[0].locator
        assert locator is not None
        return locator

    def calibrate(self, **changes: object) -> None:
        """Publish a calibration until the tracker has it."""
        info = calibration(**changes)

        def arrived() -> bool:
            self.info.publish(info)
            return str(self.locator.calibration) == str(info)  # NaN equals nothing

        self.harness.wait(arrived, 'the calibration')

    def send_depth(self, number: int, encoding: str = '32FC1') -> None:
        """Publish the depth of a frame."""
        assert self.depth is not None
        self.depth.publish(depth_message(number, encoding))

    def track(self, number: int, encoding: str = '32FC1', **changes: Any) -> TrackedObjectArray:
        if self.depth is not None:
            self.send_depth(number, encoding)
        return self.harness.track(message(number, **changes))

    def first(self, **changes: Any) -> TrackedObjectArray:
        """Track the first frame until all that is needed for positions has come."""

        def located() -> bool:
            self.calibrate()
            output = self.track(0, **changes)
            return any(o.has_3d for o in output.objects)

        self.harness.wait(located, 'the first positions')
        return self.harness.outputs[-1]


def transform(stamp_ns: int, x: float) -> TransformStamped:
    """Return the pose of the camera: upright, 1.5 m above the ground, x meters ahead."""
    result = TransformStamped(child_frame_id='lens')
    result.header.stamp = ns_to_stamp(stamp_ns)
    result.header.frame_id = 'map'
    move, turn = result.transform.translation, result.transform.rotation
    move.x, move.z = x, 1.5
    turn.x, turn.y, turn.z, turn.w = UPRIGHT_QUATERNION
    return result


def publish_motion(harness: Harness) -> None:
    """Tell how the camera moves: 2 m/s ahead, known at moments between the images, and later."""
    transforms = harness.user.create_publisher(TFMessage, '/tf', DEEP)
    harness.wait(lambda: transforms.get_subscription_count() >= 1, 'a listener to tf')
    step = 3 * PERIOD
    transforms.publish(
        TFMessage(
            transforms=[
                transform(START + k * step + PERIOD // 2, 2 * (k * step + PERIOD // 2) / 1e9)
                for k in range(-1, 20)
            ]
        )
    )
