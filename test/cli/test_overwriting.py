"""No command overwrites its inputs, or the results of another input."""

import shutil
from pathlib import Path

import pytest

from jtn_ros.cli.main import main

from cli.test_track_verb import track
from cli.test_track_verb import write_sequence


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    return write_sequence(tmp_path / 'Walk')


def contents(folder: Path) -> dict[str, bytes]:
    """Return all files in a folder."""
    files = (path for path in folder.rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def refused(arguments: list[object], folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Run `jtn`, which must fail without changing the folder; return the reason."""
    before = contents(folder)
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    assert contents(folder) == before
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_track_does_not_write_over_the_detections_or_the_video(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    detections = tmp_path / 'Walk.txt'
    shutil.copy(sequence / 'det' / 'det.txt', detections)
    command = ['track', sequence, '--detections', detections, '--output', tmp_path]
    assert 'Walk.txt is the input' in refused(command, tmp_path, capsys)
    for suffix in ('webm', 'mp4'):
        (tmp_path / f'clip.{suffix}').write_bytes(b'')
    folder = write_sequence(tmp_path / 'clip', images=True)
    detections = folder / 'det' / 'det.txt'
    command = ['track', folder, '--detections', detections, '--output', tmp_path, '--video']
    assert 'is not a result of this input; choose another --output' in refused(
        command, tmp_path, capsys
    )


def test_a_file_is_no_folder_for_results(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = tmp_path / 'clip.mp4'
    video.write_bytes(b'precious')
    for command in (
        ['track', sequence, '--output', video],
        ['demo', '--input', sequence, '--output', video],
    ):
        assert f'the output {video} is a file; specify the' in refused(command, tmp_path, capsys)


def test_a_demo_of_a_wrong_input_leaves_the_results_of_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ('ros2.log', 'tracks.png'):
        (tmp_path / name).write_text('of before')
    before = contents(tmp_path)
    assert main(['demo', '--input', str(tmp_path / 'none.mp4'), '--output', str(tmp_path)]) == 1
    assert 'none.mp4 does not exist' in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_track_replaces_results_of_the_same_input_only(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / 'out'
    assert track(sequence, output) == 0
    assert track(sequence, output, '--end', '9') == 0
    assert len((output / 'Walk.jsonl').read_text().splitlines()) == 9
    (tmp_path / 'other').mkdir()
    other = write_sequence(tmp_path / 'other' / 'Walk')
    command = ['track', other, '--detections', other / 'det' / 'det.txt', '--output', output]
    assert f'was made from {sequence}' in refused(command, tmp_path, capsys)
    shutil.copy(sequence / 'det' / 'det.txt', tmp_path / 'det.txt')
    command = ['track', sequence, '--detections', tmp_path / 'det.txt', '--output', output]
    assert 'Walk.txt was made from' in refused(command, tmp_path, capsys)


def test_evaluate_does_not_overwrite_its_inputs(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sequence / 'gt').mkdir()
    (sequence / 'gt' / 'gt.txt').write_text('1,1,10,50,40,100,1,1,1\n')
    assert track(sequence, tmp_path / 'out') == 0
    command = ['evaluate', '--ground-truth', sequence, '--tracks', tmp_path / 'out']
    for output, reason in (
        (tmp_path / 'out' / 'Walk.txt', 'would replace a file of the input'),
        (sequence / 'gt' / 'gt.txt', 'would replace a file of the input'),
    ):
        assert reason in refused([*command, '--json', output], tmp_path, capsys)
    (tmp_path / 'scores.html').write_bytes(b'')
    assert 'scores.html is the input' in refused(
        [*command, '--against', tmp_path / 'scores.html', '--report', tmp_path / 'scores.html'],
        tmp_path,
        capsys,
    )


def test_no_other_verb_writes_over_its_input(
    sequence: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ('a.safetensors', 'a.onnx', 'weights.safetensors', 'p.yaml'):
        (tmp_path / name).write_text('/**:\n  ros__parameters:\n    lost_time: 5.0\n')
    weights = tmp_path / 'a.safetensors'
    (tmp_path / 'demo' / 'bag').mkdir(parents=True)
    (tmp_path / 'demo' / 'ros2.log').touch()
    for arguments in (
        ['import', weights, weights],
        ['export', tmp_path / 'a.onnx', tmp_path / 'a.onnx'],
        ['benchmark', '--model', tmp_path / 'a.onnx', '--json', tmp_path / 'a.onnx'],
        ['tune', sequence, '--params-file', tmp_path / 'p.yaml', '--output', tmp_path / 'p.yaml'],
        [
            'train',
            'synthetic_small',
            '--output',
            tmp_path,
            '--initial',
            tmp_path / 'weights.safetensors',
        ],
        ['demo', '--input', tmp_path / 'demo' / 'bag', '--output', tmp_path / 'demo'],
    ):
        assert 'is the input; choose another output' in refused(arguments, tmp_path, capsys)
