"""Tests of the TensorRT back end that do not require a GPU."""

from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.errors import JtnError
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.tensorrt_engine import TensorRtEngine
from jtn_ros.inference.tensorrt_plan import build_plan
from jtn_ros.inference.tensorrt_plan import cached_plan
from jtn_ros.inference.tensorrt_plan import plan_path
from jtn_ros.inference.tensorrt_plan import read_plan
from jtn_ros.inference.tensorrt_plan import write_plan

INFO = ModelInfo(name='tiny', class_names=('person',), input_height=32, input_width=64)


def test_plans_carry_the_metadata(tmp_path: Path) -> None:
    path = tmp_path / 'cache' / 'tiny.plan'
    write_plan(path, INFO, b'\0plan\xff')
    assert read_plan(path) == (INFO, b'\0plan\xff')
    assert [entry.name for entry in path.parent.iterdir()] == ['tiny.plan']


def test_every_truncated_header_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / 'tiny.plan'
    write_plan(path, INFO, b'')
    content = path.read_bytes()
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r'tiny\.plan'):
            read_plan(path)


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=200), magic=st.booleans())
def test_any_bytes_are_refused_by_name(
    content: bytes, magic: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / 'fuzzed.plan'
    path.write_bytes(b'JTNPLAN1' * magic + content)
    with pytest.raises(ValueError, match=r'fuzzed\.plan'):
        read_plan(path)


def test_without_a_gpu_the_reason_is_named(tmp_path: Path) -> None:
    try:
        from cuda.bindings import runtime
    except ImportError:
        reason = r'GPUs need cuda: .* -m pip install cuda-python'
    else:
        if runtime.cudaGetDeviceCount()[1]:
            pytest.skip('there is a GPU')
        reason = 'no NVIDIA GPU 0 here'
    with pytest.raises(JtnError, match=reason):
        TensorRtEngine(tmp_path / 'none.onnx')


def test_a_gpu_is_given_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not 'cuda'"):
        TensorRtEngine(tmp_path / 'none.onnx', device='cuda')


def test_a_plan_is_cached_for_exactly_the_inputs_of_its_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    path = plan_path('tiny', b'model', '11.4', 'H200')
    assert path == plan_path('tiny', b'model', '11.4', 'H200')
    assert path.is_relative_to(tmp_path / 'jtn_ros')
    others = {
        plan_path('tiny', b'other', '11.4', 'H200'),
        plan_path('tiny', b'model', '10.9', 'H200'),
        plan_path('tiny', b'model', '11.4', 'Orin'),
    }
    assert len(others | {path}) == 4


def test_a_kept_plan_is_used_and_a_quantized_model_refused(
    light_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lean = pytest.importorskip('tensorrt_lean')
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    with pytest.raises(ValueError, match='only runs plans'):
        cached_plan(lean, light_model, 'H200')
    kept = plan_path(light_model.stem, light_model.read_bytes(), lean.__version__, 'H200')
    write_plan(kept, INFO, b'plan')
    assert cached_plan(lean, light_model, 'H200') == kept
    model = onnx.load(light_model)
    model.metadata_props[0].value = replace(INFO, precision='int8').to_json()
    small = tmp_path / 'small.onnx'
    onnx.save(model, small)
    with pytest.raises(ValueError, match='quantized for CPUs'):
        cached_plan(lean, small, 'H200')


def test_the_small_edition_cannot_build_and_says_so() -> None:
    lean = pytest.importorskip('tensorrt_lean')
    with pytest.raises(ValueError, match=r'only runs plans; to build one: .* -m pip install '):
        build_plan(lean, b'', INFO)


def test_the_real_bindings_hold_everything_that_is_used() -> None:
    lean = pytest.importorskip('tensorrt_lean')
    used = {
        lean.Runtime: ['deserialize_cuda_engine'],
        lean.ICudaEngine: [
            'num_io_tensors',
            'get_tensor_name',
            'get_tensor_mode',
            'get_tensor_dtype',
            'create_execution_context',
        ],
        lean.IExecutionContext: [
            'set_input_shape',
            'get_tensor_shape',
            'set_tensor_address',
            'execute_async_v3',
        ],
        lean: ['Logger', 'nptype', 'TensorIOMode', '__version__'],
    }
    missing = [name for owner, names in used.items() for name in names if not hasattr(owner, name)]
    assert missing == []
    assert lean.nptype(lean.DataType.UINT8) is not None
