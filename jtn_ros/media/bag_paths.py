"""The files of a bag."""

import re
from pathlib import Path

BAG_EXTENSIONS = ('.mcap', '.db3')
ROS1_EXTENSION = '.bag'


def is_bag(path: Path) -> bool:
    """Return whether a path is a bag: a .mcap, .db3 or .bag file, or a folder that contains one.

    A folder with ``metadata.yaml`` is also a bag; a folder with ``seqinfo.ini`` is a sequence.
    """
    if path.suffix.lower() in BAG_EXTENSIONS or (path / 'metadata.yaml').exists():
        return True
    if path.is_dir():
        return bool(bag_files(path)) and not (path / 'seqinfo.ini').exists()
    return path.suffix.lower() == ROS1_EXTENSION


def bag_files(folder: Path) -> list[Path]:
    """Return the bag files in a folder in natural order (``drive_2.mcap``, ``drive_10.mcap``)."""
    known = (*BAG_EXTENSIONS, ROS1_EXTENSION)
    found = [path for path in folder.iterdir() if path.suffix.lower() in known and path.is_file()]
    return sorted((path for path in found if not path.name.startswith('.')), key=split_name)


def split_name(file: Path) -> tuple[str, int]:
    """Return the name of the bag to which a file belongs, and the part number of the file."""
    match = re.fullmatch(r'(.*)_(\d+)', file.stem)
    return (match[1], int(match[2])) if match else (file.stem, 0)
