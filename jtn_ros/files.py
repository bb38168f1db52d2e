"""Names of files, and output files that are complete or absent, whatever happens meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jtn_ros.errors import UsageError


def require_utf8(name: str | Path) -> None:
    """Refuse a name that is not UTF-8: ROS cannot carry it, and OpenCV crashes on it.

    Raises:
        UsageError: if it is not.
    """
    try:
        str(name).encode()
    except UnicodeEncodeError:
        raise UsageError(f'{str(name)!r} is not UTF-8; rename the file or folder') from None


@contextmanager
def written_atomically(path: str | Path) -> Iterator[Path]:
    """Give a temporary path in the same folder, and put that file in place at the end.

    The folder is created when missing. If the body fails, nothing remains of the attempt and an
    earlier file keeps its content.

    Raises:
        OSError: if the file cannot be written there.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.part')
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
