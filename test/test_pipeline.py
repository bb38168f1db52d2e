"""The pipeline from images to tracks: its state, and rejected inputs."""

import threading
import time
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from jtn_ros.camera_flow import CameraFlow
from jtn_ros.geometry import Letterbox
from jtn_ros.inference.engine import Engine
from jtn_ros.inference.engine import ModelInfo
from jtn_ros.inference.torch_engine import TorchEngine
from jtn_ros.network import JointTrackNet
from jtn_ros.network import NetworkConfig
from jtn_ros.network.peak_network import PeakNetwork
from jtn_ros.pipeline import STAGES
from jtn_ros.pipeline import TrackingPipeline
from jtn_ros.tracking import ReferenceTracker
from jtn_ros.tracking import Tracker
from jtn_ros.tracking import Tracks

FRAME = 40_000_000


class BrightSpotEngine(Engine):
    """A simple real engine: it detects the white square and its previous position."""

    def __init__(self, prior_heatmap: bool = False, confident_score: float = 0.4) -> None:
        """Describe itself; the arguments are those of `ModelInfo`."""
        info = ModelInfo(
            name='spot',
            class_names=('spot',),
            input_height=96,
            input_width=160,
            prior_heatmap=prior_heatmap,
            confident_score=confident_score,
        )
        super().__init__(info, 'NumPy')
        self.heatmaps: list[NDArray[np.float32]] = []

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        images = inputs['images']
        if self.info.prior_heatmap:
            self.heatmaps.append(inputs['prior_heatmaps'])
        boxes = np.array([[self._find(image)] for image in images], np.float32) / 4
        before = np.array([[self._find(image)] for image in inputs['previous_images']], np.float32)
        before /= 4
        middle = (boxes[..., :2] + boxes[..., 2:]) / 2
        score = np.where(images.max(axis=(1, 2, 3)) > 200, 0.9, 0.0).astype(np.float32)
        return {
            'scores': score[:, None],
            'class_ids': np.zeros((len(images), 1), np.int32),
            'centers': middle,
            'boxes': boxes,
            'displacements': (before[..., :2] + before[..., 2:]) / 2 - middle,
        }

    @staticmethod
    def _find(image: NDArray[np.uint8]) -> list[int]:
        rows = np.flatnonzero((image > 200).any(axis=(1, 2)))
        columns = np.flatnonzero((image > 200).any(axis=(0, 2)))
        if not len(rows):
            return [0, 0, 0, 0]
        return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]


def frame(left: int, top: int = 100, size: tuple[int, int] = (480, 640)) -> NDArray[np.uint8]:
    """Return a dark image with a white square of 60 pixels."""
    image = np.zeros((*size, 3), np.uint8)
    image[top : top + 60, left : left + 60] = 255
    return image


@pytest.mark.parametrize('tracker', [Tracker, ReferenceTracker])
def test_a_moving_square_keeps_its_identity_and_its_place(
    tracker: type[Tracker] | type[ReferenceTracker],
) -> None:
    pipeline = TrackingPipeline(engine=BrightSpotEngine(), tracker=tracker())
    ids: set[int] = set()
    for number in range(12):
        left = 50 + 10 * number
        tracks = pipeline.process(frame(left), number * FRAME).tracks
        if number:
            ids |= set(tracks.ids.tolist())
            # One network pixel is five source pixels here.
            np.testing.assert_allclose(tracks.boxes, [[left, 100, left + 60, 160]], atol=6)
    assert len(ids) == 1
    np.testing.assert_allclose(tracks.velocities, [[250, 0]], atol=30)


def test_displacements_point_to_where_the_square_was() -> None:
    pipeline = TrackingPipeline(engine=BrightSpotEngine())
    detections = pipeline.process(frame(100), 0).detections
    np.testing.assert_array_equal(detections.displacements, [[0, 0]])
    detections = pipeline.process(frame(150), FRAME).detections
    assert detections.displacements is not None
    np.testing.assert_allclose(detections.displacements, [[-50, 0]], atol=5)
    pipeline.reset()
    detections = pipeline.process(frame(200), 2 * FRAME).detections
    np.testing.assert_array_equal(detections.displacements, [[0, 0]])


def test_tracks_move_along_with_the_camera() -> None:
    """The camera moves while nothing is detected; the flow of the background gives the motion."""
    rng = np.random.default_rng(0)
    background = cv2.resize(rng.integers(0, 190, (18, 24, 3), np.uint8), (960, 720))

    def look(left: int, with_square: bool = True) -> NDArray[np.uint8]:
        image = background[100:580, 200 - left : 840 - left].copy()
        if with_square:
            image[200:260, 200 + left : 260 + left] = 255
        return image

    pipeline = TrackingPipeline(engine=BrightSpotEngine())
    for number in range(6):
        before = pipeline.process(look(0), number * FRAME).tracks
    after = pipeline.process(look(40, with_square=False), 6 * FRAME).tracks
    assert before.ids.tolist() == after.ids.tolist() == [1]
    np.testing.assert_allclose(after.boxes - before.boxes, [[40, 0, 40, 0]], atol=3)


def test_the_prior_heat_map_shows_the_tracks_so_far() -> None:
    engine = BrightSpotEngine(prior_heatmap=True)
    pipeline = TrackingPipeline(engine=engine)
    pipeline.process(frame(300), 0)
    pipeline.process(frame(300), FRAME)
    assert not engine.heatmaps[0].any()
    assert engine.heatmaps[1].shape == (1, 1, 96, 160)
    y, x = np.unravel_index(engine.heatmaps[1].argmax(), (96, 160))
    # 480x640 fits 96x160 at a fifth, 16 columns from the left.
    assert abs(x - (16 + 330 / 5)) <= 1.5
    assert abs(y - 130 / 5) <= 1.5


def test_empty_frames_age_the_tracks() -> None:
    pipeline = TrackingPipeline(engine=BrightSpotEngine())
    for number in range(4):
        pipeline.process(frame(100), number * FRAME)
    blank = np.zeros((480, 640, 3), np.uint8)
    result = pipeline.process(blank, 4 * FRAME)
    assert result.tracks.unseen_ns.tolist() == [FRAME]
    assert len(result.detections) == 0
    for number in range(5, 5 + 400):
        tracks = pipeline.process(blank, number * FRAME).tracks
    assert len(tracks) == 0


def test_another_image_size_starts_over() -> None:
    pipeline = TrackingPipeline(engine=BrightSpotEngine())
    for number in range(3):
        pipeline.process(frame(100), number * FRAME)
    result = pipeline.process(frame(400, 300, (720, 1280)), 3 * FRAME)
    assert result.tracks.ages.tolist() == [0]
    np.testing.assert_array_equal(result.detections.displacements, [[0, 0]])


def test_every_stage_is_timed() -> None:
    pipeline = TrackingPipeline(engine=BrightSpotEngine())
    latencies = pipeline.process(frame(100), 0).latencies
    assert tuple(latencies) == STAGES
    assert all(0 < seconds < 5 for seconds in latencies.values())


class SlowCameraFlow(CameraFlow):
    def measure(
        self, fitted: NDArray[np.uint8], letterbox: Letterbox, size: tuple[int, int]
    ) -> NDArray[np.float64]:
        time.sleep(0.2)
        return super().measure(fitted, letterbox, size)


def test_the_motion_of_the_camera_is_a_stage_of_its_own() -> None:
    pipeline = TrackingPipeline(engine=BrightSpotEngine())
    pipeline._camera_flow = SlowCameraFlow()
    latencies = pipeline.process(frame(100), 0).latencies
    slow = [stage for stage, seconds in latencies.items() if seconds >= 0.2]
    assert slow == ['camera_motion']


@pytest.mark.parametrize(
    'bad', [np.zeros((480, 640), np.uint8), np.zeros((4, 4, 3), np.float32), None]
)
def test_invalid_images_do_not_change_the_tracks(bad: Any) -> None:
    pipeline = TrackingPipeline(engine=BrightSpotEngine())
    for number in range(3):
        before = pipeline.process(frame(100), number * FRAME).tracks
    with pytest.raises(ValueError, match='expected'):
        pipeline.process(bad, 3 * FRAME)
    after = pipeline.process(frame(100), 4 * FRAME).tracks
    assert after.ids.tolist() == before.ids.tolist()
    assert after.hits[0] == before.hits[0] + 1


class WeakSpotEngine(BrightSpotEngine):
    """The same engine with given scores."""

    score = 0.9

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        peaks = super().infer(inputs)
        peaks['scores'][:] = self.score
        return peaks


def test_weak_detections_keep_tracks_but_start_none() -> None:
    engine = WeakSpotEngine(confident_score=0.6)
    pipeline = TrackingPipeline(engine=engine)
    engine.score = 0.5
    result = pipeline.process(frame(100), 0)
    assert (len(result.tracks), len(result.detections)) == (0, 1)
    engine.score = 0.9
    for number in range(1, 4):
        first = pipeline.process(frame(100), number * FRAME).tracks
    engine.score = 0.3
    second = pipeline.process(frame(100), 4 * FRAME).tracks
    assert second.ids.tolist() == first.ids.tolist()
    assert second.observed.tolist() == [True]
    pipeline.gate.score_threshold = 0.35
    result = pipeline.process(frame(100), 5 * FRAME)
    assert result.tracks.observed.tolist() == [False]
    assert len(result.detections) == 0


def test_many_cameras_share_one_engine(light_engine: Engine) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 5, 120, 200, 3), np.uint8)
    expected = []
    for camera in images:
        pipeline = TrackingPipeline(engine=light_engine)
        expected.append(
            [pipeline.process(image, n * FRAME).tracks for n, image in enumerate(camera)]
        )
    found: list[list[Tracks]] = [[], []]

    def run(camera: int) -> None:
        pipeline = TrackingPipeline(engine=light_engine)
        for number, image in enumerate(images[camera]):
            found[camera].append(pipeline.process(image, number * FRAME).tracks)

    threads = [threading.Thread(target=run, args=(camera,)) for camera in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for camera in range(2):
        assert len(found[camera]) == 5
        for first, second in zip(expected[camera], found[camera], strict=True):
            np.testing.assert_array_equal(first.ids, second.ids)
            np.testing.assert_allclose(first.boxes, second.boxes, atol=1e-3)


@pytest.fixture(scope='module')
def light_engine() -> TorchEngine:
    torch.manual_seed(0)
    network = JointTrackNet(NetworkConfig(backbone='light', input_height=64, input_width=96))
    with torch.no_grad():
        network.get_parameter('hm.2.bias').fill_(1.0)
    return TorchEngine(PeakNetwork(network), device='cpu')
