"""One sqlite3 file of a bag, with or without definitions of its types."""

import sqlite3
from collections.abc import Collection
from collections.abc import Generator
from pathlib import Path

from rosbags.interfaces import Connection

from jtn_ros.media.bags.connection import NO_MESSAGES
from jtn_ros.media.bags.connection import describe_messages
from jtn_ros.media.bags.connection import make_connection


class SqliteStorage:
    """A storage for the readers of rosbags.

    Attributes:
        connections: one per topic.
        metadata: number of messages and their times.
    """

    def __init__(self, path: Path) -> None:
        """Prepare, without opening the file."""
        self.path = path
        self.connections: list[Connection] = []
        self.metadata = NO_MESSAGES

    def open(self) -> None:
        """Read the contents of the file.

        Raises:
            OSError: if it cannot be read.
            sqlite3.Error: if it is not a sqlite3 file.
        """
        with self.path.open('rb'):  # a clear error if the file is not readable
            pass
        # Data of an interrupted recorder may be in a log next to the file.
        log = self.path.with_name(f'{self.path.name}-wal')
        mode = 'mode=ro' if log.exists() and log.stat().st_size else 'immutable=1'
        uri = f'{self.path.absolute().as_uri()}?{mode}'
        # Frames may be read ahead on another thread.
        self._database = sqlite3.connect(uri, uri=True, check_same_thread=False)
        try:
            self._read_contents()
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def messages(
        self,
        connections: Collection[Connection],
        start: int | None = None,
        stop: int | None = None,
    ) -> Generator[tuple[Connection, int, bytes]]:
        """Yield connection, time of recording in nanoseconds and data of the messages."""
        chosen = {connection.id: connection for connection in connections}
        places = ','.join('?' * len(chosen))
        limits = (start or 0, 2**63 - 1 if stop is None else stop - 1)
        query = (
            f'SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN ({places}) '
            'AND timestamp BETWEEN ? AND ? ORDER BY timestamp'
        )
        for topic_id, time_ns, data in self._database.execute(query, (*chosen, *limits)):
            yield chosen[topic_id], time_ns, data

    def _read_contents(self) -> None:
        """Set the attributes."""
        query = (
            'SELECT topic_id, COUNT(*), MIN(timestamp), MAX(timestamp) FROM messages GROUP BY 1'
        )
        rows = self._database.execute(query).fetchall()
        counts = {topic_id: count for topic_id, count, _, _ in rows}
        if rows:
            first, last = min(row[2] for row in rows), max(row[3] for row in rows)
            self.metadata = describe_messages(sum(counts.values()), first, last)
        definitions: dict[str, tuple[str, str]] = {}
        if self._columns('message_definitions'):
            query = (
                'SELECT topic_type, encoding, encoded_message_definition FROM message_definitions'
            )
            definitions = {row[0]: (row[1], row[2]) for row in self._database.execute(query)}
        # Early versions have fewer columns.
        optional = {'offered_qos_profiles', 'type_description_hash'} & self._columns('topics')
        wanted = ['id', 'name', 'type', 'serialization_format', *optional]
        for row in self._database.execute(f'SELECT {", ".join(wanted)} FROM topics ORDER BY id'):
            topic = dict(zip(wanted, row, strict=True))
            self.connections.append(
                make_connection(
                    topic['id'],
                    topic['name'],
                    topic['type'],
                    encoding=topic['serialization_format'],
                    definition=definitions.get(topic['type'], ('', '')),
                    digest=topic.get('type_description_hash', ''),
                    count=counts.get(topic['id'], 0),
                    profiles=topic.get('offered_qos_profiles', ''),
                    owner=self,
                )
            )

    def _columns(self, table: str) -> set[str]:
        """Return the column names of a table; empty if there is no such table."""
        return {row[1] for row in self._database.execute(f'PRAGMA table_info({table})')}
