"""Detections of annotated objects in a sequence, as input to the tracker."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.datasets.clips import Clip
from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.evaluation.verification import Sightings
from jtn_ros.geometry import box_iou
from jtn_ros.media import Frame
from jtn_ros.offline import FrameTracking

_OVERLAP = 0.5


def find_sightings(clip: Clip, tracking: FrameTracking) -> Sightings:
    """Track a sequence and return its detections that match annotated objects.

    Raises:
        OSError: if an image cannot be read.
        JtnError: if the network has no embeddings.
    """
    tracking.reset()
    ids, class_ids, times_s, embeddings = [], [], [], []
    for image in clip.images:
        time_s = image.number / clip.frame_rate
        stamp_ns = round(time_s * 1e9)
        frame = Frame(image.number - 1, stamp_ns, image.read())
        found = tracking.process(frame, stamp_ns).detections
        if found.embeddings is None:
            raise JtnError('the model has no embeddings; specify one that has')
        rows, places = match_best_first(found, image.annotations)
        ids.append(image.annotations.ids[places])
        class_ids.append(found.class_ids[rows])
        times_s.append(np.full(len(rows), time_s))
        embeddings.append(found.embeddings[rows])
    return Sightings(
        ids=np.concatenate(ids),
        class_ids=np.concatenate(class_ids),
        times_s=np.concatenate(times_s),
        embeddings=np.concatenate(embeddings),
    )


def match_best_first(
    found: Detections, objects: Annotations
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of detections and of their matched objects.

    Detections are matched by decreasing score. Each is assigned to the remaining object with the
    highest IoU, if it is at least 0.5. Ignored objects are skipped.
    """
    overlaps = box_iou(found.boxes, objects.boxes)
    overlaps[found.class_ids[:, None] != objects.class_ids] = 0
    overlaps[:, objects.ignored] = 0
    pairs = []
    for row in np.argsort(-found.scores, kind='stable') if len(objects) else []:
        place = int(overlaps[row].argmax())
        if overlaps[row, place] >= _OVERLAP:
            pairs.append((int(row), place))
            overlaps[:, place] = 0
    rows, places = np.array(pairs, np.intp).reshape(-1, 2).T
    return rows, places
