"""`jtn import --detector`: conversion of an external detector to a model for tracking."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip('onnx')

from jtn_ros.cli.main import main
from jtn_ros.inference import load_engine

from inference.detectors.foreign import write_detector


@pytest.fixture
def detector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a detector of 80 classes in the current folder."""
    monkeypatch.chdir(tmp_path)
    boxes = np.zeros((1, 2, 4), np.float32)
    boxes[0, 0] = [0.25, 0.125, 0.5, 0.5]
    scores = np.zeros((1, 2, 81), np.float32)
    scores[0, 0, 3] = 0.75
    outputs = {'scores': scores, 'boxes': boxes}
    return write_detector(tmp_path / 'ssd.onnx', outputs, size=(64, 96))


def test_import(detector: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ['--license', 'MIT', '--training-data', 'COCO', '--confident-score', '0.6']
    options += ['--letterbox', 'fit', '--std', '2', '--top-k', '7', '--name', 'my_ssd']
    assert main(['import', '--detector', 'ssd', str(detector), 'new/mine.onnx', *options]) == 0
    said = capsys.readouterr().out
    assert 'boxes (1, 2, 4), scores (1, 2, 81)' in said
    assert 'person, bicycle, car, motorcycle, airplane and 75 more' in said
    assert 'rgb, mean 127,127,127, std 2,2,2' in said
    assert 'runs on    OpenVINO CPU f32' in said
    assert 'runs on    ONNX Runtime CPU f32' in said
    engine = load_engine('new/mine.onnx')
    info = engine.info
    assert (info.name, info.licence, info.training_data) == ('my_ssd', 'MIT', 'COCO')
    assert (info.letterbox, info.confident_score, info.top_k) == ('fit', 0.6, 7)
    peaks = engine.run(np.zeros((1, 64, 96, 3), np.uint8))
    np.testing.assert_allclose(peaks.scores[0], [0.75, 0, 0, 0, 0, 0, 0], atol=1e-6)
    assert info.class_names[peaks.class_ids[0, 0]] == 'car'
    np.testing.assert_allclose(peaks.boxes[0, 0], [23.5, 7.5, 47.5, 31.5], atol=1e-4)


@pytest.mark.parametrize(
    ('arguments', 'code', 'message'),
    [
        (['ssd.onnx', 'a.pth', '--detector', 'ssd'], 2, 'must end in .onnx'),
        (['nothing.onnx', 'a.onnx', '--detector', 'ssd'], 1, 'nothing.onnx'),
        (['ssd.onnx', 'ssd.onnx', '--detector', 'ssd'], 2, 'ssd.onnx'),
        (['ssd.onnx', 'a.onnx', '--detector', 'yolox'], 1, 'returns scores (1, 2, 81), boxes'),
        (['ssd.onnx', 'a.onnx', '--detector', 'ssd', '--mean', 'x'], 2, 'not three numbers'),
        (
            ['ssd.onnx', 'a.safetensors', '--box-format', 'yxyx'],
            2,
            '--box-format is for detectors',
        ),
    ],
)
def test_errors(
    detector: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    content = detector.read_bytes()
    try:
        result = main(['import', *arguments])
    except SystemExit as stop:
        result = int(str(stop.code))
    assert result == code
    assert message in capsys.readouterr().err
    assert detector.read_bytes() == content
    assert not any(Path(name).exists() for name in ('a.onnx', 'a.pth', 'a.safetensors'))
