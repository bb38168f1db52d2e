"""Tracks as annotations that Foxglove draws over the image, where foxglove_msgs is installed."""

from collections.abc import Sequence

import numpy as np
from std_msgs.msg import Header

from jtn_ros.media.drawing import Colour
from jtn_ros.media.drawing import caption_of
from jtn_ros.media.drawing import colour_of
from jtn_ros.media.drawing import drawable
from jtn_ros.media.drawing import text_colour_on
from jtn_ros.tracking.track import Tracks

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
    header: Header, image_size: tuple[int, int], tracks: Tracks, class_names: Sequence[str]
) -> 'ImageAnnotations':
    """Return a box and a label for every track that is drawn in pictures, too.

    Args:
        header: header of the image.
        image_size: width and height of the image in pixels.
        tracks: of the image.
        class_names: by class.
    """
    message = ImageAnnotations()
    shown = drawable(tracks, *image_size)
    corners = shown.boxes[:, _CORNERS].astype(np.float64).tolist()
    for key, class_id, box in zip(
        shown.ids.tolist(), shown.class_ids.tolist(), corners, strict=True
    ):
        color = colour_of(key)
        message.points.append(
            PointsAnnotation(
                timestamp=header.stamp,
                type=PointsAnnotation.LINE_LOOP,
                points=[Point2(x=x, y=y) for x, y in box],
                outline_color=_opaque(color),
                thickness=_LINE_PX,
            )
        )
        message.texts.append(
            TextAnnotation(
                timestamp=header.stamp,
                position=Point2(x=box[0][0], y=box[0][1]),
                text=caption_of(key, class_id, class_names),
                font_size=_TEXT_PX,
                text_color=_opaque(text_colour_on(color)),
                background_color=_opaque(color),
            )
        )
    return message


def _opaque(colour: Colour) -> 'Color':
    """Return a BGR colour as a message."""
    blue, green, red = (channel / 255 for channel in colour)
    return Color(r=red, g=green, b=blue, a=1.0)
