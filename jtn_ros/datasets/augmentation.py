"""Random augmentation of image pairs (CenterNet, section 5)."""

from dataclasses import dataclass
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.errors import JtnError
from jtn_ros.geometry import Letterbox
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

Frame = tuple[NDArray[np.uint8], Annotations]


@dataclass(frozen=True, kw_only=True)
class Augmentation(Settings):
    """The augmentation of image pairs. Both images get the same geometry and colors.

    Attributes:
        scale: minimum and maximum zoom.
        shift: maximum shift of the center, as a fraction of the image size (0 to 0.5).
        flip: probability of a mirror image.
        colour: maximum relative change of brightness, contrast and saturation (0 to 1).
        lighting: standard deviation of the light's color, along the principal components of the
            colors of photographs (0 to 1).
        grey: probability of a gray image.
        cast: probability of a color cast, with factors of up to two.
        blur: probability of a blurred image.
        noise: probability of a noisy image.
        jpeg: probability of strong JPEG compression.
        still_motion: standard deviation of the shift and zoom that simulate motion for a still
            image, as a fraction of the image size (0 to 0.5).
    """

    scale: tuple[float, float] = (0.7, 1.4)
    shift: float = setting(0.15, low=0.0, high=0.5)
    flip: float = setting(0.5, low=0.0, high=1.0)
    colour: float = setting(0.3, low=0.0, high=1.0)
    lighting: float = setting(0.0, low=0.0, high=1.0)
    grey: float = setting(0.0, low=0.0, high=1.0)
    cast: float = setting(0.0, low=0.0, high=1.0)
    blur: float = setting(0.0, low=0.0, high=1.0)
    noise: float = setting(0.0, low=0.0, high=1.0)
    jpeg: float = setting(0.0, low=0.0, high=1.0)
    still_motion: float = setting(0.05, low=0.0, high=0.5)

    def __post_init__(self) -> None:
        """Reject invalid values."""
        super().__post_init__()
        if not 0 < self.scale[0] <= self.scale[1]:
            raise JtnError(f'scale is {self.scale}; specify (smallest, largest) zoom above 0')

    def draw_letterbox(
        self, width: int, height: int, out_width: int, out_height: int, rng: np.random.Generator
    ) -> Letterbox:
        """Return a random zoom and shift from the source image to the network input."""
        fit = min(out_width / width, out_height / height)
        scale = fit * float(np.exp(rng.uniform(*np.log(self.scale))))
        center_x, center_y = rng.uniform(-self.shift, self.shift, 2) + 0.5
        return Letterbox(
            scale,
            out_width / 2 - scale * float(center_x) * width,
            out_height / 2 - scale * float(center_y) * height,
        )

    def move_letterbox(
        self, letterbox: Letterbox, width: int, height: int, rng: np.random.Generator
    ) -> Letterbox:
        """Return a simulated previous view of a still image (CenterTrack, 4.3).

        It is slightly shifted and zoomed. Shifts are limited to two standard deviations, zooms to
        one.
        """
        limit = self.still_motion
        shift = np.clip(rng.normal(0, limit, 2), -2 * limit, 2 * limit) * max(width, height)
        zoom = 1 / (1 + float(np.clip(rng.normal(0, limit), -limit, limit)))
        center = np.array([width, height]) / 2
        # The zoom keeps the center of the image in place. The shift follows.
        x, y = letterbox.scale * ((1 - zoom) * center + shift)
        return Letterbox(
            letterbox.scale * zoom, letterbox.offset_x + float(x), letterbox.offset_y + float(y)
        )

    def draw_camera(self, rng: np.random.Generator) -> 'Camera':
        """Return a random camera with image defects according to this augmentation."""
        grey, cast, blur, noise, jpeg = (
            rng.random() < share
            for share in (self.grey, self.cast, self.blur, self.noise, self.jpeg)
        )
        gains = np.exp(rng.uniform(-0.35, 0.35, 3)) if cast else np.ones(3)
        return Camera(
            gains=gains * 3 / gains.sum(),
            grey=grey,
            blur=float(rng.uniform(0.4, 1.6)) if blur else 0.0,
            noise=float(rng.uniform(2, 14)) if noise else 0.0,
            quality=int(rng.integers(15, 70)) if jpeg else 0,
        )

    def draw_color(
        self, rng: np.random.Generator
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return random factors of brightness, contrast and saturation, and a tint (3,)."""
        factors = 1 + rng.uniform(-self.colour, self.colour, 3)
        if not self.lighting:
            return factors, np.zeros(3)
        return factors, 255 * _COMPONENTS @ (rng.normal(0, self.lighting, 3) * _VARIANCES)


# Principal components of the colors of ImageNet, blue first (Krizhevsky et al., 2012, section
# 4.1; the values are those of CenterNet).
_VARIANCES = np.array([0.2141788, 0.01817699, 0.00341571])
_COMPONENTS = np.array(
    [
        [-0.58752847, -0.69563484, 0.41340352],
        [-0.5832747, 0.00994535, -0.81221408],
        [-0.56089297, 0.71832671, 0.41158938],
    ]
)


@dataclass(frozen=True, kw_only=True)
class Camera:
    """Image defects of a camera.

    Attributes:
        gains: factors (3,) of the channels.
        grey: whether the image is gray.
        blur: standard deviation of a Gaussian blur in pixels, 0 for none.
        noise: standard deviation of the noise in gray levels, 0 for none.
        quality: quality of the JPEG compression, 0 for none.
    """

    gains: NDArray[np.float64]
    grey: bool
    blur: float
    noise: float
    quality: int

    def photograph(self, image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the image (H, W, 3) with the defects of this camera."""
        picture = image
        if (self.gains != 1).any():
            picture = np.asarray(cv2.transform(picture, np.diag(self.gains)), np.uint8)
        if self.grey:
            grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
            picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
        if self.blur:
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), self.blur), np.uint8)
        if self.noise:
            grain = self.noise * rng.standard_normal(picture.shape, np.float32)
            picture = np.clip(picture + grain, 0, 255).astype(np.uint8)
        if self.quality:
            parameters = [cv2.IMWRITE_JPEG_QUALITY, self.quality]
            _, encoded = cv2.imencode('.jpg', picture, parameters)
            picture = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
        return picture


def mirror(frame: Frame) -> Frame:
    """Return the mirror image of a frame: column x becomes width - 1 - x."""
    image, annotations = frame
    boxes = annotations.boxes.copy()
    boxes[:, [0, 2]] = image.shape[1] - 1 - boxes[:, [2, 0]]
    return np.ascontiguousarray(image[:, ::-1]), replace(annotations, boxes=boxes)


def warp(
    image: NDArray[np.uint8], letterbox: Letterbox, width: int, height: int
) -> NDArray[np.uint8]:
    """Return the image in network pixels, black outside the source image.

    An image that is scaled down to less than half is halved first, as in the pipeline, because
    bilinear sampling would skip pixels.
    """
    while letterbox.scale < 0.5 and min(image.shape[:2]) > 1:
        even = image[: image.shape[0] & ~1, : image.shape[1] & ~1]
        image = np.asarray(cv2.resize(even, None, fx=0.5, fy=0.5), np.uint8)
        # Pixel k of the halved image is at 2 k + 0.5 in the full image.
        shift = 0.5 * letterbox.scale
        letterbox = Letterbox(
            2 * letterbox.scale, letterbox.offset_x + shift, letterbox.offset_y + shift
        )
    warped = cv2.warpAffine(image, letterbox.matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def change_color(
    image: NDArray[np.uint8], factors: NDArray[np.float64], tint: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Scale brightness, contrast (about the mean) and saturation (about gray), and add a tint.

    Args:
        image: uint8 BGR (H, W, 3).
        factors: factors of brightness, contrast and saturation; 1 changes nothing.
        tint: offsets of the channels, in gray levels.
    """
    brightness, contrast, saturation = factors
    # All steps are linear in the channels, so one 3x4 matrix replaces four passes.
    grey = np.array([0.114, 0.587, 0.299])
    matrix = saturation * np.eye(3) + (1 - saturation) * grey[None, :]
    mean = float(np.dot(cv2.mean(image)[:3], grey))
    offset = (1 - contrast) * mean * brightness + tint
    changed = cv2.transform(image, np.hstack([brightness * contrast * matrix, offset[:, None]]))
    return np.asarray(changed, np.uint8)
