"""`jtn tune`: it corrects a bad value, reports correct scores, and writes a usable file."""

import math
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from jtn_ros.cli.main import main
from jtn_ros.cli.tracking_arguments import read_params_file
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.mot_challenge import write_ground_truth
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.runs import read_truth
from jtn_ros.evaluation.tuning import SEARCHABLE
from jtn_ros.evaluation.tuning import SeenSequence
from jtn_ros.evaluation.tuning import hota_of
from jtn_ros.evaluation.tuning import load_detections
from jtn_ros.evaluation.tuning import save_detections
from jtn_ros.evaluation.tuning import search
from jtn_ros.evaluation.tuning import search_range
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import TrackerSettings
from jtn_ros.tracking import Tracks

from places import ROOT
from tables import annotations_of
from tables import detections_of

FRAMES = 30
SCORE = 0.45  # below the birth_score of the tracker


def write_sequence(folder: Path) -> Path:
    """Write one person who is found in every frame, with a score that starts no track."""
    info = SequenceInfo(name='W', frame_rate=10, length=FRAMES, width=320, height=240)
    write_sequence_info(folder, info)
    truth, rows = {}, []
    for frame in range(1, FRAMES + 1):
        x = 10 + 5 * frame
        truth[frame] = annotations_of([[x, 50, x + 40, 150]])
        rows.append(f'{frame},-1,{x},50,40,100,{SCORE}')
    write_ground_truth(folder / 'gt' / 'gt.txt', truth)
    (folder / 'det').mkdir()
    (folder / 'det' / 'det.txt').write_text('\n'.join(rows))
    return folder


def test_it_lowers_the_score_that_starts_no_track(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    output = tmp_path / 'params.yaml'
    arguments = [
        'tune',
        str(folder),
        '--detections',
        '--trials',
        '12',
        '--output',
        str(output),
        '--validate',
        str(folder),
    ]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert 'searched on Walk: HOTA 0.00 before, ' in printed
    found = yaml.safe_load(output.read_text())['/**']['ros__parameters']
    assert set(found) == {
        'score_threshold',
        'birth_score',
        'certain_score',
        'confirmation_hits',
        'coast_time',
        'lost_time',
    }
    assert found['birth_score'] <= SCORE
    after = float(printed.split('HOTA 0.00 before, ')[1].split()[0])
    assert after > 80
    assert printed.count(f'{after:.2f} after') == 2

    detections = ['--detections', str(folder / 'det' / 'det.txt')]
    for options, number in ([], 0), (['--params-file', str(output)], 1):
        out = tmp_path / f'out{number}'
        assert main(['track', str(folder), *detections, '--output', str(out), *options]) == 0
        assert bool(read_results(out / 'Walk.txt')) == bool(number)


def test_the_same_seed_finds_the_same(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    for name in ('a', 'b'):
        assert (
            main(
                [
                    'tune',
                    str(folder),
                    '--detections',
                    '--trials',
                    '8',
                    '--seed',
                    '3',
                    '--parameters',
                    'birth_score,position_noise',
                    '--output',
                    str(tmp_path / f'{name}.yaml'),
                ]
            )
            == 0
        )
    text = (tmp_path / 'a.yaml').read_text()
    assert text == (tmp_path / 'b.yaml').read_text()
    assert 'the node has no position_noise' in text


def test_search_starts_with_the_current_values_and_never_gets_worse() -> None:
    asked = []

    def objective(values: Mapping[str, float]) -> float:
        asked.append(values)
        return -abs(math.log(values['lost_time'] / 2.0)) - abs(values['confirmation_hits'] - 3)

    start = {'lost_time': 5.0, 'confirmation_hits': 2}
    results = list(search(lambda batch: map(objective, batch), start, 40, seed=1))
    assert asked[0] == start
    values = [value for _, value in results]
    assert values == sorted(values)
    best, value = results[-1]
    assert best['confirmation_hits'] == 3
    assert 1.5 < best['lost_time'] < 2.7
    assert value == max(map(objective, asked[:40]))


@pytest.mark.parametrize('name', SEARCHABLE[1:])
def test_search_ranges_are_valid_thresholds(name: str) -> None:
    default: Any = getattr(TrackerSettings(), name)
    low, high = search_range(name, default)
    assert low <= default <= high
    kind = type(default)
    for value in (low, high):
        TrackerSettings(**{name: kind(value)})


def test_stored_detections_are_read_as_written(tmp_path: Path) -> None:
    truth = read_truth(write_sequence(tmp_path / 'Walk'))
    rng = np.random.default_rng(0)
    detections = {
        frame: Detections.empty()
        if frame % 3 == 0
        else detections_of(
            rng.random((frame, 4)),
            scores=rng.random(frame),
            class_ids=np.arange(frame),
            centers=rng.random((frame, 2)),
            displacements=rng.random((frame, 2)),
            embeddings=rng.random((frame, 8)),
        )
        for frame in range(1, 6)
    }
    motions = {2: rng.random((2, 3)), 4: rng.random((2, 3))}
    seen = SeenSequence(
        truth=truth,
        stamps_ns={f: f * 7 for f in detections},
        detections=detections,
        camera_motions=motions,
    )
    save_detections(tmp_path / 'seen.npz', seen)
    back = load_detections(tmp_path / 'seen.npz', truth)
    assert list(back.camera_motions) == [2, 4]
    np.testing.assert_array_equal(back.camera_motions[4], motions[4])
    assert back.stamps_ns == seen.stamps_ns
    for frame, expected in detections.items():
        assert len(back.detections[frame]) == len(expected)
        for field in fields(Detections):
            if len(expected):
                np.testing.assert_array_equal(
                    getattr(back.detections[frame], field.name), getattr(expected, field.name)
                )
    data = (tmp_path / 'seen.npz').read_bytes()
    (tmp_path / 'seen.npz').write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=r'seen\.npz is damaged'):
        load_detections(tmp_path / 'seen.npz', truth)


def test_the_score_threshold_takes_detections_away(tmp_path: Path) -> None:
    truth = read_truth(write_sequence(tmp_path / 'Walk'))
    boxes = {f: truth.annotations[f].boxes for f in range(1, FRAMES + 1)}
    seen = SeenSequence(
        truth=truth,
        stamps_ns={f: int(truth.stamps_ns[f - 1]) for f in boxes},
        detections={f: detections_of(b, scores=0.7) for f, b in boxes.items()},
    )
    config = TrackerSettings(confirmation_hits=2)
    assert hota_of([seen], config, 0.6) > 90
    assert hota_of([seen], config, 0.7) == 0


def test_unused_detections_are_skipped_as_in_jtn_track(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[float] = []

    class Watched(Tracker):
        def update(self, detections: Detections, *others: Any) -> Tracks:
            passed.extend(detections.scores.tolist())
            return super().update(detections, *others)

    monkeypatch.setattr('jtn_ros.evaluation.tuning.Tracker', Watched)
    truth = read_truth(write_sequence(tmp_path / 'Walk'))
    boxes = [[10, 50, 50, 150], [80, 50, 120, 150]]
    seen = SeenSequence(
        truth=truth,
        stamps_ns={1: int(truth.stamps_ns[0])},
        detections={1: detections_of(boxes, scores=[0.7, 0.05])},
    )
    hota_of([seen], TrackerSettings())
    assert passed == pytest.approx([0.7])


def test_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    base = ['tune', str(folder), '--detections', '--output', str(tmp_path / 'p.yaml')]
    assert main([*base, '--trials', '0']) == 2
    assert main([*base, '--tracker', 'reference']) == 2
    assert main([*base, '--parameters', 'speed']) == 2
    assert "unknown threshold 'speed'" in capsys.readouterr().err
    (folder / 'seqinfo.ini').unlink()
    assert main(base) == 1
    assert 'has no seqinfo.ini' in capsys.readouterr().err
    assert not (tmp_path / 'p.yaml').exists()


@pytest.mark.parametrize(
    'key',
    ['/**', '/*', '/jtn_tracker', 'jtn_tracker', '/**/jtn_tracker', '/*/jtn_tracker',
     '/robot1/jtn_tracker', 'robot1/jtn_tracker', '/fleet/robot1/jtn_tracker', '/robot1/**'],
)  # fmt: skip
def test_keys_of_parameter_files_are_matched_as_ros_does(tmp_path: Path, key: str) -> None:
    path = tmp_path / 'p.yaml'
    path.write_text(f'"{key}":\n  ros__parameters:\n    birth_score: 0.95\n')
    assert read_params_file(path) == {'birth_score': 0.95}
    path.write_text(
        f'/other: {{ros__parameters: {{birth_score: 0.1}}}}\n"{key}": '
        '{ros__parameters: {birth_score: 0.95}}\n'
    )
    assert read_params_file(path) == {'birth_score': 0.95}


def test_namespaces_may_be_nested_and_later_blocks_win(tmp_path: Path) -> None:
    path = tmp_path / 'p.yaml'
    everyone = '/**: {ros__parameters: {birth_score: 0.1, lost_time: 3}}\n'
    robot = 'fleet: {robot1: {jtn_tracker: {ros__parameters: {birth_score: 0.9}}}}\n'
    path.write_text(everyone + robot)
    assert read_params_file(path) == {'birth_score': 0.9, 'lost_time': 3}
    for key in ('/tracker', '/jtn_tracker/image', '/robot1/player'):
        path.write_text(f'{key}: {{ros__parameters: {{birth_score: 0.1}}}}')
        with pytest.raises(JtnError, match='contains no parameters of the node'):
            read_params_file(path)
    path.write_text(
        'robot1: {jtn_tracker: {ros__parameters: {birth_score: 0.1}}}\n'
        '/robot2/jtn_tracker: {ros__parameters: {birth_score: 0.9}}\n'
    )
    with pytest.raises(JtnError, match=r'several trackers, /robot1/jtn_tracker, /robot2/jtn_tr'):
        read_params_file(path)


def test_the_parameter_file_of_the_project_is_accepted() -> None:
    assert read_params_file(ROOT / 'config' / 'tracker.yaml') == {}


def test_names_that_are_nearly_right_are_pointed_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / 'p.yaml'
    path.write_text(
        '/**: {ros__parameters: {score_treshold: 0.9, lost_time: 5, fixed_frame: map}}'
    )
    assert read_params_file(path) == {'lost_time': 5}
    assert 'fixed_frame, score_treshold (did you mean score_threshold?)' in caplog.text


def test_parameter_files(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / 'p.yaml'
    path.write_text(
        '/**:\n  ros__parameters: {coast_time: 1, camera_name: left}\n'
        '/jtn_tracker:\n  ros__parameters: {birth_score: 0.3}\n'
    )
    assert read_params_file(path) == {'coast_time': 1, 'birth_score': 0.3}
    for text, problem in [
        (
            '/jtn_tracker: {ros__parameters: {coast_time: long}}',
            "coast_time is 'long'",
        ),
        (
            '/jtn_tracker: {ros__parameters: {confirmation_hits: 2.5}}',
            'confirmation_hits is 2.5; expected int',
        ),
        ('/player: {ros__parameters: {rate: 1}}', 'contains no parameters of the node'),
        ('[1, 2', 'is not YAML'),
        ('just words', 'contains no parameters of the node'),
    ]:
        path.write_text(text)
        with pytest.raises(ValueError, match=problem):
            read_params_file(path)


_keys = (
    st.sampled_from(
        ['/**', '/jtn_tracker', 'ros__parameters', 'coast_time', 'model', 'confirmation_hits']
    )
    | st.integers()
)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | _values.map(yaml.safe_dump))
def test_any_file_is_parameters_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / 'any.yaml'
    path.write_text(text, encoding='utf-8')
    try:
        names = list(read_params_file(path))
    except ValueError as error:
        assert 'any.yaml' in str(error)  # noqa: PT017
    else:
        assert all(isinstance(name, str) for name in names)
