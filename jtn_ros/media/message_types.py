"""The ROS messages that bags are read and written with, without a ROS installation."""

import os
from functools import cache
from pathlib import Path

from jtn_ros.errors import JtnError

try:
    from rosbags.typesys import Stores
    from rosbags.typesys import get_types_from_msg
    from rosbags.typesys import get_typestore
    from rosbags.typesys.store import Typestore
except ImportError as error:
    raise JtnError('bags need the package rosbags: python3 -m pip install rosbags') from error

# vision_msgs 4 as its interface files define it; rosbags knows the common interfaces only.
_VISION_MSGS = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'Detection2D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox2D bbox\nstring id'
    ),
    'Detection2DArray': 'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
}


@cache
def message_types() -> Typestore:
    """Return ROS 2 Jazzy's messages with those of vision_msgs and jtn_msgs.

    Raises:
        JtnError: if the definitions of jtn_msgs are not found.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    types = {}
    for name, text in _VISION_MSGS.items():
        types.update(get_types_from_msg(text, f'vision_msgs/msg/{name}'))
    for path in sorted(_interface_folder('jtn_msgs').glob('*.msg')):
        types.update(get_types_from_msg(path.read_text('utf-8'), f'jtn_msgs/msg/{path.stem}'))
    store.register(types)
    return store


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
