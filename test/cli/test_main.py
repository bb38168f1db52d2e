"""The command line: fast and complete help, errors in one line, defined exit codes."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jtn_ros
from jtn_ros.cli.main import main
from jtn_ros.cli.main import verbs

from places import ROOT


def jtn(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `jtn` in a separate process."""
    environment = os.environ | {'PYTHONPATH': f'{ROOT}:{os.environ.get("PYTHONPATH", "")}'}
    return subprocess.run(
        [sys.executable, '-m', 'jtn_ros.cli.main', *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
        check=False,
    )


def test_help_names_every_verb() -> None:
    result = jtn('--help')
    assert result.returncode == 0
    assert {'track', 'train'} <= set(verbs())
    for verb in verbs():
        assert re.search(rf'^    {verb}\s+\w', result.stdout, re.MULTILINE)
    assert result.stderr == ''


@pytest.mark.parametrize('verb', verbs())
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main([verb, '--help'])
    assert done.value.code == 0
    assert f'usage: jtn {verb}' in capsys.readouterr().out


def test_help_imports_nothing_heavy() -> None:
    code = (
        'import sys; from jtn_ros.cli.main import build_parser;'
        'print(build_parser([]).format_help());'
        'print(*sorted({"torch", "openvino", "cv2", "numpy", "scipy", "rosbags", "rclpy"}'
        '& set(sys.modules)))'
    )
    result = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    *shown, imported = result.stdout.splitlines()
    assert imported == ''
    lines = [' '.join(line.split()) for line in shown]  # columns differ between Pythons
    assert 'train Train a network with a recipe.' in lines


@pytest.mark.parametrize(
    ('arguments', 'said'),
    [
        (['fly'], "jtn: argument VERB: invalid choice: 'fly' (choose from "),
        (['track'], 'jtn track: the following arguments are required: --output; see jtn track -'),
        (
            ['track', '--end', '0'],
            "jtn track: argument --end: '0' is not a frame number; frame numbers",
        ),
        (
            ['track', '--end', 'x'],
            "jtn track: argument --end: 'x' is not a frame number; frame numbers",
        ),
        (['track', '--jobs', 'x'], "jtn track: argument --jobs: 'x' is not a whole number of 1"),
        (['track', 'x', '--output', 'y', '--vidoe'], 'unknown argument --vidoe (did you mean --v'),
        (
            ['track', '-x.mp4', '--output', 'y'],
            'argument -x.mp4 (a path that begins with "-" must',
        ),
    ],
)
def test_wrong_usage_is_exit_code_2_and_one_line(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / '-x.mp4').touch()
    with pytest.raises(SystemExit) as done:
        main(arguments)
    assert done.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_without_arguments_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert 'Run "jtn VERB --help"' in capsys.readouterr().err


def test_the_version_is_that_of_the_package() -> None:
    assert jtn('--version').stdout == f'jtn {jtn_ros.__version__}\n'


def test_a_failure_is_exit_code_1_and_one_line(tmp_path: Path) -> None:
    result = jtn('track', str(tmp_path / 'none.mp4'), '--output', str(tmp_path / 'out'))
    assert result.returncode == 1
    assert result.stdout == ''
    (line,) = result.stderr.splitlines()
    assert line.startswith('jtn track: ')
    assert line.endswith('none.mp4 does not exist; specify a video, folder, bag or camera')
    assert not (tmp_path / 'out').exists()


def test_a_name_that_is_not_utf8_is_refused_in_one_line(tmp_path: Path) -> None:
    name = os.fsdecode(bytes(tmp_path) + b'/k\xe9vin.mp4')
    Path(name).write_bytes(b'')
    for arguments in (
        ('track', name, '--output', str(tmp_path)),
        ('track', 'x', '--output', name),
    ):
        result = jtn(*arguments)
        assert result.returncode == 2
        (line,) = result.stderr.splitlines()
        assert line.endswith("k\\udce9vin.mp4' is not UTF-8; rename the file or folder")


def test_names_are_printed_on_any_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / 'Straße \u2013 1'
    (folder / 'det').mkdir(parents=True)
    (folder / 'det' / 'det.txt').write_text('1,-1,10,10,20,40,0.9\n2,-1,11,10,20,40,0.9\n')
    (folder / 'seqinfo.ini').write_text(
        '[Sequence]\nname=S\nframeRate=10\nseqLength=2\nimWidth=64\nimHeight=64\n'
    )
    monkeypatch.setenv('PYTHONIOENCODING', 'latin-1')
    detections = ('--detections', str(folder / 'det' / 'det.txt'))
    command = [
        sys.executable,
        '-m',
        'jtn_ros.cli.main',
        'track',
        str(folder),
        *detections,
        '--output',
        str(tmp_path / 'out'),
    ]
    result = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, b'')
    assert 'Straße \\u2013 1: 2 frames' in result.stdout.decode('latin-1')


def test_a_bug_is_reported_as_one_and_debug_shows_where(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: argparse.Namespace) -> None:
        np.zeros(3) + np.zeros(2)

    monkeypatch.setattr('jtn_ros.cli.track_verb.run', broken)
    assert main(['track', 'x', '--output', 'y']) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith('jtn track: internal error in cli/main.py, line ')
    assert 'ValueError: operands could not be broadcast' in line
    assert line.endswith('this is a bug in jtn_ros, please report it with the output of `--debug`')
    assert main(['track', 'x', '--output', 'y', '--debug']) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == 'Traceback (most recent call last):'
    assert any('in broken' in entry for entry in lines)
    assert re.sub('line [0-9]+', '', lines[-1]) == re.sub('line [0-9]+', '', line)


def test_debug_shows_where_a_mistake_was_found(tmp_path: Path) -> None:
    arguments = ('track', str(tmp_path / 'none.mp4'), '--output', str(tmp_path / 'out'))
    result = jtn(*arguments, '--debug')
    assert result.returncode == 1
    assert 'in open_frames' in result.stderr
    assert result.stderr.splitlines()[-1:] == jtn(*arguments).stderr.splitlines()


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('jtn tra', {'track', 'train'}),
        ('jtn track clip.mp4 --back', {'--backend'}),
        ('jtn track clip.mp4 --backend o', {'openvino', 'onnxruntime'}),
        ('jtn evaluate --ag', {'--against'}),
    ],
)
def test_a_shell_completes_verbs_arguments_and_choices(
    tmp_path: Path, line: str, expected: set[str]
) -> None:
    output = tmp_path / 'completions'
    environment = os.environ | {
        'PYTHONPATH': f'{ROOT}:{os.environ.get("PYTHONPATH", "")}',
        '_ARGCOMPLETE': '1',
        'COMP_LINE': line,
        'COMP_POINT': str(len(line)),
        '_ARGCOMPLETE_IFS': '\n',
        '_ARGCOMPLETE_STDOUT_FILENAME': str(output),
    }
    subprocess.run(
        [sys.executable, '-m', 'jtn_ros.cli.main'], env=environment, timeout=60, check=True
    )
    assert {word.strip() for word in output.read_text().split('\n')} >= expected


@pytest.mark.parametrize(
    ('arguments', 'code'),
    [
        (['track', 'rtsp://admin:secret@127.0.0.1:9/x?key=secret', '--output', 'out'], 1),
        (['track', 'rtsp://admin:secret@127.0.0.1:9/x', '--output', 'out', '--debug'], 1),
        (['track', 'env:CAMERA', '--output', 'out', '--debug'], 1),
        (['track', 'a', 'rtsp://admin:secret@127.0.0.1:9/x', '--output', 'out'], 2),
        (['dataset', 'check', 'rtsp://admin:secret@127.0.0.1:9/x'], 1),
    ],
)
def test_no_secret_of_an_address_is_printed(
    tmp_path: Path, arguments: list[str], code: int
) -> None:
    address = 'rtsp://admin:secret@127.0.0.1:9/x'
    done = subprocess.run(
        [sys.executable, '-m', 'jtn_ros.cli.main', *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {'CAMERA': address},
        timeout=60,
    )
    assert done.returncode == code
    assert 'rtsp:' in done.stderr
    assert 'secret' not in done.stdout + done.stderr
