"""The topics on which one camera's tracks go out."""

from collections.abc import Sequence
from uuid import UUID

from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecyclePublisher
from rclpy.qos import QoSProfile
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import MarkerArray

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.media.drawing import Trails
from jtn_ros.media.drawing import draw_tracks
from jtn_ros.nodes.camera_worker import TrackedFrame
from jtn_ros.nodes.conversions import array_to_image
from jtn_ros.nodes.markers import ImagePlane
from jtn_ros.nodes.track_messages import to_detection_array
from jtn_ros.nodes.track_messages import to_tracked_object_array
from jtn_ros.nodes.track_messages import tracks_to_objects


class TrackPublishers:
    """Publish tracked frames; what nobody listens to is not made, but for the tracks."""

    def __init__(
        self,
        node: LifecycleNode,
        model: ModelInfo,
        *,
        camera_name: str,
        trail_seconds: float,
        metres_per_pixel: float,
        embeddings: bool,
    ) -> None:
        """Create the publishers on the node."""
        self.embeddings = embeddings
        self._node = node
        self._model = model
        self._camera_name = camera_name
        self._trail_seconds = trail_seconds
        self._metres_per_pixel = metres_per_pixel
        self._trails = Trails(trail_seconds)
        self._session: UUID | None = None
        self._publishers: list[LifecyclePublisher] = []
        self._tracks = self._create(TrackedObjectArray, '~/tracks')
        self._detections = self._create(Detection2DArray, '~/detections')
        self._marker_arrays = self._create(MarkerArray, '~/markers')
        self._debug_images = self._create(Image, '~/debug_image')

    def publish(self, frame: TrackedFrame) -> None:
        """Publish one frame: exactly one message of tracks, and the others on demand."""
        tracks, header = frame.tracks, frame.header
        objects = tracks_to_objects(tracks, self._class_name, embeddings=self.embeddings)
        height, width = frame.image.shape[:2]
        self._tracks.publish(
            to_tracked_object_array(
                header,
                objects,
                session=frame.session,
                camera_name=self._camera_name,
                image_size=(width, height),
                model_name=self._model.name,
                latencies=frame.latencies,
            )
        )
        if self._detections.get_subscription_count():
            self._detections.publish(to_detection_array(header, objects))
        if frame.session != self._session:
            self._session = frame.session
            self._trails = Trails(self._trail_seconds)
        self._trails.update(tracks, frame.stamp_ns)
        if self._marker_arrays.get_subscription_count():
            plane = ImagePlane(header, self._metres_per_pixel)
            self._marker_arrays.publish(plane.draw(tracks, self._trails, self._class_name))
        if self._debug_images.get_subscription_count():
            drawn = draw_tracks(
                frame.image, tracks, class_names=self._model.class_names, trails=self._trails
            )
            self._debug_images.publish(array_to_image(drawn, header))

    def destroy(self) -> None:
        """Remove the publishers from the node."""
        for publisher in self._publishers:
            self._node.destroy_lifecycle_publisher(publisher)
        self._publishers.clear()

    def _create(self, message_type: type, topic: str) -> LifecyclePublisher:
        """Return a reliable publisher, which suits subscribers of either kind."""
        publisher = self._node.create_lifecycle_publisher(
            message_type,
            topic,
            QoSProfile(depth=10),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(),
        )
        self._publishers.append(publisher)
        return publisher

    def _class_name(self, class_id: int) -> str:
        """Return the name of a class; the model's, or the number where it has none."""
        names: Sequence[str] = self._model.class_names
        return names[class_id] if 0 <= class_id < len(names) else str(class_id)
