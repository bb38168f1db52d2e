"""No output replaces an input, or the results of another input."""

import json
from pathlib import Path

import pytest

from jtn_ros.errors import UsageError
from jtn_ros.media.overwriting import RUN
from jtn_ros.media.overwriting import claim_results
from jtn_ros.media.overwriting import protect_inputs


@pytest.mark.parametrize('link', ['none', 'symbolic', 'hard', 'folder'])
def test_an_output_that_is_the_input_is_refused(tmp_path: Path, link: str) -> None:
    source = output = tmp_path / 'street.webm'
    source.write_bytes(b'frames')
    if link == 'symbolic':
        output = tmp_path / 'link.webm'
        output.symlink_to(source)
    elif link == 'hard':
        output = tmp_path / 'link.webm'
        output.hardlink_to(source)
    elif link == 'folder':
        (tmp_path / 'other').symlink_to(tmp_path)
        output = tmp_path / 'other' / 'street.webm'
    with pytest.raises(UsageError, match=r'the output .*\.webm is the input; choose another'):
        protect_inputs([None, output], [None, str(source)])


@pytest.mark.parametrize(
    ('name', 'refused'),
    [
        ('gt/gt.txt', True),
        ('img1/000001.jpg', True),
        ('clip.mp4', True),
        ('metadata.yaml', True),
        ('new.txt', False),  # does not exist
        ('scores.json', False),  # a report beside the data
    ],
)
def test_an_output_must_not_replace_data_in_an_input_folder(
    tmp_path: Path, name: str, refused: bool
) -> None:
    output = tmp_path / name
    output.parent.mkdir(exist_ok=True)
    if name != 'new.txt':
        output.touch()
    if refused:
        with pytest.raises(UsageError, match='would replace a file of the input'):
            protect_inputs([output], [tmp_path])
    else:
        protect_inputs([output], [tmp_path])


def test_an_output_folder_must_not_hold_the_input(tmp_path: Path) -> None:
    (tmp_path / 'out' / 'bag').mkdir(parents=True)
    with pytest.raises(UsageError, match='contains the input'):
        protect_inputs([tmp_path / 'out'], [tmp_path / 'out' / 'bag'])
    protect_inputs([tmp_path / 'out', tmp_path / 'none'], ['0', 'rtsp://camera/1', tmp_path])


def test_results_may_be_replaced_by_those_of_the_same_inputs_only(tmp_path: Path) -> None:
    names, inputs = ['a.txt', 'a.jsonl'], ['/data/a.mp4', '/data/det.txt']
    run = claim_results(tmp_path, names, inputs)
    assert run == {'inputs': inputs, 'outputs': ['a.jsonl', 'a.txt']}
    (tmp_path / 'a.txt').touch()
    (tmp_path / 'a.jsonl').write_text(json.dumps({'frame': 1, RUN: run}) + '\n')
    assert claim_results(tmp_path, names, inputs) == run
    with pytest.raises(
        UsageError, match=r'a\.txt was made from /data/a\.mp4 and /data/det\.txt; choose another'
    ):
        claim_results(tmp_path, names, ['/data/b.mp4'])
    # A video of that name is not one of the results, until one of them was.
    names.append('a.webm')
    (tmp_path / 'a.webm').touch()
    with pytest.raises(UsageError, match=r'a\.webm is not a result of this input'):
        claim_results(tmp_path, names, inputs)
    (tmp_path / 'a.webm').unlink()
    run = claim_results(tmp_path, names, inputs)
    (tmp_path / 'a.jsonl').write_text(json.dumps({'frame': 1, RUN: run}) + '\n')
    (tmp_path / 'a.webm').touch()
    assert claim_results(tmp_path, ['a.jsonl'], inputs) == run


@pytest.mark.parametrize('content', ['', 'noise', '{"frame": 1}', '[1]', '{"run": {"inputs": 3}}'])
def test_results_of_unknown_origin_are_not_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / 'a.jsonl').write_text(content)
    with pytest.raises(
        UsageError, match=r'a\.jsonl is not a result of this input; choose another'
    ):
        claim_results(tmp_path, ['a.jsonl'], [])
