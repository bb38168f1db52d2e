"""Filter of detections: regions and masks in the image, classes, scores and sizes."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.errors import did_you_mean
from jtn_ros.geometry import box_centers
from jtn_ros.geometry import box_sizes
from jtn_ros.image_file import read_image
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

logger = logging.getLogger(__name__)

Mask = NDArray[np.bool_]

_CAMERA = '{camera}'


class Polygon(NamedTuple):
    """A region of the image of a camera.

    Attributes:
        camera: name of the camera; empty for all.
        corners: int32 (K, 2) in pixels.
    """

    camera: str
    corners: NDArray[np.int32]


@dataclass(frozen=True, kw_only=True)
class DetectionFilterSettings(Settings):
    """Settings that select the detections to track."""

    regions: tuple[str, ...] = setting(
        (),
        'Regions of interest. Only objects in one of them are tracked. Each is a polygon, '
        '"x,y x,y x,y ..." in pixels of the image. With several cameras, the prefix "NAME:" '
        'selects one.',
        live=True,
    )
    ignored_regions: tuple[str, ...] = setting(
        (),
        'Regions in which nothing is tracked, such as a mirror or a screen; polygons as in '
        'regions.',
        live=True,
    )
    mask_image: str = setting(
        '',
        'Path of an image that is black where nothing is tracked. It is scaled to the size of the '
        'camera images. {camera} is replaced by the name of the camera.',
        live=True,
    )
    region_point: Literal['bottom', 'center'] = setting(
        'bottom',
        'Point of a box that determines whether an object is in a region: the middle of its '
        'bottom edge (bottom), or its center.',
        live=True,
    )
    classes: tuple[str, ...] = setting(
        (), 'Names of the classes to track. Empty tracks all.', live=True
    )
    class_scores: tuple[str, ...] = setting(
        (),
        'Confidence thresholds of individual classes, such as "person=0.4". Detections of the '
        'class with this score or less are ignored.',
        live=True,
    )
    minimum_size: float = setting(
        0.0,
        'Minimum size of a box (square root of its area), in pixels of the image.',
        low=0.0,
        high=100000.0,
        live=True,
    )
    maximum_size: float = setting(
        0.0,
        'Maximum size of a box (square root of its area), in pixels of the image. 0 sets no '
        'limit.',
        low=0.0,
        high=100000.0,
        live=True,
    )

    @property
    def has_areas(self) -> bool:
        """Return whether the filter depends on the position in the image."""
        return bool(self.regions or self.ignored_regions or self.mask_image)

    def __post_init__(self) -> None:
        """Check every value.

        Raises:
            JtnError: if a value is outside its range, or is not a polygon or threshold.
        """
        super().__post_init__()
        for name in ('regions', 'ignored_regions'):
            for text in getattr(self, name):
                polygon_of(text, name)
        for text in self.class_scores:
            _score_of(text)
        if 0 < self.maximum_size < self.minimum_size:
            raise JtnError(
                f'maximum_size is {self.maximum_size:g}, and minimum_size {self.minimum_size:g}; '
                'the largest size must not be below the smallest'
            )


class DetectionFilter:
    """Removes the detections that are not tracked."""

    def __init__(
        self,
        settings: DetectionFilterSettings,
        class_names: Sequence[str],
        camera: str = '',
        cameras: Sequence[str] = (),
    ) -> None:
        """Read the mask, and check the settings that depend on the model and the cameras.

        Args:
            settings: the parameters of the filter.
            class_names: names by class index.
            camera: name of the camera; without one, regions of named cameras are skipped.
            cameras: names of all cameras.

        Raises:
            OSError: if the mask cannot be read.
            JtnError: if the mask is not an image, or a class or camera is not known.
        """
        self._settings = settings
        self._regions, self._ignored = (
            _polygons(getattr(settings, name), name, camera, cameras)
            for name in ('regions', 'ignored_regions')
        )
        self._picture: NDArray[np.uint8] | None = None
        if settings.mask_image:
            path = Path(settings.mask_image.replace(_CAMERA, camera))
            try:
                self._picture = read_image(path, cv2.IMREAD_GRAYSCALE)
            except (OSError, JtnError) as error:
                raise JtnError(f'mask_image is {str(path)!r}: {error}') from error
        # The last entries are those of classes without a name.
        self._wanted = np.full(len(class_names) + 1, not settings.classes)
        self._wanted[[_class_id(name, class_names, 'classes') for name in settings.classes]] = True
        self._thresholds = np.full(len(class_names) + 1, -np.inf, np.float32)
        for name, score in map(_score_of, settings.class_scores):
            self._thresholds[_class_id(name, class_names, 'class_scores')] = score
        self.mask = lru_cache(maxsize=1)(self._draw_mask)

    @property
    def has_areas(self) -> bool:
        """Return whether the filter depends on the position in the image of this camera."""
        return bool(self._regions or self._ignored or self._picture is not None)

    def apply(self, detections: Detections, height: int, width: int) -> Detections:
        """Return the detections to track; see `wanted`."""
        kept = self.wanted(detections, height, width)
        return detections if kept.all() else detections.select(kept)

    def wanted(self, detections: Detections, height: int, width: int) -> NDArray[np.bool_]:
        """Return a mask bool (N,) of the detections to track.

        Args:
            detections: detections of an image.
            height: image height in pixels.
            width: image width in pixels.
        """
        settings = self._settings
        sizes = np.sqrt(np.clip(box_sizes(detections.boxes), 0, None).prod(axis=1))
        kept = sizes >= settings.minimum_size
        if settings.maximum_size:
            kept &= sizes <= settings.maximum_size
        unnamed = len(self._wanted) - 1
        ids = detections.class_ids
        ids = np.where((ids >= 0) & (ids < unnamed), ids, unnamed)
        kept &= self._wanted[ids] & (detections.scores > self._thresholds[ids])
        if (mask := self.mask(height, width)) is not None:
            points = box_centers(detections.boxes)
            if settings.region_point == 'bottom':
                points[:, 1] = detections.boxes[:, 3]
            # For an object cut by the image border, use the nearest pixel in the image.
            columns, rows = np.rint(points).clip(0, (width - 1, height - 1)).astype(np.intp).T
            kept &= mask[rows, columns]
        return np.asarray(kept, np.bool_)

    def _draw_mask(self, height: int, width: int) -> Mask | None:
        """Return the mask bool (H, W) of the tracked area; None for the whole image."""
        if not self.has_areas:
            return None
        mask = np.full((height, width), not self._regions, np.uint8)
        for polygons, value in ((self._regions, 1), (self._ignored, 0)):
            for polygon in polygons:
                cv2.fillPoly(mask, [polygon.corners], value)
        if self._picture is not None:
            scaled = cv2.resize(self._picture, (width, height), interpolation=cv2.INTER_NEAREST)
            mask[scaled < 128] = 0
        if not mask.any():
            logger.warning(
                'the regions and masks exclude every pixel of images of %dx%d pixels',
                width,
                height,
            )
        return mask.astype(np.bool_)


def polygon_of(text: str, name: str) -> Polygon:
    """Return the polygon that a text describes.

    Args:
        text: such as ``0,0 640,0 640,480`` or ``front: 0,0 640,0 640,480``.
        name: name of the setting, for messages.

    Raises:
        JtnError: if the text is not a polygon.
    """
    camera, _, points = text.rpartition(':')
    try:
        corners = np.array([[float(value) for value in p.split(',')] for p in points.split()])
        largest = np.abs(corners).max()
        right = corners.ndim == 2 and corners.shape[1] == 2 and largest < 1e6
        if right and cv2.contourArea(corners.astype(np.float32)) > 0:
            return Polygon(camera.strip(), np.rint(corners).astype(np.int32))
    except (ValueError, TypeError):
        pass
    raise JtnError(
        f'{name} contains {text!r}; write a polygon of three or more corners as '
        '"x,y x,y x,y", in pixels of the image, or "NAME: x,y x,y x,y" for a camera'
    )


def _polygons(
    texts: Sequence[str], name: str, camera: str, cameras: Sequence[str]
) -> list[Polygon]:
    """Return the polygons of a camera.

    Raises:
        JtnError: if one is for a camera that does not exist.
    """
    polygons = [polygon_of(text, name) for text in texts]
    for polygon in polygons:
        if camera and polygon.camera not in ('', *cameras):
            hint = did_you_mean(polygon.camera, cameras)
            raise JtnError(
                f'{name} contains a polygon of the camera {polygon.camera!r}{hint}; the cameras: '
                f'{", ".join(cameras)}'
            )
    return [polygon for polygon in polygons if polygon.camera in ('', camera)]


def _score_of(text: str) -> tuple[str, float]:
    """Return the class and the threshold in a text such as ``person=0.4``.

    Raises:
        JtnError: if the text is not of this form.
    """
    name, _, score = text.rpartition('=')
    try:
        if name and 0 <= float(score) <= 1:
            return name.strip(), float(score)
    except ValueError:
        pass
    raise JtnError(
        f'class_scores contains {text!r}; write the name of a class and a score from 0 to 1, '
        'such as "person=0.4"'
    )


def _class_id(name: str, class_names: Sequence[str], setting_name: str) -> int:
    """Return the index of a class.

    Raises:
        JtnError: if the model does not have the class.
    """
    if name not in class_names:
        hint = did_you_mean(name, class_names)
        raise JtnError(
            f'{setting_name} contains {name!r}{hint}; the classes of the model: '
            f'{", ".join(class_names)}'
        )
    return list(class_names).index(name)
