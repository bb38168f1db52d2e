"""MOTChallenge files are read as written, and invalid rows are reported."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import read_annotations
from jtn_ros.datasets.mot_challenge import read_detections
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.mot_challenge import read_sequence_info
from jtn_ros.datasets.mot_challenge import write_ground_truth
from jtn_ros.datasets.mot_challenge import write_results
from jtn_ros.datasets.mot_challenge import write_sequence_info

from places import SHARED


def test_sequence_info_comes_back(tmp_path: Path) -> None:
    info = SequenceInfo(
        name='walk',
        frame_rate=29.97,
        length=12,
        width=640,
        height=480,
        image_dir='frames',
        image_extension='.png',
    )
    write_sequence_info(tmp_path / 'walk', info)
    assert read_sequence_info(tmp_path / 'walk') == info
    assert [path.name for path in (tmp_path / 'walk').iterdir()] == ['seqinfo.ini']


@pytest.mark.parametrize(
    'text',
    [
        '',
        'name=x',
        '[Sequence]\nname=x',
        '[Sequence]\nname=x\nframeRate=fast\nseqLength=1',
        '[Sequence]\nname=x\nframeRate=0\nseqLength=1\nimWidth=3\nimHeight=3',
    ],
)
def test_bad_sequence_info_names_the_file(tmp_path: Path, text: str) -> None:
    (tmp_path / 'seqinfo.ini').write_text(text)
    with pytest.raises(ValueError, match=r'seqinfo\.ini.*frameRate'):
        read_sequence_info(tmp_path)


def test_mot17_rows_have_classes_and_ignored_distractors(tmp_path: Path) -> None:
    path = tmp_path / 'gt.txt'
    path.write_text(
        '2,7,10,20,30,40,1,1,0.25\n'
        '1,7,11.5,20,30,40,1,1,1\n'
        '1,8,1,2,3,4,0,3,0.5\n'  # a car
        '1,9,5,6,7,8,0,7,0.75\n'  # a static person
        '\n'
        '1,10,5,6,7,8,0,1,0.75\r\n'  # a person that does not count
    )
    frames = read_annotations(path)
    assert list(frames) == [1, 2]
    first = frames[1]
    assert first.ids.tolist() == [7, 8, 9, 10]
    assert first.class_ids.tolist() == [0, 2, 0, 0]
    assert first.ignored.tolist() == [False, True, True, True]
    assert first.forgiven.tolist() == [False, False, True, False]
    assert first.visibilities.tolist() == [1, 0.5, 0.75, 0.75]
    assert first.boxes[0].tolist() == [11.5, 20, 41.5, 60]
    assert frames[2].boxes.tolist() == [[10, 20, 40, 60]]


def test_mot15_rows_are_persons_and_flag_0_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / 'gt.txt'
    path.write_text('1,1,10,20,30,40,1,-4.1,7.3,0\n1,2,10,20,30,40,0,-4.1,7.3,0\n')
    frame = read_annotations(path)[1]
    assert frame.class_ids.tolist() == [0, 0]
    assert frame.ignored.tolist() == [False, True]
    assert frame.forgiven.tolist() == [False, False]
    assert frame.visibilities.tolist() == [1, 1]


def test_ground_truth_comes_back(tmp_path: Path) -> None:
    written = {
        3: Annotations(
            ids=np.array([4, 9, 11]),
            boxes=np.array([[1, 2, 30, 40], [-5, -6, 7, 8], [0, 0, 1, 1]], np.float32),
            class_ids=np.array([0, 2, 0], np.int32),
            visibilities=np.array([1, 0.5, 0.125], np.float32),
            ignored=np.array([False, False, True]),
        )
    }
    write_ground_truth(tmp_path / 'gt' / 'gt.txt', written)
    read = read_annotations(tmp_path / 'gt' / 'gt.txt')
    assert list(read) == [3]
    for name in ('ids', 'boxes', 'class_ids', 'visibilities', 'ignored', 'forgiven'):
        np.testing.assert_array_equal(getattr(read[3], name), getattr(written[3], name))


def test_detections_keep_order_and_unbounded_scores(tmp_path: Path) -> None:
    path = tmp_path / 'det.txt'
    path.write_text('5,-1,10,20,4,8,-0.7,-1,-1,-1\n5,-1,0,0,2,2,63.5,-1,-1,-1\n')
    detections = read_detections(path)[5]
    np.testing.assert_allclose(detections.scores, [-0.7, 63.5])
    assert detections.centers.tolist() == [[12, 24], [1, 1]]
    assert detections.displacements is None
    assert detections.embeddings is None


@pytest.mark.parametrize(
    ('row', 'problem'),
    [
        ('1,2,3,4,5,6,1,1', '8 columns, most lines have 9'),
        ('1,2,3,4,five,6,1,1,1', 'not numbers separated by commas'),
        ('-1,2,3,4,5,6,1,1,1', 'frame is not an integer from 1 on'),
        ('1.5,2,3,4,5,6,1,1,1', 'frame is not an integer from 1 on'),
        ('1,-1,3,4,5,6,1,1,1', 'identity is not an integer from 1 on'),
        ('1,9007199254740994,3,4,5,6,1,1,1', 'identity is greater than 9007199254740992'),
        ('1,2,3,4,-5,6,1,1,1', 'width or height is negative'),
        ('1,2,nan,4,5,6,1,1,1', 'a value is not finite'),
        ('1,2,3,4,5,6,1,0,1', 'class is not an integer from 1 on'),
        ('1,1,3,4,5,6,1,1,1', 'identity occurs twice'),
    ],
)
def test_bad_rows_are_named_with_their_line(tmp_path: Path, row: str, problem: str) -> None:
    path = tmp_path / 'gt.txt'
    path.write_text(f'1,1,3,4,5,6,1,1,1\n\n{row}\n')
    with pytest.raises(ValueError, match=rf'gt\.txt, line 3: .*{problem}'):
        read_annotations(path)


def test_too_few_columns(tmp_path: Path) -> None:
    path = tmp_path / 'det.txt'
    path.write_text('1,2,3\n')
    with pytest.raises(ValueError, match='line 1: 3 columns; expected frame, identity'):
        read_detections(path)


def test_empty_file_has_no_frames(tmp_path: Path) -> None:
    path = tmp_path / 'empty.txt'
    path.write_text('')
    assert read_results(path) == {}
    write_results(path, {})
    assert read_detections(path) == {}


@given(st.binary(max_size=80) | st.text('0123456789,.-+eE \n\r\tnaif#"x', max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_content_is_read_or_refused_with_the_file_name(
    tmp_path_factory: pytest.TempPathFactory, content: bytes | str
) -> None:
    path = tmp_path_factory.getbasetemp() / 'fuzzed.txt'
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    for read in (read_annotations, read_detections, read_results):
        try:
            frames = read(path)
        except ValueError as error:
            refusal = str(error)
        else:
            refusal = 'fuzzed.txt' if all(frame >= 1 for frame in frames) else 'frame below 1'
        assert 'fuzzed.txt' in refusal


_COORDINATES = st.integers(-4000, 4000).map(lambda value: value / 8)


@given(
    st.dictionaries(
        st.integers(1, 99),
        st.dictionaries(
            st.integers(1, 2**31 - 1),
            st.tuples(_COORDINATES, _COORDINATES, st.integers(0, 900), st.integers(0, 900)),
            min_size=1,
            max_size=4,
        ),
        max_size=4,
    )
)
@settings(max_examples=100, deadline=None)
def test_results_are_read_as_written(
    tmp_path_factory: pytest.TempPathFactory,
    frames: dict[int, dict[int, tuple[float, float, int, int]]],
) -> None:
    path = tmp_path_factory.getbasetemp() / 'results.txt'
    written = {}
    for frame, objects in frames.items():
        boxes = np.array(list(objects.values()), np.float32)
        boxes[:, 2:] += boxes[:, :2]
        written[frame] = TrackedBoxes(
            np.array(list(objects)), boxes, np.full(len(boxes), 0.5, np.float32)
        )
    write_results(path, written)
    read = read_results(path)
    assert sorted(read) == sorted(written)
    for frame, expected in written.items():
        np.testing.assert_array_equal(read[frame].ids, expected.ids)
        np.testing.assert_array_equal(read[frame].boxes, expected.boxes)
        np.testing.assert_array_equal(read[frame].scores, expected.scores)


@pytest.mark.skipif(not (SHARED / 'data').is_dir(), reason='the shared sequences are not here')
def test_real_sequences() -> None:
    folder = SHARED / 'data' / 'PETS09-S2L1'
    assert read_sequence_info(folder).frame_rate == 7
    truth = read_annotations(folder / 'gt' / 'gt.txt')
    assert sum(map(len, truth.values())) == 1874
    assert sum(map(len, read_detections(folder / 'det' / 'det.txt').values())) == 1751


def test_classes_of_results_are_read_as_written(tmp_path: Path) -> None:
    rows = TrackedBoxes(
        np.array([1, 2]),
        np.array([[0, 0, 9, 9], [5, 5, 9, 9]], np.float32),
        np.array([0.5, 1], np.float32),
        np.array([0, 2], np.int32),
    )
    write_results(tmp_path / 'r.txt', {3: rows})
    assert (tmp_path / 'r.txt').read_text().splitlines()[1].split(',')[7] == '3'
    np.testing.assert_array_equal(read_results(tmp_path / 'r.txt')[3].class_ids, [0, 2])
    write_results(tmp_path / 'r.txt', {3: rows._replace(class_ids=None)})
    assert read_results(tmp_path / 'r.txt')[3].class_ids is None
    (tmp_path / 'r.txt').write_text('1,1,0,0,9,9,1,2,-1,-1\n1,2,0,0,9,9,1,-1,-1,-1\n')
    with pytest.raises(ValueError, match=r'r\.txt, line 2: the class is not an integer from 1 on'):
        read_results(tmp_path / 'r.txt')
