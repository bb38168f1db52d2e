"""The ROS message types for reading and writing bags, without a ROS installation."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from jtn_ros.errors import JtnError
from jtn_ros.errors import packages_for
from jtn_ros.resources import message_folders

with packages_for('bags need', 'rosbags'):
    from rosbags.interfaces import MessageDefinition
    from rosbags.interfaces import MessageDefinitionFormat
    from rosbags.interfaces import Nodetype
    from rosbags.interfaces.typing import Typesdict
    from rosbags.typesys import Stores
    from rosbags.typesys import get_types_from_idl
    from rosbags.typesys import get_types_from_msg
    from rosbags.typesys import get_typestore
    from rosbags.typesys.store import Typestore

# Definitions from the interface files of these packages; rosbags has only the common interfaces.
# If a package is installed in ROS 2, its files are used: foxglove_msgs occasionally gains fields,
# and a node sends the installed version.
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
    'vision_msgs/msg/VisionClass': 'uint16 class_id\nstring class_name',
    'vision_msgs/msg/LabelInfo': (
        'std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold'
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
    'foxglove_msgs/msg/Color': 'float64 r\nfloat64 g\nfloat64 b\nfloat64 a',
    'foxglove_msgs/msg/Point2': 'float64 x\nfloat64 y',
    'foxglove_msgs/msg/KeyValuePair': 'string key\nstring value',
    'foxglove_msgs/msg/CircleAnnotation': (
        'builtin_interfaces/Time timestamp\nfoxglove_msgs/Point2 position\nfloat64 diameter\n'
        'float64 thickness\nfoxglove_msgs/Color fill_color\nfoxglove_msgs/Color outline_color\n'
        'foxglove_msgs/KeyValuePair[] metadata'
    ),
    'foxglove_msgs/msg/PointsAnnotation': (
        'uint8 UNKNOWN=0\nuint8 POINTS=1\nuint8 LINE_LOOP=2\nuint8 LINE_STRIP=3\n'
        'uint8 LINE_LIST=4\nbuiltin_interfaces/Time timestamp\nuint8 type\n'
        'foxglove_msgs/Point2[] points\nfoxglove_msgs/Color outline_color\n'
        'foxglove_msgs/Color[] outline_colors\nfoxglove_msgs/Color fill_color\n'
        'float64 thickness\nfoxglove_msgs/KeyValuePair[] metadata'
    ),
    'foxglove_msgs/msg/TextAnnotation': (
        'builtin_interfaces/Time timestamp\nfoxglove_msgs/Point2 position\nstring text\n'
        'float64 font_size\nfoxglove_msgs/Color text_color\n'
        'foxglove_msgs/Color background_color\nfoxglove_msgs/KeyValuePair[] metadata'
    ),
    'foxglove_msgs/msg/ImageAnnotations': (
        'builtin_interfaces/Time timestamp\nfoxglove_msgs/CircleAnnotation[] circles\n'
        'foxglove_msgs/PointsAnnotation[] points\nfoxglove_msgs/TextAnnotation[] texts\n'
        'foxglove_msgs/KeyValuePair[] metadata'
    ),
}
_PRIMITIVES = {'bool': False, 'float32': 0.0, 'float64': 0.0, 'string': ''}  # the others: 0
_DTYPES = {'byte': 'uint8', 'char': 'uint8'}
# rosbags ignores the default values of interface files.
_DEFAULTS = {('geometry_msgs/msg/Quaternion', 'w'): 1.0}


@cache
def message_types() -> Typestore:
    """Return the message types of ROS 2, vision_msgs, jtn_msgs, and videos.

    The definitions are those of the sourced distribution: those of Lyrical for a later one, and
    those of Jazzy without ROS 2. Types that it does not have are taken from other distributions,
    so that their bags can also be read.

    Raises:
        JtnError: if the definitions of jtn_msgs are not found.
    """
    known = {name.value: name for name in Stores}
    distribution = os.environ.get('ROS_DISTRO') or 'jazzy'
    store = get_typestore(known.get(f'ros2_{distribution}', Stores.ROS2_LYRICAL))
    definitions = dict(_FOREIGN)
    for package in sorted({name.partition('/')[0] for name in _FOREIGN}):
        for folder in message_folders(package)[:1]:
            definitions |= _definitions(package, folder)
    folders = message_folders('jtn_msgs')
    if not folders:
        raise JtnError(
            'the message definitions of jtn_msgs are not found; source the workspace that '
            'contains it'
        )
    definitions |= _definitions('jtn_msgs', folders[0])
    types = _types_of_others(store)
    for name, text in definitions.items():
        types.update(get_types_from_msg(text, name))
    store.register(types)
    return store


def new_message(type_name: str, /, **fields: Any) -> Any:
    """Return a message for bags; see `jtn_ros.media.messages.message_factory`."""
    store = message_types()
    missing = {
        name: _DEFAULTS.get((type_name, name), _zero(kind))
        for name, kind in store.fielddefs[type_name][1]
        if name not in fields
    }
    return store.types[type_name](**fields, **missing)


@cache
def recorded_types(name: str, definition: MessageDefinition) -> Typestore | None:
    """Return the definition of a type in a bag; None if there is no valid one."""
    store = get_typestore(Stores.EMPTY)
    try:
        idl = definition.format is MessageDefinitionFormat.IDL
        text = definition.data
        store.register(get_types_from_idl(text) if idl else get_types_from_msg(text, name))
        store.hash_rihs01(name)
    except Exception:  # rosbags raises many types
        return None
    return store


@cache
def types_to_read(name: str, definition: MessageDefinition) -> Typestore:
    """Return the types for reading a recorded message.

    The types of its bag are used if they differ from the known types: messages gain fields.
    """
    known, recorded = message_types(), recorded_types(name, definition)
    if recorded is None:
        return known
    same = name in known.types and known.hash_rihs01(name) == recorded.hash_rihs01(name)
    return known if same else recorded


def _types_of_others(store: Typestore) -> Typesdict:
    """Return the types of the oldest and newest distributions that a store lacks."""
    types: Typesdict = {}
    for distribution in (Stores.ROS2_JAZZY, Stores.ROS2_LYRICAL):
        fields = get_typestore(distribution).fielddefs
        types |= {name: fields[name] for name in fields.keys() - store.fielddefs.keys()}
    return types


def _zero(kind: Any) -> Any:
    """Return the zero, empty or false value of a field.

    Args:
        kind: description of the field by rosbags.
    """
    node, detail = kind
    if node == Nodetype.NAME:
        return new_message(detail)
    if node == Nodetype.BASE:
        return _PRIMITIVES.get(detail[0], 0)
    (inner, inner_detail), size = detail
    length = size if node == Nodetype.ARRAY else 0
    if inner == Nodetype.BASE and inner_detail[0] != 'string':
        return np.zeros(length, _DTYPES.get(inner_detail[0], inner_detail[0]))
    return [_zero((inner, inner_detail)) for _ in range(length)]


def _definitions(package: str, folder: Path) -> dict[str, str]:
    """Return the texts of the interface files in a folder, by type name."""
    files = sorted(folder.glob('*.msg'))
    return {f'{package}/msg/{path.stem}': path.read_text('utf-8') for path in files}
