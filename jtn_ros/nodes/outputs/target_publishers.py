"""The topics and the tf frame of the target of one camera."""

from collections.abc import Callable
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
from geometry_msgs.msg import PoseStamped
from geometry_msgs.msg import TransformStamped
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecyclePublisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from std_msgs.msg import Header
from tf2_ros import TransformBroadcaster

from jtn_msgs.msg import Target as TargetMessage
from jtn_ros.media.messages.target_message import to_target
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.tracking.target_lock import Target


class TargetPublishers:
    """Publishes the state of the lock, and the pose of a target that is certain."""

    def __init__(
        self,
        node: LifecycleNode,
        class_names: Sequence[str],
        *,
        camera_name: str,
        prefix: str,
        target_frame: str,
        on_listeners: Callable[[], None],
    ) -> None:
        """Create the publishers.

        Args:
            node: the node that publishes.
            class_names: by class.
            camera_name: name of the camera in the messages.
            prefix: of the topics below the node's name.
            target_frame: the tf frame of the target; empty for none.
            on_listeners: called when the number of subscribers changes.
        """
        self._node = node
        self._class_names = class_names
        self._camera_name = camera_name
        self._target_frame = target_frame
        self._events = PublisherEventCallbacks(matched=lambda _: on_listeners())
        self._broadcaster: TransformBroadcaster | None = None
        with ExitStack() as created:  # so that what exists is removed if something fails
            self._poses = self._create(PoseStamped, f'~/{prefix}target')
            created.callback(node.destroy_lifecycle_publisher, self._poses)
            self._states = self._create(TargetMessage, f'~/{prefix}target_state')
            created.pop_all()

    @property
    def listeners(self) -> int:
        """Return the number of subscribers of the topics."""
        return sum(p.get_subscription_count() for p in (self._poses, self._states))

    def publish_state(self, frame: CameraFrame, target: Target, selection: int) -> None:
        """Publish the state of the target after a frame.

        Args:
            frame: the frame.
            target: state of the target.
            selection: number of selections so far.
        """
        self._states.publish(
            to_target(
                new_message,
                frame.header,
                target,
                frame.tracks,
                frame.positions,
                self._class_names,
                session=frame.session,
                camera_name=self._camera_name,
                selection=selection,
            )
        )

    def publish_pose(self, frame: CameraFrame, target: Target) -> None:
        """Publish the position of the target, if the target is certain.

        Args:
            frame: the frame, maybe predicted.
            target: state of the target after it.
        """
        positions = frame.positions
        rows = np.flatnonzero(frame.tracks.ids == target.track_id)
        if positions is None or not target.certain or not positions.known[rows].any():
            return
        # The orientation is not estimated: that of the frame.
        pose = PoseStamped(header=Header(stamp=frame.header.stamp, frame_id=positions.frame_id))
        point = pose.pose.position
        point.x, point.y, point.z = positions.points[rows[0]].tolist()
        self._poses.publish(pose)
        if self._target_frame:
            # Created on demand, so that a node without a target publishes no tf.
            self._broadcaster = self._broadcaster or TransformBroadcaster(self._node)
            transform = TransformStamped(header=pose.header, child_frame_id=self._target_frame)
            offset = transform.transform.translation
            offset.x, offset.y, offset.z = point.x, point.y, point.z
            self._broadcaster.sendTransform(transform)

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        for publisher in (self._poses, self._states):
            self._node.destroy_lifecycle_publisher(publisher)
        if self._broadcaster is not None:
            self._node.destroy_publisher(self._broadcaster.pub_tf)

    def _create(self, kind: type, topic: str) -> LifecyclePublisher:
        return self._node.create_lifecycle_publisher(
            kind,
            topic,
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            event_callbacks=self._events,
        )
