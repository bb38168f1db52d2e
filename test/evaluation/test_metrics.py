"""Scores of tracks: known values, comparison with TrackEval on the same files, bad input."""

import io
import json
import shutil
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trackeval
from numpy.typing import NDArray

from jtn_ros.cli.main import main
from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.datasets.mot_challenge import write_results
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.evaluation.metrics import THRESHOLDS
from jtn_ros.evaluation.metrics import evaluate
from jtn_ros.evaluation.metrics import mean_hota
from jtn_ros.evaluation.runs import evaluate_folder
from jtn_ros.evaluation.trackeval_data import Recording

from places import SHARED
from tables import annotations_of


def boxes(*lefts: float) -> NDArray[np.float32]:
    return np.array([[x, 0, x + 10, 20] for x in lefts], np.float32)


def annotations(*lefts: float, ignored: bool | tuple[bool, ...] = False) -> Annotations:
    return annotations_of(boxes(*lefts), ignored=ignored)


def tracked(ids: list[int], *lefts: float) -> TrackedBoxes:
    return TrackedBoxes(np.array(ids), boxes(*lefts), np.ones(len(ids), np.float32))


def test_perfect_tracks_score_100() -> None:
    truth = {frame: annotations(frame, 100 - frame) for frame in range(1, 11)}
    tracks = {frame: tracked([7, 3], frame, 100 - frame) for frame in range(1, 11)}
    scores = evaluate({'s': Recording(annotations=truth, tracks=tracks, frames=10)}).combined
    assert (scores.hota, scores.mota, scores.idf1) == pytest.approx((100, 100, 100))
    assert (scores.id_switches, scores.true_objects, scores.true_identities) == (0, 20, 2)


def test_one_switch_in_the_middle() -> None:
    """One object of 10 frames whose identity changes once: half of it is associated."""
    truth = {frame: annotations(0) for frame in range(1, 11)}
    tracks = {frame: tracked([1 if frame <= 5 else 2], 0) for frame in range(1, 11)}
    scores = evaluate({'s': Recording(annotations=truth, tracks=tracks, frames=10)}).combined
    assert scores.det_a == pytest.approx(100)
    assert scores.ass_a == pytest.approx(50)
    assert scores.hota == pytest.approx(100 * 0.5**0.5)
    assert scores.mota == pytest.approx(90)
    assert scores.idf1 == pytest.approx(50)
    assert scores.id_switches == 1


def test_misses_and_false_objects() -> None:
    truth = {frame: annotations(0) for frame in range(1, 5)}
    tracks = {1: tracked([1], 0), 2: tracked([1, 2], 0, 500), 3: tracked([1], 0)}
    scores = evaluate({'s': Recording(annotations=truth, tracks=tracks, frames=4)}).combined
    assert scores.mota == pytest.approx(100 * (1 - 2 / 4))
    assert scores.det_a == pytest.approx(100 * 3 / 5)


def test_tracks_on_ignored_persons_are_not_false_positives_by_default() -> None:
    truth = {1: annotations(0, 200, ignored=(False, True))}
    tracks = {1: tracked([1, 2], 0, 200)}
    unforgiven = {1: replace(truth[1], forgiven=np.zeros(2, np.bool_))}
    for annotated, mota in ((truth, 100), (unforgiven, 0)):
        sequence = Recording(annotations=annotated, tracks=tracks, frames=1)
        assert evaluate({'s': sequence}).combined.mota == pytest.approx(mota)


def test_no_tracks_at_all() -> None:
    sequence = Recording(annotations={1: annotations(0)}, tracks={}, frames=1)
    scores = evaluate({'s': sequence}).combined
    assert (scores.hota, scores.mota, scores.tracked_objects) == (0, 0, 0)


def test_frames_beyond_the_end_and_empty_truth_are_refused() -> None:
    with pytest.raises(ValueError, match='s: frame 3, but the sequence has 2 frames'):
        evaluate(
            {
                's': Recording(
                    annotations={1: annotations(0)}, tracks={3: tracked([1], 0)}, frames=2
                )
            }
        )
    with pytest.raises(ValueError, match='s: the ground truth is empty'):
        evaluate({'s': Recording(annotations={}, tracks={}, frames=2)})


def make_folders(root: Path) -> tuple[Path, Path]:
    """Write two sequences, one in the MOT17 and one in the MOT15 format, and results."""
    for name, rows in {
        'new': '1,1,0,0,10,20,1,1,1\n1,2,200,0,10,20,0,7,1\n2,1,0,0,10,20,1,1,1\n',
        'old': '1,1,0,0,10,20,1,-1,-1,-1\n1,2,200,0,10,20,0,-1,-1,-1\n',
    }.items():
        (root / 'truth' / name / 'gt').mkdir(parents=True)
        (root / 'truth' / name / 'gt' / 'gt.txt').write_text(rows)
        write_sequence_info(
            root / 'truth' / name,
            SequenceInfo(name=name, frame_rate=10, length=2, width=640, height=480),
        )
    for name in ('new', 'old'):
        write_results(root / 'tracks' / f'{name}.txt', {1: tracked([1, 2], 0, 200)})
    return root / 'truth', root / 'tracks'


def test_command_line_on_a_folder_of_both_formats(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, tracks = make_folders(tmp_path)
    report = tmp_path / 'out' / 'scores.json'
    arguments = ['--ground-truth', str(truth), '--tracks', str(tracks), '--json', str(report)]
    assert main(['evaluate', *arguments]) == 0
    scores = json.loads(report.read_text())
    assert scores['sequences']['new']['mota'] == pytest.approx(50)  # one miss, static forgiven
    assert scores['sequences']['old']['mota'] == pytest.approx(0)  # one false object
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ['sequence', 'new', 'old', 'all']
    assert lines[1].split()[4] == '50.00'


def test_command_line_on_one_sequence_and_its_file(tmp_path: Path) -> None:
    truth, tracks = make_folders(tmp_path)
    report = tmp_path / 'scores.json'
    arguments = ['--ground-truth', str(truth / 'new'), '--tracks', str(tracks / 'new.txt')]
    assert main(['evaluate', *arguments, '--json', str(report)]) == 0
    assert list(json.loads(report.read_text())['sequences']) == ['new']


def test_command_line_errors_are_one_line_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    truth, tracks = make_folders(tmp_path)
    (tracks / 'old.txt').unlink()
    arguments = ['--ground-truth', str(truth), '--tracks', str(tracks)]
    assert main(['evaluate', *arguments]) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert 'no results of the sequence old' in error
    assert main(['evaluate', '--ground-truth', str(tracks), '--tracks', str(tracks)]) == 1
    assert 'no ground truth' in capsys.readouterr().err


@pytest.mark.skipif(not (SHARED / 'data').is_dir(), reason='the shared sequences are not here')
@pytest.mark.parametrize(
    ('folder', 'benchmark'), [('association/KITTI-13', 'MOT15'), ('MOT17-04-FRCNN-mini', 'MOT17')]
)
def test_real_sequences_equal_trackeval_reading_the_files_itself(
    tmp_path: Path, folder: str, benchmark: str
) -> None:
    source = SHARED / 'data' / folder
    truth = tmp_path / 'truth' / source.name
    shutil.copytree(source / 'gt', truth / 'gt')
    shutil.copy(source / 'seqinfo.ini', truth / 'seqinfo.ini')
    compare_with_trackeval(truth, benchmark)


@pytest.mark.parametrize(
    ('name', 'benchmark'),
    [
        ('ADL-Rundle-6', 'MOT15'),  # known by its ten columns
        ('MOT15/train/Venice-2', 'MOT15'),  # nine columns, known by the folder above
        ('MOT16-02', 'MOT16'),
        ('MOT17-02-FRCNN', 'MOT17'),
        ('MOT20-01', 'MOT20'),
        ('MOT20/train/renamed', 'MOT20'),
        ('dancetrack0001', 'MOT17'),  # its authors evaluate with the rules of MOT17
        ('sportsmot/train/v_-6Os86HzwCs_c001', 'MOT17'),
        ('own', 'MOT17'),
    ],
)
def test_every_benchmark_has_its_own_rules(tmp_path: Path, name: str, benchmark: str) -> None:
    """Every class with both flags, and results on all of them, on half of them and on none."""
    rng = np.random.default_rng(4)
    rows = [
        [frame, track, 60 * column, 50 * flag + frame, 40, 40, flag, column, 1]
        for frame in range(1, 9)
        for flag in (0, 1)
        for column in range(1, 14)
        if rng.random() < 0.8
        for track in [1 + column + 13 * flag]
    ]
    if name == 'ADL-Rundle-6':
        rows = [[*row[:7], -1, -1, -1] for row in rows]
    truth = tmp_path / 'truth' / name
    (truth / 'gt').mkdir(parents=True)
    np.savetxt(truth / 'gt' / 'gt.txt', rows, fmt='%d', delimiter=',')
    write_sequence_info(
        truth, SequenceInfo(name=truth.name, frame_rate=10, length=8, width=900, height=200)
    )
    compare_with_trackeval(truth, benchmark)


def test_the_rules_can_be_named(tmp_path: Path) -> None:
    truth, tracks = make_folders(tmp_path)
    rows = '1,1,0,0,10,20,1,1,1\n1,2,200,0,10,20,1,6,1\n'
    (truth / 'new' / 'gt' / 'gt.txt').write_text(rows)
    arguments = ['--ground-truth', str(truth / 'new'), '--tracks', str(tracks)]
    arguments += ['--json', str(tmp_path / 'scores.json')]
    motas = []
    for benchmark in ([], ['--benchmark', 'MOT20'], ['--benchmark', 'MOT15']):
        assert main(['evaluate', *arguments, *benchmark]) == 0
        motas.append(json.loads((tmp_path / 'scores.json').read_text())['combined']['mota'])
    # A cart is not a person: a false positive, ignored, or, if all rows are people, a match.
    assert motas == pytest.approx([0, 100, 100])


@pytest.mark.parametrize(
    ('rows', 'reason'),
    [
        ('1,1,0,0,10,20,0,1,1\n1,2,200,0,10,20,0,1,1\n', 'every row is flagged 0'),
        ('1,1,0,0,10,20,0,-1,-1,-1\n', 'every row is flagged 0'),
        ('1,1,0,0,10,20,1,7,1\n1,2,200,0,10,20,0,1,1\n', 'all rows are distractors or flagged 0'),
    ],
)
def test_truth_in_which_nothing_counts_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str, reason: str
) -> None:
    truth, tracks = make_folders(tmp_path)
    (truth / 'new' / 'gt' / 'gt.txt').write_text(rows)
    assert main(['evaluate', '--ground-truth', str(truth), '--tracks', str(tracks)]) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert f'{truth}/new/gt/gt.txt: {reason}' in error


@pytest.mark.parametrize('base', [0, 2**31, 2**32 + 7, 2**53 - 2])
def test_identities_may_be_any_number(tmp_path: Path, base: int) -> None:
    truth, tracks = make_folders(tmp_path)
    expected = evaluate_folder(truth, tracks).combined
    for path in (*truth.glob('*/gt/gt.txt'), *tracks.glob('*.txt')):
        lines = [line.split(',', 2) for line in path.read_text().splitlines()]
        renamed = [f'{frame},{int(name) - 1 + base},{rest}' for frame, name, rest in lines]
        path.write_text('\n'.join(renamed))
    assert evaluate_folder(truth, tracks).combined == expected


def compare_with_trackeval(truth: Path, benchmark: str) -> None:
    """Compare scores of half of the true boxes, shifted and with switches, as results."""
    rows = np.loadtxt(truth / 'gt' / 'gt.txt', delimiter=',')[::2, :7]
    rows[:, 1] += 1000 * (rows[:, 0] // 3 % 2)
    rows[:, 2] += 1.25
    folder = truth.parent / 'results'
    (folder / 'tracks').mkdir(parents=True)
    np.savetxt(folder / 'tracks' / f'{truth.name}.txt', rows, fmt='%g', delimiter=',')

    ours = evaluate_folder(truth, folder / 'tracks').combined
    with redirect_stdout(io.StringIO()):
        dataset = trackeval.datasets.MotChallenge2DBox(
            {
                'BENCHMARK': benchmark,
                'SEQ_INFO': {truth.name: None},
                'SKIP_SPLIT_FOL': True,
                'GT_FOLDER': str(truth.parent),
                'TRACKERS_FOLDER': str(folder),
                'TRACKERS_TO_EVAL': ['tracks'],
                'TRACKER_SUB_FOLDER': '',
            }
        )
        data = dataset.get_preprocessed_seq_data(
            dataset.get_raw_seq_data('tracks', truth.name), 'pedestrian'
        )
        hota = trackeval.metrics.HOTA().eval_sequence(data)
        clear = trackeval.metrics.CLEAR().eval_sequence(data)
        identity = trackeval.metrics.Identity().eval_sequence(data)
    assert ours.hota == pytest.approx(100 * hota['HOTA'].mean(), abs=0.01)
    assert ours.ass_a == pytest.approx(100 * hota['AssA'].mean(), abs=0.01)
    assert ours.mota == pytest.approx(100 * clear['MOTA'])
    assert ours.id_switches == clear['IDSW']
    assert ours.fragmentations == clear['Frag']
    assert ours.idf1 == pytest.approx(100 * identity['IDF1'])
    assert ours.true_objects == data['num_gt_dets']
    assert ours.tracked_objects == data['num_tracker_dets']


def test_classes_are_scored_apart_and_together() -> None:
    """A person that is found always and a car that is found half of the time, as a person too."""
    truth, tracks = {}, {}
    for frame in range(1, 5):
        truth[frame] = replace(annotations(0, 100, 200), class_ids=np.array([0, 2, 3], np.int32))
        tracks[frame] = tracked([1, 2], 0, 100)._replace(
            class_ids=np.array([0, 2 if frame <= 2 else 0], np.int32)
        )
    report = evaluate({'s': Recording(annotations=truth, tracks=tracks, frames=4)})
    assert list(report.classes) == ['person', 'car']
    assert report.left_out == {'bicycle': 4}
    assert report.classes['person'].mota == pytest.approx(50)  # two false persons
    assert report.classes['car'].mota == pytest.approx(50)  # two missed cars
    assert report.classes['car'].det_a == pytest.approx(50)
    assert report.combined.mota == pytest.approx(50)
    assert (report.combined.true_objects, report.combined.tracked_objects) == (8, 8)
    assert report.sequences['s'] == report.combined
    assert len(report.curves['hota']) == len(THRESHOLDS) == 19
    assert np.mean(report.curves['hota']) == pytest.approx(report.combined.hota)


def test_one_class_has_the_scores_without_classes() -> None:
    truth = {frame: annotations(0, 50) for frame in range(1, 6)}
    tracks = {frame: tracked([1, 2 + frame // 3], 0, 52) for frame in range(1, 6)}
    classed = {f: t._replace(class_ids=np.zeros(2, np.int32)) for f, t in tracks.items()}
    plain, named = (
        evaluate({'s': Recording(annotations=truth, tracks=t, frames=5)})
        for t in (tracks, classed)
    )
    assert plain == named
    sequence = Recording(annotations=truth, tracks=tracks, frames=5)
    assert mean_hota({'s': sequence}) == plain.combined.hota
