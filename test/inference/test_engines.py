"""All back ends give the same peaks; invalid models give clear errors."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray

from jtn_ros.inference import load_engine
from jtn_ros.inference.agreement import check_agreement
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.network import JointTrackNet
from jtn_ros.network.peak_network import PeakNetwork

# The largest difference anywhere, and that of the usual score; bf16 keeps eight bits.
TOLERANCE = {'f32': 1e-4, 'bf16': 0.3}
USUAL = {'f32': 1e-5, 'bf16': 0.02}
MISSING = {'f32': 0.0, 'bf16': 0.05}


Inputs = dict[str, NDArray[Any] | None]


@pytest.fixture(scope='module')
def reference(light_network: JointTrackNet) -> TorchEngine:
    return TorchEngine(PeakNetwork(light_network), device='cpu')


@pytest.mark.parametrize('batch', [1, 3])
@pytest.mark.parametrize(
    ('backend', 'precision'), [('openvino', 'f32'), ('openvino', 'bf16'), ('onnxruntime', 'f32')]
)
def test_all_back_ends_see_the_same(
    light_model: Path, reference: TorchEngine, backend: str, precision: str, batch: int
) -> None:
    try:
        engine = load_engine(light_model, backend, precision, threads=1)
    except ValueError as error:
        if f'has no {precision}' in str(error):
            pytest.skip(str(error))
        raise
    assert engine.info == reference.info
    inputs = random_inputs(engine.info, batch, seed=batch)
    expected, found = reference.run(**inputs), engine.run(**inputs)
    assert (expected.scores > 0.3).sum() > 10 * batch
    assert set(np.unique(expected.class_ids)) == {0, 1}
    check_agreement(expected, found, TOLERANCE[precision], missing_share=MISSING[precision])
    assert np.median(np.abs(found.scores - expected.scores)) < USUAL[precision]
    assert found.embeddings is not None
    np.testing.assert_allclose(np.linalg.norm(found.embeddings, axis=2), 1, atol=1e-3)
    types = {name: getattr(found, name).dtype for name in ('scores', 'class_ids', 'boxes')}
    assert types == {'scores': np.float32, 'class_ids': np.int32, 'boxes': np.float32}


@pytest.mark.parametrize(('precision', 'tolerance'), [('f32', 1e-2), ('f16', 0.1)])
def test_cuda_graphs_see_the_same(
    light_network: JointTrackNet, reference: TorchEngine, precision: str, tolerance: float
) -> None:
    if not torch.cuda.is_available():
        pytest.skip('no CUDA device')
    module = PeakNetwork(copy.deepcopy(light_network))
    engine = TorchEngine(module, device='cuda', precision=precision)
    # captured, and replayed with other images
    for batch, seed in ((1, 0), (3, 1), (1, 2), (3, 3)):
        inputs = random_inputs(engine.info, batch, seed=seed)
        found = engine.run(**inputs)
        check_agreement(reference.run(**inputs), found, tolerance, missing_share=0.05)


def test_images_of_a_batch_do_not_mix(light_model: Path) -> None:
    engine = load_engine(light_model, 'openvino', threads=1)
    inputs = random_inputs(engine.info, 3, seed=5)
    together = engine.run(**inputs)
    for index in range(3):
        alone = engine.run(**{name: array[index : index + 1] for name, array in inputs.items()})
        np.testing.assert_allclose(alone.scores[0], together.scores[index], atol=1e-5)


def test_previous_image_and_prior_heat_map_matter(light_model: Path) -> None:
    engine = load_engine(light_model, 'openvino', threads=1)
    inputs = random_inputs(engine.info, 1)
    scores = engine.run(**inputs).scores
    for name in ('previous_images', 'prior_heatmaps'):
        changed = {**inputs, name: np.zeros_like(inputs[name])}
        assert np.abs(engine.run(**changed).scores - scores).max() > 1e-3


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime', 'torch'])
@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'images': np.zeros((1, 96, 128, 3), np.uint8)}, r'images is uint8 .*\(B, 96, 160, 3\)'),
        ({'images': np.zeros((1, 96, 160, 3), np.float32)}, 'images is float32'),
        ({'images': np.zeros((96, 160, 3), np.uint8)}, 'images is uint8'),
        ({'previous_images': None}, 'needs previous_images'),
        ({'prior_heatmaps': np.zeros((2, 1, 96, 160), np.float32)}, 'prior_heatmaps is float32'),
        (
            {name: np.zeros((0, 96, 160, 3), np.uint8) for name in ('images', 'previous_images')},
            'images is uint8',
        ),
    ],
)
def test_wrong_inputs_are_refused(
    light_model: Path, reference: TorchEngine, backend: str, change: Inputs, message: str
) -> None:
    engine: Engine
    engine = reference if backend == 'torch' else load_engine(light_model, backend, threads=1)
    with pytest.raises(ValueError, match=message):
        engine.run(**{**random_inputs(engine.info, 1), **change})  # type: ignore[arg-type]


def truncated(content: bytes) -> bytes:
    return content[: len(content) // 2]


def without_metadata(content: bytes) -> bytes:
    model = onnx.load_model_from_string(content)
    del model.metadata_props[:]
    return bytes(model.SerializeToString())


def with_other_metadata(content: bytes) -> bytes:
    model = onnx.load_model_from_string(content)
    model.metadata_props[0].value = '{"name": 3}'
    return bytes(model.SerializeToString())


@pytest.mark.parametrize('backend', ['auto', 'openvino', 'onnxruntime'])
@pytest.mark.parametrize(
    'damage',
    [
        truncated,
        without_metadata,
        with_other_metadata,
        lambda content: b'',
        lambda content: b'<html>not found</html>' * 50,
    ],
    ids=['truncated', 'no metadata', 'other metadata', 'empty', 'a web page'],
)
def test_damaged_models_are_rejected(
    light_model: Path, tmp_path: Path, backend: str, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / 'damaged.onnx'
    path.write_bytes(damage(light_model.read_bytes()))
    with pytest.raises(ValueError, match=r'damaged\.onnx|metadata'):
        load_engine(path, backend)


def test_agreement_reports_differences(reference: TorchEngine) -> None:
    peaks = reference.run(**random_inputs(reference.info, 1))
    check_agreement(peaks, peaks, 0.0)
    with pytest.raises(ValueError, match=r'scores differ by 0\.25'):
        check_agreement(peaks, replace(peaks, scores=peaks.scores + 0.25), 0.2)
    with pytest.raises(ValueError, match='boxes differ'):
        check_agreement(peaks, replace(peaks, boxes=peaks.boxes * 1.1), 1e-3)
    elsewhere = peaks.centers.copy()
    elsewhere[0, 0] += 100
    with pytest.raises(ValueError, match='1 of 40 peaks are missing'):
        check_agreement(peaks, replace(peaks, centers=elsewhere), 1e-3)
    with pytest.raises(ValueError, match='only one of the two has embeddings'):
        check_agreement(peaks, replace(peaks, embeddings=None), 1e-3)
