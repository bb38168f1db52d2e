"""Tracks as annotations that Foxglove and Lichtblick draw over the image."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jtn_ros.media.drawing import Color
from jtn_ros.media.drawing import caption_of
from jtn_ros.media.drawing import color_of
from jtn_ros.media.drawing import drawable
from jtn_ros.media.drawing import text_color_on
from jtn_ros.media.messages.message_factory import NewMessage
from jtn_ros.tracking.track import Tracks

_CORNERS = np.array([[0, 1], [2, 1], [2, 3], [0, 3]])
_LINE_LOOP = 2  # of foxglove_msgs/PointsAnnotation
_LINE_PX = 2.0
_TEXT_PX = 16.0


def to_annotations(
    new: NewMessage,
    header: Any,
    image_size: tuple[int, int],
    tracks: Tracks,
    class_names: Sequence[str],
) -> Any:
    """Return a box and a label for each track that is also drawn in the debug image.

    Args:
        new: makes the messages.
        header: header of the image.
        image_size: width and height of the image in pixels.
        tracks: of the image.
        class_names: by class.
    """

    def point(x: float, y: float) -> Any:
        return new('foxglove_msgs/msg/Point2', x=x, y=y)

    def opaque(color: Color) -> Any:
        blue, green, red = (channel / 255 for channel in color)
        return new('foxglove_msgs/msg/Color', r=red, g=green, b=blue, a=1.0)

    shown = drawable(tracks, *image_size)
    corners = shown.boxes[:, _CORNERS].astype(np.float64).tolist()
    outlines, labels = [], []
    for key, class_id, box in zip(
        shown.ids.tolist(), shown.class_ids.tolist(), corners, strict=True
    ):
        color = color_of(key)
        outlines.append(
            new(
                'foxglove_msgs/msg/PointsAnnotation',
                timestamp=header.stamp,
                type=_LINE_LOOP,
                points=[point(x, y) for x, y in box],
                outline_color=opaque(color),
                thickness=_LINE_PX,
            )
        )
        labels.append(
            new(
                'foxglove_msgs/msg/TextAnnotation',
                timestamp=header.stamp,
                position=point(*box[0]),
                text=caption_of(key, class_id, class_names),
                font_size=_TEXT_PX,
                text_color=opaque(text_color_on(color)),
                background_color=opaque(color),
            )
        )
    return new('foxglove_msgs/msg/ImageAnnotations', points=outlines, texts=labels)
