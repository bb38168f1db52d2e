"""COCO: stills and videos, categories by name, crowds, and entries that are refused."""

import json
from collections.abc import Callable
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.datasets.coco import parse_coco
from jtn_ros.datasets.readers import read_clips
from jtn_ros.errors import JtnError

CATEGORIES = [
    {'supercategory': 'person', 'id': 1, 'name': 'person'},
    {'supercategory': 'vehicle', 'id': 3, 'name': 'car'},
    {'supercategory': 'animal', 'id': 18, 'name': 'dog'},
]
STILLS: dict[str, Any] = {
    'info': {'year': 2017},
    'licenses': [],
    'images': [
        {'license': 4, 'file_name': '000000397133.jpg', 'height': 48, 'width': 64, 'id': 397133},
        {'license': 1, 'file_name': '000000037777.jpg', 'height': 48, 'width': 64, 'id': 37777},
    ],
    'annotations': [
        {
            'segmentation': [[1, 2, 3, 4]],
            'area': 1,
            'iscrowd': 0,
            'image_id': 397133,
            'bbox': [10.5, 4, 8, 20],
            'category_id': 1,
            'id': 82445,
        },
        {
            'segmentation': {'counts': [], 'size': [48, 64]},
            'area': 1,
            'iscrowd': 1,
            'image_id': 397133,
            'bbox': [0, 0, 30, 30],
            'category_id': 3,
            'id': 900100397133,
        },
        {'iscrowd': 0, 'image_id': 397133, 'bbox': [1, 1, 5, 5], 'category_id': 18, 'id': 3},
    ],
    'categories': CATEGORIES,
}
VIDEO: dict[str, Any] = {
    'images': [
        {'id': 2, 'file_name': 'b.jpg', 'video_id': 7, 'frame_id': 3},
        {'id': 1, 'file_name': 'a.jpg', 'video_id': 7, 'frame_id': 1},
    ],
    'annotations': [
        {'id': 1, 'image_id': 1, 'category_id': 3, 'bbox': [1, 2, 3, 4], 'track_id': 0},
        {'id': 2, 'image_id': 2, 'category_id': 3, 'bbox': [2, 2, 3, 4], 'track_id': 0},
        {'id': 3, 'image_id': 2, 'category_id': 3, 'bbox': [9, 9, 3, 4]},
    ],
    'videos': [{'id': 7, 'fps': 10}],
    'categories': CATEGORIES,
}


def test_stills_of_two_classes(write_coco: Callable[..., Path]) -> None:
    path = write_coco(STILLS, ('000000397133.jpg', '000000037777.jpg'))
    first, second = read_clips(path, ['car', 'person'])
    objects = first.images[0].annotations
    assert first.images[0].path.is_file()
    assert objects.class_ids.tolist() == [1, 0]
    assert objects.ignored.tolist() == [False, True]
    assert objects.boxes.tolist() == [[10.5, 4, 18.5, 24], [0, 0, 30, 30]]
    assert objects.ids.tolist() == [1, 2]
    assert len(second.images[0].annotations) == 0


def test_videos_are_clips_in_the_order_of_frames(write_coco: Callable[..., Path]) -> None:
    (clip,) = read_clips(write_coco(VIDEO, ('a.jpg', 'b.jpg')), ['car'])
    assert clip.frame_rate == 10
    assert [image.path.name for image in clip.images] == ['a.jpg', 'b.jpg']
    assert [image.number for image in clip.images] == [2, 4]
    assert [image.annotations.ids.tolist() for image in clip.images] == [[1], [1, 2]]


def test_without_identities_everyone_in_a_video_is_someone_new(
    write_coco: Callable[..., Path],
) -> None:
    video = deepcopy(VIDEO)
    for entry in video['annotations'][:2]:
        del entry['track_id']
    video['images'].append({'id': 9, 'file_name': 'c.jpg', 'video_id': 7, 'frame_id': 5})
    box = {'image_id': 9, 'category_id': 3, 'bbox': [5, 5, 3, 4]}
    video['annotations'] += [{'id': 4, **box, 'track_id': 4}, {'id': 5, **box}]
    (clip,) = read_clips(write_coco(video, ('a.jpg', 'b.jpg', 'c.jpg')), ['car'])
    ids = np.concatenate([image.annotations.ids for image in clip.images])
    assert sorted(ids.tolist()) == [5, 6, 7, 8, 9]
    assert ids[3] == 5, 'track_id 4'


def test_clips_know_where_their_images_come_from(write_coco: Callable[..., Path]) -> None:
    stills = change(STILLS, ['images', 0, 'source'], 'office')
    path = write_coco(stills, ('000000397133.jpg', '000000037777.jpg'))
    assert [clip.source for clip in read_clips(path)] == ['office', '']
    video = change(VIDEO, ['images', 0, 'source'], 'lobby')
    (clip,) = read_clips(write_coco(video, ('a.jpg', 'b.jpg')), ['car'])
    assert clip.source == 'lobby'


def change(content: dict[str, Any], path: Sequence[str | int], value: object) -> dict[str, Any]:
    """Return a copy of nested lists and dictionaries with one entry replaced."""
    copy = deepcopy(content)
    inner: Any = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ('content', 'problem'),
    [
        ('{"images": [\n}', 'line 2: not JSON'),
        ([], 'expected an object'),
        ({'images': []}, 'no list "categories"'),
        (change(STILLS, ['annotations', 0, 'bbox'], [1, 2, 3]), r'\(id 82445\): bbox is \[1, 2'),
        (change(STILLS, ['annotations', 0, 'bbox', 2], -1), 'width or height is negative'),
        (change(STILLS, ['annotations', 1, 'image_id'], 5), '1 annotations of image_id 5, which'),
        (change(STILLS, ['annotations', 0, 'category_id'], 4), 'category_id 4 is not a category'),
        (change(STILLS, ['images', 1, 'id'], 397133), 'id 397133 occurs twice'),
        (change(STILLS, ['images', 1, 'file_name'], None), 'file_name is None'),
        (change(VIDEO, ['images', 0, 'frame_id'], 1), 'frame 1 of video 7 occurs twice'),
        (change(VIDEO, ['annotations', 2, 'track_id'], 0), r'b\.jpg\): a track_id occurs twice'),
    ],
)
def test_bad_entries_are_named(
    write_coco: Callable[..., Path], content: object, problem: str
) -> None:
    path = write_coco(content, ('000000397133.jpg', '000000037777.jpg', 'a.jpg', 'b.jpg'))
    with pytest.raises(ValueError, match=rf'instances_val2017\.json.*{problem}'):
        read_clips(path, ['car'])


def test_missing_images_and_categories_are_named(write_coco: Callable[..., Path]) -> None:
    path = write_coco(STILLS)
    with pytest.raises(JtnError, match=r'000000397133\.jpg is in none of'):
        read_clips(path, ['car'])
    with pytest.raises(ValueError, match="no category 'cat'; it has: person, car, dog"):
        read_clips(path, ['cat'])


_VALUES = (
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-2, 2**70)
    | st.text(max_size=3)
    | st.lists(st.floats() | st.integers(), max_size=5)
)
_ENTRIES = st.lists(
    _VALUES
    | st.dictionaries(
        st.sampled_from(
            ['id', 'image_id', 'category_id', 'bbox', 'track_id', 'file_name', 'video_id',
             'frame_id', 'name', 'fps']
        ),
        _VALUES | st.integers(0, 2),
    ),
    max_size=4,
)  # fmt: skip


@given(
    st.binary(max_size=40)
    | st.fixed_dictionaries(
        {'images': _ENTRIES, 'annotations': _ENTRIES, 'categories': _ENTRIES, 'videos': _ENTRIES}
    ).map(json.dumps)
)
@settings(max_examples=200, deadline=None)
def test_any_content_is_read_or_noted(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    path = tmp_path_factory.getbasetemp() / 'fuzzed.json'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        images, rates, _ = parse_coco(path)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = 'fuzzed.json'
        assert all(np.isfinite(image.annotations.boxes).all() for image in images)
        assert all(rate > 0 for rate in rates.values())
    assert 'fuzzed.json' in refusal
