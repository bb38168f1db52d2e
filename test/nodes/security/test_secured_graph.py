"""With the policy of config/sros2, the tracker works in a secured graph, and may do no more."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from time import monotonic
from xml.etree import ElementTree

import pytest
import rclpy
from rclpy._rclpy_pybind11 import RCLError
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from sensor_msgs.msg import Image

from jtn_msgs.msg import TrackedObjectArray

from nodes.harness import DEEP
from nodes.harness import Harness
from nodes.scene import message
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
    """Let what is started from here on be secured, with enclaves for the tracker and a user."""
    user = tmp_path / 'user.policy.xml'
    user.write_text(USER)
    keystore = Keystore(tmp_path / 'keystore')
    for policy in (POLICY, user):
        keystore.add(policy)
    monkeypatch.setenv('ROS_SECURITY_KEYSTORE', str(keystore.folder))
    monkeypatch.setenv('ROS_SECURITY_ENABLE', 'true')
    monkeypatch.setenv('ROS_SECURITY_STRATEGY', 'Enforce')


@pytest.fixture
def node_in(secured: None) -> Iterator[Callable[[str], Node]]:
    """Return a function that makes a node in an enclave of its name."""
    contexts = []

    def make(name: str) -> Node:
        contexts.append(Context())
        rclpy.init(args=['--ros-args', '--enclave', f'/{name}'], context=contexts[-1])
        try:
            return Node(name, context=contexts[-1])
        except RCLError as error:
            if 'security libraries' in str(error):
                pytest.skip('the middleware is built without security')
            raise

    yield make
    for context in contexts:
        context.try_shutdown()


def test_tracks_arrive_in_a_secured_graph(
    node_in: Callable[[str], Node], block_model: Path
) -> None:
    user = node_in('user')
    executor = SingleThreadedExecutor(context=user.context)
    executor.add_node(user)
    images = user.create_publisher(Image, 'image', DEEP)
    arrived: list[TrackedObjectArray] = []
    user.create_subscription(TrackedObjectArray, 'jtn_tracker/tracks', arrived.append, DEEP)
    parameters = ['-p', 'autostart:=true', '-p', f'model:={block_model}']
    command = [sys.executable, '-m', 'jtn_ros.nodes.tracker.tracker_node', '--ros-args']
    tracker = subprocess.Popen(
        [*command, *parameters],
        env={**os.environ, 'ROS_SECURITY_ENCLAVE_OVERRIDE': '/jtn_tracker'},  # as for launch files
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        end = monotonic() + 40
        for number in range(10_000):
            executor.spin_once(timeout_sec=0.04)
            if any(len(tracks.objects) == 2 for tracks in arrived) or monotonic() > end:
                break
            images.publish(message(number % 40))
    finally:
        tracker.terminate()
        _, errors = tracker.communicate(timeout=20)
        user.destroy_node()
    assert any(len(tracks.objects) == 2 for tracks in arrived), errors
    assert 'Traceback' not in errors


def test_the_tracker_may_not_publish_images(node_in: Callable[[str], Node]) -> None:
    node = node_in('jtn_tracker')
    node.create_publisher(TrackedObjectArray, 'jtn_tracker/front/tracks', DEEP)
    with pytest.raises(RuntimeError):
        node.create_publisher(Image, 'image', DEEP)
    node.destroy_node()


def test_the_policy_allows_all_that_the_tracker_has(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), positions='ground', camera_height=2.0)
    harness.start()
    enclave = next(ElementTree.parse(POLICY).getroot().iter('enclave'))
    rules = ElementTree.fromstring(permissions_of(enclave).partition('?>')[2])
    tracker = harness.tracker
    who = (tracker.get_name(), tracker.get_namespace())
    for verb, names in (
        ('publish', tracker.get_publisher_names_and_types_by_node(*who)),
        ('subscribe', tracker.get_subscriber_names_and_types_by_node(*who)),
    ):
        allowed = [topic.text or '' for topic in rules.iterfind(f'.//{verb}/topics/topic')]
        assert len(names) > 1
        for name, _ in names:
            assert any(fnmatch(f'rt{name}', pattern) for pattern in allowed), (verb, name)
    for name, _ in tracker.get_service_names_and_types_by_node(*who):
        assert name.startswith('/jtn_tracker/'), name
