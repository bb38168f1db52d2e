"""Reading of clips from a dataset; its path determines the format."""

import logging
from collections.abc import Sequence
from pathlib import Path

from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.coco import read_coco
from jtn_ros.datasets.crowdhuman import read_crowdhuman
from jtn_ros.datasets.sequences import read_sequences
from jtn_ros.errors import JtnError

logger = logging.getLogger(__name__)

_FILE_READERS = {'.odgt': read_crowdhuman, '.json': read_coco}


def is_annotation_file(path: Path) -> bool:
    """Return whether a path is named like an annotation file of many images."""
    return path.suffix.lower() in _FILE_READERS


def read_clips(path: Path, class_names: Sequence[str] = ('person',)) -> list[Clip]:
    """Read a folder of MOTChallenge sequences, a CrowdHuman ``.odgt`` or a COCO ``.json`` file.

    Args:
        path: the folder or file.
        class_names: classes of the network; other objects are skipped.

    Raises:
        OSError: if a file cannot be read.
        JtnError: if it is not valid or has no such class; the message names file and line.
    """
    if not path.exists():
        raise JtnError(f'{path} does not exist; see docs/training.md for the layouts')
    if path.is_dir():
        clips = read_sequences(path, class_names)
    elif is_annotation_file(path):
        clips = _FILE_READERS[path.suffix.lower()](path, class_names)
    else:
        raise JtnError(
            f'{path}: unknown kind of dataset; specify a folder of MOTChallenge sequences, a '
            'CrowdHuman .odgt or a COCO .json file'
        )
    images = sum(len(clip.images) for clip in clips)
    logger.info('%s: %d clips, %d images', path, len(clips), images)
    return clips
