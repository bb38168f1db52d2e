"""The packages can be released: requirements of bloom, REP 132 and rosdoc2."""

from pathlib import Path

import pytest
import yaml
from catkin_pkg.changelog import get_changelog_from_path
from catkin_pkg.package import parse_package
from catkin_pkg.package_version import get_forthcoming_label

from places import ROOT

PACKAGES = [ROOT, ROOT / 'jtn_msgs']


@pytest.mark.parametrize('folder', PACKAGES, ids=lambda folder: folder.name)
def test_package_is_described_without_warnings(folder: Path) -> None:
    warnings: list[str] = []
    package = parse_package(str(folder), warnings=warnings)
    package.validate(warnings=warnings)
    assert warnings == []


@pytest.mark.parametrize('folder', PACKAGES, ids=lambda folder: folder.name)
def test_change_log_names_the_version_or_is_forthcoming(folder: Path) -> None:
    package = parse_package(str(folder))
    log = get_changelog_from_path(str(folder), package.name)
    assert log.package_name == package.name
    released = [version for version, _, _ in log.foreach_version()]
    text = (folder / 'CHANGELOG.rst').read_text()
    assert get_forthcoming_label(text) == 'Forthcoming' or package.version in released


def test_packages_have_one_version() -> None:
    assert len({parse_package(str(folder)).version for folder in PACKAGES}) == 1


@pytest.mark.parametrize('folder', PACKAGES, ids=lambda folder: folder.name)
def test_settings_of_rosdoc2_are_found(folder: Path) -> None:
    exports = {export.tagname: export.content for export in parse_package(str(folder)).exports}
    kind, content = yaml.safe_load_all((folder / exports['rosdoc2']).read_text())
    assert kind == {'type': 'rosdoc2 config', 'version': 1}
    builders = [builder for entry in content['builders'] for builder in entry.values()]
    assert {builder['name'] for builder in builders} == {parse_package(str(folder)).name}
    assert (folder / content['settings'].get('python_source', '.')).is_dir()
