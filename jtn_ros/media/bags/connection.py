"""Information about the topics and messages of a bag file, as rosbags types."""

from rosbags.interfaces import Connection
from rosbags.interfaces import ConnectionExtRosbag2
from rosbags.interfaces import MessageDefinition
from rosbags.interfaces import MessageDefinitionFormat
from rosbags.interfaces import Qos
from rosbags.interfaces import QosDurability
from rosbags.interfaces import QosHistory
from rosbags.interfaces import QosLiveliness
from rosbags.interfaces import QosReliability
from rosbags.interfaces import QosTime
from rosbags.rosbag2.metadata import ReaderMetadata
from rosbags.rosbag2.metadata import parse_qos

_DEFINITIONS = {
    'ros2msg': MessageDefinitionFormat.MSG,
    'ros2idl': MessageDefinitionFormat.IDL,
    'omgidl': MessageDefinitionFormat.IDL,
}

_UNLIMITED = QosTime(9_223_372_036, 854_775_807)
# Players also offer the last message to later subscribers.
LATCHED = Qos(
    history=QosHistory.KEEP_LAST,
    depth=1,
    reliability=QosReliability.RELIABLE,
    durability=QosDurability.TRANSIENT_LOCAL,
    deadline=_UNLIMITED,
    lifespan=_UNLIMITED,
    liveliness=QosLiveliness.AUTOMATIC,
    liveliness_lease_duration=_UNLIMITED,
    avoid_ros_namespace_conventions=False,
)

NO_MESSAGES = ReaderMetadata(
    duration=0,
    start_time=2**63 - 1,
    end_time=0,
    message_count=0,
    compression_format=None,
    compression_mode=None,
    ros_distro=None,
    custom=None,
)


def describe_messages(count: int, first_ns: int, last_ns: int) -> ReaderMetadata:
    """Return the metadata of messages with their first and last time of recording."""
    return NO_MESSAGES._replace(
        duration=last_ns - first_ns + 1,
        start_time=first_ns,
        end_time=last_ns + 1,
        message_count=count,
    )


def make_connection(
    number: int,
    topic: str,
    type_name: str,
    *,
    encoding: str,
    definition: tuple[str, str],
    digest: str,
    count: int,
    profiles: str,
    owner: object,
) -> Connection:
    """Return the connection of a topic.

    Args:
        number: id within the file.
        topic: name of the topic.
        type_name: such as ``sensor_msgs/msg/Image``.
        encoding: serialization of the messages; ``cdr`` in ROS 2.
        definition: format and text of the type definition; unknown formats are ignored.
        digest: hash of the definition; empty if unknown.
        count: number of messages.
        profiles: YAML of the offered QoS profiles.
        owner: the storage.
    """
    format_, text = definition
    kind = _DEFINITIONS.get(format_) if text else None
    return Connection(
        id=number,
        topic=topic,
        msgtype=type_name,
        msgdef=MessageDefinition(kind or MessageDefinitionFormat.NONE, text if kind else ''),
        digest=digest,
        msgcount=count,
        ext=ConnectionExtRosbag2(encoding, _qos(profiles)),
        owner=owner,
    )


def _qos(profiles: str) -> list[Qos]:
    """Return the QoS profiles; empty if they are not valid."""
    try:
        return parse_qos(profiles)
    except Exception:  # images can be read without QoS profiles
        return []
