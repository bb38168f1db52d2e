"""Effects of lens, sensor and codec: vignette, colors, blur, noise, compression."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.synthetic.patch import motion_kernel
from jtn_ros.synthetic.texture import octave_noise

Image = NDArray[np.uint8]

_BANK = 64  # the noise pattern moves by up to this many pixels from frame to frame


class Sensor:
    """The imaging chain of one camera, with random but fixed settings."""

    def __init__(
        self, width: int, height: int, brightness: float, rng: np.random.Generator
    ) -> None:
        """Sample the settings for images of a size and a mean brightness, 0 to 255."""
        self._seed = int(rng.integers(2**32))
        self._light = self._sample_light(width, height, rng)
        self._curves = self._sample_curves(brightness, rng)
        self._saturation = float(
            rng.choice([1.0, rng.uniform(0.5, 1.3), 0.0], p=[0.3, 0.62, 0.08])
        )
        self._defocus = float(rng.choice([0.0, rng.uniform(0.3, 1.1)], p=[0.65, 0.35]))
        self._scale = float(rng.choice([1.0, rng.uniform(0.5, 0.9)], p=[0.88, 0.12]))
        self._sharpen = float(rng.choice([0.0, rng.uniform(0.2, 1.2)], p=[0.5, 0.5]))
        self._quality = int(rng.choice([100, rng.integers(30, 95)], p=[0.3, 0.7]))
        self.shutter_s = float(rng.uniform(0.002, 0.03))
        deviation = abs(rng.normal(0, 5))
        grain = rng.standard_normal((2 * _BANK, 3 * _BANK, 3), np.float32)
        if rng.random() < 0.5:
            grain = grain.mean(axis=2, keepdims=True) * np.full(3, 1.5, np.float32)
        if rng.random() < 0.4:
            grain = cv2.GaussianBlur(grain, (3, 3), 0) * 2
        grain *= deviation
        repeats = (height // (2 * _BANK) + 2, width // (3 * _BANK) + 2, 1)
        self._brighter, self._darker = (
            np.tile(np.clip(part, 0, 255).astype(np.uint8), repeats) for part in (grain, -grain)
        )

    @staticmethod
    def _sample_light(width: int, height: int, rng: np.random.Generator) -> Image:
        """Return (H, W, 3) brightness, 200 = 1: vignette, gradient and patches of light."""
        rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        columns = np.linspace(-1, 1, width, dtype=np.float32)[None]
        angle = rng.uniform(0, 2 * math.pi)
        gradient = (rows * math.sin(angle) + columns * math.cos(angle)) * abs(rng.normal(0, 0.12))
        vignette = (rows**2 + columns**2) * rng.uniform(0, 0.16)
        patches = octave_noise(rng, height, width, coarsest=2, octaves=3) * rng.uniform(0, 0.12)
        light = np.clip(1 + gradient - vignette + patches, 0.3, 1.27) * 200
        return cv2.merge([light.astype(np.uint8)] * 3)

    @staticmethod
    def _sample_curves(brightness: float, rng: np.random.Generator) -> Image:
        """Return the (256, 1, 3) tone curves: exposure, contrast, gamma, white balance."""
        levels = np.linspace(0, 1, 256)[:, None] * np.clip(rng.normal(1, 0.05, 3), 0.8, 1.2)
        # The exposure depends on the scene, with a random error.
        exposure = rng.uniform(60, 185) / max(brightness, 1)
        levels = np.clip(levels * min(max(exposure, 0.5), 2.5), 0, 1)
        levels = levels ** math.exp(rng.normal(0, 0.15))
        levels = 0.5 + (levels - 0.5) * rng.uniform(0.55, 1.3) + rng.normal(0, 0.08)
        return np.clip(levels * 255, 0, 255).astype(np.uint8)[:, None]

    def expose(self, image: Image, drift: tuple[float, float], time_ns: int) -> Image:
        """Return the sensor image of an ideal image at a time.

        Args:
            image: uint8 BGR (H, W, 3).
            drift: motion (x, y) of the image in pixels while the shutter is open.
            time_ns: time in nanoseconds, which determines the noise.

        """
        height, width = image.shape[:2]
        image = cv2.multiply(image, self._light, scale=1 / 200)
        if self._saturation != 1:
            gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
            image = cv2.addWeighted(image, self._saturation, gray, 1 - self._saturation, 0)
        image = cv2.LUT(image, self._curves)
        kernel = motion_kernel(*drift)
        if kernel is not None:
            image = cv2.filter2D(image, -1, kernel)
        if self._scale < 1:
            image = cv2.resize(
                image, None, fx=self._scale, fy=self._scale, interpolation=cv2.INTER_AREA
            )
        if self._defocus:
            image = cv2.GaussianBlur(image, (5, 5), self._defocus * self._scale)
        if self._scale < 1:
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
        if self._sharpen:
            soft = cv2.GaussianBlur(image, (5, 5), 1.2)
            image = cv2.addWeighted(image, 1 + self._sharpen, soft, -self._sharpen, 0)
        rng = np.random.default_rng((self._seed, time_ns))
        row, column = rng.integers(_BANK, size=2)
        window = np.s_[row : row + height, column : column + width]
        image = cv2.subtract(cv2.add(image, self._brighter[window]), self._darker[window])
        if self._quality < 100:
            _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, self._quality])
            image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        return image
