"""`jtn evaluate --embeddings`: the same from sequences and COCO videos, and wrong usage."""

import json
from pathlib import Path

import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import read_annotations

from nodes.block_model import write_block_model


@pytest.fixture(scope='module')
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a generated sequence with ground truth, which no training sees."""
    folder = tmp_path_factory.mktemp('scenes')
    options = ['--seconds', '3', '--fps', '5', '--people', '6-8', '--seed', str(2**31 + 21)]
    assert main(['synthesize', str(folder), *options]) == 0
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope='module')
def video(sequence: Path) -> Path:
    """Return a COCO file of the same frames, and of one that is no video."""
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, objects in read_annotations(sequence / 'gt' / 'gt.txt').items():
        images.append(
            {
                'id': number,
                'file_name': f'img1/{number:06d}.jpg',
                'video_id': 1,
                'frame_id': number - 1,
            }
        )
        for one, (x1, y1, x2, y2) in zip(
            objects.ids.tolist(), objects.boxes.tolist(), strict=True
        ):
            annotations.append(
                {
                    'id': len(annotations),
                    'image_id': number,
                    'category_id': 1,
                    'track_id': one,
                    'bbox': [x1, y1, x2 - x1, y2 - y1],
                }
            )
    images.append({'id': 999, 'file_name': 'img1/000001.jpg'})
    annotations += [
        entry | {'id': len(annotations) + turn, 'image_id': 999}
        for turn, entry in enumerate(annotations[:3])
    ]
    path = sequence / 'val.json'
    path.write_text(
        json.dumps(
            {
                'images': images,
                'annotations': annotations,
                'videos': [{'id': 1, 'fps': 5}],
                'categories': [{'id': 1, 'name': 'person'}],
            }
        )
    )
    return path


def evaluate(truth: Path, *more: str | Path) -> int:
    return main(['evaluate', '--ground-truth', str(truth), '--embeddings', *map(str, more)])


def test_sequences_and_videos_give_the_same(
    sequence: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(sequence, '--json', tmp_path / 'folder.json') == 0
    printed = capsys.readouterr().out
    assert evaluate(video, '--json', tmp_path / 'video.json') == 0
    values = json.loads((tmp_path / 'folder.json').read_text())
    assert values == json.loads((tmp_path / 'video.json').read_text())
    assert (values['sequences'], values['minimum_gap_s'], values['model']) == (1, 1, 'jtn_people')
    assert 3 <= values['same_objects'] <= values['objects'] <= 8
    assert values['same_pairs'] > 50
    # Lower bounds, well below what the weights reach.
    assert values['in_one_frame']['auc'] > 80
    assert values['rank1'] > 50
    assert 0.05 < values['in_one_frame']['distance'] < 1
    assert values['in_other_sequences']['pairs'] == 0
    rows = {line.rpartition('  ')[0][:15].strip(): line for line in printed.splitlines()}
    frame = [values['in_one_frame'][key] for key in ('auc', 'eer', 'distance')]
    assert rows['one frame'].split()[2:5] == [f'{value:.2f}' for value in frame]
    assert rows['other sequences'].split()[2:] == ['-', '-', '-', '0']
    assert f'Rank-1 {values["rank1"]:.2f}: the nearest object in another frame' in printed
    assert f'{values["same_objects"]} of {values["objects"]} objects in 1 sequences' in printed


def test_unsuitable_inputs_are_rejected(
    sequence: Path, video: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_block_model(tmp_path / 'blocks.onnx')
    assert evaluate(sequence, '--model', tmp_path / 'blocks.onnx') == 1
    assert 'blocks has no embeddings; specify a model that has' in capsys.readouterr().err
    content = json.loads(video.read_text())
    content['images'] = content['images'][-1:]
    content['annotations'] = content['annotations'][-3:]
    stills = video.with_name('stills.json')
    stills.write_text(json.dumps(content))
    assert evaluate(stills) == 1
    assert (
        'there are only single images; specify MOTChallenge sequences' in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ('arguments', 'expected'),
    [
        (['--ground-truth', '.', '--bag', 'a'], '--bag cannot be combined with --embeddings'),
        (['--ground-truth', '.', '--report', 'a.html'], '--report cannot be combined with'),
        (['--ground-truth', '.', '--threshold', '0.3'], '--threshold cannot be combined with'),
        (['--synthetic'], '--synthetic cannot be combined with'),
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(['evaluate', *arguments, '--embeddings']) == 2
    assert expected in capsys.readouterr().err
