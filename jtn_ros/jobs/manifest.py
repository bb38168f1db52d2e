"""Which tasks of a folder are done, so that the same command goes on where an earlier one ended.

One JSON line per finished task. A line that was cut off, as when the power fails, does not count.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from fcntl import LOCK_EX
from fcntl import LOCK_NB
from fcntl import flock
from pathlib import Path
from typing import Any
from typing import Self

from jtn_ros.errors import UsageError
from jtn_ros.files import written_atomically

NAME = 'manifest.ndjson'


class Manifest:
    """The entries of a folder by the name of their task. Use it as a context manager.

    Args:
        folder: of the results; it is made if need be.

    Raises:
        OSError: if it cannot be written.
        UsageError: if another process is writing to the folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / NAME
        self._lock = (folder / f'.{NAME}.lock').open('w')
        try:
            flock(self._lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise UsageError(
                f'another process is writing to {folder}; choose another --output'
            ) from None
        self._entries = _read(self._path)
        with written_atomically(self._path) as temporary:  # without what was replaced or cut off
            temporary.write_text(''.join(map(_line, self._entries.values())), encoding='utf-8')
        self._file = self._path.open('a', encoding='utf-8')

    def get(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a task; empty where there is none."""
        return self._entries.get(name, {})

    def entries(self) -> Mapping[str, Mapping[str, Any]]:
        """Return all entries by the names of their tasks."""
        return self._entries

    def put(self, name: str, **entry: Any) -> None:
        """Write the entry of a task, which replaces an earlier one."""
        self._entries[name] = {'name': name, **entry}
        self._file.write(_line(self._entries[name]))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        """Return the manifest, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._file.close()
        self._lock.close()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    entries: dict[str, dict[str, Any]] = {}
    with suppress(FileNotFoundError), path.open(encoding='utf-8', errors='replace') as file:
        for line in file:
            with suppress(ValueError, LookupError, TypeError):
                entry = json.loads(line)
                entries[str(entry['name'])] = entry
    return entries


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry) + '\n'
