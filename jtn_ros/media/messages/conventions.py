"""Conversion of located objects to messages of other stacks, one function per convention."""

from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from jtn_ros.media.messages.located_objects import LocatedObjects
from jtn_ros.media.messages.located_objects import is_person
from jtn_ros.media.messages.located_objects import point
from jtn_ros.media.messages.located_objects import pose
from jtn_ros.media.messages.located_objects import twist
from jtn_ros.media.messages.located_objects import vector
from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.media.messages.tracker_topics import TrackerTopic

# By class name in lower case, as in COCO and pedestrian benchmarks; the numbers are those of
# autoware_perception_msgs/ObjectClassification.
_AUTOWARE_LABELS = {
    'car': 1,
    'truck': 2,
    'bus': 3,
    'trailer': 4,
    'motorbike': 5,
    'motorcycle': 5,
    'bicycle': 6,
    **dict.fromkeys(('animal', 'bear', 'bird', 'cat', 'cow', 'dog', 'elephant'), 8),
    **dict.fromkeys(('giraffe', 'horse', 'sheep', 'zebra'), 8),
}
_AUTOWARE_PEDESTRIAN = 7
# The numbers of derived_object_msgs/Object.
_DERIVED_CLASSES = {
    'bicycle': 5,
    'car': 6,
    'truck': 7,
    'motorbike': 8,
    'motorcycle': 8,
    'bus': 9,
    'trailer': 9,
}
_DERIVED_PEDESTRIAN = 4
_DERIVED_TRACKED = 1
_BOX = 1  # of shape_msgs/SolidPrimitive


def to_detection_3d_array(new: NewMessage, objects: LocatedObjects) -> Any:
    """Return a ``vision_msgs/Detection3DArray``."""
    detections = []
    for row, (track_id, name) in enumerate(zip(objects.ids, objects.class_names, strict=True)):
        result = new('vision_msgs/msg/ObjectHypothesisWithPose')
        result.hypothesis.class_id = name
        result.hypothesis.score = objects.scores[row]
        result.pose.pose = pose(new, objects.middles[row])
        result.pose.covariance = objects.pose_covariances[row]
        box = new(
            'vision_msgs/msg/BoundingBox3D',
            center=pose(new, objects.middles[row]),
            size=vector(new, objects.sizes[row]),
        )
        detections.append(
            new(
                'vision_msgs/msg/Detection3D',
                header=objects.header,
                results=[result],
                bbox=box,
                id=str(track_id),
            )
        )
    return new('vision_msgs/msg/Detection3DArray', header=objects.header, detections=detections)


def to_people(new: NewMessage, objects: LocatedObjects) -> Any:
    """Return a ``people_msgs/People`` with only the people, at their measured points."""
    people = [
        new(
            'people_msgs/msg/Person',
            name=str(objects.ids[row]),
            position=point(new, objects.points[row]),
            velocity=point(new, objects.velocities[row]),
            reliability=objects.scores[row],
        )
        for row, name in enumerate(objects.class_names)
        if is_person(name)
    ]
    return new('people_msgs/msg/People', header=objects.header, people=people)


def to_obstacle_array(new: NewMessage, objects: LocatedObjects) -> Any:
    """Return a ``nav2_dynamic_msgs/ObstacleArray``."""
    obstacles = [
        new(
            'nav2_dynamic_msgs/msg/Obstacle',
            uuid=objects.uuid(new, row),
            score=objects.scores[row],
            position=point(new, objects.middles[row]),
            velocity=vector(new, objects.velocities[row]),
            size=vector(new, objects.sizes[row]),
        )
        for row in range(len(objects))
    ]
    return new('nav2_dynamic_msgs/msg/ObstacleArray', header=objects.header, obstacles=obstacles)


def to_autoware_objects(new: NewMessage, objects: LocatedObjects) -> Any:
    """Return an ``autoware_perception_msgs/TrackedObjects``; orientations are not available."""
    package = 'autoware_perception_msgs/msg'
    messages = []
    for row, name in enumerate(objects.class_names):
        tracked = new(
            f'{package}/TrackedObject',
            object_id=objects.uuid(new, row),
            existence_probability=objects.scores[row],
        )
        label = _AUTOWARE_PEDESTRIAN if is_person(name) else _AUTOWARE_LABELS.get(name, 0)
        tracked.classification = [
            new(f'{package}/ObjectClassification', label=label, probability=objects.scores[row])
        ]
        kinematics = tracked.kinematics
        kinematics.pose_with_covariance.pose = pose(new, objects.middles[row])
        kinematics.pose_with_covariance.covariance = objects.pose_covariances[row]
        kinematics.twist_with_covariance.twist = twist(new, objects.velocities[row])
        kinematics.twist_with_covariance.covariance = objects.twist_covariances[row]
        tracked.shape.dimensions = vector(new, objects.sizes[row])
        messages.append(tracked)
    return new(f'{package}/TrackedObjects', header=objects.header, objects=messages)


def to_derived_objects(new: NewMessage, objects: LocatedObjects) -> Any:
    """Return a ``derived_object_msgs/ObjectArray``."""
    messages = []
    for row, name in enumerate(objects.class_names):
        kind = _DERIVED_PEDESTRIAN if is_person(name) else _DERIVED_CLASSES.get(name, 0)
        messages.append(
            new(
                'derived_object_msgs/msg/Object',
                header=objects.header,
                id=objects.ids[row],
                detection_level=_DERIVED_TRACKED,
                object_classified=kind != 0,
                pose=pose(new, objects.middles[row]),
                twist=twist(new, objects.velocities[row]),
                shape=new(
                    'shape_msgs/msg/SolidPrimitive',
                    type=_BOX,
                    dimensions=objects.sizes[row].tolist(),
                ),
                classification=kind,
                classification_certainty=round(255 * objects.scores[row]),
                classification_age=objects.hits[row],
            )
        )
    return new('derived_object_msgs/msg/ObjectArray', header=objects.header, objects=messages)


class Convention(NamedTuple):
    """A message for other stacks.

    Attributes:
        topic: on which it is published.
        build: creates the message of a frame.
    """

    topic: TrackerTopic
    build: Callable[[NewMessage, LocatedObjects], Any]


# By name in the parameter `outputs`, which is also the name of the topic.
CONVENTIONS = {
    name: Convention(TrackerTopic(name, type_name), build)
    for name, type_name, build in (
        ('detections_3d', 'vision_msgs/msg/Detection3DArray', to_detection_3d_array),
        ('people', 'people_msgs/msg/People', to_people),
        ('obstacles', 'nav2_dynamic_msgs/msg/ObstacleArray', to_obstacle_array),
        ('tracked_objects', 'autoware_perception_msgs/msg/TrackedObjects', to_autoware_objects),
        ('objects', 'derived_object_msgs/msg/ObjectArray', to_derived_objects),
    )
}
