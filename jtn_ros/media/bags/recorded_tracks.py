"""Reading of published tracks from a bag."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from jtn_ros.errors import JtnError
from jtn_ros.media.bags.bag import BagReader
from jtn_ros.media.messages.tracker_topics import TRACKS
from jtn_ros.tracking.track import Tracks


@dataclass(frozen=True, kw_only=True)
class RecordedTracks:
    """The tracks of one frame, as a node published them.

    Attributes:
        stamp_ns: stamp of the image, nanoseconds.
        received_ns: time of recording of the message, nanoseconds.
        latency_s: seconds from the arrival of the image in the node to its tracks.
        session: identity of the tracking session; ids are unique within it.
        model_name: name of the model.
        tracks: all live tracks.
        class_names: names of the classes that occur, by class id.
    """

    stamp_ns: int
    received_ns: int
    latency_s: float
    session: UUID
    model_name: str
    tracks: Tracks
    class_names: dict[int, str]


def read_tracks(bag: BagReader, topic: str | None = None) -> Iterator[RecordedTracks]:
    """Yield the messages on a topic of tracks; None selects the only such topic.

    Raises:
        JtnError: if there is no such topic, if there are several, or if a message is damaged.
    """
    topics = [name for name, kind in bag.topics.items() if kind == TRACKS.type_name]
    if topic is None and len(topics) == 1:
        topic = topics[0]
    if topic not in topics:
        asked = f'{topic} is none of them' if topic else 'choose one'
        found = f'topics of tracks are {", ".join(topics)}; {asked}' if topics else 'no tracks'
        raise JtnError(f'{bag.path}: {found}')
    for recorded in bag.messages([topic]):
        message = recorded.deserialize()
        stamp = message.header.stamp
        yield RecordedTracks(
            stamp_ns=stamp.sec * 1_000_000_000 + stamp.nanosec,
            received_ns=recorded.received_ns,
            latency_s=sum(latency.duration for latency in message.latencies),
            session=UUID(bytes=bytes(message.session.uuid)),
            model_name=message.model_name,
            tracks=_to_tracks(message.objects),
            class_names={item.class_id: item.class_name for item in message.objects},
        )


def _to_tracks(objects: list[Any]) -> Tracks:
    """Return TrackedObject messages as arrays."""
    n = len(objects)
    centers = np.array(
        [(o.bbox.center.position.x, o.bbox.center.position.y) for o in objects], np.float32
    ).reshape(n, 2)
    sizes = np.array([(o.bbox.size_x, o.bbox.size_y) for o in objects], np.float32).reshape(n, 2)
    predicted = np.array([o.predicted for o in objects], np.bool_)
    # Bags recorded before the field existed do not mark reliable predictions.
    reliable = np.array([getattr(o, 'reliable', not o.predicted) for o in objects], np.bool_)
    unseen = [o.time_since_observation for o in objects]
    return Tracks(
        ids=np.array([o.id for o in objects], np.int64),
        boxes=np.hstack([centers - sizes / 2, centers + sizes / 2]),
        scores=np.array([o.score for o in objects], np.float32),
        class_ids=np.array([o.class_id for o in objects], np.int32),
        centers=centers,
        velocities=np.array([o.velocity for o in objects], np.float32).reshape(n, 2),
        velocity_covariances=np.array(
            [o.velocity_covariance for o in objects], np.float32
        ).reshape(n, 2, 2),
        states=np.array([o.state for o in objects], np.uint8),
        ages=np.array([o.age - 1 for o in objects], np.int32),
        hits=np.array([o.hits for o in objects], np.int32),
        unseen_ns=np.array([t.sec * 1_000_000_000 + t.nanosec for t in unseen], np.int64),
        detection_indices=np.where(predicted, -1, np.arange(n)).astype(np.int32),
        reliable=reliable,
    )
