"""Detections from messages of another node instead of a model."""

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from threading import Lock
from typing import Literal
from typing import overload

import numpy as np
from numpy.typing import NDArray

from jtn_ros.nodes.common.problem import Problem
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

InputKind = Literal['images', 'detections', 'detections_3d']

# Confidence threshold for detectors of which nothing is known.
_CONFIDENT_SCORE = 0.5
# Maximum number of names in addition to the configured ones; the largest datasets have fewer
# (LVIS: 1,203).
MOST_NEW_NAMES = 2000
_SHOWN_CHARACTERS = 40
# Number of a class beyond the limit of names.
NO_CLASS = -1


@dataclass(frozen=True, kw_only=True)
class ForeignDetectionSettings(Settings):
    """The input to track: images, or the detections of another node."""

    input: InputKind = setting(
        'images',
        'Input to track. images runs the model on the topic image. detections and detections_3d '
        'subscribe to vision_msgs/Detection2DArray or Detection3DArray of another node on the '
        'topic detections, and load no model.',
    )
    class_names: tuple[str, ...] = setting(
        (),
        'Class names, for detections whose class_id is a number. Other names are added as they '
        'arrive.',
    )
    detection_images: bool = setting(
        False,
        'With input detections: also subscribe to image, and use the images with the timestamps '
        'of the detections to estimate the camera motion and for ~/debug_image.',
    )


class ClassRegistry(Sequence[str]):
    """Class names, numbered in the order of their arrival. Thread-safe.

    A detector with an unlimited number of names would fill the memory, so the number is limited.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Start with known names."""
        self._names = list(names)
        self._known = len(self._names)
        self._numbers = {name: number for number, name in enumerate(self._names)}
        self._room = MOST_NEW_NAMES
        self._refused: str | None = None
        self._lock = Lock()

    @property
    def problem(self) -> Problem | None:
        """Return the problem of too many names; None if there are not too many."""
        if self._refused is None:
            return None
        name = self._refused[:_SHOWN_CHARACTERS]
        return Problem(
            'too many classes',
            f'{MOST_NEW_NAMES} class names have arrived, so detections of further classes, such '
            f'as {name!r}, are skipped; publish the class as class_id in the detector, not a '
            'value that changes from object to object',
        )

    def add(self, names: Iterable[str]) -> None:
        """Add names that the user configures; they do not count toward the limit."""
        with self._lock:
            for name in names:
                if self._known_number(name) is None:
                    self._append(name)

    def numbers_of(self, names: Iterable[str]) -> NDArray[np.int32]:
        """Return the numbers (N,) of classes; new names are added, and -1 is beyond the limit.

        A name that is a number refers to the class with that number, if it was known from the
        start.
        """
        with self._lock:
            return np.array([self._number(name) for name in names], np.int32)

    def _number(self, name: str) -> int:
        number = self._known_number(name)
        if number is not None:
            return number
        if not self._room:
            self._refused = name
            return NO_CLASS
        self._room -= 1
        return self._append(name)

    def _known_number(self, name: str) -> int | None:
        number = self._numbers.get(name)
        if number is None and name.isdecimal() and int(name) < self._known:
            return int(name)
        return number

    def _append(self, name: str) -> int:
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
    """Information about the model of another node."""

    class_names: ClassRegistry
    name: str = 'another detector'
    confident_score: float = _CONFIDENT_SCORE


@dataclass(frozen=True, kw_only=True)
class ForeignDetector:
    """A node that publishes detections."""

    info: ForeignModel
    description: str = field(default='another node')
