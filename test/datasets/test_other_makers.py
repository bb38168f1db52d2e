"""Sequences as other tools write them: track, train, evaluate and check read the same frames."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.datasets.check import check_dataset
from jtn_ros.datasets.readers import read_clips
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.media import open_frames

ROWS = [f'{frame},{10 + frame % 2},{5 + frame},10,8,20,1,1,1' for frame in (1, 2, 3, 4)]


def rename_images(folder: Path, name: Callable[[int], str]) -> None:
    """Give the image of every frame, which count from 1, another name."""
    for path in sorted((folder / 'img1').iterdir()):
        path.rename(path.with_name(name(int(path.stem))))


def edit(folder: Path, before: str, after: str) -> None:
    text = (folder / 'seqinfo.ini').read_text()
    assert before in text
    (folder / 'seqinfo.ini').write_text(text.replace(before, after))


def write_truth(folder: Path, frame: int = 0, identity: int = 0) -> None:
    """Write the ground truth with other numbers."""
    rows = [row.split(',', 2) for row in ROWS]
    (folder / 'gt' / 'gt.txt').write_text(
        '\n'.join(f'{int(f) + frame},{int(i) + identity},{rest}' for f, i, rest in rows)
    )


def macos(folder: Path) -> None:
    for path in list((folder / 'img1').iterdir()):
        path.with_name(f'._{path.name}').write_bytes(b'\0\5\x16\7')
    (folder / 'img1' / '.DS_Store').write_bytes(b'\0')
    (folder / 'gt' / '._gt.txt').write_bytes(b'\0')


def cvat(folder: Path) -> None:
    rename_images(folder, lambda number: f'frame_{number - 1:06d}.jpg')
    (folder / 'gt' / 'labels.txt').write_text('person\n')


def cvat_alone(folder: Path) -> None:
    cvat(folder)
    (folder / 'seqinfo.ini').unlink()


def from_zero(folder: Path) -> None:
    rename_images(folder, lambda number: f'{number - 1:06d}.jpg')
    write_truth(folder, frame=-1)


def other_images(folder: Path) -> None:
    rename_images(folder, lambda number: f'{number:06d}.JPEG')


MAKERS: dict[str, Callable[[Path], None]] = {
    'macOS': macos,
    'CVAT with seqinfo.ini': cvat,
    'CVAT': cvat_alone,
    'img1 alone': lambda folder: (folder / 'seqinfo.ini').unlink(),
    'frames from 0': from_zero,
    'truth from 0': lambda folder: write_truth(folder, frame=-1),
    'UAVDT names': lambda folder: rename_images(folder, lambda number: f'img{number:06d}.jpg'),
    'imExt without a dot': lambda folder: edit(folder, 'imExt=.jpg', 'imExt=jpg'),
    'imExt in capitals': lambda folder: edit(folder, 'imExt=.jpg', 'imExt=.JPG'),
    'imExt of other images': other_images,
    'no imExt': lambda folder: edit(folder, 'imExt=.jpg\n', ''),
    'identities from 0': lambda folder: write_truth(folder, identity=-10),
    'identities of 33 bits': lambda folder: write_truth(folder, identity=2**32),
    'identities of 53 bits': lambda folder: write_truth(folder, identity=2**53 - 20),
}


@pytest.mark.parametrize('maker', MAKERS.values(), ids=MAKERS)
def test_every_verb_reads_the_same_frames(
    write_sequence: Callable[..., Path], maker: Callable[[Path], None]
) -> None:
    folder = write_sequence('walk', ROWS)
    maker(folder)
    # check
    findings = check_dataset(folder)
    assert findings.problems == []
    assert (findings.clips, findings.images, findings.boxes) == (1, 4, 4)
    # track
    with open_frames(folder) as source:
        assert [frame.index for frame in source] == [0, 1, 2, 3]
        assert source.broken == 0
    # train
    (clip,) = read_clips(folder)
    assert [image.number for image in clip.images] == [1, 2, 3, 4]
    lefts = [image.annotations.boxes[:, 0].tolist() for image in clip.images]
    assert lefts == [[6], [7], [8], [9]]
    # evaluate
    truth = read_truth(folder)
    assert truth.frames == 4
    assert [(n, objects.boxes[0, 0]) for n, objects in truth.annotations.items()] == [
        (1, 6), (2, 7), (3, 8), (4, 9)
    ]  # fmt: skip
    ids = [int(objects.ids[0]) for objects in truth.annotations.values()]
    assert ids[0] == ids[2] > ids[1] == ids[3] > 0


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    'a name without a number': (
        lambda folder: shutil.copy(folder / 'img1/000001.jpg', folder / 'img1/cover.jpg'),
        'cover.jpg: images of a MOTChallenge sequence are named by their number',
    ),
    'two of one number': (
        lambda folder: shutil.copy(folder / 'img1/000002.jpg', folder / 'img1/copy_2.jpg'),
        '000002.jpg and copy_2.jpg have the same number',
    ),
    'no frame rate': (
        lambda folder: edit(folder, 'frameRate=20', 'frameRate=fast'),
        "seqinfo.ini: could not convert string to float: 'fast'",
    ),
}


@pytest.mark.parametrize(('break_it', 'reason'), REFUSED.values(), ids=REFUSED)
def test_the_check_reports_the_errors_of_all_readers(
    write_sequence: Callable[..., Path], break_it: Callable[[Path], object], reason: str
) -> None:
    folder = write_sequence('walk', ROWS)
    break_it(folder)
    (problem,) = check_dataset(folder).problems
    assert reason in str(problem)
    for read in (open_frames, read_clips):
        with pytest.raises(ValueError, match=reason):
            read(folder)


@pytest.mark.parametrize('rows', [['1,1,5,10,8,20,0,1,1'], ['1,1,5,10,8,20,0,-1,-1,-1']])
def test_truth_without_a_flag_is_named_by_all(
    write_sequence: Callable[..., Path], rows: list[str]
) -> None:
    folder = write_sequence('walk', rows)
    (problem,) = check_dataset(folder).problems
    assert 'every row is flagged 0' in str(problem)
    for read in (read_truth, read_clips):
        with pytest.raises(ValueError, match=r'gt\.txt: every row is flagged 0'):
            read(folder)


def test_the_command_line_from_images_to_scores(
    write_sequence: Callable[..., Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Frames from 0, identities from 0 and of 33 bits, in truth, detections and results."""
    folder = write_sequence('walk', ROWS)
    cvat_alone(folder)
    (folder / 'det').mkdir()
    (folder / 'det' / 'det.txt').write_text(
        '\n'.join(f'{n - 1},-1,{5 + n},10,8,20,0.9,-1,-1,-1' for n in (1, 2, 3, 4))
    )
    write_truth(folder, frame=-1, identity=2**32)
    out = tmp_path / 'out'
    detections = ['--detections', str(folder / 'det' / 'det.txt')]
    assert main(['track', str(folder), '--output', str(out), *detections]) == 0
    tracked = np.loadtxt(out / 'walk.txt', delimiter=',', ndmin=2)
    assert set(tracked[:, 0]) <= {1, 2, 3, 4}
    assert len(tracked) > 0

    moved = tracked.copy()
    moved[:, 0] -= 1
    moved[:, 1] -= 1
    if not (moved[:, 0] == 0).any():  # a tracker may wait with its first box
        moved = np.vstack([[0, 99, 40, 0, 8, 20, 1, -1, -1, -1], moved])
        tracked = np.vstack([[1, 100, 40, 0, 8, 20, 1, -1, -1, -1], tracked])
    scores = []
    for name, rows in (('plain', tracked), ('from_zero', moved)):
        np.savetxt(tmp_path / f'{name}.txt', rows, fmt='%g', delimiter=',')
        report = tmp_path / f'{name}.json'
        arguments = ['--ground-truth', str(folder), '--tracks', str(tmp_path / f'{name}.txt')]
        assert main(['evaluate', *arguments, '--json', str(report)]) == 0
        scores.append(json.loads(report.read_text())['combined'])
    assert scores[0] == scores[1]
    assert scores[0]['det_a'] > 0
    assert 'the frame starts at 0; 1 is added' in caplog.text
