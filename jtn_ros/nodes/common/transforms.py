"""Transforms from camera frames to a fixed frame at the time of an image, with tf2."""

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.clock import JumpThreshold
from rclpy.clock import TimeJump
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time as RosTime
from scipy.spatial.transform import Rotation
from tf2_ros import Buffer
from tf2_ros import TransformException
from tf2_ros import TransformListener

from jtn_ros.errors import JtnError
from jtn_ros.nodes.common.conversions import stamp_to_ns
from jtn_ros.nodes.common.problem import ProblemError

# Duration for which transforms are stored. [s]
_MEMORY_S = 10.0

type Transform = tuple[NDArray[np.float64], NDArray[np.float64]]


class _RestartingBuffer(Buffer):
    """Removes all transforms except static ones when time jumps back, as in a looped recording.

    tf2 does so only by the clock of the node. Otherwise, it ignores transforms that are older than
    its buffer.
    """

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(Duration(seconds=_MEMORY_S))
        self._stamps_ns: dict[str, int] = {}

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Add a transform."""
        frame, stamp_ns = transform.child_frame_id, stamp_to_ns(transform.header.stamp)
        if self._stamps_ns.get(frame, stamp_ns) - stamp_ns > _MEMORY_S * 1e9:
            self.clear()
        self._stamps_ns[frame] = stamp_ns
        super().set_transform(transform, authority)

    def clear(self) -> None:
        """Remove all transforms except static ones."""
        self._stamps_ns = {}
        super().clear()


class TransformSource:
    """Listens to tf while it lives; all cameras of a node share one."""

    def __init__(self, node: Node, timeout: float) -> None:
        """Start to listen.

        Args:
            node: the node that listens.
            timeout: seconds to wait for a transform that is not there yet.
        """
        self._buffer = _RestartingBuffer()
        self._listener = TransformListener(self._buffer, node)
        self._timeout = Duration(seconds=timeout)
        self._failing = False
        # After a backward jump in simulated time, the stored transforms are in the future.
        self._jumps = node.get_clock().create_jump_callback(
            JumpThreshold(
                min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=True
            ),
            post_callback=self._forget,
        )

    def lookup(self, target: str, source: str, stamp: Time) -> Transform:
        """Return rotation (3, 3) and translation (3,) from one frame to another.

        Raises:
            JtnError: if the transform is not known at that time.
        """
        if not stamp.sec and not stamp.nanosec:
            # tf2 would interpret this as a request for the latest transform.
            raise JtnError(
                f'the image has no stamp, so its transform from {source} to {target} is not '
                'known; set it in the camera driver'
            )
        # Wait only for the first failure: without this transform, not every image must wait.
        timeout = Duration() if self._failing else self._timeout
        try:
            found = self._buffer.lookup_transform(
                target, source, RosTime.from_msg(stamp), timeout
            ).transform
            rotation = Rotation.from_quat(
                [found.rotation.x, found.rotation.y, found.rotation.z, found.rotation.w]
            ).as_matrix()
        except (TransformException, ValueError) as error:
            self._failing = True
            what = f'no transform from {source!r} to {target!r}'
            raise ProblemError(what, f'{what}: {error}') from error
        self._failing = False
        offset = found.translation
        return rotation, np.array([offset.x, offset.y, offset.z])

    def destroy(self) -> None:
        """Stop listening."""
        self._jumps.unregister()
        self._listener.unregister()
        self._buffer.jump_handle.unregister()

    def _forget(self, _: TimeJump) -> None:
        """Remove all transforms except the static ones."""
        self._buffer.clear()
