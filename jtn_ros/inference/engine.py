"""The interface of the inference back ends, and the metadata of model files."""

import json
from abc import ABC
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from typing import Any
from typing import Literal
from typing import Self

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.geometry import Letterboxing
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

# The entry of an ONNX file's metadata that holds `ModelInfo.to_json`.
METADATA_KEY = 'jtn_ros'

Precision = Literal['f32', 'f16', 'bf16']
FilePrecision = Literal['f32', 'f16', 'int8']


@dataclass(frozen=True, kw_only=True)
class ModelInfo(Settings):
    """The metadata inside an exported model.

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
            and 'corner' pad with gray, 'stretch' does not pad; see `jtn_ros.inference.preprocess`.
        confident_score: confidence threshold; detections below it only continue tracks.
        prior_threshold: minimum score of the tracks that are drawn in the prior heat map.
        precision: precision of the file: 'f32', 'f16' or 'int8' (convolutions; the rest is f32). A
            back end may compute with a lower one.
        training_data: description of the training data.
        licence: license of the weights.
    """

    name: str
    class_names: tuple[str, ...]
    input_height: int = setting(low=1)
    input_width: int = setting(low=1)
    stride: int = setting(4, low=1)
    top_k: int = setting(100, low=1)
    previous_image: bool = True
    prior_heatmap: bool = False
    embedding_dim: int = setting(0, low=0)
    displacement: bool = True
    letterbox: Letterboxing = 'fit'
    confident_score: float = setting(0.4, low=0.0, high=1.0, formerly='score_threshold')
    prior_threshold: float = setting(0.5, low=0.0, high=1.0)
    precision: FilePrecision = 'f32'
    training_data: str = 'unknown'
    licence: str = 'unknown'

    def __post_init__(self) -> None:
        """Reject invalid values."""
        super().__post_init__()
        if not self.class_names:
            raise JtnError('class_names is empty; expected one a class')

    def to_json(self) -> str:
        """Return the metadata as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            JtnError: if the text is not such an object.
        """
        try:
            values = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise JtnError(f'unusable model metadata {text[:80]!r}: {error}') from error
        return cls.from_mapping(values, 'model metadata')


@dataclass(frozen=True, kw_only=True)
class Peaks:
    """The K best peaks of each of B images, in output cells, best first.

    Attributes:
        scores: float32 (B, K); 0 marks an empty row.
        class_ids: int32 (B, K).
        centers: float32 (B, K, 2), x and y of the point used for association: the cell of the
            peak, or the center of the box if the model was trained that way (FairMOT).
        boxes: float32 (B, K, 4), ``x1 y1 x2 y2``.
        displacements: float32 (B, K, 2) to the previous frame, or None.
        embeddings: float32 (B, K, D), L2-normalized, or None.
    """

    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]
    centers: NDArray[np.float32]
    boxes: NDArray[np.float32]
    displacements: NDArray[np.float32] | None = None
    embeddings: NDArray[np.float32] | None = None


def check_inputs(
    info: ModelInfo,
    images: NDArray[np.uint8],
    previous_images: NDArray[np.uint8] | None,
    prior_heatmaps: NDArray[np.float32] | None,
) -> dict[str, NDArray[Any]]:
    """Return the inputs of a model's graph by name, contiguous.

    Raises:
        ValueError: if one is missing or not used, or has another shape or type.
    """
    size = (info.input_height, info.input_width)
    expected: dict[str, tuple[NDArray[Any] | None, type[np.generic], tuple[int, ...]]] = {
        'images': (images, np.uint8, (*size, 3))
    }
    if info.previous_image:
        expected['previous_images'] = (previous_images, np.uint8, (*size, 3))
    if info.prior_heatmap:
        expected['prior_heatmaps'] = (prior_heatmaps, np.float32, (1, *size))
    given = {'previous_images': previous_images, 'prior_heatmaps': prior_heatmaps}
    for name, value in given.items():
        if value is not None and name not in expected:
            raise ValueError(f'the model {info.name} accepts no {name}')
    inputs: dict[str, NDArray[Any]] = {}
    for name, (value, dtype, shape) in expected.items():
        if value is None:
            raise ValueError(f'the model {info.name} needs {name}')
        batch = len(images)
        if value.dtype != dtype or value.shape != (batch, *shape) or batch == 0:
            raise ValueError(
                f'{name} is {value.dtype} with shape {value.shape}; the model {info.name} accepts '
                f'{dtype.__name__} with shape (B, {", ".join(map(str, shape))})'
            )
        inputs[name] = np.ascontiguousarray(value)
    return inputs


def random_inputs(info: ModelInfo, batch: int = 1, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Return noise that fits `Engine.run`, for warming up, timing and comparing."""
    rng = np.random.default_rng(seed)
    size = (info.input_height, info.input_width)
    images = rng.integers(0, 256, (2, batch, *size, 3), np.uint8)
    inputs: dict[str, NDArray[Any]] = {'images': images[0]}
    if info.previous_image:
        inputs['previous_images'] = images[1]
    if info.prior_heatmap:
        inputs['prior_heatmaps'] = rng.random((batch, 1, *size), np.float32)
    return inputs


class Engine(ABC):
    """A network ready to run: stateless, batched, shared by all cameras."""

    def __init__(self, info: ModelInfo, description: str) -> None:
        """Store the metadata, and a description of back end, device and precision."""
        self._info = info
        self._description = description

    @property
    def info(self) -> ModelInfo:
        """Return the metadata of the model."""
        return self._info

    @property
    def description(self) -> str:
        """Return a description of back end, device and precision: ``OpenVINO CPU f32``."""
        return self._description

    def run(
        self,
        images: NDArray[np.uint8],
        previous_images: NDArray[np.uint8] | None = None,
        prior_heatmaps: NDArray[np.float32] | None = None,
    ) -> Peaks:
        """Return the peaks of B images.

        Args:
            images: uint8 BGR (B, H, W, 3), in the input size of the network.
            previous_images: the same of the previous frame of each camera, where the model takes
                them.
            prior_heatmaps: float32 (B, 1, H, W), 0 to 1, where the model takes them.

        Raises:
            ValueError: if a shape or type is not the model's.
        """
        inputs = check_inputs(self._info, images, previous_images, prior_heatmaps)
        return Peaks(**self.infer(inputs))

    @abstractmethod
    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        """Return the graph's outputs by name for its inputs by name, which `run` has checked.

        Engines that wrap another one call this; all other code calls `run`.
        """
