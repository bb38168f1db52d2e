"""The completed tasks of a folder, with which the same command resumes an earlier one.

One JSON line per completed task. A truncated last line, as after a power failure, is ignored.
"""

import json
import os
from collections.abc import Mapping
from fcntl import LOCK_EX
from fcntl import LOCK_NB
from fcntl import flock
from pathlib import Path
from typing import Any
from typing import Self

from jtn_ros.errors import UsageError
from jtn_ros.files import written_atomically

NAME = 'manifest.ndjson'
_FIELDS = {'name': str, 'key': str, 'place': str, 'result': dict}


class Manifest:
    """The entries of a folder by the name of their task. Use it as a context manager.

    Args:
        folder: folder of the results; it is created if necessary.

    Raises:
        OSError: if it cannot be written.
        UsageError: if another process is writing to the folder, or it contains another file with
            this name.
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
        try:
            self._entries = _read(self._path)
        except BaseException:
            self._lock.close()
            raise
        with written_atomically(self._path) as temporary:  # without replaced or truncated entries
            temporary.write_text(''.join(map(_line, self._entries.values())), encoding='utf-8')
        self._file = self._path.open('a', encoding='utf-8')

    def get(self, name: str) -> Mapping[str, Any]:
        """Return the entry of a task; empty if there is none."""
        return self._entries.get(name, {})

    def entries(self) -> Mapping[str, Mapping[str, Any]]:
        """Return all entries by the names of their tasks."""
        return self._entries

    def put(self, name: str, *, key: str, place: str, result: Mapping[str, Any]) -> None:
        """Write the entry of a task, which replaces an earlier one.

        Args:
            name: name of the task.
            key: depends on everything that determines the result.
            place: location of the results in the folder.
            result: summary of the result, as JSON.
        """
        self._entries[name] = {'name': name, 'key': key, 'place': place, 'result': result}
        self._file.write(_line(self._entries[name]))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        """Return the manifest, which is open already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the manifest."""
        self._file.close()
        self._lock.close()


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a file by name; empty if there is no file.

    Raises:
        UsageError: if it is another type of file, which must not be replaced.
    """
    try:
        lines = path.read_text(encoding='utf-8', errors='replace').splitlines()
    except FileNotFoundError:
        return {}
    entries: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(lines, start=1):
        try:
            entry = json.loads(line)
        except ValueError:
            if number == len(lines):
                break
            entry = None
        if not _is_entry(entry):
            raise UsageError(
                f'{path}, line {number}, is not an entry of a manifest; choose another --output, '
                'or remove the file to start again'
            )
        entries[entry['name']] = entry
    return entries


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in _FIELDS.items()
    )


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry) + '\n'
