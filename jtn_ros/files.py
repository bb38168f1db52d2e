"""Names of files, and output files that are complete or absent, whatever happens meanwhile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jtn_ros.errors import UsageError

# By how the file begins, in lower case.
_INSTEAD = {
    (b'version https://git-lfs',): 'a pointer of Git LFS; fetch the file itself: git lfs pull',
    (b'<!doctype', b'<html', b'<head', b'<script', b'<!--'): 'a web page, such as one that asks '
    'to confirm the download or to log in; download the file with a browser',
    (b'<?xml',): 'an XML document, such as the error of a server; download the file again',
    (
        b'{"',
        b'{\n',
        b'{\r',
        b'["',
    ): 'a JSON text, such as the error of a server; download the file again',
    (b'\x1f\x8b',): 'an archive (gzip); unpack it',
    (b'rar!', b'7z\xbc\xaf', b'\x28\xb5\x2f\xfd'): 'an archive; unpack it',
}


def require_utf8(name: str | Path) -> None:
    """Refuse a name that is not UTF-8: ROS cannot carry it, and OpenCV crashes on it.

    Raises:
        UsageError: if it is not.
    """
    try:
        str(name).encode()
    except UnicodeEncodeError:
        raise UsageError(f'{str(name)!r} is not UTF-8; rename the file or folder') from None


def cache_folder(name: str) -> Path:
    """Return a folder for what can be made again, below the cache of the user."""
    cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(cache) / 'jtn_ros' / name


def what_came_instead(path: Path) -> str | None:
    """Return what a file is where a download or a checkout brought something else; else None.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open('rb') as file:
        raw = file.read(200)
    if b'\0' in raw[:8] and raw[8:9] == b'{':  # safetensors, which begin with any length
        return None
    start = raw.lstrip(b'\xef\xbb\xbf \t\r\n').lower()
    if not start:
        return 'an empty file; fetch it again'
    for beginnings, what in _INSTEAD.items():
        if start.startswith(beginnings):
            return what
    return None


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
