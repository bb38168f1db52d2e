"""Reading and writing of rosbag2 recordings (MCAP, sqlite3), without a ROS installation."""

import logging
import shutil
import sqlite3
import struct
from collections.abc import Collection
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any
from typing import NamedTuple
from typing import Self

from jtn_ros.errors import JtnError
from jtn_ros.media.bags.message_types import message_types
from jtn_ros.media.bags.message_types import recorded_types
from jtn_ros.media.bags.message_types import types_to_read
from jtn_ros.media.output import Output

# message_types explains how to install rosbags, so it is imported first.
from rosbags.interfaces import Connection  # isort: skip
from rosbags.interfaces import ConnectionExtRosbag2  # isort: skip
from rosbags.interfaces import MessageDefinitionFormat  # isort: skip
from rosbags.rosbag2 import StoragePlugin  # isort: skip
from rosbags.rosbag2 import Writer  # isort: skip
from jtn_ros.media.bags.connection import LATCHED  # isort: skip

logger = logging.getLogger(__name__)

_ENCAPSULATION = 4  # bytes before the first field of a serialized message
STORAGES = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}


class BagMessage(NamedTuple):
    """One recorded message.

    Attributes:
        topic: its topic.
        type_name: such as ``sensor_msgs/msg/Image``.
        received_ns: time of recording, in nanoseconds.
        data: the serialized message (CDR).
        connection: information of the bag about the topic, for copies.
    """

    topic: str
    type_name: str
    received_ns: int
    data: bytes
    connection: Connection

    def stamp_ns(self) -> int:
        """Return the stamp of the header at the start of the message, in nanoseconds.

        Raises:
            JtnError: if the message is too short for a stamp.
        """
        order = '<' if self.data[1:2] != b'\0' else '>'
        try:
            seconds, nanoseconds = struct.unpack_from(f'{order}iI', self.data, _ENCAPSULATION)
        except struct.error as error:
            raise JtnError(f'a message of {self.topic} is too short: {error}') from error
        return int(seconds) * 1_000_000_000 + int(nanoseconds)

    def deserialize(self) -> Any:
        """Return the message with the attributes of its type.

        Raises:
            JtnError: if the type is unknown or the data is damaged.
        """
        if (encoding := _encoding(self.connection)) != 'cdr':
            raise JtnError(
                f'the messages of {self.topic} are serialized as '
                f'{encoding or "an unknown format"}, not as CDR as in ROS 2; convert the '
                'recording to a bag of ROS 2'
            )
        store = types_to_read(self.type_name, self.connection.msgdef)
        if self.type_name not in store.types:
            raise JtnError(
                f'topic {self.topic} has the type {self.type_name}, whose definition is not known'
            )
        try:
            return store.deserialize_cdr(self.data, self.type_name)
        except Exception as error:  # SerdeError of rosbags, or MemoryError, IndexError
            raise JtnError(
                f'a message of {self.topic} cannot be read as {self.type_name}: {error}'
            ) from error


class BagReader:
    """An opened bag: a folder, with or without ``metadata.yaml``, or a single .mcap or .db3 file.

    Attributes:
        topics: the type of every topic.
        counts: the number of messages of every topic.
        encodings: serialization of the messages of every topic; only ``cdr`` can be read.
        storage: ``mcap`` or ``sqlite3``.

    Raises:
        OSError: if the bag does not exist.
        JtnError: if the bag cannot be read.
    """

    def __init__(self, path: Path) -> None:
        """Open the bag and read what it contains."""
        from jtn_ros.media.bags.storage import open_storages  # writing requires no mcap

        self.path = Path(path)
        with _bag_errors(self.path):
            self._storages = open_storages(self.path)
        connections = [c for storage in self._storages for c in storage.connections]
        self.topics = {c.topic: c.msgtype for c in connections}
        self.encodings = {c.topic: _encoding(c) for c in connections}
        files = [self.path, *self.path.glob('*.db3*')]
        self.storage = 'sqlite3' if any('.db3' in file.name for file in files) else 'mcap'
        self.counts = dict.fromkeys(self.topics, 0)
        for connection in connections:
            self.counts[connection.topic] += connection.msgcount

    def messages(self, topics: Collection[str] | None = None) -> Iterator[BagMessage]:
        """Yield the messages of the given topics, or of all topics, in the order of recording.

        Raises:
            JtnError: if a topic is not in the bag, or a damaged part of the bag is reached.
        """
        wanted = self.topics.keys() if topics is None else set(topics)
        if missing := sorted(set(wanted) - set(self.topics)):
            raise JtnError(
                f'{self.path} has no topic {missing[0]}; it has {", ".join(self.topics)}'
            )
        with _bag_errors(self.path):
            for storage in self._storages:
                chosen = [c for c in storage.connections if c.topic in wanted]
                # For an empty list, rosbags would yield all messages.
                for connection, received_ns, data in storage.messages(chosen) if chosen else ():
                    yield BagMessage(
                        connection.topic, connection.msgtype, received_ns, bytes(data), connection
                    )

    def close(self) -> None:
        """Close the bag."""
        for storage in self._storages:
            storage.close()

    def __enter__(self) -> Self:
        """Return the bag, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the bag."""
        self.close()


class BagWriter(Output):
    """Writes a bag folder of serialized messages; it gets its final name when it is closed.

    Args:
        path: the folder to create; it must not exist.
        storage: ``mcap`` or ``sqlite3``.

    Raises:
        JtnError: if the folder exists, or the storage is unknown.
    """

    def __init__(self, path: Path, storage: str = 'mcap') -> None:
        """Open the bag under a temporary name."""
        if storage not in STORAGES:
            raise JtnError(f'bag storage {storage!r} is not known; use {" or ".join(STORAGES)}')
        self._path = Path(path)
        if self._path.exists():
            raise JtnError(f'{path} exists; remove it or choose another bag')
        # The files inside have the name of the folder, so the temporary folder contains the bag.
        self._temporary = self._path.with_name(f'.{self._path.name}.part')
        shutil.rmtree(self._temporary, ignore_errors=True)
        self._writer = Writer(
            self._temporary / self._path.name, version=9, storage_plugin=STORAGES[storage]
        )
        try:
            self._writer.open()
        except BaseException:
            self.discard()
            raise
        self._connections: dict[tuple[str, str], Any] = {}
        self._left_out: set[tuple[str, str]] = set()

    def write(
        self,
        topic: str,
        type_name: str,
        stamp_ns: int,
        data: bytes | memoryview,
        *,
        latched: bool = False,
    ) -> None:
        """Append one serialized (CDR) message, received at ``stamp_ns``.

        Args:
            topic: its topic.
            type_name: such as ``sensor_msgs/msg/Image``.
            stamp_ns: time of recording, in nanoseconds.
            data: the message.
            latched: whether the topic keeps its last message for later subscribers; the first
                message of a topic decides.

        Raises:
            JtnError: if the definition of the type is unknown.
        """
        key = (topic, type_name)
        if key not in self._connections:
            store = message_types()
            if type_name not in store.types:
                raise JtnError(f'cannot record {topic}: the type {type_name} is not known')
            self._connections[key] = self._writer.add_connection(
                topic,
                type_name,
                typestore=store,
                offered_qos_profiles=[LATCHED] if latched else [],
            )
        with _full_disk(self._path):
            self._writer.write(self._connections[key], stamp_ns, data)

    def copy(self, message: BagMessage) -> None:
        """Append a message of another bag, with the same type definition and QoS.

        A topic that cannot be stored in a bag is skipped with a warning.
        """
        key = message[:2]
        if key in self._left_out:
            return
        if key not in self._connections:
            try:
                self._connections[key] = self._connect_copy(*key, message.connection)
            except JtnError as error:
                self._left_out.add(key)
                logger.warning('%s is not copied to %s: %s', message.topic, self._path.name, error)
                return
        with _full_disk(self._path):
            self._writer.write(self._connections[key], message.received_ns, message.data)

    def _connect_copy(self, topic: str, type_name: str, original: Connection) -> Connection:
        """Add a topic with the properties that it has in another bag.

        Raises:
            JtnError: if its messages are not ROS 2 messages or its type definition is unknown.
        """
        if (encoding := _encoding(original)) != 'cdr':
            raise JtnError(f'its messages are serialized as {encoding or "an unknown format"}')
        store = message_types()
        definition = digest = None
        if original.msgdef.format is not MessageDefinitionFormat.NONE:
            definition = original.msgdef.data
            recorded = recorded_types(type_name, original.msgdef)
            digest = original.digest or (recorded and recorded.hash_rihs01(type_name))
        if not digest:
            definition = digest = None
            if type_name not in store.types:
                raise JtnError(f'the bag does not contain the definition of {type_name}')
        assert isinstance(original.ext, ConnectionExtRosbag2)
        return self._writer.add_connection(
            topic,
            type_name,
            typestore=store,
            msgdef=definition,
            rihs01=digest,
            offered_qos_profiles=original.ext.offered_qos_profiles,
        )

    def finish(self) -> None:
        """Write the remaining data of the storage."""
        with _full_disk(self._path):
            self._writer.close()

    def publish(self) -> None:
        """Rename the bag to its final name."""
        (self._temporary / self._path.name).rename(self._path)
        self._temporary.rmdir()

    def discard(self) -> None:
        """Remove the partial bag."""
        with suppress(Exception):  # closing fails on a full disk
            self._writer.abort()
        shutil.rmtree(self._temporary, ignore_errors=True)


def _encoding(connection: Connection) -> str:
    """Return the serialization of the messages of a connection."""
    ext = connection.ext
    assert isinstance(ext, ConnectionExtRosbag2)
    return str(ext.serialization_format)


@contextmanager
def _full_disk(path: Path) -> Iterator[None]:
    """Convert exceptions of SQLite on write failures to `JtnError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise JtnError(f'{path} cannot be written: {error}; free some space') from error


@contextmanager
def _bag_errors(path: Path) -> Iterator[None]:
    """Convert exceptions of rosbags on a damaged bag, which have many types, to `JtnError`."""
    try:
        yield
    except (OSError, JtnError, GeneratorExit):
        raise
    except Exception as error:
        raise JtnError(
            f'{path} is not a readable bag: {str(error) or type(error).__name__}; if it is '
            'damaged, try "ros2 bag reindex" or "mcap recover"'
        ) from error
