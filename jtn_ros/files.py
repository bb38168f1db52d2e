"""File names, and atomic writing of output files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jtn_ros.errors import UsageError

# Descriptions by the first bytes of the file, in lower case.
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
    """Reject a name that is not UTF-8: ROS does not support it, and OpenCV crashes on it.

    Raises:
        UsageError: if it is not UTF-8.
    """
    try:
        str(name).encode()
    except UnicodeEncodeError:
        raise UsageError(f'{str(name)!r} is not UTF-8; rename the file or folder') from None


def cache_folder(name: str) -> Path:
    """Return a cache folder of this package, below the cache folder of the user."""
    cache = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(cache) / 'jtn_ros' / name


def what_came_instead(path: Path) -> str | None:
    """Return what a file is if a download or checkout produced another kind of file; else None.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open('rb') as file:
        raw = file.read(200)
    if b'\0' in raw[:8] and raw[8:9] == b'{':  # safetensors: 8 bytes of length first
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
    """Yield a temporary path in the same folder, and rename that file at the end.

    The folder is created if it does not exist. If the body fails, the temporary file is removed
    and an existing file keeps its content.

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
