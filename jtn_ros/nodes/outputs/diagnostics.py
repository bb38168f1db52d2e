"""The state of the tracker node as ROS diagnostics."""

import math
from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from rclpy.node import Node

from jtn_ros.nodes.outputs.camera_state import Activity
from jtn_ros.nodes.outputs.camera_state import CameraState
from jtn_ros.nodes.outputs.detector import Detector

# Time for which an error is reported as recent. [s]
_RECENT_S = 10.0


class Diagnostics:
    """Publishes /diagnostics: a status for the node and one for each camera."""

    def __init__(self, node: Node) -> None:
        """Create the publisher, which lives as long as the node."""
        self._node = node
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)

    def publish(
        self,
        engine: Detector | None,
        choice: str,
        last_error: str,
        problem: str,
        cameras: Sequence[CameraState],
    ) -> None:
        """Publish the state of the node.

        Args:
            engine: source of the detections; None while the node is not configured.
            choice: why this model was chosen; empty if it was selected by name.
            last_error: why a transition failed; empty if none did since the node was configured.
            problem: what is wrong with the node in its graph; empty if nothing is.
            cameras: the state of each camera.
        """
        name = self._node.get_fully_qualified_name().lstrip('/')
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        message.status = [
            _engine_status(name, engine, choice, last_error, problem),
            *(_camera_status(name, camera) for camera in cameras),
        ]
        self._publisher.publish(message)


def _engine_status(
    name: str, engine: Detector | None, choice: str, last_error: str, problem: str
) -> DiagnosticStatus:
    """Return the status of the node itself."""
    status = DiagnosticStatus(name=f'{name}: engine', level=DiagnosticStatus.OK)
    if engine is None:
        status.message = last_error or 'not configured'
        status.level = DiagnosticStatus.ERROR if last_error else DiagnosticStatus.STALE
    else:
        status.message = f'{engine.info.name} on {engine.description}'
        status.hardware_id = engine.description
        entries = {'model': engine.info.name, 'engine': engine.description}
        status.values = _values(entries | ({'model choice': choice} if choice else {}))
    if problem and status.level != DiagnosticStatus.ERROR:
        status.level, status.message = DiagnosticStatus.WARN, problem
    return status


def _camera_status(name: str, camera: CameraState) -> DiagnosticStatus:
    """Return the status of one camera."""
    snapshot = camera.snapshot
    middle, high, highest = (_milliseconds(seconds) for seconds in snapshot.latencies)
    level, text = DiagnosticStatus.OK, str(camera.activity)
    if camera.activity is Activity.TRACKING:
        text = f'tracking at {snapshot.output_rate:.1f} Hz'
    elif camera.activity is Activity.INACTIVE:
        level = DiagnosticStatus.STALE
    if camera.problem is not None:
        level, text = DiagnosticStatus.WARN, camera.problem.text
    if snapshot.error_age < _RECENT_S and camera.activity is not Activity.INACTIVE:
        level, text = DiagnosticStatus.WARN, snapshot.last_error
        if not snapshot.output_rate:
            level = DiagnosticStatus.ERROR
    return DiagnosticStatus(
        name=f'{name}: {camera.name}',
        hardware_id=camera.name,
        level=level,
        message=text,
        values=_values(
            {
                'topic': camera.topic,
                'input rate [Hz]': f'{snapshot.input_rate:.2f}',
                'processed rate [Hz]': f'{snapshot.output_rate:.2f}',
                'processed': str(camera.processed),
                'dropped': str(camera.dropped),
                'lost': str(camera.lost),
                'errors': str(snapshot.errors),
                'last error': snapshot.last_error,
                'latency 50% [ms]': middle,
                'latency 95% [ms]': high,
                'latency 99% [ms]': highest,
                'problem': camera.problem.text if camera.problem is not None else '',
            }
        ),
    )


def _values(entries: dict[str, str]) -> list[KeyValue]:
    """Return the entries as messages."""
    return [KeyValue(key=key, value=value) for key, value in entries.items()]


def _milliseconds(seconds: float) -> str:
    """Return seconds as milliseconds; empty when unknown."""
    return '' if math.isnan(seconds) else f'{seconds * 1e3:.2f}'
