"""The profiles of the middlewares reach the nodes of a launch, and large images get through."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jtn_ros.nodes.common import middleware
from jtn_ros.nodes.common.middleware import loss_remedy
from jtn_ros.nodes.common.middleware import profile_variables

from places import ROOT

PROFILES = ROOT / 'config' / 'dds'
OURS = {
    'CYCLONEDDS_URI': f'file://{PROFILES}/cyclonedds.xml',
    'FASTRTPS_DEFAULT_PROFILES_FILE': f'{PROFILES}/fastdds.xml',
    'FASTDDS_DEFAULT_PROFILES_FILE': f'{PROFILES}/fastdds.xml',
}
# Starts what prints its variables, as the launch files start nodes.
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import ExecuteProcess, SetLaunchConfiguration
from jtn_ros.launching.arguments import declare_arguments, of_tracker
from jtn_ros.launching.middleware import apply_dds_profiles
show = 'import json, os; print("VARIABLES", json.dumps(dict(os.environ)))'
service = LaunchService()
service.include_launch_description(LaunchDescription([
    *(SetLaunchConfiguration(*argument.split(':=')) for argument in sys.argv[1:]),
    *declare_arguments(of_tracker('dds_profiles')),
    apply_dds_profiles(),
    ExecuteProcess(cmd=[sys.executable, '-c', show], output='screen'),
]))
sys.exit(service.run())
"""


def launched_with(*arguments: str, **variables: str) -> dict[str, str]:
    """Return the variables of the profiles that a process of a launch has."""
    kept = {name: value for name, value in os.environ.items() if name not in OURS}
    done = subprocess.run(
        [sys.executable, '-c', LAUNCH, *arguments],
        env=kept | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = re.search(r'VARIABLES (\{.*\})', done.stdout)
    assert found, done.stdout + done.stderr
    return {name: value for name, value in json.loads(found[1]).items() if name in OURS}


@pytest.fixture
def much_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, '_ENOUGH_BYTES', 0)


@pytest.mark.ros
def test_a_launch_applies_the_profiles_unless_they_are_configured() -> None:
    chosen = launched_with(CYCLONEDDS_URI='<CycloneDDS/>')
    assert chosen == profile_variables({}) | {'CYCLONEDDS_URI': '<CycloneDDS/>'}


@pytest.mark.ros
def test_dds_profiles_false_leaves_the_middleware_unchanged() -> None:
    assert launched_with('dds_profiles:=false') == {}


@pytest.mark.usefixtures('much_shared_memory')
@pytest.mark.parametrize(
    ('given', 'expected'),
    [
        ({}, set(OURS)),
        ({'CYCLONEDDS_URI': '<CycloneDDS/>'}, set(OURS) - {'CYCLONEDDS_URI'}),
        ({'FASTDDS_DEFAULT_PROFILES_FILE': '/own.xml'}, {'CYCLONEDDS_URI'}),
        ({'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}, {'CYCLONEDDS_URI'}),
    ],
)
def test_existing_variables_are_kept(given: dict[str, str], expected: set[str]) -> None:
    assert profile_variables(given) == {name: OURS[name] for name in expected}


def test_fast_dds_takes_no_shared_memory_where_there_is_little(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(middleware, '_ENOUGH_BYTES', 2**62)
    assert list(profile_variables({})) == ['CYCLONEDDS_URI']
    monkeypatch.setattr(middleware, '_SHARED_MEMORY', tmp_path / 'none')
    monkeypatch.setattr(middleware, '_ENOUGH_BYTES', 1)
    assert list(profile_variables({})) == ['CYCLONEDDS_URI']


OURSELVES = 'let this node read the camera itself (parameter source)'


@pytest.mark.parametrize(
    ('name', 'remedy'),
    [
        (
            'rmw_fastrtps_dynamic_cpp',
            f'start the camera with FASTRTPS_DEFAULT_PROFILES_FILE={PROFILES}/fastdds.xml '
            f'(from Kilted on FASTDDS_DEFAULT_PROFILES_FILE), or {OURSELVES}',
        ),
        (
            'rmw_zenoh_cpp',
            'start the router, the camera and this node with ZENOH_CONFIG_OVERRIDE='
            f'transport/shared_memory/enabled=true, or {OURSELVES}',
        ),
        ('rmw_of_somebody', OURSELVES),
    ],
)
def test_the_remedy_is_that_of_the_middleware(name: str, remedy: str) -> None:
    assert loss_remedy(name) == remedy


@pytest.mark.parametrize('uri', ['', OURS['CYCLONEDDS_URI']])
@pytest.mark.parametrize('limit', [212_992, 4_194_304])
def test_the_remedy_for_cyclone_dds_lists_only_missing_settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, limit: int, uri: str
) -> None:
    path = tmp_path / 'rmem_max'
    path.write_text(f'{limit}\n')
    monkeypatch.setattr(middleware, '_RECEIVE_BUFFER_LIMIT', path)
    monkeypatch.setenv('CYCLONEDDS_URI', uri)
    remedy = loss_remedy('rmw_cyclonedds_cpp')
    assert ('net.core.rmem_max=4194304' in remedy) == (limit < 4_194_304)
    assert (f'start this node with CYCLONEDDS_URI={OURS["CYCLONEDDS_URI"]}' in remedy) == (not uri)
    assert remedy.endswith(OURSELVES)


# Prints the size of the largest buffer of the sockets of a node.
BUFFERS = """
import os, socket, stat
import rclpy
from rclpy.node import Node
rclpy.init()
node = Node('user')
descriptors = [int(name) for name in os.listdir('/proc/self/fd')]
sockets = []
for descriptor in descriptors:
    try:
        if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
            sockets.append(socket.socket(fileno=os.dup(descriptor)))
    except OSError:
        pass
print(max(one.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) for one in sockets))
"""


@pytest.mark.ros
def test_cyclone_dds_takes_a_large_buffer_where_the_kernel_gives_one() -> None:
    limit = Path('/proc/sys/net/core/rmem_max')
    if not limit.exists() or int(limit.read_text()) <= 2**20:
        pytest.skip('net.core.rmem_max allows no more than CycloneDDS takes by itself')
    variables = profile_variables({}) | {'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}
    done = subprocess.run(
        [sys.executable, '-c', BUFFERS],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ''  # it says there what it does not understand
    wanted = min(int(limit.read_text()), 16 * 2**20)
    assert int(done.stdout) == 2 * wanted  # as Linux counts


@pytest.mark.ros
@pytest.mark.usefixtures('much_shared_memory')
def test_images_of_1080p_get_through_fast_dds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / 'benchmarks')
    from compare_middlewares import count_arrivals

    line = count_arrivals('rmw_fastrtps_dynamic_cpp', profile_variables({}), 30)
    # Without the profile it is one in a hundred.
    assert int(line.split()[0]) > 15, line
