"""Random changes of an image pair that leave its meaning alone (CenterNet, section 5)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.datasets.annotations import Annotations
from jtn_ros.geometry import Letterbox

Frame = tuple[NDArray[np.uint8], Annotations]


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How far an image pair may be changed; both images get the same geometry.

    Attributes:
        scale: smallest and largest zoom.
        shift: largest shift of the centre, as a share of the image size (0 to 0.5).
        flip: probability of a mirror image.
        colour: brightness, contrast and saturation change by up to this share (0 to 1).
    """

    scale: tuple[float, float] = (0.7, 1.4)
    shift: float = 0.15
    flip: float = 0.5
    colour: float = 0.3

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

    def draw_colour(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return random factors of brightness, contrast and saturation."""
        return 1 + rng.uniform(-self.colour, self.colour, 3)


def mirror(frame: Frame) -> Frame:
    """Return the mirror image of a frame: column x becomes width - 1 - x."""
    image, annotations = frame
    boxes = annotations.boxes.copy()
    boxes[:, [0, 2]] = image.shape[1] - 1 - boxes[:, [2, 0]]
    mirrored = Annotations(
        ids=annotations.ids,
        boxes=boxes,
        class_ids=annotations.class_ids,
        visibilities=annotations.visibilities,
        ignored=annotations.ignored,
    )
    return np.ascontiguousarray(image[:, ::-1]), mirrored


def warp(
    image: NDArray[np.uint8], letterbox: Letterbox, width: int, height: int
) -> NDArray[np.uint8]:
    """Return the image in network pixels, black where it has none."""
    warped = cv2.warpAffine(image, letterbox.matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.asarray(warped, np.uint8)


def change_colour(image: NDArray[np.uint8], factors: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Scale brightness, contrast (about the mean) and saturation (about the grey image)."""
    brightness, contrast, saturation = factors
    # All three are linear in the channels: one 3x4 matrix instead of three passes.
    grey = np.array([0.114, 0.587, 0.299])
    matrix = saturation * np.eye(3) + (1 - saturation) * grey[None, :]
    mean = float(np.dot(cv2.mean(image)[:3], grey))
    offset = np.full((3, 1), (1 - contrast) * mean * brightness)
    changed = cv2.transform(image, np.hstack([brightness * contrast * matrix, offset]))
    return np.asarray(changed, np.uint8)
