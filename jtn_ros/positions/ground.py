"""Location of objects that stand on a plane."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.positions.camera_model import CameraModel
from jtn_ros.positions.measurement import Measurements
from jtn_ros.positions.measurement import pixel_variances

Floats = NDArray[np.float64]

# A ray with a smaller slope than this intersects the ground too far away to be useful.
_LEAST_SLOPE = 0.01
# Standard deviation of the height of the real ground, which is not a perfect plane. [m]
_UNEVENNESS = 0.03


@dataclass(frozen=True)
class GroundPlane:
    """The ground, in the optical frame of a camera above it: ``down . point = height``.

    Attributes:
        down: float64 (3,), unit vector toward the ground.
        height: of the camera above the ground, in meters.
    """

    down: Floats
    height: float

    @classmethod
    def from_mounting(cls, height: float, pitch: float, roll: float = 0.0) -> Self:
        """Return the ground below a camera.

        Args:
            height: of the camera, in meters.
            pitch: angle of the optical axis below the horizon, in radians.
            roll: rotation of the camera about its axis, clockwise as seen from behind, in radians.

        Raises:
            JtnError: if the camera is not above the ground.
        """
        if not 0 < height < np.inf:
            raise JtnError(f'the camera is {height} m above the ground; set its height')
        down = [np.sin(roll) * np.cos(pitch), np.cos(roll) * np.cos(pitch), np.sin(pitch)]
        return cls(np.array(down), height)

    @classmethod
    def from_transform(cls, rotation: Floats, translation: Floats) -> Self:
        """Return the plane z = 0 of the frame with points ``rotation @ optical + translation``.

        Raises:
            JtnError: if the camera is not above that plane.
        """
        height = float(translation[2])
        if not 0 < height < np.inf:
            raise JtnError(
                f'the camera is {height:.3f} m above z = 0 of the ground frame; choose a frame '
                'whose z = 0 is the ground'
            )
        return cls(-rotation[2], height)


def locate_on_ground(
    camera: CameraModel, boxes: NDArray[np.floating], ground: GroundPlane
) -> Measurements:
    """Return the points where the lower edges of boxes touch the ground, in the optical frame.

    Objects with feet below the image or too close to the horizon are not located.

    Args:
        camera: the calibration.
        boxes: (N, 4) ``x1 y1 x2 y2`` in pixels.
        ground: the plane on which the objects stand.
    """
    boxes = np.asarray(boxes, np.float64)
    feet = np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]])
    rays, slopes = camera.rays(feet), camera.jacobians(feet)
    sinking = rays @ ground.down
    length = np.linalg.norm(rays, axis=1)
    with np.errstate(divide='ignore', invalid='ignore'):
        distances = ground.height / sinking
        # d(distance * ray) by each pixel coordinate; the distance depends on the ray as well.
        leading = slopes * distances[:, None, None]
        trailing = rays[:, :, None] * (np.einsum('i,nij->nj', ground.down, slopes))[:, None, :]
        jacobians = leading - trailing * (distances / sinking)[:, None, None]
        points = rays * distances[:, None]
    covariances = pixel_variances(boxes)[:, None, None] * (
        jacobians @ jacobians.transpose(0, 2, 1)
    )
    covariances += _UNEVENNESS**2 * np.outer(ground.down, ground.down)
    visible = (sinking > _LEAST_SLOPE * length) & (boxes[:, 3] < camera.height)
    return Measurements.of(np.where(visible[:, None], points, np.nan), covariances)
