"""Images of frames with errors, with ground truth and tracks."""

import base64
from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.mot_challenge import TrackedBoxes
from jtn_ros.evaluation.matching import Matches
from jtn_ros.evaluation.report.data import Moment
from jtn_ros.evaluation.runs import Run
from jtn_ros.media import FrameSource

_WIDTH = 1080
_QUALITY = 72
_MARGIN = 1.35  # size of the window, relative to that of the errors
_LEAST_SHARE = 0.5  # minimum size of the window, relative to the image
# BGR
_FOUND = (120, 200, 80)
_MISSED = (60, 60, 235)
_FALSE = (30, 165, 255)
_SWITCHED = (230, 90, 220)
OUTCOME_COLORS = {  # for the legend
    'found': _FOUND,
    'missed': _MISSED,
    'false positive': _FALSE,
    'identity switch': _SWITCHED,
}


def picture_of(
    source: FrameSource, moment: Moment, run: Run, matches: Mapping[str, Matches]
) -> str | None:
    """Return a moment as the data URI of a JPEG, or None if the frame cannot be read."""
    frame = next(source.read(moment.frame - 1, moment.frame), None)
    if frame is None:
        return None
    picture = draw_moment(frame.image, moment.frame, run, matches)
    good, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f'data:image/jpeg;base64,{base64.b64encode(data).decode()}' if good else None


def draw_moment(
    image: NDArray[np.uint8], number: int, run: Run, matches: Mapping[str, Matches]
) -> NDArray[np.uint8]:
    """Return the part of a frame with the errors, with ground truth and tracks.

    The color of a ground-truth box shows its outcome; the boxes of tracks are thin and white.
    """
    marks: list[_Mark] = []
    tracked = run.tracks.get(number, _NOTHING)
    for found in matches.values():
        for row in np.flatnonzero(found.frames == number).tolist():
            box, track = found.true_boxes[row], int(found.track_ids[row])
            if found.switches[row]:
                marks.append(_Mark(box, _SWITCHED, f'now {track}'))
            elif track:
                marks.append(_Mark(box, _FOUND, f'{track}'))
            else:
                marks.append(_Mark(box, _MISSED, 'missed'))
        false = np.isin(tracked.ids, found.false_tracks.get(number, ()))
        for box, track in zip(tracked.boxes[false], tracked.ids[false].tolist(), strict=True):
            marks.append(_Mark(box, _FALSE, f'{track} false'))
    wrong = np.array([mark.box for mark in marks if mark.color != _FOUND]).reshape(-1, 4)
    x1, y1, x2, y2 = _window(wrong, image.shape[1], image.shape[0])
    scale = _WIDTH / (x2 - x1)
    canvas = cv2.resize(
        image[y1:y2, x1:x2], None, fx=scale, fy=scale,
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
    )  # fmt: skip
    corner = np.array([x1, y1, x1, y1])
    for box in tracked.boxes:
        left, top, right, bottom = _integers((box - corner) * scale, canvas)
        cv2.rectangle(canvas, (left, top), (right, bottom), (255, 255, 255), 1)
    for mark in marks:
        _draw(canvas, (mark.box - corner) * scale, mark.color, mark.text)
    return canvas


class _Mark(NamedTuple):
    box: NDArray[np.floating]
    color: tuple[int, int, int]
    text: str


_NOTHING = TrackedBoxes(
    np.zeros(0, np.int64), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
)


def _window(boxes: NDArray[np.floating], width: int, height: int) -> tuple[int, int, int, int]:
    """Return a window around boxes, with the aspect ratio and at least half the image size."""
    if not len(boxes):
        return 0, 0, width, height
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    size = np.array([width, height])
    share = float(np.clip(((high - low) * _MARGIN / size).max(), _LEAST_SHARE, 1.0))
    extent = share * size
    start = ((low + high - extent) / 2).clip(0, size - extent)
    x1, y1 = start.astype(int).tolist()
    x2, y2 = (start + extent).astype(int).tolist()
    return x1, y1, x2, y2


def _integers(box: NDArray[np.floating], canvas: NDArray[np.uint8]) -> list[int]:
    reach = 4.0 * max(canvas.shape[:2])  # OpenCV's integers overflow beyond this
    rounded: list[int] = np.rint(np.nan_to_num(box).clip(-reach, reach)).astype(int).tolist()
    return rounded


def _draw(
    canvas: NDArray[np.uint8], box: NDArray[np.floating], color: tuple[int, int, int], text: str
) -> None:
    x1, y1, x2, y2 = _integers(box, canvas)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), color, 2)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)
    top = max(0, y1 - height - 6)
    left = max(0, min(x1 - 1, canvas.shape[1] - width - 5))
    cv2.rectangle(canvas, (left, top), (left + width + 5, top + height + 6), color, cv2.FILLED)
    cv2.putText(canvas, text, (left + 3, top + height + 2), cv2.FONT_HERSHEY_SIMPLEX, 0.42,
                (0, 0, 0), 1, cv2.LINE_AA)  # fmt: skip
