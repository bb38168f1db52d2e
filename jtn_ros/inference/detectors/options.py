"""What users say about a detector that its file does not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from typing import Literal

from jtn_ros.errors import JtnError
from jtn_ros.geometry import Letterboxing

Channels = Literal['bgr', 'rgb']
# In RGB, of values from 0 to 255.
IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)

BoxFormat = Literal['xyxy', 'yxyx', 'cxcywh']
BoxUnits = Literal['pixels', 'fractions']


@dataclass(frozen=True, kw_only=True)
class Preparation:
    """How an image becomes the input of a detector.

    Attributes:
        letterbox: how it is fitted, see `jtn_ros.inference.preprocess`.
        channels: order of the color channels.
        mean: of each channel of that order, subtracted from values from 0 to 255.
        std: of each channel, by which the result is divided.
    """

    letterbox: Letterboxing = 'stretch'
    channels: Channels = 'rgb'
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        """Refuse what cannot divide."""
        if not all(value > 0 for value in self.std):
            raise JtnError(f'the standard deviations {self.std} have to be above 0')


@dataclass(frozen=True, kw_only=True)
class Coding:
    """How a detector writes boxes and classes.

    Attributes:
        boxes: order of the numbers of a box.
        units: pixels of the input, or fractions of its width and height.
        first_class: column or label of the first class; those before it are background.
        decoded: whether YOLOX's boxes are pixels already (`--decode_in_inference`).
    """

    boxes: BoxFormat = 'xyxy'
    units: BoxUnits = 'fractions'
    first_class: int = 0
    decoded: bool = False

    def __post_init__(self) -> None:
        """Refuse columns that do not exist."""
        if self.first_class < 0:
            raise JtnError(f'the first class is {self.first_class}; specify its column, 0 or more')


@dataclass(frozen=True, kw_only=True)
class DetectorOptions:
    """What is given about a detector; None takes the default of its family or what the file says.

    Attributes:
        name: model name.
        class_names: one name per class; 'coco' alone stands for the 80 classes of COCO, 'coco91'
            for the same with the numbers of COCO's own files.
        input_size: height and width, for files that leave them open.
        preparation: fields of `Preparation` that differ from the default.
        coding: fields of `Coding` that differ from the default.
        overlap: intersection over union above which the lesser of two boxes of a class is
            suppressed.
        top_k: detections per image.
        confident_score: confidence threshold of the model.
        training_data: description of the training data.
        licence: license of the weights.
    """

    name: str | None = None
    class_names: tuple[str, ...] | None = None
    input_size: tuple[int, int] | None = None
    preparation: Mapping[str, Any] | None = None
    coding: Mapping[str, Any] | None = None
    overlap: float | None = None
    top_k: int = 100
    confident_score: float = 0.4
    training_data: str = 'unknown'
    licence: str = 'unknown'

    def __post_init__(self) -> None:
        """Refuse an overlap that no two boxes have."""
        if self.overlap is not None and not 0 <= self.overlap <= 1:
            raise JtnError(f'an overlap of {self.overlap} is not possible; specify 0 to 1')
