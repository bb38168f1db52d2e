"""Scaling of pixels with more than 8 bits to 8 bits, with a range that is steady over time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

# Number of sampled pixels per image, and their percentiles that become black and white.
_SAMPLE = 20_000
_PERCENTILES = (0.5, 99.5)
# Values beyond this limit, infinities and NaNs are not used to estimate the range.
_LARGEST = 1e30
# Minimum range of integers.
_LEAST_COUNTS = 32
# Weight of each image in the range, so that a hot object that appears causes no sudden change.
_FOLLOWING = 0.1


@dataclass(frozen=True, kw_only=True)
class IntensitySettings(Settings):
    """Scaling of images with more than 8 bits for the network."""

    intensity_range: tuple[float, float] = setting(
        (0.0, 0.0),
        'Pixel values that map to black and white for images with more than 8 bits (thermal and '
        'industrial cameras). [0, 0] estimates the range from the images and adapts it slowly.',
        rising=True,
    )


class IntensityRange:
    """Scales the values of one camera to 0 to 255.

    Args:
        limits: the values that become black and white; None, or 0 for both, estimates them from
            the images and adapts them slowly. They are estimated again if the type of the values
            changes, because counts and degrees have different ranges.

    Raises:
        JtnError: if the limits are not two increasing numbers.
    """

    def __init__(self, limits: Sequence[float] | None = None) -> None:
        self._fixed = limits is not None and any(limits)
        self._limits: NDArray[np.float64] | None = None
        self._kind = ''
        if limits is not None and self._fixed:
            if len(limits) != 2 or not -np.inf < limits[0] < limits[1] < np.inf:
                raise JtnError(
                    f'intensity_range is {list(limits)}; specify the values that become black and '
                    'white, the lower first'
                )
            self._limits = np.array(limits, np.float64)

    def apply(self, values: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Return values of any shape and type as uint8; NaN is black."""
        if not self._fixed:
            self._follow(values)
        if self._limits is None:  # an image without finite values
            return np.zeros(values.shape, np.uint8)
        low, high = self._limits.astype(np.float32)
        with np.errstate(over='ignore', invalid='ignore'):  # too large values are white
            work = np.clip(values.astype(np.float32), low, high)
        work = np.nan_to_num((work - low) * (np.float32(255) / (high - low)), nan=0.0)
        return np.rint(work).astype(np.uint8)

    def _follow(self, values: NDArray[np.generic]) -> None:
        """Move the limits toward those of an image."""
        flat = values.reshape(-1)[:: max(1, values.size // _SAMPLE)].astype(np.float64)
        finite = flat[np.abs(flat) < _LARGEST]
        if not len(finite):
            return
        low, high = np.percentile(finite, _PERCENTILES)
        # In a uniform image, scaling would only amplify noise.
        least = _LEAST_COUNTS if values.dtype.kind in 'ui' else 1e-3 * max(1e-3, abs(low))
        found = np.array([low, max(high, low + least)])
        kind = values.dtype.str[1:]  # in either byte order
        if self._limits is None or kind != self._kind:
            self._limits, self._kind = found, kind
        else:
            self._limits += _FOLLOWING * (found - self._limits)
