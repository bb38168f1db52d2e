"""A real ROS 2 graph, private to the test process."""

import gc
import os
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import rclpy
from rclpy.node import Node

from nodes.block_model import write_block_model
from nodes.graph import Graph
from nodes.harness import Harness

# Domains above 101 collide with the ports that Linux hands out.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


@pytest.fixture(scope='session', autouse=True)
def _no_graph_outlives_the_tests() -> Iterator[None]:
    """Free nodes that are only referred to in circles.

    The threads of their middleware would go on while the process unloads its libraries.
    """
    yield
    gc.collect()


@pytest.fixture
def ros() -> Iterator[None]:
    rclpy.init()
    yield
    rclpy.try_shutdown()


@pytest.fixture
def graph(ros: None) -> Iterator[Graph]:
    graph = Graph()
    yield graph
    graph.close()


@pytest.fixture
def outsider() -> Iterator[Node]:
    """A node that shares nothing with the others, not even a topic with another type."""
    context = rclpy.Context()
    context.init()
    node = Node('outsider', context=context)
    yield node
    node.destroy_node()
    context.shutdown()


@pytest.fixture(scope='session')
def block_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds white blocks on black ground."""
    path = tmp_path_factory.mktemp('model') / 'blocks.onnx'
    write_block_model(path)
    return path


@pytest.fixture
def make(
    graph: Graph, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Harness]:
    """Make a tracker node with parameters, and its user; it loses its patience sooner."""
    monkeypatch.setattr('jtn_ros.nodes.tracker.tracker_node._CHECK_PERIOD_S', 0.1)
    monkeypatch.setattr('jtn_ros.nodes.tracker.message_input.SILENCE_S', 0.5)
    return partial(Harness, graph, backend='onnxruntime')


@pytest.fixture
def harness(make: Callable[..., Harness], block_model: Path) -> Harness:
    """A tracker node that is not configured yet, and its user."""
    return make(model=str(block_model))


@pytest.fixture
def active(harness: Harness) -> Harness:
    """An active tracker node, and its user."""
    harness.start()
    return harness
