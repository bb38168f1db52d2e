"""The messages are a contract: names, types and values must match existing recordings."""

from typing import Any

import numpy as np
import pytest
from rclpy.serialization import deserialize_message
from rclpy.serialization import serialize_message

from jtn_msgs.msg import CameraTrack
from jtn_msgs.msg import StageLatency
from jtn_msgs.msg import Target
from jtn_msgs.msg import TrackedObject
from jtn_msgs.msg import TrackedObjectArray
from jtn_msgs.msg import WorldTrack
from jtn_msgs.msg import WorldTrackArray
from jtn_msgs.srv import SelectTarget
from jtn_ros.tracking.target_lock import LockState

FIELDS = {
    Target: {
        'header': 'std_msgs/Header',
        'session': 'unique_identifier_msgs/UUID',
        'camera_name': 'string',
        'state': 'uint8',
        'selection': 'uint32',
        'switches': 'uint32',
        'certain': 'boolean',
        'object': 'jtn_msgs/TrackedObject',
        'pose_frame_id': 'string',
        'distance': 'float',
        'candidate_ids': 'sequence<uint32>',
        'candidate_distances': 'sequence<float>',
    },
    SelectTarget.Request: {
        'by': 'uint8',
        'id': 'uint32',
        'point': 'vision_msgs/Point2D',
        'class_name': 'string',
    },
    SelectTarget.Response: {'success': 'boolean', 'message': 'string', 'id': 'uint32'},
    StageLatency: {
        'name': 'string',
        'duration': 'double',
    },
    TrackedObject: {
        'id': 'uint32',
        'class_id': 'int32',
        'class_name': 'string',
        'score': 'float',
        'bbox': 'vision_msgs/BoundingBox2D',
        'velocity': 'float[2]',
        'velocity_covariance': 'float[4]',
        'state': 'uint8',
        'predicted': 'boolean',
        'reliable': 'boolean',
        'age': 'uint32',
        'hits': 'uint32',
        'time_since_observation': 'builtin_interfaces/Duration',
        'embedding': 'sequence<float>',
        'has_3d': 'boolean',
        'pose': 'geometry_msgs/PoseWithCovariance',
        'twist': 'geometry_msgs/TwistWithCovariance',
    },
    TrackedObjectArray: {
        'header': 'std_msgs/Header',
        'session': 'unique_identifier_msgs/UUID',
        'camera_name': 'string',
        'image_width': 'uint32',
        'image_height': 'uint32',
        'model_name': 'string',
        'latencies': 'sequence<jtn_msgs/StageLatency>',
        'pose_frame_id': 'string',
        'objects': 'sequence<jtn_msgs/TrackedObject>',
    },
    CameraTrack: {
        'camera_name': 'string',
        'session': 'unique_identifier_msgs/UUID',
        'id': 'uint32',
    },
    WorldTrack: {
        'id': 'uint32',
        'class_id': 'int32',
        'class_name': 'string',
        'score': 'float',
        'pose': 'geometry_msgs/PoseWithCovariance',
        'twist': 'geometry_msgs/TwistWithCovariance',
        'time_since_observation': 'builtin_interfaces/Duration',
        'members': 'sequence<jtn_msgs/CameraTrack>',
    },
    WorldTrackArray: {
        'header': 'std_msgs/Header',
        'session': 'unique_identifier_msgs/UUID',
        'tracks': 'sequence<jtn_msgs/WorldTrack>',
    },
}


@pytest.mark.parametrize('message', FIELDS, ids=lambda message: message.__name__)
def test_fields(message: Any) -> None:
    assert message.get_fields_and_field_types() == FIELDS[message]


def test_states() -> None:
    states = (TrackedObject.TENTATIVE, TrackedObject.CONFIRMED, TrackedObject.LOST)
    assert states == (0, 1, 2)
    locks = (Target.NONE, Target.LOCKED, Target.OCCLUDED, Target.CANDIDATES, Target.LOST)
    assert locks == tuple(LockState)
    ways = SelectTarget.Request
    assert (ways.BY_ID, ways.BY_POINT, ways.LARGEST, ways.NEAREST) == (0, 1, 2, 3)


def tracked_object() -> TrackedObject:
    message = TrackedObject(
        id=4_294_967_295, class_id=-1, class_name='person', score=0.875, state=TrackedObject.LOST
    )
    message.bbox.center.position.x, message.bbox.center.position.y = 320.25, -7.5
    message.bbox.size_x, message.bbox.size_y = 41.5, 120.0
    message.velocity = np.array([-12.5, 3.0], np.float32)
    message.velocity_covariance = np.array([4.0, 0.5, 0.5, 9.0], np.float32)
    message.predicted, message.reliable, message.age, message.hits = True, True, 30, 28
    message.time_since_observation.nanosec = 66_666_667
    message.embedding = [0.6, 0.8]
    message.has_3d = True
    message.pose.pose.position.z = 5.25
    message.twist.twist.linear.x = -1.5
    return message


def test_round_trip() -> None:
    sent = TrackedObjectArray(
        camera_name='front', image_width=1280, image_height=720, model_name='light'
    )
    sent.header.frame_id = 'front_optical'
    sent.header.stamp.sec, sent.header.stamp.nanosec = 1_700_000_000, 999_999_999
    sent.session.uuid = np.arange(16, dtype=np.uint8)
    sent.latencies = [StageLatency(name='inference', duration=0.012345678901)]
    sent.pose_frame_id = 'map'
    sent.objects = [tracked_object(), TrackedObject()]

    received = deserialize_message(serialize_message(sent), TrackedObjectArray)

    assert received == sent
    first = received.objects[0]
    assert first.id == 4_294_967_295
    assert first.velocity.tolist() == [-12.5, 3.0]
    assert first.bbox.center.position.y == -7.5
    assert received.session.uuid.tolist() == list(range(16))
    assert received.latencies[0].duration == 0.012345678901
    assert len(received.objects[1].embedding) == 0
