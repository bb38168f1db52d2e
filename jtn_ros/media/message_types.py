"""The ROS messages that bags are read and written with, without a ROS installation."""

import os
from functools import cache
from pathlib import Path

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for

with packages_for('bags need', 'rosbags'):
    from rosbags.interfaces import Connection
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.typesys import Stores
    from rosbags.typesys import get_types_from_idl
    from rosbags.typesys import get_types_from_msg
    from rosbags.typesys import get_typestore
    from rosbags.typesys.store import Typestore

# As the interface files of these packages define them; rosbags knows the common interfaces only.
_FOREIGN = {
    'vision_msgs/msg/Point2D': 'float64 x\nfloat64 y',
    'vision_msgs/msg/Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'vision_msgs/msg/BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'vision_msgs/msg/ObjectHypothesis': 'string class_id\nfloat64 score',
    'vision_msgs/msg/ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'vision_msgs/msg/Detection2D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox2D bbox\nstring id'
    ),
    'vision_msgs/msg/Detection2DArray': (
        'std_msgs/Header header\nvision_msgs/Detection2D[] detections'
    ),
    'ffmpeg_image_transport_msgs/msg/FFMPEGPacket': (
        'std_msgs/Header header\nint32 width\nint32 height\nstring encoding\nuint64 pts\n'
        'uint8 flags\nbool is_bigendian\nuint8[] data'
    ),
    'foxglove_msgs/msg/CompressedImage': (
        'builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format'
    ),
    'foxglove_msgs/msg/CompressedVideo': (
        'builtin_interfaces/Time timestamp\nstring frame_id\nuint8[] data\nstring format'
    ),
    'foxglove_msgs/msg/RawImage': (
        'builtin_interfaces/Time timestamp\nstring frame_id\nuint32 width\nuint32 height\n'
        'string encoding\nuint32 step\nuint8[] data'
    ),
}


@cache
def message_types() -> Typestore:
    """Return ROS 2 Jazzy's messages with those of vision_msgs, jtn_msgs, and videos.

    Raises:
        JtnError: if the definitions of jtn_msgs are not found.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for name, text in _FOREIGN.items():
        types.update(get_types_from_msg(text, name))
    for path in sorted(_interface_folder('jtn_msgs').glob('*.msg')):
        types.update(get_types_from_msg(path.read_text('utf-8'), f'jtn_msgs/msg/{path.stem}'))
    store.register(types)
    return store


def digest_of(connection: Connection) -> str:
    """Return the hash of the definition that a bag holds of a type; empty if it makes no sense."""
    text, name = connection.msgdef.data, connection.msgtype
    store = get_typestore(Stores.EMPTY)
    try:
        idl = connection.msgdef.format is MessageDefinitionFormat.IDL
        store.register(get_types_from_idl(text) if idl else get_types_from_msg(text, name))
        return store.hash_rihs01(name)
    except Exception:  # rosbags raises what comes
        return ''


def _interface_folder(package: str) -> Path:
    """Return the folder of .msg files: of the checkout, else of the sourced ROS 2 workspace."""
    prefixes = os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep)
    folders = [Path(prefix) / 'share' / package / 'msg' for prefix in prefixes if prefix]
    folders.insert(0, Path(__file__).resolve().parents[2] / package / 'msg')
    for folder in folders:
        if folder.is_dir():
            return folder
    raise JtnError(
        f'the message definitions of {package} are not found; source the workspace that holds it'
    )
