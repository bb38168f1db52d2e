"""Model of a calibrated camera, with or without lens distortion: pixels to directions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError

Floats = NDArray[np.float64]

_DISTORTIONS = {
    'plumb_bob': (4, 5),
    'rational_polynomial': (8, 12, 14),
    'equidistant': (4,),
}
# Range of plausible focal lengths, relative to the longer side of the image.
_FOCAL_RANGE = (0.05, 200.0)


@dataclass(frozen=True, kw_only=True)
class CameraModel:
    """The intrinsic calibration of a camera, as in ``sensor_msgs/CameraInfo``.

    Pixel coordinates have integer values at the centers of pixels. Directions are in the optical
    frame: x to the right, y downward, z forward.

    Attributes:
        width: of the images, in pixels.
        height: of the images, in pixels.
        matrix: float64 (3, 3), the intrinsic matrix.
        distortion: float64 (D,), the coefficients; empty without distortion.
        fisheye: whether they are those of the equidistant model.
    """

    width: int
    height: int
    matrix: Floats
    distortion: Floats
    fisheye: bool = False

    @classmethod
    def from_calibration(
        cls,
        *,
        width: int,
        height: int,
        k: Sequence[float],
        d: Sequence[float] = (),
        model: str = '',
        p: Sequence[float] = (),
        rectified: bool = False,
    ) -> Self:
        """Check the fields of a calibration and return the camera model.

        Args:
            width: of the images, in pixels.
            height: of the images, in pixels.
            k: the nine values of the intrinsic matrix.
            d: the coefficients of the distortion.
            model: 'plumb_bob', 'rational_polynomial' or 'equidistant'; not needed without
                coefficients.
            p: the twelve values of the projection matrix, needed for rectified images.
            rectified: whether the images are rectified already: then `p` counts, not `k` and `d`.

        Raises:
            JtnError: if the calibration is implausible.
        """
        if rectified:
            values = np.asarray(p, np.float64).reshape(-1)
            matrix = values.reshape(3, 4)[:, :3] if len(values) == 12 else values
            d = ()
        else:
            matrix = np.asarray(k, np.float64).reshape(-1)
            matrix = matrix.reshape(3, 3) if len(matrix) == 9 else matrix
        _check_matrix(matrix, width, height)
        distortion = np.asarray(d, np.float64).reshape(-1)
        if not np.isfinite(distortion).all():
            raise JtnError(f'the distortion {distortion} is not finite; calibrate the camera')
        if not distortion.any():
            distortion = np.zeros(0)
        elif len(distortion) not in _DISTORTIONS.get(model, ()):
            known = ', '.join(_DISTORTIONS)
            raise JtnError(
                f'{len(distortion)} coefficients of the distortion model {model!r} are not '
                f'supported (known: {known}); rectify the images'
            )
        return cls(
            width=width,
            height=height,
            matrix=matrix,
            distortion=distortion,
            fisheye=model == 'equidistant' and len(distortion) > 0,
        )

    def rays(self, pixels: NDArray[np.floating]) -> Floats:
        """Return the points (N, 3) with z = 1 that project to the pixels (N, 2)."""
        points = np.asarray(pixels, np.float64).reshape(-1, 1, 2)
        if not len(points):
            return np.zeros((0, 3))
        if self.fisheye:
            points = cv2.fisheye.undistortPoints(points, self.matrix, self.distortion)
        elif len(self.distortion):
            # OpenCV 5 has one function for both, with the criteria.
            undistort: Any = getattr(cv2, 'undistortPointsIter', cv2.undistortPoints)
            points = undistort(
                points,
                self.matrix,
                self.distortion,
                R=None,
                P=None,
                criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-9),
            )
        else:
            (fx, skew, cx), (_, fy, cy), _ = self.matrix
            y = (points[..., 1] - cy) / fy
            points = np.stack([(points[..., 0] - cx - skew * y) / fx, y], axis=-1)
        return np.column_stack([points.reshape(-1, 2), np.ones(len(points))])

    def jacobians(self, pixels: NDArray[np.floating]) -> Floats:
        """Return the derivatives (N, 3, 2) of the rays by the pixel coordinates."""
        pixels = np.asarray(pixels, np.float64)
        step = 0.5
        sides = [
            (self.rays(pixels + shift) - self.rays(pixels - shift)) / (2 * step)
            for shift in (np.array([step, 0]), np.array([0, step]))
        ]
        return np.stack(sides, axis=2)


def _check_matrix(matrix: Floats, width: int, height: int) -> None:
    """Reject an intrinsic matrix that is implausible for the image size."""
    if width <= 0 or height <= 0:
        raise JtnError(f'the calibration is for images of {width}x{height} pixels; calibrate')
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise JtnError(
            f'the intrinsic matrix {matrix.tolist()} is not finite or not 3x3; '
            'calibrate the camera'
        )
    focal = matrix[[0, 1], [0, 1]]
    if not focal.any():
        raise JtnError('the focal length is 0: the camera is not calibrated; calibrate it')
    low, high = np.multiply(_FOCAL_RANGE, max(width, height))
    if not ((low <= focal) & (focal <= high)).all():
        raise JtnError(
            f'focal lengths of {focal[0]:g} and {focal[1]:g} pixels are implausible for images of '
            f'{width}x{height}; calibrate the camera'
        )
    center = matrix[:2, 2] / (width, height)
    if not ((center > -1) & (center < 2)).all() or not np.allclose(matrix[2], (0, 0, 1)):
        raise JtnError(
            f'the intrinsic matrix {matrix.tolist()} puts the optical axis far outside the image; '
            'calibrate the camera'
        )
