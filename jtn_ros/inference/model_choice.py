"""`model: auto`: the bundled model, or its int8 version if this machine is too slow for it."""

import hashlib
import json
import logging
import os
import platform
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from jtn_ros.errors import JtnError
from jtn_ros.files import cache_folder
from jtn_ros.files import written_atomically
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.loading import DEFAULT_MODEL
from jtn_ros.inference.loading import find_model
from jtn_ros.inference.loading import has_nvidia_gpu

logger = logging.getLogger(__name__)

INT8_MODEL = 'jtn_people_int8'
# An inference that leaves the rest of a frame enough time at 30 images per second. The twin is a
# little less accurate, so it is not taken where this is reached, or where it is hardly faster.
_FAST_ENOUGH_MS = 25.0
_WORTHWHILE = 0.9
_TRIAL_S, _FEWEST, _MOST = 2.0, 3, 100
# The name may be that of a family; the others say what it can do, on x86-64 and on Arm.
_FACTS = ('model name', 'flags', 'CPU part', 'Features')
_PACKAGES = ('openvino', 'onnxruntime', 'onnxruntime-gpu', 'torch', 'tensorrt')

type Load = Callable[[str], Engine]


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """The selected bundled model, and the reason.

    Attributes:
        model: its name.
        reason: why it was chosen, for log messages.
    """

    model: str
    reason: str


def choose_model(load: Load, options: Mapping[str, Any], *, threads: int | None) -> ModelChoice:
    """Return the int8 version if the bundled model is too slow for a camera of 30 Hz.

    This is measured for two seconds. The choice is stored in the user's cache folder, for the same
    processor, threads, options, versions of the back ends and model files. With a GPU, nothing is
    measured, because int8 is for CPUs.

    Args:
        load: loads a model by its name into the back end of the options.
        options: other settings that affect the speed: back end, precision, device.
        threads: CPU threads; None for one per core.

    Raises:
        OSError, JtnError: if the bundled model cannot be loaded.
    """
    if has_nvidia_gpu():
        return ModelChoice(model=DEFAULT_MODEL, reason='int8 is for processors without a GPU')
    path = cache_folder('model_choice') / f'{_fingerprint(options, threads)}.json'
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, LookupError, TypeError) as error:
        logger.info('%s contains no usable model choice: %s', path, error)
    choice = _try(load)
    try:
        with written_atomically(path) as temporary:
            temporary.write_text(json.dumps(asdict(choice)) + '\n', 'utf-8')
    except OSError as error:
        logger.info('the choice of the model cannot be stored: %s', error)
    return choice


def _read(path: Path) -> ModelChoice:
    """Return the choice stored in a file.

    Raises:
        OSError, ValueError, LookupError, TypeError: if it contains no valid choice.
    """
    kept = json.loads(path.read_text('utf-8'))
    if kept['model'] not in (DEFAULT_MODEL, INT8_MODEL):
        raise LookupError(f'no model {kept["model"]}')
    return ModelChoice(model=kept['model'], reason=f'{kept["reason"]}; stored in {path}')


def _try(load: Load) -> ModelChoice:
    """Run both models alternately, so that other load on the machine affects both equally."""
    engine = load(DEFAULT_MODEL)
    try:
        twin = load(INT8_MODEL)
    except (JtnError, OSError, RuntimeError) as error:
        return ModelChoice(model=DEFAULT_MODEL, reason=f'{INT8_MODEL} does not run: {error}')
    inputs = random_inputs(engine.info)
    seconds: list[tuple[float, float]] = []
    end = perf_counter() + _TRIAL_S
    while len(seconds) < _FEWEST or (perf_counter() < end and len(seconds) < _MOST):
        seconds.append((_time(engine, inputs), _time(twin, inputs)))
    times = np.array(seconds)
    faster = float(np.median(times[:, 1] / times[:, 0])) < _WORTHWHILE
    f32_ms, int8_ms = (times.min(axis=0) * 1e3).tolist()  # what is kept outlives a busy moment
    return ModelChoice(
        model=INT8_MODEL if faster and f32_ms > _FAST_ENOUGH_MS else DEFAULT_MODEL,
        reason=f'f32 took {f32_ms:.1f} ms at best, int8 {int8_ms:.1f} ms ({twin.description})',
    )


def _time(engine: Engine, inputs: Mapping[str, Any]) -> float:
    started = perf_counter()
    engine.run(**inputs)
    return perf_counter() - started


def _fingerprint(options: Mapping[str, Any], threads: int | None) -> str:
    """Return a hash of everything that determines which model is faster."""
    facts = {
        'rule': [_FAST_ENOUGH_MS, _WORTHWHILE],
        'processor': _processor(*_FACTS),
        'threads': threads or len(os.sched_getaffinity(0)),
        'versions': {name: _version(name) for name in _PACKAGES},
        'models': [
            hashlib.sha256(find_model(name).read_bytes()).hexdigest()
            for name in (DEFAULT_MODEL, INT8_MODEL)
        ],
        **options,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def processor_name() -> str:
    """Return the name of the processor of this machine."""
    return _processor('model name').partition(':')[2].strip() or platform.machine()


def _processor(*facts: str) -> str:
    """Return the lines of /proc/cpuinfo with these facts about the first processor."""
    information = Path('/proc/cpuinfo')
    if not information.exists():
        return platform.processor()
    first = information.read_text(errors='replace').partition('\n\n')[0]
    return '\n'.join(line for line in first.splitlines() if line.startswith(facts))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ''
