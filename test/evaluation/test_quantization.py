"""int8 from the command line: calibrated on recordings and images, and its cost reported."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.evaluation.quantization import SamplingEngine
from jtn_ros.evaluation.quantization import compare_tracks
from jtn_ros.evaluation.quantization import look_twice
from jtn_ros.evaluation.quantization import track_recordings
from jtn_ros.evaluation.stills import read_stills
from jtn_ros.evaluation.stills import score
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.preprocess import letterbox_image

from places import MODELS

CHECKPOINT = MODELS / 'jtn_people.safetensors'


@pytest.fixture(scope='module')
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a generated sequence with ground truth, which no training sees."""
    folder = tmp_path_factory.mktemp('sequences')
    options = ['--seconds', '2', '--fps', '15', '--seed', str(2**31 + 11)]
    assert main(['synthesize', str(folder), *options]) == 0
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope='module')
def labels(sequence: Path) -> Path:
    """Return a COCO file of every second frame of the sequence, in two sources."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, objects in read_annotations(sequence / 'gt' / 'gt.txt').items():
        if number % 2:
            name, source = f'img1/{number:06d}.jpg', 'early' if number < 10 else 'late'
            images.append({'id': number, 'file_name': name, 'source': source})
            for x1, y1, x2, y2 in objects.boxes.tolist():
                annotations.append(
                    {
                        'id': len(annotations),
                        'image_id': number,
                        'category_id': 1,
                        'bbox': [x1, y1, x2 - x1, y2 - y1],
                    }
                )
    path = sequence / 'val.json'
    path.write_text(
        json.dumps(
            {
                'images': images,
                'annotations': annotations,
                'categories': [{'id': 1, 'name': 'person'}],
            }
        )
    )
    return path


def export(output: Path, *footage: Path) -> int:
    return main(['export', str(CHECKPOINT), str(output), '--int8', *map(str, footage)])


def test_the_verb_quantizes_and_reports_the_cost(
    sequence: Path, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'small.onnx'
    assert export(output, labels, sequence) == 0
    printed = capsys.readouterr().out
    assert 'int8 against f32' in printed
    assert 'agrees with PyTorch before it was quantized' in printed
    loss, found = json.loads((tmp_path / 'small.accuracy.json').read_text())
    assert loss['source'] == sequence.name
    assert loss['agreement']['hota'] > 60
    assert loss['before']['hota'] > 5
    assert loss['before']['true_objects'] == loss['after']['true_objects'] > 100
    assert abs(loss['before']['hota'] - loss['after']['hota']) < 12
    assert f'{loss["after"]["hota"]:.1f}' in printed
    assert load_engine(output).info.precision == 'int8'
    assert found['source'] == 'val.json'
    scores = {row.split()[1]: row.split()[2:] for row in printed.splitlines()[-3:-1]}
    assert scores['f32'] == ['-', '-', '-', f'{found["before"]["ap50"]:.1f}']
    assert scores['int8'] == ['-', '-', '-', f'{found["after"]["ap50"]:.1f}']


def test_annotated_images_suffice(labels: Path, tmp_path: Path) -> None:
    output = tmp_path / 'stills.onnx'
    assert export(output, labels) == 0
    (loss,) = json.loads((tmp_path / 'stills.accuracy.json').read_text())
    stills = read_stills(labels, ('person',))
    for name, model in (('before', CHECKPOINT.with_suffix('.onnx')), ('after', output)):
        expected = score(load_engine(model), stills).mean
        assert loss[name]['ap50'] == pytest.approx(expected.ap50, abs=0.1)
        assert loss[name]['images'] == len(stills) == 15
    assert loss['before']['ap50'] > 10
    assert loss['before']['ap50'] != loss['after']['ap50']
    assert abs(loss['before']['ap50'] - loss['after']['ap50']) < 10


def test_images_that_show_nothing_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv2.imwrite(str(tmp_path / 'gray.png'), np.full((90, 160, 3), 90, np.uint8))
    content = {
        'images': [{'id': 1, 'file_name': 'gray.png'}],
        'annotations': [],
        'categories': [{'id': 1, 'name': 'person'}],
    }
    (tmp_path / 'val.json').write_text(json.dumps(content))
    assert export(tmp_path / 'gray.onnx', tmp_path / 'val.json') == 1
    assert 'use footage in which it detects objects' in capsys.readouterr().err
    assert not (tmp_path / 'gray.onnx').exists()


def test_an_image_is_seen_from_a_camera_that_turns_a_little(labels: Path) -> None:
    stills = read_stills(labels, ('person',))
    sampling = SamplingEngine(load_engine(), 100)
    look_twice(sampling, stills)
    first, second = sampling.samples[:2]
    pixels = stills[0].image.read()
    down, right = (round(0.04 * size) for size in pixels.shape[:2])
    fitted, _ = letterbox_image(pixels[:-down, :-right], 288, 512)
    np.testing.assert_array_equal(first['images'][0], fitted)
    np.testing.assert_array_equal(first['previous_images'], first['images'])
    fitted, _ = letterbox_image(pixels[down:, right:], 288, 512)
    np.testing.assert_array_equal(second['images'][0], fitted)
    np.testing.assert_array_equal(second['previous_images'], first['images'])
    fitted, _ = letterbox_image(stills[2].image.read()[:-down, right:], 288, 512)
    np.testing.assert_array_equal(sampling.samples[4]['images'][0], fitted)
    assert len(sampling.samples) == 2 * len(stills)
    assert not any(sample['prior_heatmaps'].any() for sample in sampling.samples[::2])
    assert all(sample['prior_heatmaps'].max() == 1 for sample in sampling.samples[1::2])
    # The spot of the first view's place, which is 1 at the middle of the box.
    objects = stills[3].image.annotations
    _, letterbox = letterbox_image(pixels[:-down, :-right], 288, 512)
    inside = objects.boxes - np.tile((0, down), 2)
    x, y = letterbox.to_network((inside[:, :2] + inside[:, 2:]) / 2).T.astype(int)
    last = np.array([pixels.shape[1] - right, pixels.shape[0] - down]) - 1
    seen = (inside >= 0).all(axis=1) & (inside[:, 2:] <= last).all(axis=1)
    assert seen.sum() >= 2
    heatmap = sampling.samples[7]['prior_heatmaps'][0, 0]
    np.testing.assert_array_equal(heatmap[y[seen], x[seen]], 1)


def test_the_same_tracks_lose_nothing(sequence: Path, tmp_path: Path) -> None:
    tracked = track_recordings(load_engine(), [str(sequence)])
    (loss,) = compare_tracks(tracked, tracked)
    assert loss.before == loss.after
    assert loss.agreement.hota == pytest.approx(100)
    (without_truth,) = compare_tracks({'clip': tracked[str(sequence)]}, {'clip': {}})
    assert without_truth.before is None
    assert without_truth.agreement.hota == 0
    with pytest.raises(ValueError, match='clip: nothing is tracked there'):
        compare_tracks({'clip': {}}, {'clip': {}})


def test_samples_are_spread_evenly_over_all_frames() -> None:
    engine = load_engine()
    sampling = SamplingEngine(engine, 4)
    inputs = random_inputs(engine.info)
    for number in range(37):
        inputs['images'][0, 0, 0, 0] = number
        peaks = sampling.run(**inputs)
    np.testing.assert_array_equal(peaks.scores, engine.run(**inputs).scores)
    numbers = [int(sample['images'][0, 0, 0, 0]) for sample in sampling.samples]
    assert numbers == [0, 8, 16, 24, 32]
