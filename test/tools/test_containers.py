"""Container files pass the linter and refer to existing programs and files."""

import json
import re
import shutil
import subprocess
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import yaml

from places import ROOT

DOCKERFILE = ROOT / 'docker/Dockerfile'
STAGES = re.findall(r'^FROM \S+ AS (\w+)$', DOCKERFILE.read_text(), re.MULTILINE)


def compose(name: str = 'compose.yaml') -> dict[str, dict[str, Any]]:
    """Return the services of a compose file."""
    return yaml.safe_load((ROOT / name).read_text())['services']


@pytest.mark.skipif(shutil.which('hadolint') is None, reason='hadolint is not installed')
def test_dockerfile_passes_the_linter() -> None:
    done = subprocess.run(['hadolint', DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, '')


def test_entrypoint_runs_the_command_in_the_workspace(tmp_path: Path) -> None:
    setup = tmp_path / 'setup.bash'
    setup.write_text('export WORKSPACE=sourced\n')
    text = (ROOT / 'docker/entrypoint.bash').read_text()
    script = text.replace('/ws/install/setup.bash', str(setup))
    command = ['bash', '-c', script, 'entrypoint', 'bash', '-c', 'echo "$WORKSPACE $0"', 'a b']
    assert subprocess.check_output(command, text=True) == 'sourced a b\n'


def test_packages_for_pip_are_those_that_were_tested() -> None:
    text = DOCKERFILE.read_text()
    requirements = (ROOT / 'tools/requirements/runtime.txt').read_text()
    (pattern,) = re.findall(r"grep -E '([^']+)'", text)
    names = sorted(re.findall(pattern, requirements, re.MULTILINE))
    assert names == ['av', 'mcap', 'openvino', 'rosbags']
    pins = dict(
        re.findall(r'([\w-]+)==([\d.]+)', (ROOT / 'tools/requirements/dev.txt').read_text())
    )
    cuda = dict(re.findall(r'([\w-]+)==([\d.]+)', text))
    assert cuda == {
        'cuda-bindings': pins['cuda-bindings'],
        'tensorrt-cu13': pins['tensorrt-lean-cu13'],  # the same release, without the builder
    }


@pytest.mark.ros
def test_services_start_installed_programs() -> None:
    nodes = {entry.name for entry in entry_points(group='console_scripts')}
    for name, service in compose().items():
        program, verb, package, target = service['command'].split()[:4]
        assert program == 'ros2'
        if package == 'jtn_ros' and verb == 'run':
            assert target in nodes, name
        elif package == 'jtn_ros':
            assert (ROOT / 'launch' / target).is_file(), name


def test_profiles_of_the_middleware_exist() -> None:
    text = (ROOT / 'compose.yaml').read_text()
    profiles = re.findall(r'/share/jtn_ros/(\S+\.xml)', text)
    assert len(profiles) == 2
    assert [profile for profile in profiles if not (ROOT / profile).is_file()] == []


def test_stages_exist() -> None:
    container = json.loads((ROOT / '.devcontainer/devcontainer.json').read_text())
    assert container['build']['target'] in STAGES
    assert (ROOT / '.devcontainer' / container['build']['dockerfile']).samefile(DOCKERFILE)
    for service in (*compose().values(), *compose('compose.cuda.yaml').values()):
        assert service['build']['target'] in STAGES
    assert compose('compose.cuda.yaml').keys() <= compose().keys()
