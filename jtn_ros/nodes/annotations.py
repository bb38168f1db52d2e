"""Tracks as annotations that Foxglove draws over the image, where foxglove_msgs is installed."""

from collections.abc import Callable

import numpy as np
from std_msgs.msg import Header

from jtn_ros.media.drawing import colour_of
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

try:
    from foxglove_msgs.msg import Color
    from foxglove_msgs.msg import ImageAnnotations
    from foxglove_msgs.msg import Point2
    from foxglove_msgs.msg import PointsAnnotation
    from foxglove_msgs.msg import TextAnnotation
except ImportError:
    ImageAnnotations = None

_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])
_LINE_PX = 2.0
_TEXT_PX = 16.0


def to_annotations(
    header: Header, tracks: Tracks, class_name: Callable[[int], str]
) -> 'ImageAnnotations':
    """Return a box and a label for every track that is not lost."""
    message = ImageAnnotations()
    shown = tracks.select(tracks.states != TrackState.LOST)
    corners = shown.boxes[:, _CORNERS].astype(np.float64).tolist()
    for key, class_id, box in zip(
        shown.ids.tolist(), shown.class_ids.tolist(), corners, strict=True
    ):
        blue, green, red = (channel / 255 for channel in colour_of(key))
        color = Color(r=red, g=green, b=blue, a=1.0)
        message.points.append(
            PointsAnnotation(
                timestamp=header.stamp,
                type=PointsAnnotation.LINE_LOOP,
                points=[Point2(x=x, y=y) for x, y in box],
                outline_color=color,
                thickness=_LINE_PX,
            )
        )
        message.texts.append(
            TextAnnotation(
                timestamp=header.stamp,
                position=Point2(x=box[0][0], y=box[0][1]),
                text=f'{key} {class_name(class_id)}',
                font_size=_TEXT_PX,
                text_color=color,
                background_color=Color(a=0.6),
            )
        )
    return message
