"""`jtn benchmark --node`: from publishing an image to its tracks, through a real node."""

import json
from pathlib import Path

import cv2
import pytest

from jtn_ros.cli.main import main

from nodes.scene import picture

pytestmark = pytest.mark.ros


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    folder = tmp_path / 'clip'
    folder.mkdir()
    for number in range(5):
        cv2.imwrite(str(folder / f'{number}.png'), picture(number))
    return folder


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore what the measurement sets."""
    for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE'):
        monkeypatch.setenv(name, '0')
    for name in ('CYCLONEDDS_URI', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        monkeypatch.setenv(name, '')


def test_images_are_published_and_their_way_is_split(
    block_model: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / 'node.json'
    arguments = ['--model', str(block_model), '--backend', 'onnxruntime', '--input', str(clip)]
    limits = ['--rate', '10', '--frames', '15', '--json', str(path)]
    assert main(['benchmark', '--node', *arguments, *limits]) == 0
    found = json.loads(path.read_text())
    assert found['engine'] == 'blocks on ONNX Runtime CPU f32'
    assert (found['image_size'], found['rate'], found['published']) == ([192, 320], 10.0, 15)
    # A busy machine may drop some.
    assert 5 < found['tracked'] <= 15 - found['dropped']
    whole = found['milliseconds'].pop('publish to tracks')
    assert 0 < whole['minimum'] <= whole['median'] <= whole['p95'] <= whole['p99']
    parts = [part['minimum'] for part in found['milliseconds'].values()]
    assert sum(parts) <= whole['minimum']
    assert all(milliseconds > 0 for milliseconds in parts)
    printed = capsys.readouterr().out
    assert printed.startswith('320x192 at 10 Hz, blocks on ONNX Runtime CPU f32, rmw_')
    assert f'15 images published, {found["tracked"]} tracked' in printed


def test_a_node_that_does_not_start_is_reported(
    clip: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(['benchmark', '--node', '--model', 'none.onnx', '--input', str(clip)]) == 1
    text = capfd.readouterr().err
    assert "no model 'none.onnx'" in text
    assert 'the tracker node did not start; see its messages above' in text


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--against', 'threads=1'], 'remove --against and --batch'),
        (['--batch', '2'], 'remove --against and --batch'),
        (['--rate', '0'], '--rate 0 is not between'),
        (['--frames', '0'], '--frames 0: at least one is needed'),
    ],
)
def test_wrong_requests_are_explained(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['benchmark', '--node', *arguments]) == 2
    assert message in capsys.readouterr().err
