"""A real ROS 2 graph, private to the test process."""

import os
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from threading import Thread
from time import monotonic
from time import sleep

import pytest
import rclpy
from rclpy.client import Client
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from .block_model import write_block_model

# Domains above 101 collide with the ports that Linux hands out.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 100)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


class Graph:
    """Nodes of this process, served by an executor on a thread of its own."""

    def __init__(self) -> None:
        self._executor = SingleThreadedExecutor()
        self._closing = Event()
        self._thread = Thread(target=self._spin, name='graph')
        self._nodes: list[Node] = []
        self._thread.start()

    def add[SomeNode: Node](self, node: SomeNode) -> SomeNode:
        self._nodes.append(node)
        self._executor.add_node(node)
        return node

    def call(self, client: Client, request: object) -> object:
        """Return the response of a service."""
        assert client.wait_for_service(timeout_sec=10), f'no service {client.srv_name}'
        future = client.call_async(request)
        self.wait(future.done, what=f'a response of {client.srv_name}')
        return future.result()

    def wait(self, condition: Callable[[], bool], *, what: str, timeout: float = 20.0) -> None:
        """Wait until the condition holds; fail after the timeout."""
        end = monotonic() + timeout
        while not condition():
            assert monotonic() < end, f'waited {timeout} s for {what}'
            sleep(0.005)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._executor.shutdown()
        for node in self._nodes:
            node.destroy_node()

    def _spin(self) -> None:
        while not self._closing.is_set():
            self._executor.spin_once(timeout_sec=0.1)


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


@pytest.fixture(scope='session')
def block_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that finds the white blocks of `Blocks`."""
    path = tmp_path_factory.mktemp('model') / 'blocks.onnx'
    write_block_model(path)
    return path
