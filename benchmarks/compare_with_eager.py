"""Compare this project with a plain PyTorch implementation, in alternation, on one machine.

    tools/run --dev python benchmarks/compare_with_eager.py [rounds]

All variants run the published network (random weights, 544x960) on 1080p images. The substitute
for the published implementation normalizes on the CPU in double precision, runs all six heads
everywhere, and computes its deformable convolutions in eager PyTorch: with one grid_sample (the
faster variant), or with torchvision's operator.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchvision.ops import deform_conv2d

from jtn_ros.inference import load_engine
from jtn_ros.inference.decode import decode_peaks
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import Peaks
from jtn_ros.inference.engine import random_inputs
from jtn_ros.inference.export import export_onnx
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig
from jtn_ros.network import deform_conv
from jtn_ros.network import peak_network
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import ReferenceTracker
from jtn_ros.tracking import Tracks

SIZE = (544, 960)


def by_grid_sample(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Sample all nine taps of a deformable convolution with one grid_sample."""
    number, channels, height, width = input.shape
    tap = torch.arange(9).view(1, 9, 1, 1)
    y = torch.arange(height).view(1, 1, -1, 1) + tap // 3 - 1 + offset[:, 0::2]
    x = torch.arange(width).view(1, 1, 1, -1) + tap % 3 - 1 + offset[:, 1::2]
    grid = torch.stack((2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1), -1)
    samples = functional.grid_sample(
        input, grid.view(number, 9 * height, width, 2), align_corners=True
    )
    samples = samples.view(number, channels, 9, height, width) * mask[:, None]
    product = weight.flatten(1) @ samples.flatten(1, 2).flatten(2)
    return (product + bias[:, None]).view(number, -1, height, width)


def by_torchvision(
    input: Tensor, offset: Tensor, mask: Tensor, weight: Tensor, bias: Tensor
) -> Tensor:
    """Use the compiled operator of torchvision."""
    return deform_conv2d(input, offset, weight, bias, padding=1, mask=mask)


class Eager:
    """The published per-frame loop in plain PyTorch and NumPy."""

    def __init__(self, network: JointTrackNet, deform_conv2d: Callable[..., Tensor]) -> None:
        self.network = network
        self.deform_conv2d = deform_conv2d
        self.tracker = ReferenceTracker()
        self.previous: Tensor | None = None

    def process(self, image: NDArray[np.uint8], stamp_ns: int) -> Tracks:
        config = self.network.config
        _, letterbox = letterbox_image(image, *SIZE, 'published')
        warped = cv2.warpAffine(image, letterbox.matrix, SIZE[::-1])
        mean, std = (np.array(given, np.float32) for given in (config.mean, config.std))
        normalized = (warped / 255.0 - mean) / std
        tensor = torch.from_numpy(normalized.astype(np.float32).transpose(2, 0, 1)[None].copy())
        previous = tensor if self.previous is None else self.previous
        self.previous = tensor
        patch = mock.patch.object(deform_conv, 'modulated_deform_conv2d', self.deform_conv2d)
        with torch.inference_mode(), patch:
            maps = self.network(tensor, previous)
            scores, classes, indices = peak_network.find_peaks(torch.sigmoid(maps['hm']), 100)
            maps['embedding'] = functional.normalize(maps['embedding'])
            values = {
                name: maps[name].flatten(2)[0, :, indices[0]].T[None]
                for name in ('tracking', 'ltrb_amodal', 'embedding')
            }
            width = maps['hm'].shape[3]
            cells = torch.stack((indices % width, indices // width), 2).float()
            described = peak_network.describe_peaks(config, cells, values)
        peaks = Peaks(
            scores=scores.numpy(),
            class_ids=classes.numpy().astype(np.int32),
            **{name: value.numpy() for name, value in described.items()},
        )
        return self.tracker.update(decode_peaks(peaks, letterbox), stamp_ns)


class DenseHeads(peak_network.PeakNetwork):
    """The exported graph with all published heads evaluated everywhere."""

    def forward(
        self,
        images: Tensor,
        previous_images: Tensor | None = None,
        prior_heatmaps: Tensor | None = None,
    ) -> dict[str, Tensor]:
        assert previous_images is not None
        features = self.network.features(
            self.normalize(images), self.normalize(previous_images), None
        )
        heatmap = torch.sigmoid(self.network.head('hm')(features))
        scores, classes, indices = peak_network.find_peaks(heatmap, self.config.top_k)
        values = {}
        for name in self.config.heads.keys() - {'hm'}:
            dense = self.network.head(name)(features).flatten(2).transpose(1, 2)
            index = indices[..., None].expand(-1, -1, dense.shape[2])
            values[name] = dense.gather(1, index)
        width = features.shape[3]
        cells = torch.stack((indices % width, indices // width), 2).float()
        described = peak_network.describe_peaks(self.config, cells, values)
        # Negligible, but it prevents back ends from removing the unused heads.
        described['boxes'] = described['boxes'] + 1e-9 * torch.cat(
            (values['reg'], values['wh']), 2
        )
        return {'scores': scores, 'class_ids': classes.to(torch.int32), **described}


def lively_network() -> JointTrackNet:
    """Return the published network with random weights and offsets of some pixels."""
    torch.manual_seed(0)
    network = JointTrackNet(
        NetworkConfig(prior_heatmap=False, letterbox='published', name='random_dla34')
    )
    with torch.no_grad():
        for name, module in network.named_modules():
            if isinstance(module, torch.nn.Conv2d) and 'conv_offset_mask' in name:
                module.weight.normal_(0, 0.02)
                assert module.bias is not None
                module.bias.normal_(0, 0.3)
    return network.eval()


def run_engine(
    engine: Engine, inputs: dict[str, NDArray[Any]], image: NDArray[np.uint8], stamp_ns: int
) -> Peaks:
    """Run only the network, on the same inputs for all images."""
    return engine.run(**inputs)


def main(rounds: int) -> None:
    """Print the medians of the times and of the ratios, as JSON."""
    network = lively_network()
    steps: dict[str, Callable[[NDArray[np.uint8], int], object]] = {
        'eager': Eager(network, by_grid_sample).process,
        'eager torchvision': Eager(network, by_torchvision).process,
    }
    engines = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in (('sparse', peak_network.PeakNetwork), ('dense', DenseHeads)):
            path = Path(folder) / f'{name}.onnx'
            with (
                mock.patch('jtn_ros.inference.export.PeakNetwork', kind),
                mock.patch('jtn_ros.inference.export._compare'),
            ):
                export_onnx(network, path)
            engines[f'{name} f32'] = load_engine(path, 'openvino', 'f32')
        with suppress(ValueError):  # some processors do not support bf16
            engines['sparse bf16'] = load_engine(path.with_stem('sparse'), 'openvino', 'bf16')
    for name in [name for name in engines if name.startswith('sparse')]:
        pipeline = TrackingPipeline(engine=engines[name], tracker=ReferenceTracker())
        steps[f'pipeline {name}'] = pipeline.process
    inputs = random_inputs(engines['sparse f32'].info)
    for name in ('dense f32', 'sparse f32'):
        steps[f'inference {name}'] = partial(run_engine, engines[name], inputs)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, 1080, 1920, 3), np.uint8)
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    busy: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, step in steps.items():
            started, started_busy = time.perf_counter(), time.process_time()
            step(images[number % 3], number * 40_000_000)
            if number:
                seconds[name].append(time.perf_counter() - started)
                busy[name].append(time.process_time() - started_busy)

    def ratio(first: str, second: str) -> list[float]:
        """Return the ratios of the elapsed times and of the processor times."""
        return [
            round(float(np.median(np.divide(times[first], times[second]))), 3)
            for times in (seconds, busy)
        ]

    result = {
        'milliseconds': {name: round(1e3 * np.median(times)) for name, times in seconds.items()},
        'fastest': {name: round(1e3 * min(times)) for name, times in seconds.items()},
        'processor': {name: round(1e3 * np.median(times)) for name, times in busy.items()},
        **{
            f'eager / {name.replace(" sparse", "")}': ratio('eager', name)
            for name in steps
            if name.startswith('pipeline')
        },
        'eager torchvision / pipeline f32': ratio('eager torchvision', 'pipeline sparse f32'),
        'inference sparse / dense f32': ratio('inference sparse f32', 'inference dense f32'),
        'rounds': rounds,
    }
    print(json.dumps(result, indent=2))


if __name__ == '__main__':
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
