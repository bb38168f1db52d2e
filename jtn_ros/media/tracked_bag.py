"""A bag with tracks beside the topics that they were made from."""

from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID
from uuid import uuid5

import numpy as np

from jtn_ros.errors import JtnError
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.media.bag import BagMessage
from jtn_ros.media.bag import BagReader
from jtn_ros.media.bag import BagWriter
from jtn_ros.media.bag_frames import BagFrames
from jtn_ros.media.bag_images import frame_id_of
from jtn_ros.media.frames import Frame
from jtn_ros.media.frames import FrameSource
from jtn_ros.media.message_types import message_types
from jtn_ros.media.output import Output
from jtn_ros.media.recorded_tracks import TRACKS_TYPE
from jtn_ros.media.results import class_name
from jtn_ros.tracking.track import Tracks

TRACKS_TOPIC = '/jtn_tracker/tracks'
# Any fixed one will do: sessions get names that depend on nothing but the input.
_NAMESPACE = UUID('6f4f4c1e-53d2-4c8f-9a34-8a4b0a4f7b11')
_NANOSECONDS = 1_000_000_000


class TrackedBag(Output):
    """Copies a bag and adds the tracks of each image behind it; other sources give tracks alone.

    The same input gives the same bytes: sessions are named after the source, and no stage has a
    latency, which would be another one each time.

    Args:
        path: the folder to make.
        source: where the frames come from.
        model_name: name of the model, for the messages.
        class_names: by class.

    Raises:
        JtnError: if the folder exists, or the source has tracks on this topic already.
    """

    def __init__(
        self, path: Path, source: FrameSource, *, model_name: str, class_names: Sequence[str]
    ) -> None:
        self._source_name = source.name
        self._model_name = model_name
        self._class_names = class_names
        self._original = BagReader(source.path) if isinstance(source, BagFrames) else None
        self._image_topic = source.topic if isinstance(source, BagFrames) else None
        self._copied_images = 0
        self._messages: Iterator[BagMessage] = iter(())
        storage = 'mcap'
        if self._original is not None:
            storage = self._original.storage
            self._messages = self._original.messages()
            if TRACKS_TOPIC in self._original.topics:
                self._original.close()
                raise JtnError(
                    f'{self._original.path} has a topic {TRACKS_TOPIC} already; give the bag that '
                    'it was made from, or leave out --bag'
                )
        self._bag = BagWriter(path, storage)

    def write(self, frame: Frame, tracks: Tracks, session: int) -> None:
        """Append all live tracks of a frame, and before them what was recorded up to its image.

        Args:
            frame: the frame.
            tracks: after the frame.
            session: number of the tracking session.
        """
        types = message_types().types
        stamp_ns = received_ns = frame.stamp_ns
        frame_id = ''
        if self._image_topic is not None:
            image = self._copy_until(frame.index)
            # The header is the image's own, whatever its stamp is worth.
            stamp_ns, received_ns = image.stamp_ns(), image.received_ns
            frame_id = frame_id_of(image)
        seconds, nanoseconds = divmod(stamp_ns, _NANOSECONDS)
        name = uuid5(_NAMESPACE, f'{self._source_name} {self._model_name} {session}')
        height, width = frame.image.shape[:2]
        message = types[TRACKS_TYPE](
            header=types['std_msgs/msg/Header'](
                stamp=types['builtin_interfaces/msg/Time'](sec=seconds, nanosec=nanoseconds),
                frame_id=frame_id,
            ),
            session=types['unique_identifier_msgs/msg/UUID'](np.frombuffer(name.bytes, np.uint8)),
            camera_name=self._source_name,
            image_width=width,
            image_height=height,
            model_name=self._model_name,
            latencies=[],
            pose_frame_id='',
            objects=_objects(tracks, self._class_names),
        )
        data = message_types().serialize_cdr(message, TRACKS_TYPE)
        self._bag.write(TRACKS_TOPIC, TRACKS_TYPE, received_ns, data)

    def finish(self) -> None:
        """Copy what is left, and finish the bag."""
        for message in self._messages:
            self._bag.copy(message)
        self._bag.finish()
        self._close_original()

    def publish(self) -> None:
        """Give the bag its name."""
        self._bag.publish()

    def discard(self) -> None:
        """Remove what was written so far."""
        self._bag.discard()
        self._close_original()

    def _close_original(self) -> None:
        if self._original is not None:
            self._original.close()

    def _copy_until(self, index: int) -> BagMessage:
        """Copy everything up to the image with this index, and return that."""
        for message in self._messages:
            self._bag.copy(message)
            self._copied_images += message.topic == self._image_topic
            if self._copied_images == index + 1:
                return message
        raise JtnError(f'{self._source_name} ends before image {index}')


def _objects(tracks: Tracks, class_names: Sequence[str]) -> list[Any]:
    """Return one TrackedObject message per track."""
    types = message_types().types
    point, quaternion = types['geometry_msgs/msg/Point'], types['geometry_msgs/msg/Quaternion']
    vector = types['geometry_msgs/msg/Vector3']
    pose = types['geometry_msgs/msg/PoseWithCovariance'](
        pose=types['geometry_msgs/msg/Pose'](point(0, 0, 0), quaternion(0, 0, 0, 1)),
        covariance=np.zeros(36),
    )
    twist = types['geometry_msgs/msg/TwistWithCovariance'](
        twist=types['geometry_msgs/msg/Twist'](vector(0, 0, 0), vector(0, 0, 0)),
        covariance=np.zeros(36),
    )
    boxes = tracks.boxes.astype(np.float64)
    centers, sizes = box_centers(boxes).tolist(), box_sizes(boxes).tolist()
    covariances = tracks.velocity_covariances.astype(np.float32).reshape(-1, 4)
    unseen = np.divmod(tracks.unseen_ns, _NANOSECONDS)
    return [
        types['jtn_msgs/msg/TrackedObject'](
            id=int(tracks.ids[row]),
            class_id=(class_id := int(tracks.class_ids[row])),
            class_name=class_name(class_id, class_names),
            score=float(tracks.scores[row]),
            bbox=types['vision_msgs/msg/BoundingBox2D'](
                center=types['vision_msgs/msg/Pose2D'](
                    position=types['vision_msgs/msg/Point2D'](*centers[row]), theta=0.0
                ),
                size_x=sizes[row][0],
                size_y=sizes[row][1],
            ),
            velocity=tracks.velocities[row].astype(np.float32),
            velocity_covariance=covariances[row],
            state=int(tracks.states[row]),
            predicted=not tracks.observed[row],
            age=int(tracks.ages[row]) + 1,
            hits=int(tracks.hits[row]),
            time_since_observation=types['builtin_interfaces/msg/Duration'](
                sec=int(unseen[0][row]), nanosec=int(unseen[1][row])
            ),
            embedding=np.zeros(0, np.float32),
            has_3d=False,
            pose=pose,
            twist=twist,
        )
        for row in range(len(tracks))
    ]
