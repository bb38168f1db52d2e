from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.mot_challenge import read_sequence_info
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig

ARGUMENTS = ['--seconds', '0.5', '--fps', '8', '--size', '128x96', '--people', '4-8']


def test_sequences_hold_the_frames_and_the_truth_of_their_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['synthesize', str(tmp_path), '--sequences', '2', '--seed', '7', *ARGUMENTS]) == 0
    folders = [tmp_path / 'synthetic-000007', tmp_path / 'synthetic-000008']
    assert capsys.readouterr().out.split() == [str(folder) for folder in folders]
    info = read_sequence_info(folders[1])
    assert (info.frame_rate, info.length, info.width, info.height) == (8, 4, 128, 96)
    truth = read_annotations(folders[1] / 'gt' / 'gt.txt')
    scene = Scene(SceneConfig(width=128, height=96, seed=8, people=(4, 8), duration_s=0.5))
    for number in range(1, 5):
        image, annotations = scene.render((number - 1) * 125_000_000)
        written = cv2.imread(str(folders[1] / 'img1' / f'{number:06d}.jpg'))
        assert written is not None
        assert written.shape == (96, 128, 3)
        assert np.abs(written.astype(int) - image).mean() < 8
        assert np.array_equal(truth[number].ids, annotations.ids)
        assert truth[number].boxes == pytest.approx(annotations.boxes, abs=0.01)
        assert truth[number].visibilities == pytest.approx(annotations.visibilities, abs=0.001)
        assert not truth[number].ignored.any()


def test_workers_change_nothing(tmp_path: Path) -> None:
    for workers in '12':
        arguments = ['--sequences', '2', '--workers', workers, *ARGUMENTS]
        assert main(['synthesize', str(tmp_path / workers), *arguments]) == 0
    files = sorted(path.relative_to(tmp_path / '1') for path in (tmp_path / '1').rglob('*.*'))
    assert len(files) == 2 * (4 + 2)
    for file in files:
        assert (tmp_path / '1' / file).read_bytes() == (tmp_path / '2' / file).read_bytes()


def test_vehicles_are_cars_to_motchallenge(tmp_path: Path) -> None:
    arguments = ['--sequences', '4', '--vehicles', '3-3', *ARGUMENTS]
    assert main(['synthesize', str(tmp_path), *arguments]) == 0
    found = 0
    for seed in range(4):
        config = SceneConfig(
            width=128, height=96, seed=seed, people=(4, 8), vehicles=(3, 3), duration_s=0.5
        )
        _, objects = Scene(config).render(0)
        truth = read_annotations(tmp_path / f'synthetic-{seed:06d}' / 'gt' / 'gt.txt')
        # Class 3 of the file is a car; class 2 would be a person on a vehicle, which is ignored.
        assert np.array_equal(truth[1].class_ids == 2, objects.class_ids == 1)
        assert np.array_equal(truth[1].class_ids == 0, objects.class_ids == 0)
        assert not truth[1].ignored.any()
        found += (objects.class_ids == 1).sum()
    assert found >= 3


def test_a_video_has_all_frames(tmp_path: Path) -> None:
    assert main(['synthesize', str(tmp_path), '--video', *ARGUMENTS]) == 0
    capture = cv2.VideoCapture(str(tmp_path / 'synthetic-000000.mp4'))
    assert int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) == 4


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(['synthesize', str(tmp_path), *ARGUMENTS]) == 0
    assert main(['synthesize', str(tmp_path), *ARGUMENTS]) == 1
    assert 'already contains images' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('arguments', 'word'),
    [
        (['--sequences', '0'], '--sequences'),
        (['--fps', '0'], '--fps'),
        (['--fps', 'nan'], '--fps'),
        (['--seconds', '0.001'], 'not even one frame'),
        (['--seconds', '-1'], 'not even one frame'),
        (['--size', '16x16'], 'width'),
        (['--people', '9-3'], 'people'),
        (['--vehicles', '0-21'], 'vehicles'),
        (['--workers', '0'], '--workers'),
    ],
)
def test_impossible_settings_fail_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], word: str
) -> None:
    assert main(['synthesize', str(tmp_path), *arguments]) == 1
    assert word in capsys.readouterr().err


@pytest.mark.parametrize('size', ['16', '16,16', 'axb', '-1x5'])
def test_a_malformed_size_is_wrong_usage(tmp_path: Path, size: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main(['synthesize', str(tmp_path), f'--size={size}'])
    assert stop.value.code == 2
