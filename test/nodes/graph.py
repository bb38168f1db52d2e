"""Nodes on a real ROS 2 graph."""

from collections.abc import Callable
from threading import Event
from threading import Thread
from typing import Any

from rclpy.client import Client
from rclpy.executors import Executor
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from waiting import wait_for


class Graph:
    """Nodes of this process, served by an executor on a separate thread."""

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor or SingleThreadedExecutor()
        self._closing = Event()
        self._thread = Thread(target=self._spin, name='graph')
        self._nodes: list[Node] = []
        self._thread.start()

    def add[SomeNode: Node](self, node: SomeNode) -> SomeNode:
        self._nodes.append(node)
        self._executor.add_node(node)
        return node

    def call(self, client: Client, request: object) -> Any:
        """Return the response of a service."""
        assert client.wait_for_service(timeout_sec=10), f'no service {client.srv_name}'
        future = client.call_async(request)
        self.wait(future.done, what=f'a response of {client.srv_name}')
        return future.result()

    def wait(self, condition: Callable[[], object], *, what: str, timeout: float = 20.0) -> None:
        """Wait until the condition holds; fail after the timeout."""
        wait_for(condition, timeout, what)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()
        self._executor.shutdown()
        for node in self._nodes:
            node.destroy_node()

    def _spin(self) -> None:
        while not self._closing.is_set():
            self._executor.spin_once(timeout_sec=0.1)
