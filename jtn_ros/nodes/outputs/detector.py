"""Interfaces to the source of the detections, as needed by the outputs."""

from collections.abc import Sequence
from typing import Protocol


class Model(Protocol):
    """Information about a model, such as `jtn_ros.inference.engine.ModelInfo`."""

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
        """Return the confidence threshold."""
        ...


class Detector(Protocol):
    """A source of detections: a `jtn_ros.inference.Engine`, or another node."""

    @property
    def info(self) -> Model:
        """Return the information about the model."""
        ...

    @property
    def description(self) -> str:
        """Return a description of the engine, for log messages."""
        ...
