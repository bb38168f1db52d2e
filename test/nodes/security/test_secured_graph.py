"""With the policy of config/sros2, the tracker works in a secured graph, without more rights."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nodes.harness import Harness
from nodes.security import user
from nodes.security.keystore import Keystore
from nodes.security.keystore import permissions_of
from places import ROOT

pytestmark = [
    pytest.mark.ros,
    pytest.mark.skipif(shutil.which('openssl') is None, reason='openssl is not installed'),
]

POLICY = ROOT / 'config' / 'sros2' / 'tracker.policy.xml'
USER = """<policy version="0.2.0"><enclaves><enclave path="/user"><profiles>
<profile ns="/" node="user">
  <topics publish="ALLOW"><topic>image</topic><topic>rosout</topic></topics>
  <topics publish="ALLOW" subscribe="ALLOW"><topic>parameter_events</topic></topics>
  <topics subscribe="ALLOW"><topic>jtn_tracker/tracks</topic></topics>
  <services reply="ALLOW"><service>~/*</service></services>
</profile></profiles></enclave></enclaves></policy>
"""


@pytest.fixture
def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable security for later processes, with enclaves for the tracker and a user."""
    users = tmp_path / 'user.policy.xml'
    users.write_text(USER)
    keystore = Keystore(tmp_path / 'keystore')
    for policy in (POLICY, users):
        keystore.add(policy)
    monkeypatch.setenv('ROS_SECURITY_KEYSTORE', str(keystore.folder))
    monkeypatch.setenv('ROS_SECURITY_ENABLE', 'true')
    monkeypatch.setenv('ROS_SECURITY_STRATEGY', 'Enforce')


def run_user(what: str) -> str:
    """Return the output of a user in the secured graph; see `nodes.security.user`."""
    path = os.pathsep.join([str(ROOT / 'test'), os.environ.get('PYTHONPATH', '')])
    done = subprocess.run(
        [sys.executable, '-m', 'nodes.security.user', what],
        env={**os.environ, 'PYTHONPATH': path},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    outcome = done.stdout.strip()
    if outcome == user.NO_SECURITY:
        pytest.skip(outcome)
    assert done.returncode == 0, done.stderr
    return outcome


@pytest.mark.usefixtures('secured')
def test_tracks_arrive_in_a_secured_graph(block_model: Path) -> None:
    parameters = ['-p', 'autostart:=true', '-p', f'model:={block_model}']
    command = [sys.executable, '-m', 'jtn_ros.nodes.tracker.tracker_node', '--ros-args']
    tracker = subprocess.Popen(
        [*command, *parameters],
        env={**os.environ, 'ROS_SECURITY_ENCLAVE_OVERRIDE': '/jtn_tracker'},  # as for launch files
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        outcome = run_user('track')
    finally:
        tracker.terminate()
        _, errors = tracker.communicate(timeout=20)
    assert outcome == user.TRACKED, errors
    assert 'Traceback' not in errors


@pytest.mark.usefixtures('secured')
def test_the_tracker_may_not_publish_images() -> None:
    assert run_user('overreach') == user.REFUSED


def test_the_policy_allows_all_that_the_tracker_has(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), positions='ground', camera_height=2.0)
    harness.start()
    enclave = next(ElementTree.parse(POLICY).getroot().iter('enclave'))
    rules = ElementTree.fromstring(permissions_of(enclave).partition('?>')[2])
    tracker = harness.tracker
    for verb, topics in (
        ('publish', [publisher.topic_name for publisher in tracker.publishers]),
        ('subscribe', [subscription.topic_name for subscription in tracker.subscriptions]),
    ):
        allowed = [topic.text or '' for topic in rules.iterfind(f'.//{verb}/topics/topic')]
        assert len(topics) > 1
        for name in topics:
            assert any(fnmatch(f'rt{name}', pattern) for pattern in allowed), (verb, name)
    services = [service.service_name for service in tracker.services]
    assert len(services) > 1
    assert all(name.startswith('/jtn_tracker/') for name in services), services
