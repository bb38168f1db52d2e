"""CrowdHuman: still images of crowds, one JSON object per line (``annotation_train.odgt``)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.json_values import read_box
from jtn_ros.datasets.problems import Problem
from jtn_ros.datasets.problems import refuse
from jtn_ros.errors import JtnError
from jtn_ros.geometry import box_sizes

_PERSON = 'person'


@dataclass(frozen=True, kw_only=True)
class CrowdHumanRecord:
    """One line of the file: an image and its people."""

    line: int
    image: str
    annotations: Annotations


def read_crowdhuman(path: Path, class_names: Sequence[str]) -> list[Clip]:
    """Read the images of an annotation file as clips of one image each.

    Boxes are the full bodies (``fbox``), and visibility is their visible share (``vbox``).
    Objects that are marked as ignored or are not a person (``mask``: statues, reflections,
    groups) are ignored regions.

    Raises:
        OSError: if the file or the folder of images cannot be read.
        JtnError: if a line is not valid, or a class other than person is requested.
    """
    if tuple(class_names) != (_PERSON,):
        raise JtnError(f'CrowdHuman labels only persons, not {", ".join(class_names)}')
    records, problems = parse_crowdhuman(path)
    refuse(problems)
    folder = crowdhuman_images(path)
    return [
        Clip(
            name=record.image,
            frame_rate=1.0,
            images=(
                LabeledImage(
                    path=folder / f'{record.image}.jpg', number=1, annotations=record.annotations
                ),
            ),
        )
        for record in records
    ]


def crowdhuman_images(path: Path) -> Path:
    """Return the folder of the images of ``annotation_<split>.odgt``.

    Raises:
        JtnError: if it is not next to the file.
    """
    split = path.stem.removeprefix('annotation_')
    places = ('Images', f'CrowdHuman_{split}/Images', f'images/{split}', 'images')
    for place in places:
        if (path.parent / place).is_dir():
            return path.parent / place
    raise JtnError(f'{path.parent} has none of the image folders {", ".join(places)}')


def parse_crowdhuman(path: Path) -> tuple[list[CrowdHumanRecord], list[Problem]]:
    """Return the valid lines of a file, and the errors of the others.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a text file.
    """
    try:
        text = path.read_text(encoding='utf-8')
    except UnicodeDecodeError as error:
        raise JtnError(f'{path}: not a text file ({error.reason})') from error
    records, problems = [], []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.split('\n'), 1):
        if not line.strip():
            continue
        try:
            record = _parse_line(number, line)
            if record.image in seen:
                raise JtnError(f'image {record.image} is on line {seen[record.image]} already')
        except (ValueError, RecursionError) as error:
            problems.append(Problem(path, number, str(error)))
            continue
        seen[record.image] = number
        records.append(record)
    return records, problems


def _parse_line(number: int, line: str) -> CrowdHumanRecord:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise JtnError(f'not JSON: {error.msg} at column {error.colno}') from None
    image, people = (
        (values.get('ID'), values.get('gtboxes')) if isinstance(values, dict) else (None, None)
    )
    if not isinstance(image, str) or not image or not isinstance(people, list):
        raise JtnError('expected an object with a string "ID" and a list "gtboxes"')
    full, visible, ignored = [], [], []
    for index, person in enumerate(people):
        if not isinstance(person, dict):
            raise JtnError(f'gtboxes[{index}] is not an object')
        where = f'gtboxes[{index}].'
        full.append(read_box(person.get('fbox'), where + 'fbox'))
        visible.append(read_box(person.get('vbox', person['fbox']), where + 'vbox'))
        ignored.append(person.get('tag') != _PERSON or _is_ignored(person.get('extra')))
    boxes = np.array(full, np.float32).reshape(-1, 4)
    area = np.prod(box_sizes(boxes), axis=1)
    seen = np.prod(box_sizes(np.array(visible, np.float32).reshape(-1, 4)), axis=1)
    return CrowdHumanRecord(
        line=number,
        image=image,
        annotations=Annotations(
            ids=np.arange(1, len(boxes) + 1, dtype=np.int64),
            boxes=boxes,
            class_ids=np.zeros(len(boxes), np.int32),
            visibilities=np.divide(seen, area, out=np.zeros_like(area), where=area > 0).clip(0, 1),
            ignored=np.array(ignored, np.bool_),
        ),
    )


def _is_ignored(extra: Any) -> bool:
    return isinstance(extra, dict) and extra.get('ignore') == 1
