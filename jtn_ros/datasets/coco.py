"""COCO annotations: still images, or videos if the images name a video and a frame.

Videos follow the extension that CenterTrack, BDD100K and others use: images have ``video_id`` and
``frame_id``, annotations have ``track_id`` (or ``instance_id``). Images may name their source
collection as ``source``.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.clips import Clip
from jtn_ros.datasets.clips import LabeledImage
from jtn_ros.datasets.json_values import read_box
from jtn_ros.datasets.json_values import read_integer
from jtn_ros.datasets.problems import Problem
from jtn_ros.datasets.problems import refuse
from jtn_ros.errors import JtnError

VIDEO_FRAME_RATE = 30.0  # for videos without a frame rate
_IDENTITIES = ('track_id', 'instance_id')


@dataclass(frozen=True, kw_only=True)
class CocoImage:
    """One image of the file.

    Attributes:
        file_name: path relative to the folder of the images.
        video: id of its video, or None for a still image.
        frame: frame number in the video; 0 for a still image.
        annotations: its objects, with class ids in the order of the class names.
        source: source of the image; '' if unknown.
    """

    file_name: str
    video: int | None
    frame: int
    annotations: Annotations
    source: str = ''


def read_coco(path: Path, class_names: Sequence[str]) -> list[Clip]:
    """Read the images of an annotation file: a clip for each video and each still image.

    Crowds (``iscrowd``) and objects marked ``ignore`` are ignored regions. The class names are
    category names of the file; other categories are background. A video has the source of its
    first image in the file.

    Raises:
        OSError: if the file or the folder of images cannot be read.
        JtnError: if the file is not valid or has no such category.
    """
    images, rates, problems = parse_coco(path, class_names)
    refuse(problems)
    folder = coco_images(path, images)
    clips = defaultdict(list)
    for index, image in enumerate(images):
        clips[('still', index) if image.video is None else ('video', image.video)].append(image)
    return [
        Clip(
            name=members[0].file_name if kind == 'still' else f'video {number}',
            frame_rate=rates.get(number, VIDEO_FRAME_RATE) if kind == 'video' else 1.0,
            source=members[0].source,
            images=tuple(
                LabeledImage(
                    path=folder / image.file_name,
                    number=image.frame + 1,
                    annotations=image.annotations,
                )
                for image in sorted(members, key=lambda image: image.frame)
            ),
        )
        for (kind, number), members in clips.items()
    ]


def coco_images(path: Path, images: Sequence[CocoImage]) -> Path:
    """Return the folder to which the file names of ``<anything>_<split>.json`` are relative.

    Raises:
        JtnError: if the first image is not in any of the usual folders.
    """
    split = path.stem.rpartition('_')[2]
    roots = (path.parent.parent, path.parent)
    places = [root / below for root in roots for below in (split, f'images/{split}', 'images', '')]
    for place in places:
        if not images or (place / images[0].file_name).is_file():
            return place
    raise JtnError(
        f'{path}: the image {images[0].file_name} is in none of {", ".join(map(str, places))}'
    )


def parse_coco(
    path: Path, class_names: Sequence[str] | None = None
) -> tuple[list[CocoImage], dict[int, float], list[Problem]]:
    """Return the images, the frame rates of videos by id, and the errors of the file.

    Args:
        path: the file.
        class_names: categories to keep, in the order of their class ids; None keeps all.

    Raises:
        OSError: if the file cannot be read.
        JtnError: if it is not a COCO file, or has no such category.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except json.JSONDecodeError as error:
        raise JtnError(f'{path}, line {error.lineno}: not JSON: {error.msg}') from None
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise JtnError(f'{path}: not a JSON file ({error})') from error
    parser = _Parser(path)
    if not isinstance(content, dict):
        raise JtnError(f'{path}: expected an object with images, annotations and categories')
    classes = parser.classes(content, class_names)
    objects = parser.objects(content, classes)
    images = parser.images(content, objects)
    return images, parser.frame_rates(content), parser.problems


@dataclass
class _Object:
    """One annotation."""

    box: tuple[float, float, float, float]
    class_id: int
    identity: int | None
    ignored: bool


class _Parser:
    """Converts lists of JSON objects, and collects the errors of invalid ones."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []

    def _entries(self, content: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the objects of a list with their names for messages."""
        entries = content.get(key)
        if not isinstance(entries, list):
            raise JtnError(f'{self.path}: no list "{key}"; is it a COCO annotation file?')
        for index, entry in enumerate(entries):
            if isinstance(entry, dict):
                yield f'{key}[{index}]', entry
            else:
                self._note(f'{key}[{index}] is not an object')

    def _note(self, text: str) -> None:
        self.problems.append(Problem(self.path, 0, text))

    def classes(
        self, content: dict[str, Any], class_names: Sequence[str] | None
    ) -> dict[int, int]:
        """Return the class id of each category; -1 for those that are not kept."""
        categories: dict[int, str] = {}
        for where, entry in self._entries(content, 'categories'):
            try:
                categories[read_integer(entry.get('id'), 'id')] = str(entry.get('name'))
            except ValueError as error:
                self._note(f'{where}: {error}')
        names = list(categories.values()) if class_names is None else list(class_names)
        missing = [name for name in names if name not in categories.values()]
        if missing:
            known = ', '.join(categories.values()) or 'none'
            raise JtnError(f'{self.path}: no category {missing[0]!r}; it has: {known}')
        return {
            number: names.index(name) if name in names else -1
            for number, name in categories.items()
        }

    def objects(
        self, content: dict[str, Any], classes: dict[int, int]
    ) -> dict[int, list[_Object]]:
        """Return the annotations by image."""
        by_image = defaultdict(list)
        for where, entry in self._entries(content, 'annotations'):
            try:
                image = read_integer(entry.get('image_id'), 'image_id')
                category = read_integer(entry.get('category_id'), 'category_id')
                if category not in classes:
                    raise JtnError(f'category_id {category} is not a category of the file')
                box = read_box(entry.get('bbox'), 'bbox')
                identities = [entry[key] for key in _IDENTITIES if entry.get(key) is not None]
                identity = read_integer(identities[0], 'track_id') if identities else None
            except ValueError as error:
                self._note(f'{where} (id {str(entry.get("id"))[:20]}): {error}')
                continue
            if classes[category] >= 0:
                ignored = entry.get('iscrowd') == 1 or entry.get('ignore') == 1
                by_image[image].append(_Object(box, classes[category], identity, ignored))
        return by_image

    def images(
        self, content: dict[str, Any], objects: dict[int, list[_Object]]
    ) -> list[CocoImage]:
        """Return the images with their objects."""
        images: dict[int, CocoImage] = {}
        frames = set()
        named = [item.identity for items in objects.values() for item in items]
        unnamed = count(1 + max((1 + number for number in named if number is not None), default=0))
        for where, entry in self._entries(content, 'images'):
            try:
                number = read_integer(entry.get('id'), 'id')
                if number in images:
                    raise JtnError(f'id {number} occurs twice')
                name = entry.get('file_name')
                if not isinstance(name, str) or not name or '\0' in name:
                    raise JtnError(f'file_name is {name!r}; expected a path')
                video, frame = None, 0
                if entry.get('video_id') is not None:
                    video = read_integer(entry['video_id'], 'video_id')
                    frame = read_integer(entry.get('frame_id'), 'frame_id')
                    if (video, frame) in frames:
                        raise JtnError(f'frame {frame} of video {video} occurs twice')
                    frames.add((video, frame))
                annotations = _annotations(objects.get(number, []), unnamed, f'{where} ({name})')
            except ValueError as error:
                self._note(f'{where}: {error}')
                continue
            images[number] = CocoImage(
                file_name=name,
                video=video,
                frame=frame,
                annotations=annotations,
                source=str(entry.get('source') or ''),
            )
        for number in sorted(objects.keys() - images.keys()):
            self._note(
                f'{len(objects[number])} annotations of image_id {number}, which is missing'
            )
        return list(images.values())

    def frame_rates(self, content: dict[str, Any]) -> dict[int, float]:
        """Return the frame rates of the videos, by id."""
        rates = {}
        for where, entry in self._entries({'videos': [], **content}, 'videos'):
            try:
                number, rate = read_integer(entry.get('id'), 'id'), entry.get('fps')
            except ValueError as error:
                self._note(f'{where}: {error}')
                continue
            if isinstance(rate, int | float) and 0 < rate < float('inf'):
                rates[number] = float(rate)
        return rates


def _annotations(objects: list[_Object], unnamed: Iterator[int], where: str) -> Annotations:
    """Return the objects of an image; an object without an identity gets a new one.

    Raises:
        JtnError: if an identity occurs twice.
    """
    tracked = [item.identity + 1 for item in objects if item.identity is not None]
    if len(set(tracked)) < len(tracked):
        raise JtnError(f'{where}: a track_id occurs twice')
    ids = [next(unnamed) if item.identity is None else item.identity + 1 for item in objects]
    return Annotations(
        ids=np.array(ids, np.int64),
        boxes=np.array([item.box for item in objects], np.float32).reshape(-1, 4),
        class_ids=np.array([item.class_id for item in objects], np.int32),
        visibilities=np.ones(len(objects), np.float32),
        ignored=np.array([item.ignored for item in objects], np.bool_),
    )
