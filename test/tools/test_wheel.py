"""Installation with pip without ROS: a wheel with the models, and metadata with requirements."""

import os
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest

import jtn_ros

from places import ROOT

pytest.importorskip('setuptools', '70.1')  # earlier ones make no wheels by themselves
from packaging.requirements import Requirement

SOURCES = ['jtn_ros', 'jtn_msgs', 'config', 'models', 'package.xml', 'setup.py', 'setup.cfg']


@pytest.fixture(scope='module')
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the files that the wheel of this checkout installs."""
    source = tmp_path_factory.mktemp('source')  # builds leave files in the tree
    for name in SOURCES:
        (source / name).symlink_to(ROOT / name)
    options = ['--no-deps', '--no-index', '--no-build-isolation', '--wheel-dir', str(source)]
    options += ['--config-settings', '--build-option=--compression=stored']  # in a third the time
    done = subprocess.run(
        [sys.executable, '-m', 'pip', 'wheel', *options, str(source)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = source.glob('*.whl')
    site = tmp_path_factory.mktemp('site')
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return site


@pytest.fixture(scope='module')
def distribution(installed: Path) -> PathDistribution:
    """Return the metadata of the wheel."""
    (folder,) = installed.glob('*.dist-info')
    return PathDistribution(folder)


def requirements_of(distribution: PathDistribution) -> list[Requirement]:
    """Return the requirements of the wheel, including extras."""
    assert distribution.requires is not None
    return [Requirement(text) for text in distribution.requires]


def test_the_version_is_that_of_the_ros_package(distribution: PathDistribution) -> None:
    described = ElementTree.parse(ROOT / 'package.xml').findtext('version')
    assert distribution.version == described == jtn_ros.__version__


def test_only_the_command_line_is_a_command(distribution: PathDistribution) -> None:
    assert [entry.name for entry in distribution.entry_points] == ['jtn']


def test_optional_packages_are_extras(distribution: PathDistribution) -> None:
    requirements = requirements_of(distribution)
    always = {r.name for r in requirements if r.marker is None}
    assert {'numpy', 'scipy', 'opencv-python-headless', 'pyyaml'} <= always
    assert not always & {'torch', 'openvino', 'onnxruntime', 'rosbags', 'rerun-sdk'}
    extras = distribution.metadata.get_all('Provides-Extra', [])
    assert {'openvino', 'onnxruntime', 'train', 'rerun', 'bags', 'evaluation'} <= set(extras)
    for extra in extras:
        assert any(r.marker and r.marker.evaluate({'extra': extra}) for r in requirements)


def test_the_versions_that_are_tested_are_among_those_allowed(
    distribution: PathDistribution,
) -> None:
    lists = [ROOT / f'tools/requirements/{name}.txt' for name in ('runtime', 'dev')]
    lines = [line for path in lists for line in path.read_text().splitlines()]
    tested = dict(line.partition(';')[0].strip().split('==') for line in lines if '==' in line)
    for requirement in requirements_of(distribution):
        assert tested[requirement.name] in requirement.specifier, requirement


@pytest.mark.parametrize(
    ('folder', 'pattern'),
    [('models', '*'), ('config/training', '*.yaml'), ('jtn_msgs/msg', '*.msg')],
)
def test_the_wheel_contains_the_files_of_the_source_tree(
    installed: Path, folder: str, pattern: str
) -> None:
    brought = installed / 'jtn_ros' / 'share' / folder
    names = {path.name for path in brought.glob(pattern)}
    assert names == {path.name for path in (ROOT / folder).glob(pattern)}
    assert len(names) > 2


def test_nothing_else_is_at_the_top(installed: Path) -> None:
    assert {path.name.partition('-')[0] for path in installed.iterdir()} == {'jtn_ros'}
    assert not (installed / 'jtn_ros' / 'share' / 'setup.py').exists()


def test_the_command_line_tracks_into_a_bag_without_ros(installed: Path, tmp_path: Path) -> None:
    (tmp_path / 'walk').mkdir()
    for number in range(2):
        picture = np.full((96, 160, 3), 60, np.uint8)
        assert cv2.imwrite(str(tmp_path / 'walk' / f'{number}.png'), picture)
    ros = ('AMENT_PREFIX_PATH', 'ROS_DISTRO')
    variables = {name: value for name, value in os.environ.items() if name not in ros}
    done = subprocess.run(
        [sys.executable, '-m', 'jtn_ros.cli.main', 'track', 'walk', '--output', 'out', '--bag'],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=variables | {'PYTHONPATH': str(installed)},
    )
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / 'out' / 'walk.jsonl').read_text().splitlines()) == 2
    assert (tmp_path / 'out' / 'walk_tracked').is_dir()
