"""Comparison with the published per-frame loop for each image: same identities and values."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from jtn_ros import TrackingPipeline
from jtn_ros.inference import load_engine
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.export import export_onnx
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig
from jtn_ros.network.peak_network import PeakNetwork
from jtn_ros.tracking import ReferenceTracker

from parity_weights import parity_weights

GOLDEN = Path(__file__).parent / 'goldens' / 'e2e_noprehm_age50.npz'


def golden_frame(number: int) -> NDArray[np.uint8]:
    """Draw frame 0 to 23 of the goldens' video: six patterned rectangles, some of them away."""
    blocks = np.random.default_rng(9).integers(60, 120, (32, 48, 3))
    image = np.kron(blocks, np.ones((8, 8, 1), np.int64))
    rows, columns = np.mgrid[:256, :384]
    channels = np.arange(3)
    for k in range(6):
        if (number + 5 * k) % 12 in (7, 8):
            continue
        top = 20 + 25 * k + (number * (k - 2)) // 2
        left = 30 + 50 * k + number * (3 - k)
        y, x = rows - top, columns - left
        inside = (y >= 0) & (y < 40 + 8 * k) & (x >= 0) & (x < 20 + 4 * k)
        checker = ((y // 4 + x // 4) % 2)[..., None]
        pattern = (37 * (k + 1) * (channels + 1) + 16 * checker * (channels + 2)) % 256
        image = np.where(inside[..., None], pattern, image)
    return image.astype(np.uint8)


@pytest.fixture(scope='module')
def network() -> JointTrackNet:
    """Return the published network with the weights of the goldens."""
    network = JointTrackNet(
        NetworkConfig(
            prior_heatmap=False, input_height=128, input_width=192, letterbox='published'
        )
    )
    weights = parity_weights(101)
    network.load_state_dict(
        {name: torch.from_numpy(weights[name]) for name in network.state_dict()}
    )
    with torch.no_grad():
        network.get_parameter('hm.2.bias').add_(2.6)
    return network.eval()


@pytest.fixture(scope='module')
def torch_engine(network: JointTrackNet) -> TorchEngine:
    return TorchEngine(PeakNetwork(network), device='cpu')


@pytest.fixture(scope='module')
def openvino_engine(network: JointTrackNet, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    path = tmp_path_factory.mktemp('parity') / 'published.onnx'
    export_onnx(network, path)
    return load_engine(path, 'openvino', 'f32')


@pytest.mark.parametrize('engine', ['torch_engine', 'openvino_engine'])
def test_the_whole_loop_gives_the_published_identities(
    engine: str, request: pytest.FixtureRequest
) -> None:
    golden = np.load(GOLDEN)
    pipeline = TrackingPipeline(
        engine=request.getfixturevalue(engine), tracker=ReferenceTracker(max_age=50)
    )
    bounds = golden['ptr'], golden['det_ptr']
    for number in range(24):
        result = pipeline.process(golden_frame(number), number * 40_000_000)
        tracks, found = result.tracks, result.detections
        rows, seen = (slice(bound[number], bound[number + 1]) for bound in bounds)
        np.testing.assert_array_equal(tracks.ids, golden['id'][rows])
        assert found.displacements is not None
        for value, expected, tolerance in (
            (tracks.scores, golden['score'][rows], 1e-4),
            (tracks.boxes, golden['bbox'][rows], 1e-2),
            (tracks.centers, golden['ct'][rows], 1e-2),
            (found.scores, golden['det_score'][seen], 1e-4),
            (found.boxes, golden['det_bbox'][seen], 1e-2),
            (found.centers, golden['det_ct'][seen], 1e-2),
            (found.displacements, golden['det_tracking'][seen], 1e-2),
        ):
            np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance)
