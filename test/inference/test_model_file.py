"""Reading a model's metadata from the bytes of the file."""

import json
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.inference.engine import METADATA_KEY
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.model_file import read_model

INFO = ModelInfo(name='tiny', class_names=('person',), input_height=32, input_width=64)


@pytest.fixture(scope='module')
def content() -> bytes:
    """Return a small ONNX file, written by the onnx package."""
    value = onnx.helper.make_tensor_value_info('x', onnx.TensorProto.FLOAT, [1, 300])
    node = onnx.helper.make_node('Identity', ['x'], ['y'])
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [node], 'g', [value], [onnx.helper.make_empty_tensor_value_info('y')]
        )
    )
    for key, text in (('author', 'somebody'), (METADATA_KEY, INFO.to_json())):
        model.metadata_props.add(key=key, value=text)
    return model.SerializeToString()


def test_metadata_that_the_onnx_package_wrote_is_read(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / 'tiny.onnx'
    path.write_bytes(content)
    assert read_model(path) == (content, INFO)


def test_every_truncation_is_noticed(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / 'tiny.onnx'
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r'tiny\.onnx'):
            read_model(path)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_bytes_are_read_or_refused(
    data: st.DataObject, content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / 'fuzzed.onnx'
    fuzzed = bytearray(content)
    for _ in range(data.draw(st.integers(1, 8))):
        fuzzed[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(data.draw(st.sampled_from([bytes(fuzzed), data.draw(st.binary())])))
    try:
        _, info = read_model(path)
    except ValueError as error:
        assert 'fuzzed.onnx' in str(error)  # noqa: PT017
    else:
        assert json.loads(info.to_json())['class_names']
