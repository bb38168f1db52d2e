"""Detection of several publishers on topics that should have only one."""

from collections.abc import Callable
from collections.abc import Sequence
from math import ceil

from rclpy.node import Node


class Rivals:
    """Warns if another node has the name of this one, or publishes on one of its topics.

    Also warns if several nodes publish the input of one camera.
    """

    def __init__(
        self,
        node: Node,
        topics: Callable[[], Sequence[str]],
        inputs: Callable[[], Sequence[str]],
        shared: Sequence[str] = (),
    ) -> None:
        """Start to watch the graph.

        Args:
            node: the node.
            topics: returns the full names of topics that only this node should publish.
            inputs: returns the full names of topics that only one camera should publish.
            shared: topics that other nodes may also publish.
        """
        self._node = node
        self._topics = topics
        self._inputs = inputs
        self._shared = shared
        self._reported = ''

    def check(self) -> str:
        """Return the problem with the remedy, or an empty string; changes are logged."""
        problem = self._find()
        if problem != self._reported:
            if problem:
                self._node.get_logger().warning(problem)
            else:
                self._node.get_logger().info('each topic has a single publisher again')
            self._reported = problem
        return problem

    def _find(self) -> str:
        # By their publishers, because the names of nodes remain in the graph for a while.
        name = self._node.get_fully_qualified_name()
        for topic in (*self._shared, *self._topics()):
            names = self._publishers_of(topic)
            # A node that reads a camera publishes its diagnostics, too, on the shared topic.
            own = sum(publisher.topic_name == topic for publisher in self._node.publishers)
            if own and (found := ceil(names.count(name) / own)) > 1:
                return (
                    f'{found} nodes have the same name, {" and ".join([name] * found)}, so each '
                    'of their topics contains the messages of all of them; stop one, or give it '
                    'another name (-r __node:=NAME) or namespace (-r __ns:=/NAME)'
                )
            if topic not in self._shared and (others := sorted(set(names) - {name})):
                return (
                    f'{name} and {" and ".join(others)} publish on the same topic, {topic}; stop '
                    'one, or remap its topic'
                )
        for topic in self._inputs():
            # One name twice may be a camera that was started again; the graph is slow to forget.
            if len(cameras := set(self._publishers_of(topic))) > 1:
                return (
                    f'{" and ".join(sorted(cameras))} publish on the same topic, {topic}, and are '
                    'tracked as one camera; stop one, or remap its topic'
                )
        return ''

    def _publishers_of(self, topic: str) -> list[str]:
        """Return the full name of the node of each publisher."""
        return [
            f'{info.node_namespace.rstrip("/")}/{info.node_name}'
            for info in self._node.get_publishers_info_by_topic(topic)
        ]
