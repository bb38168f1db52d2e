"""The recordings of an archive, from folders, patterns or lists, and their output folders."""

import glob
import hashlib
import logging
import os
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from jtn_ros.datasets.sequence_images import IMAGE_EXTENSIONS
from jtn_ros.datasets.sequence_images import is_sequence
from jtn_ros.datasets.sequence_images import visible_files
from jtn_ros.errors import JtnError
from jtn_ros.media.bag_paths import BAG_EXTENSIONS
from jtn_ros.media.bag_paths import bag_files
from jtn_ros.media.bag_paths import is_bag
from jtn_ros.media.bag_paths import split_name
from jtn_ros.media.video_formats import VIDEO_EXTENSIONS

logger = logging.getLogger(__name__)


def is_recording(path: Path) -> bool:
    """Return whether a path is one recording, based on names."""
    if path.is_file():
        return is_bag(path) or path.suffix.lower() in VIDEO_EXTENSIONS
    if not path.is_dir():
        return False
    if is_bag(path):
        parts = {split_name(file)[0] for file in bag_files(path)}
        return len(parts) < 2 or (path / 'metadata.yaml').exists()
    return is_sequence(path) or bool(visible_files(path, IMAGE_EXTENSIONS))


def holds_recording(path: Path) -> bool:
    """Return whether a path is a recording, or a folder with recordings and without results."""
    if not path.is_dir():
        return is_recording(path)
    return not any(path.glob('*.jsonl')) and next(_search(path, set()), None) is not None


def expand(given: Iterable[str | Path]) -> list[Path]:
    """Return paths, with patterns such as ``*/*.mp4`` replaced by their sorted matches.

    Raises:
        JtnError: if a pattern matches nothing.
    """
    paths = []
    for text in map(str, given):
        if Path(text).exists() or not glob.has_magic(text):
            paths.append(Path(text))
        elif matches := sorted(glob.glob(text, recursive=True)):
            paths += map(Path, matches)
        else:
            raise JtnError(f'{text} matches nothing; check the path')
    return paths


def read_list(path: Path) -> list[str]:
    """Return the lines of a file, without empty lines and lines that start with ``#``.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if the file is not a text file, or is empty.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding='utf-8').splitlines()]
    except UnicodeDecodeError as error:
        raise JtnError(f'{path} is not a list of recordings: it is not UTF-8 text') from error
    if found := [line for line in lines if line and not line.startswith('#')]:
        return found
    raise JtnError(f'{path} lists no recordings; write one path per line')


def find_recordings(given: Iterable[str | Path], leave_out: Path | None = None) -> list[Path]:
    """Return the recordings at and below the given paths, sorted and without duplicates.

    Given files are always included. In folders, recordings are recognized by their names, and
    names that start with a dot are skipped.

    Args:
        given: recordings, folders and patterns.
        leave_out: a folder that is not searched, such as that of the results.

    Raises:
        OSError: if a folder cannot be read.
        JtnError: if a path does not exist or contains no recordings.
    """
    found: dict[Path, None] = {}
    for path in expand(given):
        if not path.exists():
            raise JtnError(f'{path} does not exist; specify recordings or folders of them')
        seen = set() if leave_out is None else {leave_out.resolve()}
        below = [path] if path.is_file() else list(_search(path, seen))
        if not below:
            raise JtnError(
                f'{path} contains no recordings: no videos, bags, MOTChallenge sequences or '
                'folders of images'
            )
        found |= dict.fromkeys(absolute(part) for part in below)
    return sorted(found)


def absolute(path: Path) -> Path:
    """Return the absolute path that identifies a recording.

    Unlike with `Path.resolve`, a recording that is a link keeps the name of the link.
    """
    return path.parent.resolve() / path.name if path.name not in ('', '..') else path.resolve()


def find_places(recordings: Iterable[Path], known: Mapping[Path, str]) -> dict[Path, str]:
    """Return the folder for the results of each recording, relative to that of all results.

    It is the folder of the recording relative to the deepest common folder of all recordings. If
    two results would have the same name, as those of ``clip.mp4`` and ``clip.avi``, a subfolder
    with the name of the recording is added.

    Args:
        recordings: absolute paths.
        known: folders that were assigned earlier, and are kept.
    """
    recordings = list(recordings)
    if not recordings:
        return {}
    common = Path(os.path.commonpath([path.parent for path in recordings]))
    places = {path: path.parent.relative_to(common) for path in recordings}
    earlier = {path: Path(place) for path, place in known.items()}
    results = {path: _result(path, place) for path, place in (places | earlier).items()}
    number = Counter(results.values())
    for path, place in places.items():
        if number[results[path]] > 1:
            places[path] = place / path.name
    return {path: (earlier.get(path) or place).as_posix() for path, place in places.items()}


def fingerprint(recording: Path) -> str:
    """Return a text that changes with a recording, from the sizes and times of its files."""
    digest = hashlib.sha256()
    for file in [recording] if recording.is_file() else sorted(_files(recording)):
        digest.update(os.fsencode(file.relative_to(recording)))
        with suppress(OSError):  # a broken link; reading it reports the error
            status = file.stat()
            digest.update(f'\0{status.st_size}\0{status.st_mtime_ns}\0'.encode())
    return digest.hexdigest()[:16]


def _search(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield the recordings in a folder; circular links are not followed."""
    real = folder.resolve()
    if real in seen:
        return
    seen.add(real)
    try:
        if is_recording(folder):
            yield folder
            return
        paths = sorted(folder.iterdir())
    except PermissionError as error:  # such as lost+found in the root of a disk
        logger.warning('%s is skipped: %s', folder, error.strerror)
        return
    for path in paths:
        if path.name.startswith('.'):
            continue
        if path.is_dir():
            yield from _search(path, seen)
        elif is_recording(path) or _is_lost(path):
            yield path


def _is_lost(path: Path) -> bool:
    """Return whether a path is a broken link to a recording, which is an error."""
    known = (*VIDEO_EXTENSIONS, *BAG_EXTENSIONS)
    return path.is_symlink() and not path.exists() and path.suffix.lower() in known


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names if not name.startswith('.'))


def _result(recording: Path, place: Path) -> tuple[Path, str]:
    """Return the folder and name of the results, which must be unique."""
    stem = recording.stem if recording.is_file() else recording.name
    return place, stem.casefold()
