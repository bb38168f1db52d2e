"""Selection of model and back end, with the reasons."""

from pathlib import Path

import pytest

from jtn_ros.errors import JtnError
from jtn_ros.inference import find_model
from jtn_ros.inference import load_engine
from jtn_ros.inference import loading
from jtn_ros.inference.agreement import check_agreement
from jtn_ros.inference.engine import random_inputs
from jtn_ros.network import JointTrackNet
from jtn_ros.network import save_checkpoint


def test_a_missing_model_is_named() -> None:
    with pytest.raises(JtnError, match=r"no model 'nowhere\.onnx'"):
        load_engine('nowhere.onnx')


def test_bundled_models_go_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'jtn_people.onnx').write_bytes(b'1')
    (tmp_path / 'other.onnx').write_bytes(b'2')
    monkeypatch.setattr(loading, 'resource_folder', lambda name: tmp_path)
    assert find_model() == tmp_path / 'jtn_people.onnx'
    assert find_model('other') == tmp_path / 'other.onnx'
    with pytest.raises(JtnError, match=r'\(jtn_people, other\)'):
        find_model('third')


def test_unknown_back_ends_and_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'tflite'; known: auto, tensorrt"):
        load_engine(None, 'tflite')
    with pytest.raises(ValueError, match='-1 threads are not possible'):
        load_engine(threads=-1)
    text = tmp_path / 'notes.txt'
    text.write_text('hello')
    with pytest.raises(ValueError, match=r'notes\.txt is neither'):
        load_engine(text)
    model = tmp_path / 'model.onnx'
    model.write_text('hello')
    with pytest.raises(
        ValueError, match=r'torch cannot run model\.onnx; use tensorrt or openvino'
    ):
        load_engine(model, 'torch')


@pytest.mark.parametrize('driver', [True, False])
def test_auto_selects_the_first_working_back_end_and_logs_why_others_were_skipped(
    light_model: Path, monkeypatch: pytest.MonkeyPatch, driver: bool
) -> None:
    """TensorRT is tried first where there is the driver of a GPU."""
    messages = []
    monkeypatch.setattr(loading, 'has_nvidia_gpu', lambda: driver)
    monkeypatch.setattr(
        loading.logger, 'info', lambda text, *values: messages.append(text % values)
    )
    engine = load_engine(light_model)
    assert engine.description == 'OpenVINO CPU f32'
    assert any(message.startswith('not using tensorrt: ') for message in messages) == driver


def test_a_checkpoint_runs_in_pytorch(
    light_network: JointTrackNet, light_model: Path, tmp_path: Path
) -> None:
    path = tmp_path / 'random_light.safetensors'
    save_checkpoint(path, light_network)
    engine = load_engine(path, device='cpu')
    assert engine.description == 'PyTorch CPU f32'
    exported = load_engine(light_model, 'onnxruntime')
    assert engine.info == exported.info
    inputs = random_inputs(engine.info)
    check_agreement(engine.run(**inputs), exported.run(**inputs), 1e-4)


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_a_precision_that_is_not_to_be_had_is_refused(light_model: Path, backend: str) -> None:
    with pytest.raises(ValueError, match="'int3'"):
        load_engine(light_model, backend, 'int3')


@pytest.mark.parametrize('name', ['a.onnx', 'a.plan', 'a.pth'])
def test_a_pointer_or_a_page_instead_of_a_model_is_named_once(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b'version https://git-lfs.github.com/spec/v1\noid sha256:0d\nsize 9\n')
    with pytest.raises(JtnError, match=rf'{name} is a pointer of Git LFS; .*: git lfs pull$'):
        load_engine(path)
    path.write_bytes(b'<html></html>')
    with pytest.raises(JtnError, match=rf'{name} is a web page'):
        load_engine(path)
