"""Tracked people of all cameras of a node as bodies of ROS4HRI (REP 155)."""

from collections.abc import Callable
from collections.abc import Sequence
from threading import Lock
from typing import Any
from uuid import UUID

import numpy as np
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rosidl_runtime_py.utilities import get_message
from sensor_msgs.msg import Image
from tf2_ros import TransformBroadcaster

from jtn_ros.class_names import class_name
from jtn_ros.media.messages.located_objects import is_person
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

_ROI = 'hri_msgs/msg/NormalizedRegionOfInterest2D'
# The axes of a body (x ahead, z up) in an optical frame, and in a frame whose z is up.
_IN_OPTICAL_FRAME = (0.5, -0.5, 0.5, 0.5)
_IN_UPRIGHT_FRAME = (0.0, 0.0, 0.0, 1.0)


class HumanBodies:
    """Publishes ``/humans/bodies`` and the transforms of the bodies.

    A body is a confirmed track of a person. Its id is unique across cameras and sessions.
    """

    def __init__(
        self, node: LifecycleNode, class_names: Sequence[str], on_listeners: Callable[[], None]
    ) -> None:
        """Create the publishers that do not depend on the bodies.

        Args:
            node: the node that publishes.
            class_names: of the model.
            on_listeners: called when the number of subscribers changes.
        """
        self._node = node
        self._class_names = class_names
        self._lock = Lock()
        self._transforms = TransformBroadcaster(node)
        self._list = node.create_lifecycle_publisher(
            get_message('hri_msgs/msg/IdsList'),
            '/humans/bodies/tracked',
            QoSProfile(depth=10),
            event_callbacks=PublisherEventCallbacks(matched=lambda _: on_listeners()),
        )
        self._bodies: dict[str, list[str]] = {}
        self._topics: dict[str, tuple[Publisher, Publisher]] = {}

    @property
    def listeners(self) -> int:
        """Return the number of subscribers of the list of bodies."""
        return int(self._list.get_subscription_count())

    def publish(self, camera: str, frame: CameraFrame) -> None:
        """Publish the bodies of a frame of a camera."""
        people = np.array(
            [
                is_person(class_name(number, self._class_names).lower())
                for number in frame.tracks.class_ids.tolist()
            ],
            bool,
        )
        rows = np.flatnonzero(people & (frame.tracks.states == TrackState.CONFIRMED))
        tracks = frame.tracks.select(rows)
        ids = [_body_id(frame.session, track_id) for track_id in tracks.ids.tolist()]
        with self._lock:
            self._bodies[camera] = ids  # a camera that falls silent ends with an empty frame
            live = [body for bodies in self._bodies.values() for body in bodies]
            self._keep_topics(live)
            self._list.publish(new_message('hri_msgs/msg/IdsList', header=frame.header, ids=live))
            self._publish_regions(frame, tracks, ids)
        if frame.positions is not None and frame.positions.frame_id:
            self._publish_transforms(frame, frame.positions, rows, ids)

    def reset(self) -> None:
        """Do nothing: new sessions have other bodies."""

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        self._keep_topics(())
        self._node.destroy_lifecycle_publisher(self._list)
        self._node.destroy_publisher(self._transforms.pub_tf)

    def _keep_topics(self, live: Sequence[str]) -> None:
        """Create the topics of new bodies, and remove those of bodies that ended."""
        for body in set(self._topics) - set(live):
            for publisher in self._topics.pop(body):
                self._node.destroy_publisher(publisher)
        for body in live:
            if body not in self._topics:
                kinds = ((get_message(_ROI), 'roi'), (Image, 'cropped'))
                roi, cropped = (
                    self._node.create_publisher(
                        kind,
                        f'/humans/bodies/{body}/{name}',
                        QoSProfile(depth=10),
                        # Those would be entities that the executor waits for.
                        event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
                    )
                    for kind, name in kinds
                )
                self._topics[body] = roi, cropped

    def _publish_regions(self, frame: CameraFrame, tracks: Tracks, ids: Sequence[str]) -> None:
        """Publish the region of each body, and its image where there are subscribers."""
        width, height = frame.size
        if not (width and height):
            return
        limits = (width, height, width, height)
        # Integer coordinates are at the centers of pixels.
        edges = np.clip(tracks.boxes.astype(np.float64) + 0.5, 0, limits)
        regions, pixels = edges / limits, np.rint(edges).astype(int)
        for row, body in enumerate(ids):
            roi, cropped = self._topics[body]
            left, top, right, bottom = regions[row].tolist()
            roi.publish(
                new_message(
                    _ROI,
                    header=frame.header,
                    xmin=left,
                    ymin=top,
                    xmax=right,
                    ymax=bottom,
                    c=float(tracks.scores[row]),
                )
            )
            if frame.image.size and cropped.get_subscription_count():
                x1, y1, x2, y2 = pixels[row].tolist()
                if x1 < x2 and y1 < y2:
                    cropped.publish(array_to_image(frame.image[y1:y2, x1:x2], frame.header))

    def _publish_transforms(
        self,
        frame: CameraFrame,
        positions: Positions,
        rows: NDArray[np.intp],
        ids: Sequence[str],
    ) -> None:
        """Publish the transforms of the middles of the bodies with known positions."""
        optical = positions.frame_id == frame.header.frame_id
        middles = positions.points
        if positions.offsets is not None:
            middles = middles + positions.offsets
        transforms: list[Any] = []
        for row, body in zip(rows.tolist(), ids, strict=True):
            if not positions.known[row]:
                continue
            transform = TransformStamped(child_frame_id=f'body_{body}')
            transform.header.stamp = frame.header.stamp
            transform.header.frame_id = positions.frame_id
            move, turn = transform.transform.translation, transform.transform.rotation
            move.x, move.y, move.z = middles[row].tolist()
            turn.x, turn.y, turn.z, turn.w = _IN_OPTICAL_FRAME if optical else _IN_UPRIGHT_FRAME
            transforms.append(transform)
        if transforms:
            self._transforms.sendTransform(transforms)


def _body_id(session: UUID, track_id: int) -> str:
    """Return a short id that is unique across sessions and starts with a letter, as ROS needs."""
    return f'b{session.hex[:4]}_{track_id}'
