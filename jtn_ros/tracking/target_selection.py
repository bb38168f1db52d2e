"""Selection of a track by id, by a point in the image, by size or by distance."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

Mask = NDArray[np.bool_]


def row_with_id(tracks: Tracks, track_id: int, allowed: Mask) -> int:
    """Return the row of the track with an id, visible or not, among those in `allowed`.

    Raises:
        JtnError: if there is none.
    """
    rows = np.flatnonzero((tracks.ids == track_id) & allowed)
    if not len(rows):
        live = ', '.join(map(str, tracks.ids[allowed].tolist())) or 'none'
        raise JtnError(f'no track has the id {track_id}; the ids of the live tracks: {live}')
    return int(rows[0])


def row_at(tracks: Tracks, x: float, y: float, allowed: Mask) -> int:
    """Return the row of the track at a point of the image, in pixels.

    Where several boxes contain the point, it is the one whose middle is nearest to it, relative
    to the size of the box.

    Args:
        tracks: of the image.
        x: of the point.
        y: of the point.
        allowed: bool (N,), the tracks to choose from.

    Raises:
        JtnError: if no confirmed track is seen there.
    """
    # The tracks of 3D detections have no boxes.
    rows = _rows(tracks, allowed & _boxed(tracks))
    away = np.abs(box_centers(tracks.boxes[rows]) - (x, y))
    share = (away / np.maximum(box_sizes(tracks.boxes[rows]) / 2, 0.5)).max(axis=1)
    if not len(rows) or not share.min() <= 1:
        raise JtnError(
            f'no visible confirmed track is at ({x:g}, {y:g}); specify a point inside a box, in '
            'pixels of the image'
        )
    return int(rows[share.argmin()])


def largest_row(tracks: Tracks, allowed: Mask) -> int:
    """Return the row of the track with the largest box, among those that `allowed` picks.

    Raises:
        JtnError: if no confirmed track is seen.
    """
    rows = _some(tracks, allowed)
    if not _boxed(tracks)[rows].any():
        raise JtnError(
            'the tracks have no boxes in an image, so the largest cannot be selected; select the '
            'nearest, or select by id'
        )
    return int(rows[box_sizes(tracks.boxes[rows]).prod(axis=1).argmax()])


def nearest_row(tracks: Tracks, distances: NDArray[np.float64], allowed: Mask) -> int:
    """Return the row of the nearest track, among those that `allowed` picks.

    Args:
        tracks: of the image.
        distances: (N,) from the camera in meters; NaN where unknown.
        allowed: bool (N,), the tracks to choose from.

    Raises:
        JtnError: if no confirmed track is seen and located.
    """
    rows = _some(tracks, allowed)
    rows = rows[np.isfinite(distances[rows])]
    if not len(rows):
        raise JtnError(
            'no visible track has a position, so the nearest cannot be selected; set the '
            'parameter positions to depth or ground, look at /diagnostics, or select the largest'
        )
    return int(rows[distances[rows].argmin()])


def _boxed(tracks: Tracks) -> Mask:
    """Return bool (N,), which tracks have a box in an image."""
    return np.asarray((box_sizes(tracks.boxes) > 0).all(axis=1), np.bool_)


def _some(tracks: Tracks, allowed: Mask) -> NDArray[np.intp]:
    rows = _rows(tracks, allowed)
    if not len(rows):
        raise JtnError(
            'the latest image contains no visible confirmed track, so nothing can be selected'
        )
    return rows


def _rows(tracks: Tracks, allowed: Mask) -> NDArray[np.intp]:
    """Return the rows of the confirmed tracks that are seen and allowed."""
    return np.flatnonzero(tracks.observed & (tracks.states == TrackState.CONFIRMED) & allowed)
