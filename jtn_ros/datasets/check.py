"""Checks of a dataset before training."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.box_table import BoxTable
from jtn_ros.datasets.coco import coco_images
from jtn_ros.datasets.coco import parse_coco
from jtn_ros.datasets.crowdhuman import crowdhuman_images
from jtn_ros.datasets.crowdhuman import parse_crowdhuman
from jtn_ros.datasets.mot_challenge import COLUMNS
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import benchmark_of
from jtn_ros.datasets.mot_challenge import check_ground_truth
from jtn_ros.datasets.mot_challenge import find_sequences
from jtn_ros.datasets.problems import Problem
from jtn_ros.datasets.sequence_images import differences
from jtn_ros.datasets.sequence_images import sequence_images
from jtn_ros.datasets.sequence_images import sequence_info
from jtn_ros.errors import JtnError
from jtn_ros.geometry import box_sizes

ImageSize = tuple[int, int]  # width and height in pixels
Progress = Callable[[Sequence[Path]], Iterable[Path]]


@dataclass
class Findings:
    """The contents and the errors of a dataset.

    Attributes:
        clips: number of sequences; 0 for still images.
        images: number of image files.
        boxes: number of annotated boxes that could be read.
        problems: errors, in the order of the files.
    """

    clips: int = 0
    images: int = 0
    boxes: int = 0
    problems: list[Problem] = field(default_factory=list)

    def note(self, path: Path, text: str, line: int = 0) -> None:
        """Add a problem."""
        self.problems.append(Problem(path, line, text))


def check_dataset(path: Path, progress: Progress = iter) -> Findings:
    """Check a folder of MOTChallenge sequences, a CrowdHuman ``.odgt`` or a COCO ``.json`` file.

    Args:
        path: the folder or file.
        progress: wraps the iteration over the images of a sequence or file.

    Raises:
        OSError: if the path cannot be read.
        JtnError: if there is no dataset in a known format.
    """
    findings = Findings()
    if path.is_dir():
        for folder in _sequence_folders(path):
            _check_sequence(folder, findings, progress)
    elif path.suffix.lower() == '.odgt':
        _check_crowdhuman(path, findings, progress)
    elif path.suffix.lower() == '.json':
        _check_coco(path, findings, progress)
    elif path.exists():
        raise JtnError(f'{path}: specify a folder of sequences, an .odgt or a .json file')
    else:
        raise JtnError(f'{path} does not exist')
    return findings


def _sequence_folders(path: Path) -> list[Path]:
    """Return the folders with ground truth or ``seqinfo.ini``, or else all sequences."""
    named = [*path.glob('seqinfo.ini'), *path.glob('*/seqinfo.ini')]
    labeled = [*path.glob('gt/gt.txt'), *path.glob('*/gt/gt.txt')]
    found = {file.parent for file in named} | {file.parent.parent for file in labeled}
    return sorted(found) or find_sequences(path)


def _check_sequence(folder: Path, findings: Findings, progress: Progress) -> None:
    """Compare ground truth and images of a sequence with its ``seqinfo.ini``."""
    findings.clips += 1
    truth = folder / 'gt' / 'gt.txt'
    try:
        info = sequence_info(folder)
        images = sequence_images(folder, info)
    except JtnError as error:
        findings.problems.append(_problem_of(error, folder / 'seqinfo.ini'))
        return
    if not truth.is_file():
        findings.note(truth, 'the ground truth is missing')
        return
    try:
        table = BoxTable.read(truth, COLUMNS)
    except JtnError as error:
        findings.problems.append(_problem_of(error, truth))
        return
    check_ground_truth(table, benchmark_of(folder))
    values = table.values
    table.require(values[:, 0] <= info.length, f'the sequence has {info.length} frames')
    table.require((values[:, 4:6] != 0).all(axis=1), 'the box has no area')
    outside = _outside(table.boxes(), (info.width, info.height))
    table.require(~outside, f'the box lies outside the image of {info.width}x{info.height}')
    if values.shape[1] == 9:
        seen = values[:, 8]
        table.require((seen >= 0) & (seen <= 1), 'the visibility is not between 0 and 1')
    findings.boxes += len(values)
    findings.problems += sorted(table.problems, key=lambda problem: problem.line)
    _check_sequence_images(folder / info.image_dir, images, info, findings, progress)


def _check_sequence_images(
    place: Path,
    images: Mapping[int, Path],
    info: SequenceInfo,
    findings: Findings,
    progress: Progress,
) -> None:
    findings.images += len(images)
    for text in differences(images, info):
        findings.note(place, text)
    for path, size in _open_images(list(images.values()), findings, progress):
        if size != (info.width, info.height):
            findings.note(
                path,
                f'{size[0]}x{size[1]} pixels; the sequence has {info.width}x{info.height}',
            )


def _check_crowdhuman(path: Path, findings: Findings, progress: Progress) -> None:
    records, problems = parse_crowdhuman(path)
    findings.problems += problems
    folder = crowdhuman_images(path)
    by_path = {folder / f'{record.image}.jpg': record for record in records}
    findings.boxes += sum(len(record.annotations) for record in records)
    for image, record in by_path.items():
        if not image.is_file():
            findings.note(path, f'the image {image} is missing', record.line)
    present = [image for image in by_path if image.is_file()]
    findings.images += len(present)
    for image, size in _open_images(present, findings, progress):
        record = by_path[image]
        _check_boxes(record.annotations, size, findings, path, f'{record.image}: ', record.line)
    findings.problems.sort(key=lambda problem: problem.line)


def _check_coco(path: Path, findings: Findings, progress: Progress) -> None:
    images, _, problems = parse_coco(path)
    findings.problems += problems
    folder = coco_images(path, images)
    by_path = {folder / image.file_name: image for image in images}
    findings.clips += len({image.video for image in images} - {None})
    findings.boxes += sum(len(image.annotations) for image in images)
    for file, image in by_path.items():
        if not file.is_file():
            findings.note(path, f'the image {image.file_name} is missing in {folder}')
    present = [file for file in by_path if file.is_file()]
    findings.images += len(present)
    for file, size in _open_images(present, findings, progress):
        image = by_path[file]
        _check_boxes(image.annotations, size, findings, path, f'{image.file_name}: ')


def _check_boxes(
    objects: Annotations, size: ImageSize, findings: Findings, path: Path, name: str, line: int = 0
) -> None:
    """Add a problem for each box that cannot be an object in the image."""
    empty = (box_sizes(objects.boxes) == 0).any(axis=1)
    outside = _outside(objects.boxes, size)
    for bad, text in (
        (empty, 'has no area'),
        (outside, f'lies outside the image of {size[0]}x{size[1]}'),
    ):
        for box in objects.boxes[bad].tolist():
            findings.note(path, f'{name}the box from {box[:2]} to {box[2:]} {text}', line)


def _outside(boxes: NDArray[np.float32], size: ImageSize) -> NDArray[np.bool_]:
    """Return which boxes (N, 4) touch no pixel of an image."""
    return ((boxes[:, 2:] <= 0) | (boxes[:, :2] >= np.array(size))).any(axis=1)


def _open_images(
    paths: list[Path], findings: Findings, progress: Progress
) -> Iterator[tuple[Path, ImageSize]]:
    """Yield the images that can be decoded, with their size; add a problem for the others."""
    for path in progress(paths):
        try:
            with Image.open(path) as image:
                size = image.size
                image.draft('L', (1, 1))  # fast for JPEG (1/8 of the size), reads the whole file
                image.load()
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            findings.note(path, f'the image cannot be decoded ({error})')
            continue
        yield path, size


def _problem_of(error: JtnError, path: Path) -> Problem:
    """Return the problem of a file that could not be read; the error may name another file."""
    place, _, text = str(error).partition(': ')
    return Problem(Path(place), 0, text) if Path(place).exists() else Problem(path, 0, str(error))
