"""One MCAP file of any writer, also without an index or truncated."""

import logging
from collections import Counter
from collections.abc import Collection
from collections.abc import Generator
from pathlib import Path

from mcap.reader import SeekingReader
from mcap.records import Channel
from mcap.records import DataEnd
from mcap.records import Message
from mcap.records import Schema
from mcap.summary import Summary
from rosbags.interfaces import Connection

from jtn_ros.media.bags.connection import NO_MESSAGES
from jtn_ros.media.bags.connection import describe_messages
from jtn_ros.media.bags.connection import make_connection
from jtn_ros.media.bags.mcap_records import read_records

logger = logging.getLogger(__name__)

NO_SCHEMA = '(no schema)'


class McapStorage:
    """A storage for the readers of rosbags that accepts all channels.

    A file without an index, or a truncated file, is read sequentially as far as possible.

    Attributes:
        connections: one per channel.
        metadata: number of messages and their times.
    """

    def __init__(self, path: Path) -> None:
        """Prepare, without opening the file."""
        self.path = path
        self.connections: list[Connection] = []
        self.metadata = NO_MESSAGES
        self._indexed = False

    def open(self) -> None:
        """Read the contents of the file.

        Raises:
            OSError: if it cannot be read.
            Exception: of many types, if it is not an MCAP file or has no readable message.
        """
        with self.path.open('rb') as file:
            reader = SeekingReader(file)
            try:
                summary = reader.get_summary()
            except Exception:  # of many types, if the end of the file is missing
                summary = None
        if summary is not None and _is_index(summary):
            self._indexed = True
            self._take(summary)
        else:
            self._scan()

    def close(self) -> None:
        """Do nothing: the file is open only during reading."""

    def messages(
        self,
        connections: Collection[Connection],
        start: int | None = None,
        stop: int | None = None,
    ) -> Generator[tuple[Connection, int, bytes]]:
        """Yield connection, time of recording in nanoseconds and data of the messages."""
        chosen = {connection.id: connection for connection in connections}
        first, end = start or 0, 2**64 if stop is None else stop
        with self.path.open('rb') as file:
            records = (record for record in read_records(file) if isinstance(record, Message))
            if self._indexed:
                topics = {connection.topic for connection in connections}
                reader = SeekingReader(file, validate_crcs=True)
                records = (message for _, _, message in reader.iter_messages(topics))
            for message in records:
                if message.channel_id in chosen and first <= message.log_time < end:
                    yield chosen[message.channel_id], message.log_time, message.data

    def _take(self, summary: Summary) -> None:
        """Read the contents from the index."""
        found = summary.statistics
        assert found is not None
        self.connections = [
            self._connection(channel, summary.schemas, found.channel_message_counts)
            for channel in summary.channels.values()
        ]
        if found.message_count:
            self.metadata = describe_messages(
                found.message_count, found.message_start_time, found.message_end_time
            )

    def _scan(self) -> None:
        """Read the contents from the whole file.

        Raises:
            ValueError: if the file was truncated before its first message.
        """
        schemas: dict[int, Schema] = {}
        channels: dict[int, Channel] = {}
        counts: Counter[int] = Counter()
        first, last = 2**64, 0
        finished = False
        with self.path.open('rb') as file:
            for record in read_records(file):
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                elif isinstance(record, DataEnd):
                    finished = True
                else:
                    counts[record.channel_id] += 1
                    first, last = min(first, record.log_time), max(last, record.log_time)
        if counts:
            self.metadata = describe_messages(counts.total(), first, last)
        elif not finished:
            raise ValueError('it was truncated before its first message')
        if not finished:
            logger.warning(
                '%s was not finished or is damaged: %d messages of it can be read',
                self.path,
                counts.total(),
            )
        self.connections = [
            self._connection(channel, schemas, counts) for channel in channels.values()
        ]

    def _connection(
        self, channel: Channel, schemas: dict[int, Schema], counts: dict[int, int]
    ) -> Connection:
        """Return a channel as a rosbags connection."""
        schema = schemas.get(channel.schema_id) or Schema(0, b'', '', NO_SCHEMA)
        return make_connection(
            channel.id,
            channel.topic,
            schema.name,
            encoding=channel.message_encoding,
            definition=(schema.encoding, schema.data.decode('utf-8', 'replace')),
            digest=channel.metadata.get('topic_type_hash', ''),
            count=counts.get(channel.id, 0),
            profiles=channel.metadata.get('offered_qos_profiles', ''),
            owner=self,
        )


def _is_index(summary: Summary) -> bool:
    """Return whether a summary has the index and the number of all messages."""
    found = summary.statistics
    if found is None or len(summary.channels) < found.channel_count:
        return False
    used = {channel.schema_id for channel in summary.channels.values()}
    return used <= {0, *summary.schemas} and bool(summary.chunk_indexes or not found.message_count)
