"""Processing time of each stage, for one configuration or several.

Several configurations alternate frame by frame in one process, so that other load on the machine
affects all of them equally. Compare their ratios.
"""

import itertools
import os
import platform
import time
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jtn_ros.errors import JtnError
from jtn_ros.inference import Engine
from jtn_ros.inference import find_model
from jtn_ros.inference import load_engine
from jtn_ros.inference.model_choice import processor_name
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.pipeline import STAGES
from jtn_ros.pipeline import TrackingPipeline

FRAME_NS = 40_000_000
TOTAL = 'total'
CPU = 'cpu'


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A configuration to measure; see `jtn_ros.inference.load_engine`.

    With a `batch` above 1, only preprocessing and inference are timed, for the whole batch.
    """

    model: str | None = None
    backend: str = 'auto'
    precision: str | None = None
    device: str | None = None
    threads: int | None = None
    batch: int = 1

    def __post_init__(self) -> None:
        """Check the batch size."""
        if self.batch < 1:
            raise JtnError(f'a batch of {self.batch} contains no image')


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """The measured times and memory of one configuration.

    Attributes:
        configuration: the configuration.
        engine: back end, device and precision.
        model: name of the model.
        input_size: height and width of the network input.
        file_mb: size of the model file in megabytes.
        memory_mb: increase in memory of the process after loading and the first run, in megabytes.
        seconds: (frames,) for each stage, for the whole frame, and for the processor time of the
            frame over all threads of the process.
        peaks: peaks per image.
    """

    configuration: Configuration
    engine: str
    model: str
    input_size: tuple[int, int]
    file_mb: float
    memory_mb: float
    seconds: dict[str, list[float]] = field(repr=False)
    peaks: int

    def milliseconds(self, stage: str, percentile: float = 50) -> float:
        """Return a percentile of the times of a stage, in milliseconds."""
        return float(np.percentile(self.seconds[stage], percentile)) * 1e3

    def summary(self) -> dict[str, Any]:
        """Return the measurement for the report, ready for JSON."""
        batch = self.configuration.batch
        return {
            'configuration': asdict(self.configuration),
            'engine': self.engine,
            'model': self.model,
            'input_size': list(self.input_size),
            'file_mb': round(self.file_mb, 2),
            'memory_mb': round(self.memory_mb, 1),
            'frames': len(self.seconds[TOTAL]),
            'stages_ms': {
                stage: {
                    'median': round(self.milliseconds(stage), 3),
                    'p95': round(self.milliseconds(stage, 95), 3),
                    'minimum': round(self.milliseconds(stage, 0), 3),
                }
                for stage in self.seconds
            },
            'images_per_second': round(1e3 * batch / self.milliseconds(TOTAL), 2),
            'peaks_per_second': round(1e3 * batch * self.peaks / self.milliseconds(TOTAL), 1),
        }


class _Run:
    """A loaded configuration, and its times so far."""

    def __init__(self, configuration: Configuration) -> None:
        before = resident_megabytes()
        self.configuration = configuration
        self.path = find_model(configuration.model)
        self.engine: Engine = load_engine(
            self.path,
            configuration.backend,
            configuration.precision,
            device=configuration.device,
            threads=configuration.threads,
        )
        self._pipeline = TrackingPipeline(engine=self.engine)
        self._stamp = 0
        stages = STAGES if configuration.batch == 1 else STAGES[:2]
        self.seconds: dict[str, list[float]] = {name: [] for name in (*stages, TOTAL, CPU)}
        self._before = before
        self.memory = 0.0

    def process(self, image: NDArray[np.uint8], *, count: bool) -> None:
        """Process the next frame, and record its times unless it is a warm-up frame."""
        busy, started = time.process_time(), time.perf_counter()
        stages = (
            self._process_batch(image) if self.configuration.batch > 1 else self._process(image)
        )
        stages[TOTAL] = time.perf_counter() - started
        stages[CPU] = time.process_time() - busy
        if count:
            for name, seconds in stages.items():
                self.seconds[name].append(seconds)
        else:
            self.memory = resident_megabytes() - self._before

    def _process(self, image: NDArray[np.uint8]) -> dict[str, float]:
        self._stamp += FRAME_NS
        return dict(self._pipeline.process(image, self._stamp).latencies)

    def _process_batch(self, image: NDArray[np.uint8]) -> dict[str, float]:
        info, batch = self.engine.info, self.configuration.batch
        started = time.perf_counter()
        size = (info.input_height, info.input_width)
        images = np.stack([letterbox_image(image, *size, info.letterbox)[0] for _ in range(batch)])
        heatmaps = np.zeros((batch, 1, *size), np.float32) if info.prior_heatmap else None
        prepared = time.perf_counter()
        self.engine.run(images, images if info.previous_image else None, heatmaps)
        return dict(
            zip(STAGES, (prepared - started, time.perf_counter() - prepared), strict=False)
        )

    def measurement(self) -> Measurement:
        info = self.engine.info
        return Measurement(
            configuration=self.configuration,
            engine=self.engine.description,
            model=info.name,
            input_size=(info.input_height, info.input_width),
            file_mb=Path(self.path).stat().st_size / 1e6,
            memory_mb=self.memory,
            seconds=self.seconds,
            peaks=info.top_k,
        )


def run_benchmark(
    configurations: Sequence[Configuration],
    images: Sequence[NDArray[np.uint8]],
    *,
    frames: int = 50,
    warm_up: int = 5,
) -> list[Measurement]:
    """Measure configurations, alternating frame by frame.

    Args:
        configurations: the configurations; the first is the reference for the ratios.
        images: uint8 BGR (H, W, 3), repeated as often as necessary.
        frames: number of timed frames.
        warm_up: number of frames before them that are not timed.

    Raises:
        JtnError: if there is nothing to measure, or a model cannot be run.
        OSError, ImportError: see `jtn_ros.inference.load_engine`.
    """
    if not configurations or not images or frames < 1:
        raise JtnError('nothing to measure: no configuration, no image or no frame')
    runs = [_Run(configuration) for configuration in configurations]
    stream: Iterator[NDArray[np.uint8]] = itertools.cycle(images)
    for number in range(warm_up + frames):
        image = next(stream)
        for run in runs:
            run.process(image, count=number >= warm_up)
    return [run.measurement() for run in runs]


def ratio(first: Measurement, second: Measurement, stage: str = TOTAL) -> float:
    """Return the ratio of the second time to the first: the median over the frames."""
    pairs = np.array(second.seconds[stage]) / np.array(first.seconds[stage])
    return float(np.median(pairs))


def report(measurements: Sequence[Measurement], image_size: tuple[int, int]) -> dict[str, Any]:
    """Return the measurements, their ratios to the first, and the machine, ready for JSON."""
    return {
        'machine': machine(),
        'image_size': list(image_size),
        'results': [measurement.summary() for measurement in measurements],
        'ratios_to_first': [
            {
                stage: round(ratio(measurements[0], measurement, stage), 3)
                for stage in ('inference', TOTAL, CPU)
            }
            for measurement in measurements[1:]
        ],
    }


def machine() -> dict[str, Any]:
    """Return a description of this machine."""
    return {
        'cpu': processor_name(),
        'cores': len(os.sched_getaffinity(0)),
        'load': round(os.getloadavg()[0], 2),
        'python': platform.python_version(),
    }


def resident_megabytes() -> float:
    """Return the memory of this process in megabytes; 0 if the system does not report it."""
    try:
        pages = int(Path('/proc/self/statm').read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf('SC_PAGE_SIZE') / 1e6
