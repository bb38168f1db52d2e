"""Detections that come as messages, in place of a model."""

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from threading import Lock
from typing import Literal
from typing import overload

import numpy as np
from numpy.typing import NDArray

from jtn_ros.settings import Settings
from jtn_ros.settings import setting

InputKind = Literal['images', 'detections', 'detections_3d']

# What a score is worth that nobody said anything about.
_CONFIDENT_SCORE = 0.5


@dataclass(frozen=True, kw_only=True)
class ForeignDetectionSettings(Settings):
    """What is tracked: images, or the detections of another node."""

    input: InputKind = setting(
        'images',
        'What is tracked. images runs the model on image. detections and detections_3d take '
        'vision_msgs/Detection2DArray or Detection3DArray on detections from another node, and '
        'load no model.',
    )
    class_names: tuple[str, ...] = setting(
        (),
        'Names of the classes, for detections whose class_id is a number. Other names are added '
        'as they come.',
    )
    detection_images: bool = setting(
        False,
        'With detections: also subscribe to image, and use the images with the timestamps of the '
        'detections for the motion of the camera and for ~/debug_image.',
    )


class ClassRegistry(Sequence[str]):
    """The names of classes, numbered in the order in which they come; for several threads."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Start with known names."""
        self._names = list(names)
        self._known = len(self._names)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._lock = Lock()

    def numbers_of(self, names: Iterable[str]) -> NDArray[np.int32]:
        """Return the numbers (N,) of classes; new ones are added.

        A name that is a number stands for the class of that number, where it was known from the
        start.
        """
        with self._lock:
            return np.array([self._number(name) for name in names], np.int32)

    def _number(self, name: str) -> int:
        if name not in self._numbers:
            if name.isdecimal() and int(name) < self._known:
                return int(name)
            self._numbers[name] = len(self._names)
            self._names.append(name)
        return self._numbers[name]

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...

    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        return self._names[index]

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True, kw_only=True)
class ForeignModel:
    """What is known about the model of another node."""

    class_names: ClassRegistry
    name: str = 'another detector'
    confident_score: float = _CONFIDENT_SCORE


@dataclass(frozen=True, kw_only=True)
class ForeignDetector:
    """A node that publishes detections."""

    info: ForeignModel
    description: str = field(default='another node')
