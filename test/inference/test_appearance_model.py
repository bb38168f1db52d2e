"""A separate network for appearance, whose embedding is the mean color of a crop."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.inference import appearance_model
from jtn_ros.inference.appearance_model import AppearanceModel
from jtn_ros.inference.appearance_model import AppearanceSettings
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig

from inference.mean_color import BLUE
from inference.mean_color import RED
from inference.mean_color import write_mean_color
from tables import detections_of

PLAIN = AppearanceSettings(appearance_mean=(0.0, 0.0, 0.0), appearance_std=(1.0, 1.0, 1.0))


def picture() -> tuple[NDArray[np.uint8], Detections]:
    """Return a red and a blue object, and one outside the image."""
    image = np.zeros((60, 100, 3), np.uint8)
    image[10:50, 10:30] = RED
    image[10:50, 60:80] = BLUE
    boxes = np.array([(10, 10, 30, 50), (60, 10, 80, 50), (200, 10, 220, 50)], np.float32)
    detections = detections_of(boxes, scores=[0.6, 0.9, 0.95])
    return image, detections


def embeddings_of(model: AppearanceModel) -> NDArray[np.float32]:
    found = model.describe(*picture()).embeddings
    assert found is not None
    return found


@pytest.mark.parametrize('shape', [('B', 3, 16, 8), (1, 3, 16, 8), ('B', 16, 8, 3)])
@pytest.mark.parametrize('backend', ['openvino', 'onnxruntime'])
def test_crops_become_unit_vectors(
    backend: str,
    shape: tuple[str | int, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write_mean_color(tmp_path / 'color.onnx', shape)
    if backend == 'onnxruntime':
        monkeypatch.setattr(appearance_model, '_load', appearance_model._load_in_onnxruntime)
    model = replace(PLAIN, appearance_model=str(path)).load_appearance(1)
    assert model is not None
    assert ('OpenVINO' in model.description) == (backend == 'openvino')
    expected = [(1, 0, 0), (0, 0, 1), (0, 0, 0)]  # RGB; what is not visible is unknown
    np.testing.assert_allclose(embeddings_of(model), expected, atol=1e-6)


def test_the_budget_goes_to_the_best_scores_and_channels_are_normalized(tmp_path: Path) -> None:
    path = write_mean_color(tmp_path / 'color.onnx')
    settings = AppearanceSettings(
        appearance_model=str(path),
        appearance_budget=1,
        appearance_channels='bgr',
        appearance_mean=(155.0, 0.0, 0.0),
        appearance_std=(100.0, 1.0, 10.0),
    )
    model = settings.load_appearance(1)
    assert model is not None
    np.testing.assert_allclose(embeddings_of(model), [(0, 0, 0), (1, 0, 0), (0, 0, 0)], atol=1e-6)
    vector = model.embed(np.full((1, 16, 8, 3), RED, np.uint8))[0]
    np.testing.assert_allclose(
        vector, np.array([-1.55, 0, 25.5]) / np.hypot(1.55, 25.5), atol=1e-6
    )


def test_unsuitable_appearance_models_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(JtnError, match=r'accepts \(-1, 3, 16, -1\); expected images'):
        AppearanceSettings(
            appearance_model=str(write_mean_color(tmp_path / 'free.onnx', ('B', 3, 16, 'W')))
        ).load_appearance(1)
    with pytest.raises(JtnError, match=r'accepts \(-1, 16, 8, 4\); expected images'):
        AppearanceSettings(
            appearance_model=str(write_mean_color(tmp_path / 'four.onnx', ('B', 16, 8, 4)))
        ).load_appearance(1)
    (tmp_path / 'text.onnx').write_text('none')
    with pytest.raises(JtnError, match=r'text\.onnx cannot be run'):
        AppearanceSettings(appearance_model=str(tmp_path / 'text.onnx')).load_appearance(1)
    with pytest.raises(JtnError, match=r'appearance_std \[1.0, 0.0, 1.0\] need three'):
        AppearanceSettings(
            appearance_model=str(write_mean_color(tmp_path / 'color.onnx')),
            appearance_std=(1.0, 0.0, 1.0),
        ).load_appearance(1)
    assert AppearanceSettings().load_appearance(1) is None


def test_a_pipeline_takes_its_embeddings_from_it(tmp_path: Path) -> None:
    path = write_mean_color(tmp_path / 'color.onnx')
    model = replace(PLAIN, appearance_model=str(path)).load_appearance(1)
    scene = Scene(SceneConfig(width=512, height=288, seed=2147485300, people=(6, 8)))
    image, _ = scene.render(1_000_000_000)
    result = TrackingPipeline(appearance=model).process(image, 0)
    embeddings = result.detections.embeddings
    assert embeddings is not None
    assert len(embeddings)
    left, top, right, bottom = (
        result.detections.boxes[0].clip(0, (512, 288, 512, 288)).round().astype(int)
    )
    color = image[top:bottom, left:right].mean(axis=(0, 1))[::-1]
    np.testing.assert_allclose(embeddings[0], color / np.linalg.norm(color), atol=0.02)
    assert [*result.latencies][3:5] == ['appearance', 'camera_motion']
