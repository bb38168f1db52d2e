"""CrowdHuman: full bodies, visible shares, ignored regions, and lines that are refused."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.datasets.crowdhuman import parse_crowdhuman
from jtn_ros.datasets.readers import read_clips
from jtn_ros.errors import JtnError

# A line as the benchmark writes it, shortened to three boxes.
LINE = json.dumps(
    {
        'ID': '273271,c9db000d5146c15',
        'gtboxes': [
            {
                'tag': 'person',
                'hbox': [72, 202, 16, 18],
                'head_attr': {'ignore': 0, 'occ': 1, 'unsure': 0},
                'fbox': [60, 200, 40, 100],
                'vbox': [60, 200, 40, 25],
                'extra': {'box_id': 0, 'occ': 1},
            },
            {
                'fbox': [-5, 10, 20, 30],
                'tag': 'person',
                'hbox': [0, 0, 1, 1],
                'extra': {'box_id': 1, 'ignore': 1},
                'vbox': [0, 10, 15, 30],
                'head_attr': {},
            },
            {
                'tag': 'mask',
                'hbox': [1, 1, 2, 2],
                'fbox': [1, 2, 3, 4],
                'vbox': [1, 2, 3, 4],
                'extra': {'box_id': 2, 'ignore': 1},
                'head_attr': {'ignore': 1},
            },
        ],
    }
)


def test_lines_are_still_images(write_crowdhuman: Callable[..., Path]) -> None:
    empty = json.dumps({'ID': 'nobody', 'gtboxes': []})
    path = write_crowdhuman([LINE, '', empty], ('273271,c9db000d5146c15', 'nobody'))
    clips = read_clips(path)
    assert [len(clip.images) for clip in clips] == [1, 1]
    image = clips[0].images[0]
    assert image.path.is_file()
    people = image.annotations
    np.testing.assert_allclose(people.boxes, [[60, 200, 100, 300], [-5, 10, 15, 40], [1, 2, 4, 6]])
    np.testing.assert_allclose(people.visibilities, [0.25, 0.75, 1])
    assert people.ignored.tolist() == [False, True, True]
    assert people.ids.tolist() == [1, 2, 3]
    assert len(clips[1].images[0].annotations) == 0


@pytest.mark.parametrize(
    ('line', 'problem'),
    [
        ('{"ID": ', 'line 2: not JSON'),
        ('[]', 'line 2: expected an object with a string "ID"'),
        ('{"ID": 3, "gtboxes": []}', 'line 2: expected an object with a string "ID"'),
        ('{"ID": "a", "gtboxes": [7]}', r'line 2: gtboxes\[0\] is not an object'),
        ('{"ID": "a", "gtboxes": [{"tag": "person"}]}', r'line 2: gtboxes\[0\]\.fbox is None'),
        (LINE.replace('-5', '"x"'), r'line 2: .*fbox is \[\'x\', 10, 20, 30\]'),
        (LINE.replace('[-5', '[NaN'), r'line 2: .*fbox is \[nan'),
        (LINE.replace('-5, 10, 20', '-5, 10, -20'), 'line 2: .*width or height is negative'),
        (LINE, 'line 2: image 273271,c9db000d5146c15 is on line 1 already'),
    ],
)
def test_bad_lines_are_named(
    write_crowdhuman: Callable[..., Path], line: str, problem: str
) -> None:
    path = write_crowdhuman([LINE, line], ('273271,c9db000d5146c15',))
    with pytest.raises(ValueError, match=problem):
        read_clips(path)


def test_missing_folder_and_other_classes(write_crowdhuman: Callable[..., Path]) -> None:
    path = write_crowdhuman([LINE], ())
    with pytest.raises(JtnError, match='Images'):
        read_clips(path)
    with pytest.raises(ValueError, match='only persons, not person, car'):
        read_clips(path, ['person', 'car'])


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(['ID', 'gtboxes', 'fbox', 'vbox', 'tag']), inner)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=60) | _JSON.map(json.dumps))
@settings(max_examples=200, deadline=None)
def test_any_content_is_read_or_noted(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    path = tmp_path_factory.getbasetemp() / 'fuzzed.odgt'
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        records, problems = parse_crowdhuman(path)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = 'fuzzed.odgt'
        assert all(np.isfinite(record.annotations.boxes).all() for record in records)
        assert all(problem.line >= 1 for problem in problems)
    assert 'fuzzed.odgt' in refusal
