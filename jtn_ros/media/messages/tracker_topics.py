"""The topics of the tracker, and the topics that a recording contains."""

from typing import NamedTuple

DIAGNOSTICS = '/diagnostics'


class TrackerTopic(NamedTuple):
    """A topic of the tracker.

    Attributes:
        name: relative to the name of the node.
        type_name: such as ``visualization_msgs/msg/MarkerArray``.
        latched: whether later subscribers also receive the last message.
    """

    name: str
    type_name: str
    latched: bool = False

    @property
    def full_name(self) -> str:
        """Return the topic of a tracker with its default name and a single camera."""
        return f'/jtn_tracker/{self.name}'


TRACKS = TrackerTopic('tracks', 'jtn_msgs/msg/TrackedObjectArray')
DETECTIONS = TrackerTopic('detections', 'vision_msgs/msg/Detection2DArray')
MARKERS = TrackerTopic('markers', 'visualization_msgs/msg/MarkerArray')
MARKERS_3D = TrackerTopic('markers_3d', 'visualization_msgs/msg/MarkerArray')
ANNOTATIONS = TrackerTopic('annotations', 'foxglove_msgs/msg/ImageAnnotations')
LABEL_INFO = TrackerTopic('label_info', 'vision_msgs/msg/LabelInfo', latched=True)

# Topics required to evaluate and view a recording. Positions are recorded if they are estimated.
# Debug images are large and recorded only on request.
RECORDED = (TRACKS, DETECTIONS, MARKERS, ANNOTATIONS, LABEL_INFO)
