"""The contract of every inference back end, and what a model file says about itself."""

from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import fields
import json
from typing import Protocol
from typing import Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """The metadata that travels inside an exported model, so that no user has to repeat it.

    Attributes:
        name: model name, for messages and reports.
        class_names: one name per class.
        input_height: network input height in pixels.
        input_width: network input width in pixels.
        stride: network pixels per output cell.
        top_k: peaks per image.
        previous_image: whether the graph takes the previous image.
        prior_heatmap: whether the graph takes the heat map of earlier tracks.
        embedding_dim: length of the identity embedding; 0 without one.
        displacement: whether the graph estimates the displacement to the previous frame.
        letterbox: 'fit' keeps the whole image, 'published' scales by the width alone, 'fairmot'
            pads with grey (see `jtn_ros.inference.preprocess`).
        score_threshold: detections at or below are dropped unless the user says otherwise.
        prior_threshold: tracks scoring less are not drawn in the prior heat map.
        training_data: what the weights were trained on.
        licence: licence of the weights.
    """

    name: str
    class_names: tuple[str, ...]
    input_height: int
    input_width: int
    stride: int = 4
    top_k: int = 100
    previous_image: bool = True
    prior_heatmap: bool = False
    embedding_dim: int = 0
    displacement: bool = True
    letterbox: str = 'fit'
    score_threshold: float = 0.4
    prior_threshold: float = 0.5
    training_data: str = 'unknown'
    licence: str = 'unknown'

    def to_json(self) -> str:
        """Return the metadata as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: if the text is not such an object.
        """
        values = json.loads(text)
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or not set(values) <= known:
            raise ValueError(f'not the metadata of a jtn_ros model: {text[:80]!r}')
        try:
            return cls(**{**values, 'class_names': tuple(values['class_names'])})
        except (KeyError, TypeError) as error:
            raise ValueError(f'incomplete model metadata: {error}') from error


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """The K best peaks of each of B images, in output cells, best first.

    Attributes:
        scores: float32 (B, K); 0 marks a row that holds nothing.
        class_ids: int32 (B, K).
        cells: float32 (B, K, 2), x and y of the peak's cell.
        boxes: float32 (B, K, 4), ``x1 y1 x2 y2``.
        displacements: float32 (B, K, 2) to the previous frame, or None.
        embeddings: float32 (B, K, D), L2-normalised, or None.
    """

    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    cells: NDArray[np.float32]
    boxes: NDArray[np.float32]
    displacements: NDArray[np.float32] | None = None
    embeddings: NDArray[np.float32] | None = None


class Engine(Protocol):
    """A network that runs: stateless, batched, shared by all cameras."""

    @property
    def info(self) -> ModelInfo:
        """Return what the model says about itself."""
        ...

    @property
    def description(self) -> str:
        """Return back end, device and precision, for people: ``OpenVINO CPU f32``."""
        ...

    def run(
        self,
        images: NDArray[np.uint8],
        previous_images: NDArray[np.uint8],
        prior_heatmaps: NDArray[np.float32] | None = None,
    ) -> Peaks:
        """Return the peaks of B images.

        Args:
            images: uint8 BGR (B, H, W, 3) of the network's input size.
            previous_images: the same of the previous frame of each camera.
            prior_heatmaps: float32 (B, 1, H, W) where the model takes them; None means empty.

        Raises:
            ValueError: if a shape or type is not the model's.
        """
        ...
