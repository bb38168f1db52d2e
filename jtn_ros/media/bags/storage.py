"""Opening of the files of a bag."""

import logging
from collections.abc import Collection
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from rosbags.interfaces import Connection
from rosbags.rosbag2.metadata import ReaderMetadata
from rosbags.rosbag2.reader import DirectoryReader

from jtn_ros.errors import JtnError
from jtn_ros.files import what_came_instead
from jtn_ros.media.bag_paths import BAG_EXTENSIONS
from jtn_ros.media.bag_paths import ROS1_EXTENSION
from jtn_ros.media.bag_paths import bag_files
from jtn_ros.media.bag_paths import split_name
from jtn_ros.media.bags.mcap_storage import McapStorage
from jtn_ros.media.bags.sqlite_storage import SqliteStorage

logger = logging.getLogger(__name__)


class Storage(Protocol):
    """A reader in terms of rosbags: a file of a bag, or a folder with ``metadata.yaml``."""

    connections: list[Connection]
    metadata: ReaderMetadata

    def open(self) -> None:
        """Read the contents."""
        ...

    def close(self) -> None:
        """Close the storage."""
        ...

    def messages(
        self, connections: Collection[Connection]
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield connection, time of recording in nanoseconds and data of the messages."""
        ...


class _Folder(DirectoryReader):
    """A folder with ``metadata.yaml``, which describes the compression."""

    STORAGE_PLUGINS = {'mcap': McapStorage, 'sqlite3': SqliteStorage}  # noqa: RUF012


def open_storages(path: Path) -> list[Storage]:
    """Return the opened parts of a bag in the order of recording.

    Raises:
        OSError: if it cannot be read.
        JtnError: if it is not a bag, is a ROS 1 bag, has an empty file, or contains several bags.
        Exception: of many types, if it is not a bag or is damaged.
    """
    files = bag_files(path) if path.is_dir() else [path]
    if any(file.suffix.lower() == ROS1_EXTENSION for file in files):
        raise JtnError(
            f'{path} is a bag of ROS 1; convert it with "rosbags-convert --src {path} --dst '
            f'{path.with_suffix("").name}", which is part of the package rosbags'
        )
    if path.is_file() and path.suffix.lower() not in BAG_EXTENSIONS:
        raise JtnError(
            f'{path} is not a bag; specify a folder with a bag, or a .mcap or .db3 file'
        )
    for file in files:
        if (what := what_came_instead(file)) is not None:
            raise JtnError(f'{file} is {what}')
    if not (path / 'metadata.yaml').exists():
        return _open_files(path, files)
    try:
        return [_opened(_Folder(path))]
    except OSError:
        raise
    except Exception as error:
        if not files:
            raise
        storages = _open_files(path, files)
        logger.warning(
            '%s cannot be used (%s); the other files in the folder are read without it',
            path / 'metadata.yaml',
            error,
        )
        return storages


def _open_files(path: Path, files: list[Path]) -> list[Storage]:
    """Return the opened files of one bag.

    Raises:
        JtnError: if they belong to several bags.
    """
    names = sorted({split_name(file)[0] for file in files})
    if len(names) > 1:
        raise JtnError(
            f'{path} contains several bags: {", ".join(names)}; specify the file of one'
        )
    storages: list[Storage] = []
    try:
        for file in files:
            kind = SqliteStorage if file.suffix.lower() == '.db3' else McapStorage
            storages.append(_opened(kind(file)))
    except BaseException:
        for storage in storages:
            storage.close()
        raise
    return sorted(storages, key=lambda storage: storage.metadata.start_time)


def _opened(storage: Storage) -> Storage:
    storage.open()
    return storage
