"""A separate network for appearance: crops of detections in, embeddings out.

For detectors that have no embeddings, or poor ones. It takes the ONNX file of any network for
re-identification, as torchreid, FastReID and others export them.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.errors import JtnError
from jtn_ros.errors import one_line
from jtn_ros.errors import packages_for
from jtn_ros.files import what_came_instead
from jtn_ros.inference.detectors.options import IMAGENET_MEAN
from jtn_ros.inference.detectors.options import IMAGENET_STD
from jtn_ros.inference.detectors.options import Channels
from jtn_ros.inference.openvino_engine import cpu_threads
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

Floats = NDArray[np.float32]
# Images (B, 3, H, W) or (B, H, W, 3) to whatever the network returns.
Run = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True)
class AppearanceSettings(Settings):
    """A separate network that describes the appearance of detections."""

    appearance_model: str = setting(
        '',
        'ONNX file of a network for re-identification, which computes embeddings from crops of '
        'the detections. Empty uses the embeddings of the model, if it has any.',
    )
    appearance_budget: int = setting(
        16,
        'Maximum number of detections per frame for which appearance_model computes embeddings: '
        'those with the best scores. The others are associated by motion alone.',
        low=1,
        high=1000,
    )
    appearance_channels: Channels = setting(
        'rgb', 'Order of the color channels in the input of appearance_model.'
    )
    appearance_mean: tuple[float, ...] = setting(
        IMAGENET_MEAN,
        'Mean of each channel, from 0 to 255, that is subtracted from the input of '
        'appearance_model.',
    )
    appearance_std: tuple[float, ...] = setting(
        IMAGENET_STD,
        'Standard deviation by which each channel of the input of appearance_model is divided, '
        'above 0.',
    )

    def load_appearance(self, threads: int | None = None) -> 'AppearanceModel | None':
        """Return the network; None where there is none.

        Args:
            threads: number of CPU threads; None for one per core.

        Raises:
            OSError: if the file cannot be read.
            JtnError: see `AppearanceModel`.
        """
        if not self.appearance_model:
            return None
        return AppearanceModel(Path(self.appearance_model).expanduser(), self, threads)


class AppearanceModel:
    """Describes the appearance of detections. Cameras can share it."""

    def __init__(self, path: Path, settings: AppearanceSettings, threads: int | None) -> None:
        """Load a network into OpenVINO if it is installed, otherwise into ONNX Runtime.

        Args:
            path: ONNX file with one input, images (B, 3, H, W) or (B, H, W, 3) of a fixed size,
                and one vector per image as the first output.
            settings: how images are prepared.
            threads: number of CPU threads; None for one per core.

        Raises:
            OSError: if the file cannot be read.
            JtnError: if it is not such a network, the settings have not three channels, or no back
                end is installed.
        """
        self._settings = settings
        mean, std = settings.appearance_mean, settings.appearance_std
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise JtnError(
                f'appearance_mean {list(mean)} and appearance_std {list(std)} need three numbers '
                'each, the latter above 0'
            )
        if (what := what_came_instead(path)) is not None:
            raise JtnError(f'appearance_model: {path} is {what}')
        content = path.read_bytes()
        count = threads or len(os.sched_getaffinity(0))
        try:
            self._run, shape, backend = _load(content, count)
        except JtnError:
            raise
        except Exception as error:  # those of the back ends share no public base class
            raise JtnError(f'appearance_model: {path} cannot be run: {one_line(error)}') from error
        batch, *image = shape
        self._one_by_one = batch == 1
        self._channels_last = image[:1] != [3]
        channels = image[2:] if self._channels_last else image[:1]
        if len(image) != 3 or channels != [3] or min(image) < 1:
            raise JtnError(
                f'appearance_model: {path} accepts {tuple(shape)}; expected images (B, 3, H, W) '
                'or (B, H, W, 3) of a fixed size'
            )
        self._height, self._width = image[:2] if self._channels_last else image[1:]
        self.length = self.embed(np.zeros((1, self._height, self._width, 3), np.uint8)).shape[1]
        self.description = f'{path.stem} in {backend}: {self.length} numbers of a crop'

    def describe(self, image: NDArray[np.uint8], detections: Detections) -> Detections:
        """Return the detections with embeddings (N, D); zero for those that are not described.

        Args:
            image: uint8 BGR (H, W, 3).
            detections: in pixels of the image.
        """
        embeddings = np.zeros((len(detections), self.length), np.float32)
        limits = np.tile(image.shape[1::-1], 2)
        corners = np.rint(detections.boxes).clip(0, limits).astype(int)
        visible = (corners[:, 2:] > corners[:, :2]).all(axis=1)
        order = np.argsort(-detections.scores, kind='stable')
        rows = order[visible[order]][: self._settings.appearance_budget]
        if len(rows):
            size = (self._width, self._height)
            crops = [
                cv2.resize(image[top:bottom, left:right], size, interpolation=cv2.INTER_LINEAR)
                for left, top, right, bottom in corners[rows].tolist()
            ]
            embeddings[rows] = self.embed(np.stack(crops).astype(np.uint8))
        return replace(detections, embeddings=embeddings)

    def embed(self, crops: NDArray[np.uint8]) -> Floats:
        """Return unit vectors (B, D) of crops, uint8 BGR (B, H, W, 3) in the size of the input."""
        settings = self._settings
        rgb = settings.appearance_channels == 'rgb'
        values = (crops[..., ::-1] if rgb else crops).astype(np.float32)
        mean, std = (
            np.array(numbers, np.float32)
            for numbers in (settings.appearance_mean, settings.appearance_std)
        )
        values = (values - mean) / std
        if not self._channels_last:
            values = values.transpose(0, 3, 1, 2)
        values = np.ascontiguousarray(values)
        parts = np.split(values, len(values)) if self._one_by_one else [values]
        vectors = np.concatenate([self._run(part) for part in parts]).reshape(len(crops), -1)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def _load(content: bytes, threads: int) -> tuple[Run, list[int], str]:
    """Return what runs a network, the shape of its input with -1 where it is free, and where.

    Raises:
        JtnError: if it has several inputs, or no back end is installed.
    """
    try:
        import openvino
    except ImportError:
        return _load_in_onnxruntime(content, threads)
    core = openvino.Core()
    compiled = core.compile_model(
        core.read_model(content, b''),
        'CPU',
        cpu_threads(threads) | {'INFERENCE_PRECISION_HINT': 'f32'},
    )
    _expect_one_input([item.get_any_name() for item in compiled.inputs])

    def run(images: Floats) -> Floats:
        request = compiled.create_infer_request()  # a request serves one camera at a time
        request.infer([images])
        return np.array(request.get_output_tensor(0).data)

    shape = compiled.input(0).partial_shape
    sizes = [size.get_length() if size.is_static else -1 for size in shape]
    return run, sizes, f'OpenVINO {openvino.__version__.partition("-")[0]}'


def _load_in_onnxruntime(content: bytes, threads: int) -> tuple[Run, list[int], str]:
    """Do the same in ONNX Runtime."""
    with packages_for('appearance_model needs', 'onnxruntime'):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])
    _expect_one_input([item.name for item in session.get_inputs()])
    (item,) = session.get_inputs()

    def run(images: Floats) -> Floats:
        return np.asarray(session.run(None, {item.name: images})[0])

    sizes = [size if isinstance(size, int) else -1 for size in item.shape]
    return run, sizes, f'ONNX Runtime {onnxruntime.__version__}'


def _expect_one_input(names: list[str]) -> None:
    """Refuse networks that want more than the image.

    Raises:
        JtnError: if there are several inputs, or none.
    """
    if len(names) != 1:
        raise JtnError(f'appearance_model has the inputs {", ".join(names)}; expected one image')
