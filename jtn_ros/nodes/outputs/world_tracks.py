"""The objects that the cameras of a node see together, each with one identity."""

from collections.abc import Callable
from collections.abc import Sequence
from threading import Lock
from uuid import UUID
from uuid import uuid4

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rosidl_runtime_py.utilities import get_message
from std_msgs.msg import Header

from jtn_ros.media.messages.world_messages import to_world_track_array
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.positions import WorldSettings
from jtn_ros.positions import WorldTracker


class WorldTrackPublisher:
    """Publishes ``~/world_tracks``: the tracks of all cameras, joined in the fixed frame."""

    def __init__(
        self,
        node: LifecycleNode,
        settings: WorldSettings,
        class_names: Sequence[str],
        on_listeners: Callable[[], None],
    ) -> None:
        """Create the publisher.

        Args:
            node: the node that publishes.
            settings: when two tracks are one object.
            class_names: of the model.
            on_listeners: called when somebody begins or stops to listen.
        """
        self._node = node
        self._settings = settings
        self._class_names = class_names
        self._lock = Lock()
        self._publisher = node.create_lifecycle_publisher(
            get_message('jtn_msgs/msg/WorldTrackArray'),
            '~/world_tracks',
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            event_callbacks=PublisherEventCallbacks(matched=lambda _: on_listeners()),
        )
        self.reset()

    @property
    def listeners(self) -> int:
        """Return how many listen."""
        return int(self._publisher.get_subscription_count())

    def reset(self) -> None:
        """Begin with new identities."""
        with self._lock:
            self._tracker = WorldTracker(self._settings)
            self._session = uuid4()
            self._sessions: dict[str, UUID] = {}

    def publish(self, camera: str, frame: CameraFrame) -> None:
        """Take a frame of a camera; publish all objects, if its tracks could be located."""
        if frame.positions is None or not frame.positions.frame_id:
            return
        with self._lock:
            self._sessions[camera] = frame.session
            world = self._tracker.update(
                camera, frame.session, frame.tracks, frame.positions, frame.stamp_ns
            )
            if not self.listeners:
                return
            header = Header(stamp=ns_to_stamp(world.stamp_ns), frame_id=frame.positions.frame_id)
            self._publisher.publish(
                to_world_track_array(
                    new_message,
                    header,
                    world,
                    session=self._session,
                    cameras=[(name, self._sessions[name]) for name in self._tracker.cameras],
                    class_names=self._class_names,
                )
            )

    def destroy(self) -> None:
        """Remove the publisher from the node."""
        self._node.destroy_lifecycle_publisher(self._publisher)
