"""The combined objects of all cameras of a node, each with one identity."""

from collections.abc import Callable
from collections.abc import Sequence
from contextlib import ExitStack
from threading import Lock
from uuid import UUID
from uuid import uuid4

import numpy as np
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecyclePublisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rosidl_runtime_py.utilities import get_message
from std_msgs.msg import Header

from jtn_ros.media.messages.marker_shapes import DrawnObjects
from jtn_ros.media.messages.world_messages import to_world_track_array
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.common.conversions import ns_to_stamp
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.outputs.position_markers import SpatialMarkers
from jtn_ros.positions import Positions
from jtn_ros.positions import WorldFrame
from jtn_ros.positions import WorldSettings
from jtn_ros.positions import WorldTracker


class WorldTrackPublisher:
    """Publishes ``~/world_tracks``: the tracks of all cameras, combined in the fixed frame.

    ``~/world_markers`` contains markers for them.
    """

    def __init__(
        self,
        node: LifecycleNode,
        settings: WorldSettings,
        class_names: Sequence[str],
        trail_seconds: float,
        on_listeners: Callable[[], None],
    ) -> None:
        """Create the publishers.

        Args:
            node: the node that publishes.
            settings: parameters of the combination.
            class_names: of the model.
            trail_seconds: length of the trails of the markers.
            on_listeners: called when the number of subscribers changes.
        """
        self._node = node
        self._settings = settings
        self._class_names = class_names
        self._lock = Lock()
        self._trail_seconds = trail_seconds
        self._events = PublisherEventCallbacks(matched=lambda _: on_listeners())
        with ExitStack() as created:  # so that what exists is removed if something fails
            self._tracks = self._create('jtn_msgs/msg/WorldTrackArray', '~/world_tracks')
            created.callback(node.destroy_lifecycle_publisher, self._tracks)
            self._markers = self._create('visualization_msgs/msg/MarkerArray', '~/world_markers')
            created.pop_all()
        self.reset()

    @property
    def listeners(self) -> int:
        """Return the number of subscribers."""
        return sum(p.get_subscription_count() for p in (self._tracks, self._markers))

    def reset(self) -> None:
        """Start with new identities."""
        with self._lock:
            self._tracker = WorldTracker(self._settings)
            self._session = uuid4()
            self._sessions: dict[str, UUID] = {}
            self._shapes = SpatialMarkers(self._trail_seconds)

    def publish(self, camera: str, frame: CameraFrame) -> None:
        """Process a frame of a camera; publish all objects if its tracks could be located."""
        if frame.positions is None or not frame.positions.frame_id:
            return
        with self._lock:
            self._sessions[camera] = frame.session
            world = self._tracker.update(
                camera, frame.session, frame.tracks, frame.positions, frame.stamp_ns
            )
            header = Header(stamp=ns_to_stamp(world.stamp_ns), frame_id=frame.positions.frame_id)
            self._draw(header, world)
            if self._tracks.get_subscription_count():
                self._tracks.publish(
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
        """Remove the publishers from the node."""
        for publisher in (self._tracks, self._markers):
            self._node.destroy_lifecycle_publisher(publisher)

    def _draw(self, header: Header, world: WorldFrame) -> None:
        """Publish the markers if there are subscribers; trails are stored in any case."""
        tracks = world.tracks
        positions = Positions(
            frame_id=header.frame_id,
            known=np.ones(len(tracks), np.bool_),
            points=tracks.means[:, :3],
            velocities=tracks.means[:, 3:],
            covariances=tracks.covariances,
        )
        self._shapes.update(tracks.ids, positions, world.stamp_ns)
        if self._markers.get_subscription_count():
            objects = DrawnObjects.of_world(tracks)
            self._markers.publish(
                self._shapes.draw(
                    header.stamp, objects, positions, self._class_names, optical=False
                )
            )

    def _create(self, type_name: str, topic: str) -> LifecyclePublisher:
        return self._node.create_lifecycle_publisher(
            get_message(type_name),
            topic,
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            event_callbacks=self._events,
        )
