"""The metadata of a model file is read as written, and invalid metadata is rejected."""

import json

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.inference.engine import ModelInfo

INFO = ModelInfo(
    name='café',
    class_names=('person', 'cart'),
    input_height=288,
    input_width=512,
    embedding_dim=64,
    prior_heatmap=True,
    confident_score=0.35,
    licence='Apache-2.0',
)


def test_metadata_survives_the_round_trip() -> None:
    assert ModelInfo.from_json(INFO.to_json()) == INFO


def test_files_of_earlier_versions_are_read() -> None:
    values = json.loads(INFO.to_json())
    values['score_threshold'] = values.pop('confident_score')
    assert ModelInfo.from_json(json.dumps(values)) == INFO


@pytest.mark.parametrize(
    'change',
    [
        {'input_height': '288'},
        {'input_height': 0},
        {'top_k': 2.5},
        {'class_names': 'person'},
        {'class_names': []},
        {'class_names': [1]},
        {'colour': 'red'},
        {'prior_heatmap': 'no'},
        {'confident_score': None},
        {'confident_score': 'high'},
        {'name': 7},
        {'letterbox': 'crop'},
        {'embedding_dim': -1},
    ],
    ids=str,
)
def test_impossible_metadata_is_refused(change: dict[str, object]) -> None:
    values = {**json.loads(INFO.to_json()), **change}
    with pytest.raises(ValueError, match='metadata'):
        ModelInfo.from_json(json.dumps(values))


@pytest.mark.parametrize('text', ['', '{', '[]', 'null', '{"name": "x"}', '[' * 10000])
def test_invalid_metadata_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match='metadata'):
        ModelInfo.from_json(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(json.loads(INFO.to_json()))), json_values))
def test_any_metadata_is_read_or_refused(change: dict[str, object]) -> None:
    text = json.dumps({**json.loads(INFO.to_json()), **change})
    try:
        info = ModelInfo.from_json(text)
    except ValueError:
        return
    assert ModelInfo.from_json(info.to_json()) == info
