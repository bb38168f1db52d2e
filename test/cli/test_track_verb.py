"""`jtn track` from stored detections: expected files, frame ranges, videos, errors."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.cli import track_verb
from jtn_ros.cli.main import main
from jtn_ros.datasets.mot_challenge import SequenceInfo
from jtn_ros.datasets.mot_challenge import read_results
from jtn_ros.datasets.mot_challenge import write_sequence_info
from jtn_ros.media.debug_views import VIEWS
from jtn_ros.tracking.registry import TRACKERS

from places import SHARED

FRAMES = 20


def write_sequence(folder: Path, images: bool = False) -> Path:
    """Write a sequence of two people who walk past each other, with exact detections."""
    info = SequenceInfo(
        name='W-1', frame_rate=10, length=FRAMES, width=320, height=240, image_extension='.png'
    )
    write_sequence_info(folder, info)
    (folder / 'det').mkdir()
    rows = []
    for frame in range(1, FRAMES + 1):
        rows.append(f'{frame},-1,{10 + 6 * frame},50,40,100,0.9')
        rows.append(f'{frame},-1,{250 - 6 * frame},120,40,100,0.8')
    (folder / 'det' / 'det.txt').write_text('\n'.join(rows))
    if images:
        (folder / 'img1').mkdir()
        for frame in range(1, FRAMES + 1):
            image = np.full((240, 320, 3), 60, np.uint8)
            assert cv2.imwrite(str(folder / 'img1' / f'{frame:06d}.png'), image)
    return folder


def track(folder: Path, output: Path, *options: str) -> int:
    """Run `jtn track` on the sequence's detections."""
    detections = str(folder / 'det' / 'det.txt')
    return main(
        ['track', str(folder), '--detections', detections, '--output', str(output), *options]
    )


@pytest.mark.parametrize('tracker', TRACKERS)
def test_two_people_keep_their_ids(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tracker: str
) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    assert track(folder, tmp_path / 'out', '--tracker', tracker) == 0
    results = read_results(tmp_path / 'out' / 'Walk.txt')
    assert set(results) >= set(range(3, FRAMES + 1))
    for frame in range(4, FRAMES + 1):  # four detections confirm the second one
        order = np.argsort(results[frame].boxes[:, 1])  # the upper one is the first
        np.testing.assert_array_equal(results[frame].ids[order], [1, 2])
        expected = [[10 + 6 * frame, 50, 50 + 6 * frame, 150],
                    [250 - 6 * frame, 120, 290 - 6 * frame, 220]]  # fmt: skip
        np.testing.assert_allclose(results[frame].boxes[order], expected, atol=1.5)
    output = capsys.readouterr().out
    assert f'Walk: {FRAMES} frames, 2 tracks' in output
    assert str(tmp_path / 'out' / 'Walk.txt') in output


def test_a_parameter_file_says_where_to_track(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_sequence(tmp_path / 'Walk', images=True)
    params = tmp_path / 'params.yaml'
    node = '/jtn_tracker:\n  ros__parameters:\n    regions: {}\n'
    params.write_text(node.format("['0,160 319,160 319,239 0,239']"))
    assert track(folder, tmp_path / 'out', '--params-file', str(params)) == 0
    results = read_results(tmp_path / 'out' / 'Walk.txt')
    assert {tuple(np.unique(r.boxes[:, 1].round(-1))) for r in results.values()} == {(120.0,)}
    params.write_text(node.format("['0,160 319,160']"))
    assert track(folder, tmp_path / 'no', '--params-file', str(params)) == 1
    assert "regions contains '0,160 319,160'; write a polygon" in capsys.readouterr().err


def test_json_lines_have_stamps_and_velocities_in_seconds(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    assert track(folder, tmp_path / 'out') == 0
    lines = (tmp_path / 'out' / 'Walk.jsonl').read_text().splitlines()
    records = [json.loads(line) for line in lines]
    assert [r['frame'] for r in records] == list(range(1, FRAMES + 1))
    assert [r['stamp_ns'] for r in records] == [i * 100_000_000 for i in range(FRAMES)]
    velocities = {t['id']: t['velocity'] for t in records[-1]['tracks']}
    np.testing.assert_allclose([velocities[1], velocities[2]], [[60, 0], [-60, 0]], atol=3)


def test_a_range_of_frames_keeps_its_numbers(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    assert track(folder, tmp_path / 'out', '--start', '5', '--end', '9') == 0
    assert set(read_results(tmp_path / 'out' / 'Walk.txt')) == {5, 6, 7, 8, 9}
    records = (tmp_path / 'out' / 'Walk.jsonl').read_text().splitlines()
    assert json.loads(records[0])['stamp_ns'] == 400_000_000


def test_fps_replaces_the_frame_rate(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    assert track(folder, tmp_path / 'out', '--fps', '20') == 0
    last = json.loads((tmp_path / 'out' / 'Walk.jsonl').read_text().splitlines()[-1])
    np.testing.assert_allclose([t['velocity'][0] for t in last['tracks']], [120, -120], atol=6)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    for name in ('a', 'b'):
        assert track(folder, tmp_path / name) == 0
    for suffix in ('txt', 'jsonl'):
        first, second = [(tmp_path / n / f'Walk.{suffix}').read_bytes() for n in ('a', 'b')]
        assert first == second


def test_the_video_shows_the_tracks(tmp_path: Path) -> None:
    folder = write_sequence(tmp_path / 'Walk', images=True)
    assert track(folder, tmp_path / 'out', '--video') == 0
    (path,) = (
        p
        for p in (tmp_path / 'out').iterdir()
        if p.stem == 'Walk' and p.suffix in ('.mp4', '.webm')
    )
    capture = cv2.VideoCapture(str(path))
    images = []
    while (read := capture.read())[0]:
        images.append(read[1])
    assert len(images) == FRAMES
    assert capture.get(cv2.CAP_PROP_FPS) == 10
    assert images[0].shape == (240, 320, 3)
    edge = images[9][70:140, 10 + 6 * 10].astype(int)  # left edge of the upper box in frame 10
    assert abs(edge - 60).max(axis=1).min() > 40
    assert abs(images[9][5:15, 5:100].astype(int) - 60).max() < 20  # nothing there


def test_errors_are_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    assert track(folder, tmp_path / 'out', '--start', '100') == 1
    assert 'has no readable frame from number 100 on' in capsys.readouterr().err
    assert track(folder, tmp_path / 'out', '--video') == 1
    assert 'img1 contains no images' in capsys.readouterr().err
    (folder / 'det' / 'det.txt').write_text('1,2,three')
    assert track(folder, tmp_path / 'out') == 1
    assert 'det.txt, line 1: ' in capsys.readouterr().err
    assert list((tmp_path / 'out').iterdir()) == []


def test_arguments_that_do_not_go_together_are_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_sequence(tmp_path / 'Walk')
    assert track(folder, tmp_path / 'out', '--start', '9', '--end', '5') == 2
    assert '--end 5 lies before --start 9' in capsys.readouterr().err
    assert track(folder, tmp_path / 'out', '--show', 'heatmap') == 2
    assert '--show requires --video, --window or --rerun' in capsys.readouterr().err
    assert track(folder, tmp_path / 'out', '--reconnect') == 2
    assert '--reconnect is for cameras; ' in capsys.readouterr().err
    with pytest.raises(SystemExit) as done:
        track(folder, tmp_path / 'out', '--video', '--show', 'aura')
    assert done.value.code == 2
    assert "unknown view 'aura'" in capsys.readouterr().err
    assert track_verb._VIEWS == VIEWS


def test_a_window_needs_a_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('DISPLAY', raising=False)
    monkeypatch.delenv('WAYLAND_DISPLAY', raising=False)
    folder = write_sequence(tmp_path / 'Walk')
    assert track(folder, tmp_path / 'out', '--window') == 1
    assert 'there is no screen for a window' in capsys.readouterr().err
    monkeypatch.setenv('DISPLAY', ':987')
    if re.search(r'GUI: +NONE', cv2.getBuildInformation()):
        assert track(folder, tmp_path / 'out', '--window') == 1
        assert 'this build of OpenCV cannot open windows; install' in capsys.readouterr().err


def test_real_detections(tmp_path: Path) -> None:
    folder = SHARED / 'data' / 'PETS09-S2L1'
    if not folder.is_dir():
        pytest.skip('shared/data/PETS09-S2L1 is not here')
    assert track(folder, tmp_path) == 0
    results = read_results(tmp_path / 'PETS09-S2L1.txt')
    assert max(results) == 300
    # 19 people walk here; the detector misses some, and people who return may get new identities.
    assert 10 <= len(np.unique(np.concatenate([r.ids for r in results.values()]))) <= 60
