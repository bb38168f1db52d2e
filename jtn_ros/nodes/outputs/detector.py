"""What outputs say about where detections come from."""

from collections.abc import Sequence
from typing import Protocol


class Model(Protocol):
    """What is known about a model; `jtn_ros.inference.engine.ModelInfo` for one of ours."""

    @property
    def name(self) -> str:
        """Return its name."""
        ...

    @property
    def class_names(self) -> Sequence[str]:
        """Return one name per class; classes may be added while it runs."""
        ...

    @property
    def confident_score(self) -> float:
        """Return the score from which detections are trusted."""
        ...


class Detector(Protocol):
    """What makes detections; a `jtn_ros.inference.Engine`, or somebody else."""

    @property
    def info(self) -> Model:
        """Return what is known about the model."""
        ...

    @property
    def description(self) -> str:
        """Return what runs it, for people."""
        ...
