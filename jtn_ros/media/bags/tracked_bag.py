"""A copy of a bag with added tracks and topics for their display."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID
from uuid import uuid5

from jtn_ros.errors import JtnError
from jtn_ros.media.bags.bag import BagMessage
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.bags.bag import BagWriter
from jtn_ros.media.bags.bag_frames import BagFrames
from jtn_ros.media.bags.bag_images import frame_id_of
from jtn_ros.media.bags.message_types import message_types
from jtn_ros.media.bags.message_types import new_message
from jtn_ros.media.drawing import Trails
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.labels import Labels
from jtn_ros.media.messages.image_annotations import to_annotations
from jtn_ros.media.messages.markers import image_plane_markers
from jtn_ros.media.messages.track_messages import to_detection_array
from jtn_ros.media.messages.track_messages import to_label_info
from jtn_ros.media.messages.track_messages import to_tracked_object_array
from jtn_ros.media.messages.track_messages import tracks_to_objects
from jtn_ros.media.messages.tracker_topics import ANNOTATIONS
from jtn_ros.media.messages.tracker_topics import DETECTIONS
from jtn_ros.media.messages.tracker_topics import LABEL_INFO
from jtn_ros.media.messages.tracker_topics import MARKERS
from jtn_ros.media.messages.tracker_topics import RECORDED
from jtn_ros.media.messages.tracker_topics import TRACKS
from jtn_ros.media.messages.tracker_topics import TrackerTopic
from jtn_ros.media.output import Output
from jtn_ros.tracking.track import Tracks

# Any fixed namespace is suitable: session names depend only on the input.
_NAMESPACE = UUID('6f4f4c1e-53d2-4c8f-9a34-8a4b0a4f7b11')
_NANOSECONDS = 1_000_000_000
# Frame id of images without a header, as in the player node.
_FRAME_ID = 'camera'


class TrackedBag(Output):
    """Copies a bag and adds the messages of the tracker after each image.

    These are the topics of `jtn_ros.media.messages.tracker_topics.RECORDED`. For other sources,
    the bag contains only these topics.

    The same input gives the same bytes: session ids are derived from the source, and latencies,
    which would vary, are not set.

    Args:
        path: the folder to create.
        source: source of the frames.
        labels: labels of the model, for the messages.

    Raises:
        JtnError: if the folder exists, or the source already has one of the topics.
    """

    def __init__(self, path: Path, source: FrameSource, labels: Labels) -> None:
        self._source_name = source.name
        self._labels = labels
        self._session: int | None = None
        self._trails = Trails()
        self._original = BagReader(source.path) if isinstance(source, BagFrames) else None
        self._image_topic = source.topic if isinstance(source, BagFrames) else None
        self._copied_images = 0
        self._messages: Iterator[BagMessage] = iter(())
        storage = 'mcap'
        if self._original is not None:
            storage = self._original.storage
            self._messages = self._original.messages()
            if taken := [t.full_name for t in RECORDED if t.full_name in self._original.topics]:
                self._original.close()
                raise JtnError(
                    f'{self._original.path} has a topic {taken[0]} already; specify the bag that '
                    'it was made from, or remove --bag'
                )
        self._bag = BagWriter(path, storage)

    def write(self, frame: Frame, tracks: Tracks, session: int) -> None:
        """Append the recorded messages up to the image of a frame, and then all its live tracks.

        Args:
            frame: the frame.
            tracks: tracks after the frame.
            session: number of the tracking session.
        """
        stamp_ns = received_ns = frame.stamp_ns
        frame_id = _FRAME_ID
        if self._image_topic is not None:
            image = self._copy_until(frame.index)
            # The header is that of the image, even if its stamp is not plausible.
            stamp_ns, received_ns = image.stamp_ns(), image.received_ns
            frame_id = frame_id_of(image)
        seconds, nanoseconds = divmod(stamp_ns, _NANOSECONDS)
        header = new_message(
            'std_msgs/msg/Header',
            stamp=new_message('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds),
            frame_id=frame_id,
        )
        for topic, message in self._messages_of(header, frame, tracks, session):
            data = message_types().serialize_cdr(message, topic.type_name)
            self._bag.write(
                topic.full_name, topic.type_name, received_ns, data, latched=topic.latched
            )

    def finish(self) -> None:
        """Copy the remaining messages, and finish the bag."""
        for message in self._messages:
            self._bag.copy(message)
        self._bag.finish()
        self._close_original()

    def publish(self) -> None:
        """Rename the bag to its final name."""
        self._bag.publish()

    def discard(self) -> None:
        """Remove the partial bag."""
        self._bag.discard()
        self._close_original()

    def _messages_of(
        self, header: Any, frame: Frame, tracks: Tracks, session: int
    ) -> Iterator[tuple[TrackerTopic, Any]]:
        """Yield the messages that the tracker publishes for a frame."""
        class_names = self._labels.class_names
        if self._session is None:
            yield (
                LABEL_INFO,
                to_label_info(new_message, header, class_names, self._labels.confident_score),
            )
        if session != self._session:
            self._session, self._trails = session, Trails()
        self._trails.update(tracks, frame.stamp_ns)
        objects = tracks_to_objects(new_message, tracks, class_names)
        height, width = frame.image.shape[:2]
        size = width, height
        yield (
            TRACKS,
            to_tracked_object_array(
                new_message,
                header,
                objects,
                session=uuid5(
                    _NAMESPACE, f'{self._source_name} {self._labels.model_name} {session}'
                ),
                camera_name=self._source_name,
                image_size=size,
                model_name=self._labels.model_name,
                latencies={},
            ),
        )
        yield DETECTIONS, to_detection_array(new_message, header, objects)
        yield (
            MARKERS,
            image_plane_markers(new_message, header, size, tracks, self._trails, class_names),
        )
        yield ANNOTATIONS, to_annotations(new_message, header, size, tracks, class_names)

    def _close_original(self) -> None:
        if self._original is not None:
            self._original.close()

    def _copy_until(self, index: int) -> BagMessage:
        """Copy all messages up to the image with this index, and return that message."""
        for message in self._messages:
            self._bag.copy(message)
            self._copied_images += message.topic == self._image_topic
            if self._copied_images == index + 1:
                return message
        raise JtnError(f'{self._source_name} ends before image {index}')
