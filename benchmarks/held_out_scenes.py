"""Synthetic scenes that are not used for training, the same for all benchmarks."""

from collections.abc import Iterator

from jtn_ros.inference import ModelInfo
from jtn_ros.synthetic import Scene
from jtn_ros.synthetic import SceneConfig

_FIRST_SEED = 2**31 + 500


def held_out_scenes(info: ModelInfo, count: int) -> Iterator[Scene]:
    """Yield scenes with 4 to 14 people, in the input size of a model."""
    for number in range(count):
        yield Scene(
            SceneConfig(
                width=info.input_width,
                height=info.input_height,
                seed=_FIRST_SEED + number,
                people=(4, 14),
            )
        )
