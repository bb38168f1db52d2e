"""The state of a live camera as ROS diagnostics."""

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from rclpy.node import Node

from jtn_ros.media.live.live_source import LiveCounts

# If the newest image of a camera is older than this, the status is a warning. [s]
_OLD_S = 1.0


class StreamDiagnostics:
    """Publishes /diagnostics with the counts of a camera."""

    def __init__(self, node: Node, title: str) -> None:
        """Create the publisher.

        Args:
            node: the node that publishes.
            title: of the status, after the name of the node.
        """
        self._node = node
        self._title = title
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)

    def destroy(self) -> None:
        """Remove the publisher."""
        self._node.destroy_publisher(self._publisher)

    def publish(self, counts: LiveCounts, published: int) -> None:
        """Publish the state of the camera.

        Args:
            counts: counts of the source.
            published: images that were published.
        """
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [self._status(counts, published)]
        self._publisher.publish(message)

    def _status(self, counts: LiveCounts, published: int) -> DiagnosticStatus:
        level, text = DiagnosticStatus.OK, 'the camera sends images'
        if counts.problem:
            level, text = DiagnosticStatus.ERROR, counts.problem
        elif counts.age_s is None:
            level, text = DiagnosticStatus.STALE, 'no image yet'
        elif counts.age_s > _OLD_S:
            level, text = DiagnosticStatus.WARN, f'no image for {counts.age_s:.1f} s'
        entries = {
            'grabbed': str(counts.grabbed),
            'published': str(published),
            'dropped': str(counts.dropped),
            'dropped: replaced': str(counts.replaced),
            'dropped: unusable': str(counts.unusable),
            'reconnections': str(max(0, counts.connections - 1)),
            'age of the newest image [s]': '' if counts.age_s is None else f'{counts.age_s:.2f}',
            'problem': counts.problem,
        }
        return DiagnosticStatus(
            name=f'{self._node.get_fully_qualified_name().lstrip("/")}: {self._title}',
            hardware_id=self._title,
            level=level,
            message=text,
            values=[KeyValue(key=key, value=value) for key, value in entries.items()],
        )
