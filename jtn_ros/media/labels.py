"""What recordings say about the model whose tracks they hold."""

from collections.abc import Sequence
from typing import NamedTuple


class Labels(NamedTuple):
    """The model and its classes.

    Attributes:
        model_name: name of the model.
        class_names: by class.
        confident_score: the tracker trusts detections from here on.
    """

    model_name: str
    class_names: Sequence[str]
    confident_score: float
