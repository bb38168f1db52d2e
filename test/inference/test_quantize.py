"""int8 models: close to the original model, smaller, and with correct metadata."""

import collections
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.loading import find_model
from jtn_ros.inference.quantize import quantize_onnx
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig

Samples = list[dict[str, NDArray[Any]]]


@pytest.fixture(scope='module')
def samples(light_model: Path) -> Samples:
    info = load_engine(light_model, 'onnxruntime', threads=1).info
    return [random_inputs(info, seed=seed) for seed in range(4)]


@pytest.fixture(scope='module')
def quantized_model(
    light_model: Path, samples: Samples, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp('quantized') / 'light_int8.onnx'
    quantize_onnx(light_model, path, samples)
    return path


@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_scores_and_boxes_stay_close(
    light_model: Path, quantized_model: Path, samples: Samples, backend: str
) -> None:
    before = load_engine(light_model, backend, threads=1)
    after = load_engine(quantized_model, backend, threads=1)
    assert 'int8' in after.description
    assert after.info.precision == 'int8'
    expected, found = before.run(**samples[0]), after.run(**samples[0])
    same = {tuple(cell): row for row, cell in enumerate(expected.centers[0].tolist())}
    pairs = [
        (same[tuple(cell)], row)
        for row, cell in enumerate(found.centers[0].tolist())
        if tuple(cell) in same
    ]
    assert len(pairs) > 0.7 * len(same)
    rows, partners = np.array(pairs).T
    difference = np.abs(expected.scores[0, rows] - found.scores[0, partners])
    assert 0 < np.median(difference) < 0.05
    # In cells; 0.11 on a processor without int8 dot products, which sums them otherwise.
    assert np.median(np.abs(expected.boxes[0, rows] - found.boxes[0, partners])) < 0.2
    assert expected.embeddings is not None
    assert found.embeddings is not None
    cosine = (expected.embeddings[0, rows] * found.embeddings[0, partners]).sum(axis=1)
    assert np.median(cosine) > 0.98


def test_every_convolution_is_quantized_and_nothing_else(
    light_model: Path, quantized_model: Path
) -> None:
    graph = onnx.load(quantized_model).graph
    origins = {output: node for node in graph.node for output in node.output}
    kinds = collections.Counter(node.op_type for node in graph.node)
    assert kinds['Conv'] == sum(
        node.op_type == 'Conv' for node in onnx.load(light_model).graph.node
    )
    for node in graph.node:
        quantized = [
            origins[name].op_type == 'DequantizeLinear' for name in node.input if name in origins
        ]
        if node.op_type == 'Conv':
            assert set(quantized) == {True}
        elif node.op_type == 'MatMul':
            assert not any(quantized)
    assert quantized_model.stat().st_size < 0.6 * light_model.stat().st_size


def test_the_first_layers_of_the_bundled_model_stay_float() -> None:
    graph = onnx.load(find_model('jtn_people_int8')).graph
    kinds = {output: node.op_type for node in graph.node for output in node.output}
    stay = [
        node.input[1]
        for node in graph.node
        if node.op_type == 'Conv' and kinds.get(node.input[1]) != 'DequantizeLinear'
    ]
    assert sorted(stay) == [
        'network.base.motion.first.0.weight',  # of the image, and of the previous one
        'network.base.motion.first.0.weight',
        'network.base.prior_stem.0.0.weight',
        'network.base.prior_stem.1.weight',
        'network.base.stages.0.0.filter.0.weight',
        'network.base.stages.0.0.project.0.weight',
        'network.base.stem.0.weight',
    ]


def test_the_bundled_twin_scores_like_the_original() -> None:
    engines = [
        load_engine(name, 'openvino', threads=1) for name in ('jtn_people', 'jtn_people_int8')
    ]
    no_tracks = np.zeros((1, 1, 288, 512), np.float32)
    differences: list[float] = []
    for seed in range(6):
        config = SceneConfig(width=512, height=288, seed=2147485300 + seed, people=(5, 8))
        image, _ = Scene(config).render(1_000_000_000)
        found = [engine.run(image[None], image[None], no_tracks) for engine in engines]
        cells = [np.round(peaks.centers[0]) @ (1, 1000) for peaks in found]
        _, rows, partners = np.intersect1d(*cells, return_indices=True)
        before, after = found[0].scores[0, rows], found[1].scores[0, partners]
        differences.extend((after - before)[before > 0.2].tolist())
    assert len(differences) > 10
    assert abs(np.mean(differences)) < 0.01  # 0.014 with the first layers in int8, too


def test_models_that_cannot_be_quantized_are_rejected(
    light_model: Path, quantized_model: Path, samples: Samples, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match='int8 already'):
        quantize_onnx(quantized_model, tmp_path / 'twice.onnx', samples)
    with pytest.raises(ValueError, match='no inputs'):
        quantize_onnx(light_model, tmp_path / 'none.onnx', [])
    unseen = [sample | {'prior_heatmaps': 0 * sample['prior_heatmaps']} for sample in samples]
    with pytest.raises(JtnError, match='uses the heat map of earlier tracks, but there are none'):
        quantize_onnx(light_model, tmp_path / 'none.onnx', unseen)
    with pytest.raises(FileNotFoundError):
        quantize_onnx(tmp_path / 'nowhere.onnx', tmp_path / 'none.onnx', samples)
    assert not list(tmp_path.iterdir())
