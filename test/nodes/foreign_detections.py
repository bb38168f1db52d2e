"""Detections as other nodes publish them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from rclpy.publisher import Publisher
from std_msgs.msg import Header
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import Detection3D
from vision_msgs.msg import Detection3DArray
from vision_msgs.msg import ObjectHypothesisWithPose

from jtn_msgs.msg import TrackedObjectArray
from jtn_ros.nodes.common.conversions import ns_to_stamp

from nodes.harness import Harness

PERIOD_NS = 40_000_000
START_NS = 100_000_000_000


def stamp_of(number: float) -> int:
    """Return the time of a frame in nanoseconds."""
    return START_NS + round(number * PERIOD_NS)


def header(number: float, frame_id: str) -> Header:
    return Header(stamp=ns_to_stamp(stamp_of(number)), frame_id=frame_id)


def hypothesis(name: str, score: float) -> ObjectHypothesisWithPose:
    result = ObjectHypothesisWithPose()
    result.hypothesis.class_id, result.hypothesis.score = name, score
    return result


def boxes_message(
    number: float,
    boxes: ArrayLike,
    names: Sequence[str] = (),
    scores: Sequence[float] = (),
    frame_id: str = 'lens',
) -> Detection2DArray:
    """Return boxes (N, 4) ``x1 y1 x2 y2`` of a frame; 'person' and 0.9 by default."""
    message = Detection2DArray(header=header(number, frame_id))
    rows = np.asarray(boxes, float).reshape(-1, 4)
    for row, (x1, y1, x2, y2) in enumerate(rows.tolist()):
        detection = Detection2D(header=message.header)
        detection.bbox.center.position.x = (x1 + x2) / 2
        detection.bbox.center.position.y = (y1 + y2) / 2
        detection.bbox.size_x, detection.bbox.size_y = x2 - x1, y2 - y1
        name = names[row] if names else 'person'
        score = scores[row] if scores else 0.9
        # The best one counts, wherever it is.
        detection.results = [hypothesis('other', score / 2), hypothesis(name, score)]
        message.detections.append(detection)
    return message


def objects_message(
    number: float,
    points: ArrayLike,
    size: Sequence[float] = (0.6, 0.6, 1.8),
    name: str = 'person',
    frame_id: str = 'lidar',
) -> Detection3DArray:
    """Return objects at points (N, 3)."""
    message = Detection3DArray(header=header(number, frame_id))
    for x, y, z in np.asarray(points, float).reshape(-1, 3).tolist():
        detection = Detection3D(header=message.header, results=[hypothesis(name, 0.8)])
        place = detection.bbox.center.position
        place.x, place.y, place.z = x, y, z
        detection.bbox.size.x, detection.bbox.size.y, detection.bbox.size.z = size
        message.detections.append(detection)
    return message


def boxes_of(output: TrackedObjectArray) -> NDArray[np.float64]:
    """Return the boxes (N, 4) ``x1 y1 x2 y2`` of the tracks, in the order of their ids."""
    objects = sorted(output.objects, key=lambda o: o.id)
    middles = np.array([[o.bbox.center.position.x, o.bbox.center.position.y] for o in objects])
    halves = np.array([[o.bbox.size_x, o.bbox.size_y] for o in objects]) / 2
    return np.hstack([middles - halves, middles + halves]).reshape(-1, 4)


class DetectionRig:
    """An active tracker that takes detections, and the detector."""

    def __init__(self, harness: Harness, kind: type = Detection2DArray) -> None:
        self.harness = harness
        assert harness.transit('configure', 'activate')
        self.detections: Publisher = harness.publisher(kind, 'detections')

    def track(self, message: Detection2DArray | Detection3DArray) -> TrackedObjectArray:
        """Publish detections and return the one message that comes of them."""
        return self.harness.track(message, self.detections)
