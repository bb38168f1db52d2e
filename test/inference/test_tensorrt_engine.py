"""What of the TensorRT back end can be checked without a GPU."""

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.tensorrt_engine import TensorRtEngine
from jtn_ros.inference.tensorrt_engine import build_plan
from jtn_ros.inference.tensorrt_engine import read_plan
from jtn_ros.inference.tensorrt_engine import write_plan

INFO = ModelInfo(name='tiny', class_names=('person',), input_height=32, input_width=64)


def test_plans_carry_the_metadata(tmp_path):
    path = tmp_path / 'cache' / 'tiny.plan'
    write_plan(path, INFO, b'\0plan\xff')
    assert read_plan(path) == (INFO, b'\0plan\xff')
    assert [entry.name for entry in path.parent.iterdir()] == ['tiny.plan']


def test_every_truncated_header_is_noticed(tmp_path):
    path = tmp_path / 'tiny.plan'
    write_plan(path, INFO, b'')
    content = path.read_bytes()
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r'tiny\.plan'):
            read_plan(path)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200), magic=st.booleans())
def test_any_bytes_are_refused_by_name(content, magic, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / 'fuzzed.plan'
    path.write_bytes(b'JTNPLAN1' * magic + content)
    with pytest.raises(ValueError, match=r'fuzzed\.plan'):
        read_plan(path)


def test_without_a_gpu_the_reason_is_named(tmp_path):
    try:
        from cuda.bindings import runtime
    except ImportError:
        expected = pytest.raises(ImportError, match='pip install cuda-python')
    else:
        if runtime.cudaGetDeviceCount()[1]:
            pytest.skip('there is a GPU')
        expected = pytest.raises(ValueError, match='no NVIDIA GPU 0 here')
    with expected:
        TensorRtEngine(tmp_path / 'none.onnx')


@pytest.mark.parametrize(
    ('settings', 'message'),
    [({'precision': 'int3'}, "'int3'"), ({'device': 'cuda'}, "not 'cuda'")],
)
def test_wrong_settings_are_refused(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        TensorRtEngine(tmp_path / 'none.onnx', **settings)


def test_the_small_edition_cannot_build_and_says_so():
    lean = pytest.importorskip('tensorrt_lean')
    with pytest.raises(ValueError, match='only runs plans; to build one: pip install'):
        build_plan(lean, b'', INFO, 'f32')


def test_the_real_bindings_hold_everything_that_is_used():
    lean = pytest.importorskip('tensorrt_lean')
    used = {
        lean.Runtime: ['deserialize_cuda_engine'],
        lean.ICudaEngine: ['num_io_tensors', 'get_tensor_name', 'get_tensor_mode',
                           'get_tensor_dtype', 'create_execution_context'],
        lean.IExecutionContext: ['set_input_shape', 'get_tensor_shape', 'set_tensor_address',
                                 'execute_async_v3'],
        lean: ['Logger', 'nptype', 'TensorIOMode', '__version__'],
    }  # fmt: skip
    missing = [name for owner, names in used.items() for name in names if not hasattr(owner, name)]
    assert missing == []
    assert lean.nptype(lean.DataType.UINT8) is not None
