"""`jtn track` on archives: same bytes as separately, resumption, failures, lost workers."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.cli.main import main
from jtn_ros.jobs.manifest import NAME

from cli.archives import BROKEN
from cli.archives import first_worker_killed
from cli.archives import write_archive
from cli.archives import write_images
from cli.test_track_recordings import picture
from evaluation.test_bag_evaluation import write_recording

LONG = 200  # frames, so that there is time to kill who works on them


def track(given: Sequence[Path | str], output: Path, model: Path, *options: str) -> int:
    arguments = ['track', *given, '--output', output, '--model', model, *options]
    return main([str(argument) for argument in arguments])


def results(output: Path) -> dict[str, bytes]:
    """Return the tracks."""
    return {
        str(path.relative_to(output)): path.read_bytes()
        for path in output.rglob('*')
        if path.suffix in ('.txt', '.jsonl')
    }


def times(output: Path) -> dict[str, int]:
    """Return when each of the results was written."""
    return {
        str(path.relative_to(output)): path.stat().st_mtime_ns for path in output.rglob('*.jsonl')
    }


def one_by_one(archive: Path, names: list[str], output: Path, model: Path) -> dict[str, bytes]:
    """Track recordings with a command each and return the results."""
    for name in names:
        assert track([archive / name], output / Path(name).parent, model) == 0
    return results(output)


def check_report(output: Path, archive: Path, frames: int) -> None:
    report = json.loads((output / 'report.json').read_text())
    rows = {str(Path(row['recording']).relative_to(archive)): row for row in report['results']}
    assert (report['recordings'], report['failed'], report['frames']) == (4, 1, frames + 21)
    assert {name: row.get('frames') for name, row in rows.items()} == {
        'cam1/walk': frames,
        'cam2/late': 9,
        'cam2/walk': 12,
        BROKEN: None,
    }
    assert 'is not a video that FFmpeg can read' in rows[BROKEN]['error']
    assert rows['cam1/walk']['outputs'] == ['cam1/walk.txt', 'cam1/walk.jsonl']


def test_processes_give_the_same_bytes_though_one_is_killed(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / 'archive'
    names = write_archive(archive, LONG)
    output = tmp_path / 'out'
    with first_worker_killed(output / 'cam1' / '.walk.jsonl.part') as killed:
        assert track([archive], output, model, '--jobs', '2') == 1
    assert len(killed) == 1
    printed = capsys.readouterr()
    assert '4 recordings: 3 tracked, 0 done before, 1 failed; ' in printed.out
    *_, last = printed.err.splitlines()
    assert last.startswith(f'jtn track: 1 of 4 recordings failed: {archive / BROKEN}; ')
    check_report(output, archive, LONG)
    assert results(output) == one_by_one(archive, names, tmp_path / 'expected', model)
    assert not list(output.rglob('*.part'))


def test_only_missing_or_changed_recordings_are_tracked_again(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = tmp_path / 'archive'
    write_archive(archive)
    (archive / BROKEN).unlink()
    output = tmp_path / 'out'

    def tracked(*options: str) -> set[str]:
        """Track the archive and return the results that were written anew."""
        before = times(output)
        assert track([archive], output, model, *options) == 0
        return {name for name, when in times(output).items() if before.get(name) != when}

    everything = {'cam1/walk.jsonl', 'cam2/late.jsonl', 'cam2/walk.jsonl'}
    assert tracked() == everything
    assert tracked() == set()
    assert '0 tracked, 3 done before, 0 failed\n' in capsys.readouterr().out
    assert tracked('--jobs', '2', '--threads', '1') == set()
    os.utime(archive / 'cam2' / 'walk' / '0003.png', (1, 1))
    assert tracked() == {'cam2/walk.jsonl'}
    (output / 'cam2' / 'late.txt').unlink()
    assert tracked() == {'cam2/late.jsonl'}
    assert tracked('--end', '8') == everything
    # With a truncated line, the last recording is processed again.
    manifest = output / NAME
    manifest.write_text(manifest.read_text()[:-30])
    assert len(tracked('--end', '8')) == 1
    # New recordings do not change the folders of other results.
    write_images(tmp_path / 'more' / 'walk', 5)
    assert track([archive, tmp_path / 'more'], output, model, '--end', '8') == 0
    assert '1 tracked, 3 done before' in capsys.readouterr().out
    assert set(times(output)) == {*everything, 'more/walk.jsonl'}


def test_files_in_the_settings_count_by_their_content(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_images(tmp_path / 'archive' / 'walk', 3)
    height, width = picture(0).shape[:2]
    mask, parameters = tmp_path / 'mask.png', tmp_path / 'node.yaml'
    parameters.write_text(f'jtn_tracker: {{ros__parameters: {{mask_image: {mask}}}}}')
    options = ['--params-file', str(parameters)]
    for white, tracked in ((255, 1), (255, 0), (0, 1)):
        assert cv2.imwrite(str(mask), np.full((height, width), white, np.uint8))
        assert track([tmp_path / 'archive'], tmp_path / 'out', model, *options) == 0
        assert f'{tracked} tracked, {1 - tracked} done before' in capsys.readouterr().out


def test_results_of_the_same_name_do_not_meet(tmp_path: Path, model: Path) -> None:
    for name in ('clip.A', 'clip.B'):
        write_images(tmp_path / name / 'clip', 5)
    write_images(tmp_path / 'clip', 7)
    given = [tmp_path / 'clip', tmp_path / '*' / 'clip']
    assert track(given, tmp_path / 'out', model) == 0
    frames = {
        name: len(data.splitlines())
        for name, data in results(tmp_path / 'out').items()
        if name.endswith('.jsonl')
    }
    assert frames == {'clip.jsonl': 7, 'clip.A/clip.jsonl': 5, 'clip.B/clip.jsonl': 5}
    # Another command with the same output knows what is there.
    write_images(tmp_path / 'other' / 'clip', 3)
    assert track([tmp_path / 'other' / 'clip'], tmp_path / 'out', model, '--jobs', '1') == 0
    assert len(results(tmp_path / 'out')['clip.jsonl'].splitlines()) == 7
    assert len(results(tmp_path / 'out')['clip/clip.jsonl'].splitlines()) == 3


def test_bag_options_apply_to_the_bags_of_an_archive(tmp_path: Path, model: Path) -> None:
    write_images(tmp_path / 'archive' / 'walk', 5)
    write_recording(tmp_path / 'archive' / 'drive')
    options = ['--topic', '/image', '--bag']
    assert track([tmp_path / 'archive'], tmp_path / 'out', model, *options) == 0
    assert {path.name for path in (tmp_path / 'out').glob('*_tracked')} == {'drive_tracked'}
    assert {Path(name).stem for name in results(tmp_path / 'out')} == {'drive', 'walk'}


def test_an_archive_is_tracked_with_the_model_that_auto_stands_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.setattr('jtn_ros.inference.model_choice._TRIAL_S', 0.1)
    write_images(tmp_path / 'archive' / 'walk', 3)
    output = tmp_path / 'out'
    assert track([tmp_path / 'archive'], output, Path('auto')) == 0
    capsys.readouterr()
    parameters = tmp_path / 'node.yaml'
    parameters.write_text('jtn_tracker: {ros__parameters: {model: auto}}')
    again = ['track', tmp_path / 'archive', '--output', output, '--params-file', parameters]
    assert main([*map(str, again), '--jobs', '2']) == 0
    assert '0 tracked, 1 done before' in capsys.readouterr().out


def test_an_interruption_leaves_nothing_half_done(tmp_path: Path, model: Path) -> None:
    archive = tmp_path / 'archive'
    write_images(archive / 'short', 3)
    write_images(archive / 'walk', 1200)
    output = tmp_path / 'out'
    command = ['track', archive, '--output', output, '--model', model, '--jobs', '2', '--video']
    process = subprocess.Popen(
        [sys.executable, '-m', 'jtn_ros.cli.main', *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = time.monotonic() + 60
        while not (output / 'short.jsonl').exists() or not list(output.glob('.walk.*')):
            assert time.monotonic() < end
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, errors) == (130, 'jtn track: interrupted\n')
    assert {path.stem for path in output.iterdir()} == {'short', f'.{NAME}', 'manifest'}
    assert NAME in os.listdir(output)


def test_wrong_usage_is_told_before_anything_is_done(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_images(tmp_path / 'walk', 3)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'list.txt').write_text('# nothing\n\n')
    output = tmp_path / 'out'
    listed = ['--list', str(tmp_path / 'list.txt')]
    cases: list[tuple[list[Path | str], list[str], int, str]] = [
        ([], [], 2, 'nothing to track; specify an INPUT or --list FILE'),
        ([], listed, 1, 'lists no recordings'),
        ([tmp_path / 'empty'], [], 1, 'empty contains no recordings'),
        ([tmp_path / '*.bag'], [], 1, 'matches nothing'),
        ([tmp_path / 'walk'], ['--jobs', '2', '--window'], 2, '--window cannot be combined with'),
        (['', tmp_path / 'walk'], [], 2, 'nothing to track'),
        ([tmp_path / 'walk', '0'], [], 2, '0 is a camera; give it as the only input'),
        ([tmp_path / 'walk' / '*.png'], [], 2, '.png is a single image; specify a folder, whose'),
    ]
    for given, options, code, reason in cases:
        assert track(given, output, model, *options) == code
        (line,) = capsys.readouterr().err.splitlines()
        assert reason in line
    with pytest.raises(SystemExit):
        track([tmp_path / 'walk'], output, model, '--jobs', '0')
    assert "'0' is not a whole number of 1 or more" in capsys.readouterr().err
    for place in (tmp_path, tmp_path / 'walk', tmp_path / 'walk' / 'results'):
        before = sorted(tmp_path.rglob('*'))
        assert track([tmp_path], place, model) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert re.search('is the input|lies in the input', line)
        assert sorted(tmp_path.rglob('*')) == before
    assert track([tmp_path / 'walk'], tmp_path / 'walk', model) == 2
    assert 'walk is the input; choose another --output' in capsys.readouterr().err
    output.mkdir()
    (output / 'report.json').touch()
    assert track([tmp_path / 'walk'], output, model, '--jobs', '1') == 2
    assert 'is not a report of this command' in capsys.readouterr().err
    assert os.listdir(output) == ['report.json']


def test_a_list_and_a_cluster_that_is_not_there(
    tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    walk = write_images(tmp_path / 'walk', 3)
    listed = tmp_path / 'list.txt'
    listed.write_text(f'# one line per recording\n{walk}\n')
    output = tmp_path / 'out'
    assert track([], output, model, '--list', str(listed)) == 0
    assert set(results(output)) == {'walk.txt', 'walk.jsonl'}
    fresh = tmp_path / 'fresh'
    assert track([walk], fresh, model, '--ray', '127.0.0.1:1') == 1
    assert 'no Ray cluster can be reached' in capsys.readouterr().err
    assert track([walk], fresh, Path('nobody'), '--jobs', '2') == 1
    assert "no model 'nobody'" in capsys.readouterr().err
    assert not fresh.exists()
