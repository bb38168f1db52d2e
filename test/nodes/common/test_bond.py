"""The bond with a lifecycle manager, against the manager's side of the protocol."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from rclpy.node import Node
from rosidl_runtime_py.utilities import get_message

from nodes.harness import Harness
from nodes.scene import message

pytestmark = pytest.mark.ros

PERIOD = 0.05


class Manager:
    """What Nav2's lifecycle manager does with the bond of a node."""

    def __init__(self, node: Node) -> None:
        self._kind = get_message('bond/msg/Status')
        self._instance = str(uuid4())
        self.received: list[Any] = []
        self._publisher = node.create_publisher(self._kind, 'bond', 5)
        node.create_subscription(self._kind, 'bond', self._take, 100)

    def publish(self, *, active: bool, name: str = 'jtn_tracker') -> None:
        self._publisher.publish(self._kind(id=name, instance_id=self._instance, active=active))

    def _take(self, status: Any) -> None:
        if status.id == 'jtn_tracker' and status.instance_id != self._instance:
            self.received.append(status)


@pytest.fixture
def bonded(make: Callable[..., Harness], block_model: Path) -> Harness:
    return make(model=str(block_model), bond_heartbeat_period=PERIOD)


def test_a_manager_sees_the_node_live_from_activation_to_deactivation(bonded: Harness) -> None:
    manager = Manager(bonded.user)
    assert bonded.transit('configure')
    bonded.wait(lambda: bonded.user.count_publishers('bond') == 2, 'the other side')
    assert not manager.received
    instances = set()
    for _ in range(2):
        manager.received.clear()
        assert bonded.transit('activate')
        bonded.wait(lambda: len(manager.received) > 5, 'heartbeats')
        manager.publish(active=True)
        assert {s.active for s in manager.received} == {True}
        (instance,) = {s.instance_id for s in manager.received}
        instances.add(instance)
        first = manager.received[0]
        assert first.heartbeat_timeout == 4
        assert first.heartbeat_period == pytest.approx(PERIOD)
        assert first.header.stamp.sec > 0
        assert bonded.transit('deactivate')
        bonded.wait(lambda: not manager.received[-1].active, 'the end of the bond')
        assert manager.received[-1].instance_id == instance
        assert [s.active for s in manager.received].count(False) == 1
    assert len(instances) == 2


def test_the_node_answers_when_the_manager_breaks_the_bond_and_tracks_on(
    bonded: Harness,
) -> None:
    manager = Manager(bonded.user)
    bonded.start()
    bonded.wait(lambda: len(manager.received) > 2, 'heartbeats')
    manager.publish(active=False, name='another_node')
    count = len(manager.received)
    bonded.wait(lambda: len(manager.received) > count + 2, 'heartbeats in spite of another bond')
    assert manager.received[-1].active
    manager.publish(active=False)
    bonded.wait(lambda: not manager.received[-1].active, 'the answer')
    count = len(manager.received)
    for number in range(5):
        assert len(bonded.track(message(number)).objects) == 2
    assert len(manager.received) == count


def test_without_the_package_the_node_works_and_names_the_package_to_install(
    bonded: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, 'bond', None)
    monkeypatch.setitem(sys.modules, 'bond.msg', None)
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    bonded.start()
    assert len(bonded.track(message(0)).objects) == 2
    bonded.wait_for_log('the package bond is not installed: sudo apt install ros-jazzy-bond')


def test_there_is_no_bond_unless_asked_for(active: Harness) -> None:
    assert '/bond' not in {publisher.topic_name for publisher in active.tracker.publishers}
