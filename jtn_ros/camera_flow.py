"""Camera motion since the last frame, estimated from the images by sparse optical flow.

Corners of the previous frame are tracked into this one (pyramidal Lucas-Kanade). The camera motion
is the rotation, scale and shift on which most corners agree; moving objects are outliers. The
images are downscaled network inputs, which is fast and accurate enough for tracking.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.geometry import Letterbox

_WIDTH = 256  # pixels, about
_LONGEST = 4096  # pixels, for images with extreme aspect ratios
_CORNERS = 80
_FEWEST = 10  # minimum number of corners for an estimate
_STILL = 0.1  # pixels; the camera is static if the median motion of the corners is smaller
_TOLERANCE = 0.7  # pixels between a corner and its position predicted by the motion
_QUORUM = 0.4  # minimum share of the corners that agree on the motion


class CameraFlow:
    """Estimates the camera motion from frame to frame."""

    def __init__(self) -> None:
        """Start without a previous frame."""
        self.reset()

    def reset(self) -> None:
        """Forget the previous frame."""
        self._previous: NDArray[np.uint8] | None = None

    def measure(
        self, fitted: NDArray[np.uint8], letterbox: Letterbox, size: tuple[int, int]
    ) -> NDArray[np.float64]:
        """Return the (2, 3) affine matrix from source pixels of the previous frame to this one.

        It is the identity for the first frame, while the camera is static, and if the image has
        too few corners.

        Args:
            fitted: uint8 BGR (H, W, 3), the frame at the size of the network input. The size is
                constant.
            letterbox: the map from source pixels to its pixels.
            size: height and width of the source image; the rest of `fitted` is padding.
        """
        shown = np.array(fitted.shape[1::-1])
        factor = max(1, round(shown[0] / _WIDTH))
        # Rotations are only preserved if pixels are square.
        small_size = (shown / (factor, factor * letterbox.stretch)).clip(1, _LONGEST).astype(int)
        small = cv2.resize(fitted, small_size.tolist(), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
        previous, self._previous = self._previous, image
        if previous is None:
            return np.eye(2, 3)
        # From small pixels to source pixels: small = scales * source + offset.
        scales = letterbox.scales * small_size / shown
        offset = (np.array([letterbox.offset_x, letterbox.offset_y]) + 0.5) * small_size / shown
        offset -= 0.5
        edges = np.array([(0, 0), size[::-1]]) - 0.5
        motion = _follow(previous, image, edges * scales + offset)
        motion[:, 2] += motion[:, :2] @ offset - offset
        motion[:, :2] *= scales / scales[:, None]
        motion[:, 2] /= scales
        return motion


def _follow(
    previous: NDArray[np.uint8], image: NDArray[np.uint8], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the motion between two gray images (H, W).

    Args:
        previous: the previous image.
        image: the current image.
        edges: (2, 2) top-left and bottom-right corners of the visible area; the rest is padding.
    """
    inside = np.zeros_like(previous)
    left, top = np.maximum(np.ceil(edges[0]).astype(int), 0) + 1
    right, bottom = np.minimum(np.floor(edges[1]).astype(int) + 1, previous.shape[::-1]) - 1
    inside[top:bottom, left:right] = 255
    corners = cv2.goodFeaturesToTrack(previous, _CORNERS, 0.01, 6, mask=inside)
    if corners is None or len(corners) < _FEWEST:
        return np.eye(2, 3)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        previous, image, corners, np.empty(0), winSize=(11, 11), maxLevel=3
    )
    followed = found[:, 0] == 1
    before, after = corners[followed, 0], moved[followed, 0]
    if len(before) < _FEWEST or np.median(np.linalg.norm(after - before, axis=1)) < _STILL:
        return np.eye(2, 3)
    motion, agreeing = cv2.estimateAffinePartial2D(before, after, ransacReprojThreshold=_TOLERANCE)
    if motion is None or agreeing.sum() < max(_FEWEST, _QUORUM * len(before)):
        return np.eye(2, 3)
    return motion
