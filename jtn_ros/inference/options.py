"""Parameters of the engine, in the node and on the command line."""

from dataclasses import dataclass
from dataclasses import replace
from typing import Literal

from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import Precision
from jtn_ros.inference.loading import Backend
from jtn_ros.inference.loading import load_engine
from jtn_ros.inference.model_choice import ModelChoice
from jtn_ros.inference.model_choice import choose_model
from jtn_ros.settings import Settings
from jtn_ros.settings import setting

AUTO = 'auto'
MODEL_DESCRIPTION = (
    'Path of an exported model, or the name of a bundled one. Empty selects the default bundled '
    'model. auto measures the model for two seconds, and selects its int8 version if it is too '
    'slow for a camera of 30 Hz on this machine. The result is stored in the cache folder.'
)


@dataclass(frozen=True, kw_only=True)
class EngineOptions(Settings):
    """The model and its back end; empty and 0 select the defaults of the engine."""

    model: str = setting('', MODEL_DESCRIPTION)
    backend: Literal['auto', Backend] = setting(
        'auto', 'Inference back end. auto selects the fastest one that is installed.'
    )
    precision: Literal['', Precision] = setting(
        '', 'Numeric precision of the network. Empty selects the default of the back end.'
    )
    device: str = setting(
        '',
        'Inference device in the notation of the back end, such as 0 (TensorRT), cuda:1 (torch) '
        'or GPU (openvino). Empty selects the default of the back end.',
    )
    threads: int = setting(
        0, 'Number of CPU threads for inference. 0 selects one per core.', low=0, high=256
    )

    def choose_model(self) -> ModelChoice:
        """Return the model to load: the named one, or the result of `model_choice`.

        Raises:
            OSError, JtnError: see `jtn_ros.inference.load_engine`.
        """
        if self.model != AUTO:
            return ModelChoice(model=self.model, reason='')
        return choose_model(
            lambda name: replace(self, model=name).load(),
            {'backend': self.backend, 'precision': self.precision, 'device': self.device},
            threads=self.threads or None,
        )

    def load(self) -> Engine:
        """Load the model.

        Raises:
            OSError, JtnError: see `jtn_ros.inference.load_engine`.
        """
        return load_engine(
            self.choose_model().model or None,
            self.backend,
            self.precision or None,
            device=self.device or None,
            threads=self.threads or None,
        )
