"""The topics of the tracks of one camera."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecyclePublisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from rosidl_runtime_py.utilities import get_message
from std_msgs.msg import Header

from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import dim
from jtn_ros.media.drawing import draw_tracks
from jtn_ros.media.messages import tracker_topics
from jtn_ros.media.messages.image_annotations import to_annotations
from jtn_ros.media.messages.marker_shapes import DrawnObjects
from jtn_ros.media.messages.markers import cleared_image_plane
from jtn_ros.media.messages.markers import image_plane_markers
from jtn_ros.media.messages.track_messages import to_detection_array
from jtn_ros.media.messages.track_messages import to_label_info
from jtn_ros.media.messages.track_messages import to_tracked_object_array
from jtn_ros.media.messages.track_messages import tracks_to_objects
from jtn_ros.media.messages.track_serialization import serialize_tracked_object_array
from jtn_ros.media.messages.tracker_topics import TrackerTopic
from jtn_ros.nodes.common.conversions import array_to_image
from jtn_ros.nodes.common.conversions import is_installed
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.common.qos import latched
from jtn_ros.nodes.outputs import serialization
from jtn_ros.nodes.outputs.camera_frame import CameraFrame
from jtn_ros.nodes.outputs.conventions import ConventionPublishers
from jtn_ros.nodes.outputs.detector import Model
from jtn_ros.nodes.outputs.position_markers import SpatialMarkers
from jtn_ros.nodes.outputs.settings import OutputSettings

_DEBUG_IMAGE = TrackerTopic('debug_image', 'sensor_msgs/msg/Image')


class TrackPublishers:
    """Publishes tracked frames. Outputs except the tracks are computed only for subscribers."""

    def __init__(
        self,
        node: LifecycleNode,
        model: Model,
        values: OutputSettings,
        *,
        positions: bool,
        camera_name: str,
        prefix: str,
        on_listeners: Callable[[], None],
    ) -> None:
        """Create the publishers on the node.

        Args:
            node: the node that publishes.
            model: information about the model.
            values: the parameters of the outputs.
            positions: whether positions in space are published.
            camera_name: name of the camera in the messages.
            prefix: of the topics below the node's name.
            on_listeners: called when the number of subscribers changes.
        """
        self.embeddings: bool = values.publish_embeddings
        self._node = node
        self._model = model
        self._values = values
        self._camera_name = camera_name
        self._prefix = f'~/{prefix}'
        self._events = PublisherEventCallbacks(matched=lambda _: on_listeners())
        self._session: UUID | None = None
        self._announced = 0
        self._spatial_session: UUID | None = None
        self._trails = Trails(values.trail_seconds)
        self._spatial = SpatialMarkers(values.trail_seconds)
        self._serialized = serialization.is_known()
        self._objects: list[Any] = []
        self._publishers: list[LifecyclePublisher] = []
        self._spatial_marker_arrays: LifecyclePublisher | None = None
        self._annotations: LifecyclePublisher | None = None
        self._label_info = node.create_lifecycle_publisher(
            get_message(tracker_topics.LABEL_INFO.type_name),
            f'{self._prefix}{tracker_topics.LABEL_INFO.name}',
            latched(),
        )
        with ExitStack() as created:  # so that what exists is removed if something fails
            created.callback(self.destroy)
            self._tracks = self._create(tracker_topics.TRACKS)
            self._detections = self._create(tracker_topics.DETECTIONS)
            self._marker_arrays = self._create(tracker_topics.MARKERS)
            self._debug_images = self._create(_DEBUG_IMAGE)
            if positions:
                self._spatial_marker_arrays = self._create(tracker_topics.MARKERS_3D)
            self._conventions = ConventionPublishers(values.outputs, self._create)
            if is_installed(tracker_topics.ANNOTATIONS.type_name):
                self._annotations = self._create(tracker_topics.ANNOTATIONS)
            created.pop_all()

    @property
    def listeners(self) -> int:
        """Return the number of subscribers of outputs that need images."""
        return sum(publisher.get_subscription_count() for publisher in self._publishers)

    @property
    def tracks_topic(self) -> str:
        """Return the full name of the topic of the tracks."""
        return str(self._tracks.topic_name)

    def announce(self) -> None:
        """Publish the class names once; the topic is latched for later subscribers."""
        names = tuple(self._model.class_names)
        self._announced = len(names)
        header = Header(stamp=self._node.get_clock().now().to_msg())
        self._label_info.publish(
            to_label_info(new_message, header, names, self._model.confident_score)
        )

    def publish(self, frame: CameraFrame) -> None:
        """Publish one frame: exactly one message of tracks, and the others on demand."""
        if len(self._model.class_names) > self._announced:
            self.announce()
        self._publish_tracks(frame)
        if self._detections.get_subscription_count():
            self._detections.publish(
                to_detection_array(new_message, frame.header, self._objects_of(frame))
            )
        self._publish_annotations(frame)
        self._publish_pictures(frame)

    def _publish_tracks(self, frame: CameraFrame) -> None:
        """Publish the tracks, in serialized form if the format of the middleware is known."""
        positions = frame.positions
        described: dict[str, Any] = {
            'session': frame.session,
            'camera_name': self._camera_name,
            'image_size': frame.size,
            'model_name': self._model.name,
            'latencies': frame.latencies,
            'pose_frame_id': '' if positions is None else positions.frame_id,
        }
        if self._serialized:
            message = serialize_tracked_object_array(
                frame.header,
                frame.tracks,
                self._model.class_names,
                positions,
                embeddings=self.embeddings,
                **described,
            )
        else:
            message = to_tracked_object_array(
                new_message, frame.header, self._objects_of(frame), **described
            )
        self._tracks.publish(message)

    def _objects_of(self, frame: CameraFrame) -> list[Any]:
        """Return the tracks as message objects, which the next call reuses."""
        return tracks_to_objects(
            new_message,
            frame.tracks,
            self._model.class_names,
            frame.positions,
            embeddings=self.embeddings,
            reused=self._objects,
        )

    def _publish_annotations(self, frame: CameraFrame) -> None:
        """Publish the annotations for Foxglove, if the size of the images is known."""
        if (
            all(frame.size)
            and self._annotations is not None
            and self._annotations.get_subscription_count()
        ):
            self._annotations.publish(
                to_annotations(
                    new_message,
                    frame.header,
                    frame.size,
                    frame.tracks,
                    self._model.class_names,
                )
            )

    def _publish_pictures(self, frame: CameraFrame) -> None:
        """Publish outputs with trails; the trails are stored even without subscribers."""
        tracks, header = frame.tracks, frame.header
        if frame.session != self._session:
            self._session = frame.session
            self._trails = Trails(self._values.trail_seconds)
        self._trails.update(tracks, frame.stamp_ns)
        if all(frame.size) and self._marker_arrays.get_subscription_count():
            self._marker_arrays.publish(
                image_plane_markers(
                    new_message,
                    header,
                    frame.size,
                    tracks,
                    self._trails,
                    self._model.class_names,
                )
            )
        if frame.image.size and self._debug_images.get_subscription_count():
            drawn = draw_tracks(
                dim(frame.image, frame.mask),
                tracks,
                class_names=self._model.class_names,
                trails=self._trails,
            )
            self._debug_images.publish(array_to_image(drawn, header))

    def clear_pictures(self, empty: CameraFrame) -> None:
        """Delete the markers in the image plane and the annotations.

        Args:
            empty: the last frame, emptied.
        """
        self._trails.update(empty.tracks, empty.stamp_ns)
        self._publish_annotations(empty)
        if self._marker_arrays.get_subscription_count():
            self._marker_arrays.publish(cleared_image_plane(new_message, empty.header))

    def publish_located(self, frame: CameraFrame) -> None:
        """Publish the outputs in space of a frame whose positions have a coordinate frame."""
        assert frame.positions is not None
        assert self._spatial_marker_arrays is not None
        self._conventions.publish(frame, self._model.class_names)
        if frame.session != self._spatial_session:
            self._spatial_session = frame.session
            self._spatial = SpatialMarkers(self._values.trail_seconds)
        self._spatial.update(frame.tracks.ids, frame.positions, frame.stamp_ns)
        if self._spatial_marker_arrays.get_subscription_count():
            self._spatial_marker_arrays.publish(
                self._spatial.draw(
                    frame.header.stamp,
                    DrawnObjects.of_tracks(frame.tracks),
                    frame.positions,
                    self._model.class_names,
                    optical=frame.positions.frame_id == frame.header.frame_id,
                )
            )

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        for publisher in (*self._publishers, self._label_info):
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def _create(self, topic: TrackerTopic) -> LifecyclePublisher:
        """Return a reliable publisher, which is compatible with all subscribers."""
        publisher = self._node.create_lifecycle_publisher(
            get_message(topic.type_name),
            f'{self._prefix}{topic.name}',
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
            event_callbacks=self._events,
        )
        self._publishers.append(publisher)
        return publisher
