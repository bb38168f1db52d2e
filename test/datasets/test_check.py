"""`jtn dataset check`: every mistake is found, with its file and line; sound data has none."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.cli.main import main
from jtn_ros.datasets.check import check_dataset

from places import SHARED

ROW = '1,1,10,10,8,20,1,1,1'


def problems(path: Path) -> list[tuple[str, int, str]]:
    """Return the problems as (name of the file, line, text)."""
    return [(p.path.name, p.line, p.text) for p in check_dataset(path).problems]


def test_a_sound_sequence_has_no_problem(write_sequence: Callable[..., Path]) -> None:
    folder = write_sequence('MOT17-02', [ROW, '4,1,-3,10,8,20,1,1,0.5'])
    findings = check_dataset(folder.parent)
    assert findings.problems == []
    assert (findings.clips, findings.images, findings.boxes) == (1, 4, 2)


def test_every_broken_row_is_named(write_sequence: Callable[..., Path]) -> None:
    rows = [
        ROW,
        '1,1,10,10,8,20,1,1',  # 2: a column is missing
        '1,two,10,10,8,20,1,1,1',  # 3
        '1,1,11,10,8,20,1,1,1',  # 4: the identity again
        '5,1,10,10,8,20,1,1,1',  # 5: beyond the end
        '-1,2,10,10,8,20,1,1,1',  # 6
        '2,3,10,10,0,20,1,1,1',  # 7
        '2,4,10,10,-8,20,1,1,1',  # 8
        '2,5,64,10,8,20,1,1,1',  # 9: right of the image
        '2,6,nan,10,8,20,1,1,1',  # 10
        '2,7,10,10,8,20,1,0,1',  # 11
        '2,8,10,10,8,20,1,1,1.5',  # 12
        '2,9,10,10,8,20,1,1,1',
    ]
    found = problems(write_sequence('MOT17-02', rows))
    assert {name for name, _, _ in found} == {'gt.txt'}
    expected = {
        2: '8 columns, most lines have 9',
        3: "not numbers separated by commas: '1,two,10,10,8,20,1,1,1'",
        4: 'this identity occurs twice in the frame',
        5: 'the sequence has 4 frames',
        6: 'the frame is not an integer from 1 on',
        7: 'the box has no area',
        8: 'width or height is negative',
        9: 'the box lies outside the image of 64x48',
        10: 'a value is not finite',
        11: 'the class is not an integer from 1 on',
        12: 'the visibility is not between 0 and 1',
    }
    first = {line: text for _, line, text in reversed(found)}
    assert first == expected


def test_images_are_counted_and_opened(write_sequence: Callable[..., Path]) -> None:
    folder = write_sequence('MOT17-02', [ROW], length=9, images=2)
    whole = (folder / 'img1' / '000001.jpg').read_bytes()
    (folder / 'img1' / '000001.jpg').write_bytes(whole[: len(whole) // 2])
    (folder / 'img1' / '000005.jpg').write_bytes(whole)
    (folder / 'img1' / '000012.jpg').write_bytes(whole)
    text = (folder / 'seqinfo.ini').read_text().replace('imWidth=64', 'imWidth=65')
    (folder / 'seqinfo.ini').write_text(text)
    found = problems(folder)
    assert found[0] == ('img1', 0, 'no image of the frames 3-4, 6-9')
    assert found[1] == ('img1', 0, 'images of the frames 12; the sequence has 9 frames')
    assert found[2][0] == '000001.jpg'
    assert 'cannot be decoded' in found[2][2]
    sizes = [(name, text) for name, _, text in found[3:]]
    said = '64x48 pixels; the sequence has 65x48'
    assert sizes == [('000002.jpg', said), ('000005.jpg', said), ('000012.jpg', said)]


def test_missing_files_of_a_sequence(write_sequence: Callable[..., Path]) -> None:
    (write_sequence('b', [ROW]) / 'gt' / 'gt.txt').unlink()
    folder = write_sequence('c', [ROW])
    (folder / 'seqinfo.ini').write_text('[Sequence]\nname=c\n')
    assert [(name, text[:28]) for name, _, text in problems(folder.parent)] == [
        ('gt.txt', 'the ground truth is missing'),
        ('seqinfo.ini', "'frameRate'; expected a sect"),
    ]


def test_crowdhuman_lines(write_crowdhuman: Callable[..., Path]) -> None:
    box = {'tag': 'person', 'fbox': [1, 2, 30, 40]}
    lines = [
        json.dumps({'ID': 'good', 'gtboxes': [box]}),
        'no JSON',
        json.dumps({'ID': 'gone', 'gtboxes': [box]}),
        json.dumps({'ID': 'thin', 'gtboxes': [box, {**box, 'fbox': [1, 2, 0, 40]}]}),
        json.dumps({'ID': 'far', 'gtboxes': [{**box, 'fbox': [64, 2, 3, 4]}]}),
    ]
    found = problems(write_crowdhuman(lines, ('good', 'thin', 'far')))
    assert [(line, text.split(' (')[0].split(' /')[0]) for _, line, text in found] == [
        (2, 'not JSON: Expecting value at column 1'),
        (3, 'the image'),
        (4, 'thin: the box from [1.0, 2.0] to [1.0, 42.0] has no area'),
        (5, 'far: the box from [64.0, 2.0] to [67.0, 6.0] lies outside the image of 64x48'),
    ]


def test_coco_entries(write_coco: Callable[..., Path]) -> None:
    content = {
        'images': [{'id': 1, 'file_name': 'a.jpg'}, {'id': 2, 'file_name': 'b.jpg'}],
        'annotations': [
            {'id': 5, 'image_id': 1, 'category_id': 1, 'bbox': [1, 2, 3, 4]},
            {'id': 6, 'image_id': 1, 'category_id': 1, 'bbox': [1, 2, 3, 0]},
            {'id': 7, 'image_id': 1, 'category_id': 9, 'bbox': [1, 2, 3, 4]},
            {'id': 8, 'image_id': 3, 'category_id': 1, 'bbox': [1, 2, 3, 4]},
        ],
        'categories': [{'id': 1, 'name': 'person'}],
    }
    path = write_coco(content, ('a.jpg',))
    texts = [text for _, _, text in problems(path)]
    assert texts == [
        'annotations[2] (id 7): category_id 9 is not a category of the file',
        '1 annotations of image_id 3, which is missing',
        f'the image b.jpg is missing in {path.parent.parent / "val2017"}',
        'a.jpg: the box from [1.0, 2.0] to [4.0, 2.0] has no area',
    ]


def test_exit_codes_and_output(
    write_sequence: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_sequence('good', [ROW])
    assert main(['dataset', 'check', str(good)]) == 0
    assert capsys.readouterr().out == 'no problem: 1 sequence, 4 images, 1 box\n'
    bad = write_sequence('bad', [ROW, ROW])
    assert main(['dataset', 'check', str(bad)]) == 1
    out = capsys.readouterr().out.splitlines()
    assert out == [
        f'{bad}/gt/gt.txt, line 2: this identity occurs twice in the frame',
        '1 problem: 1 sequence, 4 images, 2 boxes',
    ]
    assert main(['dataset', 'check', str(bad / 'nothing')]) == 1
    assert 'does not exist' in capsys.readouterr().err


def test_the_command_fails_as_a_process(write_sequence: Callable[..., Path]) -> None:
    bad = write_sequence('bad', [ROW, ROW])
    command = [sys.executable, '-m', 'jtn_ros.cli.main', 'dataset', 'check', str(bad)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert 'line 2' in done.stdout


@given(st.binary(max_size=80) | st.text('0123456789,.-+eE \n\r\tnaif#"x', max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_ground_truth_can_be_checked(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    folder = tmp_path_factory.getbasetemp() / 'fuzzed'
    (folder / 'gt').mkdir(parents=True, exist_ok=True)
    (folder / 'seqinfo.ini').write_text(
        '[Sequence]\nname=x\nframeRate=5\nseqLength=3\nimWidth=9\nimHeight=9\nimExt=.jpg\n'
    )
    path = folder / 'gt' / 'gt.txt'
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    lines = len(path.read_bytes().splitlines()) + 1
    found = check_dataset(folder).problems
    assert all(0 <= problem.line <= lines for problem in found)


@pytest.mark.skipif(
    not (SHARED / 'data').is_dir(),
    reason='the shared sequences are not here',
)
def test_real_sequences_are_sound_or_known_to_be_cut() -> None:
    data = SHARED / 'data'
    assert problems(data / 'PETS09-S2L1') == []
    assert problems(data / 'MOT17-05-FRCNN-mini') == [('img1', 0, 'no image of the frames 7-837')]
