"""Information in recordings about the model of their tracks."""

from collections.abc import Sequence
from typing import NamedTuple


class Labels(NamedTuple):
    """The model and its classes.

    Attributes:
        model_name: name of the model.
        class_names: by class.
        confident_score: confidence threshold of the model.
    """

    model_name: str
    class_names: Sequence[str]
    confident_score: float
