"""The prior heat map: the positions of the tracks in the previous frame, for the network."""

import numpy as np
from numpy.typing import NDArray

from jtn_ros.gaussian import draw_gaussian
from jtn_ros.gaussian import gaussian_radius
from jtn_ros.geometry import Letterbox
from jtn_ros.geometry import box_sizes


def render_prior_heatmap(
    boxes: NDArray[np.floating],
    scores: NDArray[np.floating],
    letterbox: Letterbox,
    height: int,
    width: int,
    threshold: float,
) -> NDArray[np.float32]:
    """Draw a Gaussian peak for every track (CenterTrack, section 4.2).

    Args:
        boxes: (N, 4) in source pixels; they may reach outside the image.
        scores: (N,) of the tracks' last detections.
        letterbox: the map of the frame that the heat map is for.
        height: network input height in pixels.
        width: network input width in pixels.
        threshold: tracks scoring less are not drawn.

    Returns:
        (1, height, width), 0 to 1.
    """
    heatmap = np.zeros((1, height, width), np.float32)
    kept = np.asarray(boxes, np.float64).reshape(-1, 2, 2)[np.asarray(scores) >= threshold]
    last = np.array((width - 1, height - 1), np.float32)
    clipped = np.clip(letterbox.to_network(kept), 0, last).reshape(-1, 4)
    clipped = clipped[(box_sizes(clipped) > 0).all(axis=1)]
    sizes = np.ceil(box_sizes(clipped))
    radii = np.maximum(0, gaussian_radius(sizes[:, 1], sizes[:, 0])).astype(int)
    centers = ((clipped[:, :2] + clipped[:, 2:]) / 2).astype(int)
    # One window a track is small; drawing them all at once would touch the whole map each time.
    for (x, y), radius in zip(centers.tolist(), radii.tolist(), strict=True):
        draw_gaussian(heatmap[0], x, y, radius)
    return heatmap
