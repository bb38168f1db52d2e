"""Missing packages are reported in one line, with a valid command for this interpreter."""

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from jtn_ros.errors import MissingPackageError
from jtn_ros.errors import packages_for
from jtn_ros.inference.loading import has_nvidia_gpu
from jtn_ros.installing import install_command

from places import ROOT

INSTALLING = ROOT / 'jtn_ros' / 'installing.py'
SYSTEM_PYTHON = '/usr/bin/python3'

# Makes the packages named in ABSENT impossible to import, before anything else runs.
HOOK = """
import os
import sys


class Absent:
    names = os.environ['ABSENT'].split(',')

    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in self.names:
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


sys.meta_path.insert(0, Absent())
"""


RunWithout = Callable[[str, str], subprocess.CompletedProcess[str]]


@pytest.fixture
def run_without(tmp_path: Path) -> RunWithout:
    """Return a function that runs Python code where some packages are not installed."""
    (tmp_path / 'hook').mkdir()
    (tmp_path / 'hook' / 'sitecustomize.py').write_text(HOOK)

    def run(absent: str, code: str) -> subprocess.CompletedProcess[str]:
        paths = [str(tmp_path / 'hook'), os.environ.get('PYTHONPATH', '')]
        variables = {'ABSENT': absent, 'PYTHONPATH': os.pathsep.join(paths)}
        return subprocess.run(
            [sys.executable, '-c', code],
            capture_output=True,
            text=True,
            env=os.environ | variables,
            cwd=tmp_path,
        )

    return run


def jtn(*arguments: str) -> str:
    """Return code that runs the command line."""
    return f'import sys; from jtn_ros.cli.main import main; sys.exit(main({list(arguments)!r}))'


def node(name: str) -> str:
    """Return code that runs an executable of the package."""
    return f'import sys; from jtn_ros.nodes import executables; sys.exit(executables.{name}())'


TRACK = jtn('track', 'walk.mp4', '--output', 'out')


def pip_line(*requirements: str) -> str:
    """Return the command of a virtual environment, which the tests run in."""
    return f'-m pip install {" ".join(requirements)}'


@pytest.mark.parametrize(
    ('absent', 'code', 'said', 'requirement'),
    [
        (
            'cv2',
            TRACK,
            'jtn track: the Python package cv2 is missing; ',
            'opencv',
        ),
        (
            'scipy',
            TRACK,
            'jtn track: the Python package scipy is ',
            'scipy',
        ),
        pytest.param(
            'cv2',
            node('tracker_node'),
            'tracker_node: the Python package cv2 is ',
            'opencv',
            marks=pytest.mark.ros,
        ),
        pytest.param(
            'scipy',
            node('tracker_node'),
            'tracker_node: the Python package scipy is ',
            'scipy',
            marks=pytest.mark.ros,
        ),
        pytest.param(
            'rosbags',
            node('recorder_node'),
            'recorder_node: bags need rosbags: ',
            'rosbags',
            marks=pytest.mark.ros,
        ),
        pytest.param(
            'rosbags',
            node('bag_player_node'),
            'bag_player_node: bags need rosbags: ',
            'rosbags',
            marks=pytest.mark.ros,
        ),
        ('rosbags', jtn('demo'), 'jtn demo: bags need rosbags: ', 'rosbags'),
    ],
)
def test_missing_packages_are_reported_in_one_line(
    run_without: RunWithout, absent: str, code: str, said: str, requirement: str
) -> None:
    done = run_without(absent, code)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert line.startswith(said)
    assert re.search(rf'-m pip install {requirement}\S*==[0-9.]+$', line)


def test_images_are_tracked_without_packages_for_bags_and_videos(
    run_without: RunWithout, tmp_path: Path
) -> None:
    (tmp_path / 'walk').mkdir()
    for number in range(3):
        path = str(tmp_path / 'walk' / f'{number}.png')
        assert cv2.imwrite(path, np.full((96, 160, 3), 60, np.uint8))
    absent = 'rosbags,mcap,lz4,zstandard,av,trackeval,pycocotools,optuna,torch'
    done = run_without(absent, jtn('track', 'walk', '--output', 'out'))
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / 'out' / 'walk.jsonl').read_text().splitlines()
    assert len(lines) == 3
    wanted = run_without(absent, jtn('track', 'walk', '--output', 'other', '--bag'))
    assert wanted.returncode == 1
    assert wanted.stderr.splitlines()[-1].startswith('jtn track: bags need rosbags: ')
    assert not list((tmp_path / 'other').glob('*.jsonl'))


def test_tracks_are_scored_without_packages_for_reports(
    run_without: RunWithout, tmp_path: Path
) -> None:
    sequence = tmp_path / 'walk'
    (sequence / 'gt').mkdir(parents=True)
    (sequence / 'gt' / 'gt.txt').write_text('1,1,10,10,20,40,1,1,1\n')
    (sequence / 'seqinfo.ini').write_text(
        '[Sequence]\nname=walk\nframeRate=10\nseqLength=1\nimWidth=100\nimHeight=100\n'
    )
    (tmp_path / 'walk.txt').write_text('1,1,10,10,20,40,1,-1,-1,-1\n')
    arguments = ('evaluate', '--ground-truth', 'walk', '--tracks', 'walk.txt')
    done = run_without('jinja2,markupsafe,matplotlib,pycocotools', jtn(*arguments))
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-6:-4] == ['100.00', '100.00'], done.stdout
    wanted = run_without('jinja2', jtn(*arguments, '--report', 'report.html'))
    assert (wanted.returncode, wanted.stdout) == (1, '')
    assert 'jtn evaluate: the Python package jinja2 is missing; ' in wanted.stderr


def test_the_parsers_of_all_verbs_are_built_without_optional_packages(
    run_without: RunWithout,
) -> None:
    absent = (
        'rosbags,mcap,lz4,zstandard,av,trackeval,pycocotools,optuna,rerun,trackers,supervision,'
        'torch,torchvision,onnx,onnxscript,openvino,onnxruntime,tensorrt,cuda,matplotlib'
    )
    code = 'from jtn_ros.cli.main import build_parser, verbs; build_parser(verbs())'
    done = run_without(absent, code)
    assert (done.returncode, done.stderr) == (0, '')


def test_the_back_end_that_fits_the_machine_is_advised_first(run_without: RunWithout) -> None:
    code = 'from jtn_ros.inference import load_engine; load_engine()'
    done = run_without('openvino,onnxruntime,tensorrt,tensorrt_lean,cuda', code)
    line = done.stderr.splitlines()[-1]
    order = ['openvino', 'onnxruntime']
    order.insert(0 if has_nvidia_gpu() else 2, 'tensorrt')
    assert re.findall(r'(openvino|onnxruntime|tensorrt): (?:this|GPUs)', line) == order
    assert 'openvino: this back end needs openvino: ' in line


def test_a_package_that_is_there_but_broken_says_why() -> None:
    with (
        pytest.raises(MissingPackageError, match=r'^videos need av \(libavcodec.so.61: no\): '),
        packages_for('videos need', 'av'),
    ):
        raise ImportError('libavcodec.so.61: no', name='av')


def test_versions_are_those_of_the_requirements() -> None:
    pinned = {
        line.split(';')[0].strip()
        for name in ('runtime', 'dev')
        for line in (ROOT / f'tools/requirements/{name}.txt').read_text().splitlines()
    }
    advised = [words.split()[-1] for words in runpy.run_path(str(INSTALLING))['_PIP'].values()]
    exact = [requirement for requirement in advised if '==' in requirement]
    assert len(exact) > 20
    assert [requirement for requirement in exact if requirement not in pinned] == []


def test_in_a_virtual_environment_pip_installs_everything() -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip('not in a virtual environment')
    assert install_command('scipy').endswith(pip_line('scipy==1.18.1'))
    assert install_command('onnx', 'onnxruntime').endswith(
        pip_line('onnx==1.23.2', 'onnxruntime==1.32.0')
    )


def test_the_python_of_a_distribution_takes_its_packages_and_pip_by_force() -> None:
    code = (
        'import runpy, sys, sysconfig, pathlib\n'
        'pathlib.Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").stat()\n'
        f'command = runpy.run_path({str(INSTALLING)!r})["install_command"]\n'
        'print(command("cv2", "scipy"), command("openvino"), command("scipy", "av"), sep="\\n")'
    )
    if not shutil.which(SYSTEM_PYTHON):
        pytest.skip('no Python of a distribution')
    variables = {'PATH': '/usr/bin:/bin'}
    done = subprocess.run(
        [SYSTEM_PYTHON, '-c', code], capture_output=True, text=True, env=variables
    )
    if 'FileNotFoundError' in done.stderr:
        pytest.skip('the Python of this distribution is not externally managed (PEP 668)')
    pip = 'python3 -m pip install --user --break-system-packages'
    assert done.stdout.splitlines() == [
        'sudo apt install python3-opencv python3-scipy',
        f'{pip} openvino==2026.4.1',
        f'{pip} scipy==1.18.1 av==19.0.2',
    ]
