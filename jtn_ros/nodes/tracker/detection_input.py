"""Subscription to the detections of another node, and the reasons if they do not arrive."""

from collections.abc import Callable
from collections.abc import Sequence

from rclpy.node import Node
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import Detection3DArray

from jtn_ros.nodes.tracker.message_input import MessageInput
from jtn_ros.nodes.tracker.message_input import Publishers
from jtn_ros.nodes.tracker.message_input import type_name

type DetectionMessage = Detection2DArray | Detection3DArray


class DetectionInput(MessageInput):
    """Subscribes to detections while it is open."""

    def __init__(
        self,
        node: Node,
        topic: str,
        kind: type[DetectionMessage],
        on_detections: Callable[[DetectionMessage], None],
    ) -> None:
        """Prepare, without subscribing.

        Args:
            node: the node that subscribes.
            topic: name before remapping.
            kind: type of the messages.
            on_detections: called with every message.
        """
        super().__init__(node, topic, 'detections', on_detections)
        self._kind = kind

    def _choose(self) -> tuple[str, type]:
        return self._topic, self._kind

    def _why_silent(self) -> str:
        return 'check that the detector runs, and that it also publishes empty arrays'

    def _remedy_for(self, publishers: Publishers) -> str:
        others = {type_name(Detection2DArray): 'detections',
                  type_name(Detection3DArray): 'detections_3d'}  # fmt: skip
        for publisher in publishers:
            if publisher.topic_type in others:
                return f'set input to {others[publisher.topic_type]}'
        return 'remap to a topic of vision_msgs, or convert the messages'

    def _remedy_without(self, known: Sequence[str]) -> str:
        return f'detections are on {", ".join(known)}' if known else 'start the detector'
