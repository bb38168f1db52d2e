"""Selection of the bundled model: measured once, cached, and reported."""

import time
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.inference import Engine
from jtn_ros.inference import model_choice
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.model_choice import ModelChoice
from jtn_ros.inference.model_choice import choose_model
from jtn_ros.inference.options import EngineOptions

F32, INT8 = 'jtn_people', 'jtn_people_int8'
INFO = ModelInfo(name=F32, class_names=('person',), input_height=8, input_width=16)
OPTIONS = {'backend': 'auto'}

type Load = Callable[[str], Engine]


class Sleeper(Engine):
    """An engine that takes a known time, and finds nothing."""

    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(replace(INFO, name=name), 'Sleep CPU')
        self._seconds = seconds

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        time.sleep(self._seconds)
        size = len(inputs['images']), 1
        empty = np.zeros((*size, 2), np.float32)
        return {
            'scores': np.zeros(size, np.float32),
            'class_ids': np.zeros(size, np.int32),
            'centers': empty,
            'boxes': np.zeros((*size, 4), np.float32),
            'displacements': empty,
        }


def sleepers(f32_s: float, int8_s: float) -> Load:
    return lambda name: Sleeper(name, {F32: f32_s, INT8: int8_s}[name])


def refuse(name: str) -> Engine:
    raise JtnError(f'{name} was loaded')


def choose(load: Load, threads: int = 1, **options: str) -> ModelChoice:
    return choose_model(load, OPTIONS | options, threads=threads)


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder where choices are kept."""
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    monkeypatch.setattr(model_choice, '_TRIAL_S', 0.2)
    monkeypatch.setattr(model_choice, 'has_nvidia_gpu', lambda: False)
    return tmp_path / 'jtn_ros' / 'model_choice'


@pytest.mark.parametrize(
    ('f32_s', 'int8_s', 'expected'),
    [(0.06, 0.01, INT8), (0.06, 0.12, F32), (0.001, 0.0002, F32)],
)
def test_int8_is_taken_where_it_is_needed_and_faster_and_remembered(
    cache: Path, f32_s: float, int8_s: float, expected: str
) -> None:
    measured = choose(sleepers(f32_s, int8_s))
    assert measured.model == expected
    assert measured.reason.startswith('f32 took ')
    assert measured.reason.endswith('(Sleep CPU)')
    (path,) = cache.iterdir()
    kept = choose(refuse)
    assert kept == ModelChoice(model=expected, reason=f'{measured.reason}; stored in {path}')


@pytest.mark.parametrize('change', [{'threads': 2}, {'backend': 'onnxruntime'}])
def test_changes_that_affect_the_speed_cause_a_new_measurement(
    cache: Path, change: dict[str, Any]
) -> None:
    choose(sleepers(0.06, 0.001))
    assert choose(sleepers(0.001, 0.01), **change).model == F32
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize('content', ['', '[]', '{"model": "other", "reason": ""}', '{'])
def test_a_damaged_file_is_replaced(cache: Path, content: str) -> None:
    choose(sleepers(0.06, 0.001))
    (path,) = cache.iterdir()
    path.write_text(content)
    assert choose(sleepers(0.001, 0.01)).model == F32
    assert choose(refuse).model == F32


def test_a_cache_that_cannot_be_written_costs_only_the_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[str] = []
    monkeypatch.setattr(
        model_choice.logger, 'info', lambda text, *values: messages.append(text % values)
    )
    cache.parent.write_text('in the way')
    assert choose(sleepers(0.06, 0.001)).model == INT8
    assert messages[-1].startswith('the choice of the model cannot be stored: ')


def test_a_twin_that_does_not_run_is_named() -> None:
    def load(name: str) -> Engine:
        return refuse(name) if name == INT8 else Sleeper(name, 0.001)

    expected = 'jtn_people_int8 does not run: jtn_people_int8 was loaded'
    assert choose(load) == ModelChoice(model=F32, reason=expected)


def test_there_is_no_trial_beside_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_choice, 'has_nvidia_gpu', lambda: True)
    assert choose(refuse).model == F32


def test_the_bundled_models_are_tried_in_the_back_end_of_the_options() -> None:
    options = EngineOptions(model='auto', backend='onnxruntime', threads=1)
    choice = options.choose_model()
    assert 'ONNX Runtime CPU int8' in choice.reason
    assert options.load().info.name == choice.model
    named = EngineOptions(model=INT8).choose_model()
    assert named == ModelChoice(model=INT8, reason='')
