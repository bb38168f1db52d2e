"""The topics of the tracker, and the topics that a recording contains."""

from typing import NamedTuple

DIAGNOSTICS = '/diagnostics'


class TrackerTopic(NamedTuple):
    """A topic of the tracker.

    Attributes:
        name: below the name of the node.
        type_name: such as ``visualization_msgs/msg/MarkerArray``.
        latched: whether later subscribers also receive the last message.
    """

    name: str
    type_name: str
    latched: bool = False

    @property
    def full_name(self) -> str:
        """Return the topic of a tracker that has its usual name and a single camera."""
        return f'/jtn_tracker/{self.name}'


TRACKS = TrackerTopic('tracks', 'jtn_msgs/msg/TrackedObjectArray')
DETECTIONS = TrackerTopic('detections', 'vision_msgs/msg/Detection2DArray')
MARKERS = TrackerTopic('markers', 'visualization_msgs/msg/MarkerArray')
MARKERS_3D = TrackerTopic('markers_3d', 'visualization_msgs/msg/MarkerArray')
ANNOTATIONS = TrackerTopic('annotations', 'foxglove_msgs/msg/ImageAnnotations')
LABEL_INFO = TrackerTopic('label_info', 'vision_msgs/msg/LabelInfo', latched=True)

# What is needed to evaluate a recording and to look at it. Positions are recorded where they are
# estimated, and debug images, which are large, only on request.
RECORDED = (TRACKS, DETECTIONS, MARKERS, ANNOTATIONS, LABEL_INFO)
