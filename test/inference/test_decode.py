"""Decoding of peaks and boxes to source pixels, compared with the published decoding."""

from pathlib import Path

import numpy as np
import pytest
import torch

from jtn_ros.geometry import Letterbox
from jtn_ros.inference.decode import decode_peaks
from jtn_ros.inference.engine import Peaks
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.network import peak_network
from jtn_ros.network.network_config import NetworkConfig

GOLDENS = Path(__file__).parent / 'goldens'


def golden_heads(
    seed: int, height: int = 136, width: int = 240, ties: bool = False
) -> dict[str, torch.Tensor]:
    """Build the raw head maps of the goldens: 60 blobs on noise, everything else random."""
    rng = np.random.default_rng([seed, height, width])
    heat = rng.standard_normal((height, width)) * 0.5 - 5
    rows, columns = rng.integers(0, height, 60), rng.integers(0, width, 60)
    amplitudes, sigmas = rng.uniform(2, 8, 60), rng.uniform(0.7, 3, 60)
    y, x = np.mgrid[:height, :width]
    for row, column, amplitude, sigma in zip(rows, columns, amplitudes, sigmas, strict=True):
        squared = (y - row) ** 2 + (x - column) ** 2
        heat = heat + amplitude * np.exp(-squared / (2 * sigma**2))
    offsets = rng.uniform(-0.2, 1.2, (2, height, width))
    sizes = 6 + 6 * rng.standard_normal((2, height, width))
    motion = 3 * rng.standard_normal((2, height, width))
    half = np.abs(5 + 3 * rng.standard_normal((2, height, width)))
    sides = np.concatenate([-half, half]) + 0.5 * rng.standard_normal((4, height, width))
    identity = rng.standard_normal((128, height, width))
    identity = identity * rng.uniform(0.1, 3, (1, height, width))
    maps = {
        'hm': heat[None],
        'reg': offsets,
        'wh': sizes,
        'embedding': identity,
        'tracking': motion,
        'ltrb_amodal': sides,
    }
    if ties:
        heat = maps['hm'][0]
        heat[20:21, 30:32] = 3.0
        heat[40:42, 50:52] = 2.5
        heat[60:63, 70:73] = 2.25
    return {name: torch.from_numpy(value.astype(np.float32))[None] for name, value in maps.items()}


def peaks_of(maps: dict[str, torch.Tensor]) -> Peaks:
    """Decode raw maps the way the exported graph does, from the peaks on."""
    config = NetworkConfig(letterbox='published')
    scores, class_ids, indices = peak_network.find_peaks(torch.sigmoid(maps['hm']), config.top_k)
    values = {
        name: maps[name].flatten(2).transpose(1, 2)[0][indices[0]][None]
        for name in peak_network.peak_heads(config)
    }
    width = maps['hm'].shape[3]
    cells = torch.stack((indices % width, indices // width), 2).float()
    described = peak_network.describe_peaks(config, cells, values)
    arrays = {name: value.numpy() for name, value in described.items()}
    return Peaks(scores=scores.numpy(), class_ids=class_ids.numpy().astype(np.int32), **arrays)


@pytest.mark.parametrize(('seed', 'ties'), [(7, False), (8, True)])
def test_peaks_equal_the_published_decoding(seed: int, ties: bool) -> None:
    golden = np.load(GOLDENS / f'decode_synth_seed{seed}_136x240{"_ties" * ties}.npz')
    peaks = peaks_of(golden_heads(seed, ties=ties))
    count = int(golden['decode/n_nonzero'])
    assert (peaks.scores[0] > 0).sum() == count
    np.testing.assert_allclose(peaks.scores[0], golden['decode/scores'][0], rtol=0, atol=1e-6)
    # Equal scores come in any order: bring both into the order of score, then place.
    order = np.lexsort((*peaks.centers[0, :count].T, -peaks.scores[0, :count]))
    cells = golden['decode/cts'][0, :count]
    golden_order = np.lexsort((*cells.T, -golden['decode/scores'][0, :count]))
    if not ties:
        np.testing.assert_array_equal(order, np.arange(count))
    np.testing.assert_array_equal(peaks.centers[0][order], cells[golden_order])
    for name, key, tolerance in (
        ('class_ids', 'clses', 0),
        ('boxes', 'bboxes', 1e-5),
        ('displacements', 'tracking', 0),
    ):
        np.testing.assert_allclose(
            getattr(peaks, name)[0][order],
            golden[f'decode/{key}'][0, :count][golden_order],
            rtol=0,
            atol=tolerance,
        )
    assert peaks.embeddings is not None
    np.testing.assert_allclose(
        peaks.embeddings[0][order],
        golden['decode/embedding'][:count][golden_order],
        rtol=0,
        atol=1e-6,
    )


@pytest.mark.parametrize('source', [(1080, 1920), (480, 640), (333, 517)])
@pytest.mark.parametrize('threshold', [0.4, 0.05])
def test_detections_equal_the_published_post_processing(
    source: tuple[int, int], threshold: float
) -> None:
    golden = np.load(GOLDENS / 'decode_synth_seed7_136x240.npz')
    expected = f'orig{source[0]}x{source[1]}/post_thr{threshold}'
    image = np.zeros((*source, 3), np.uint8)
    _, letterbox = letterbox_image(image, 544, 960, 'published')
    found = decode_peaks(peaks_of(golden_heads(7)), letterbox, threshold=threshold)
    count = int(golden[f'{expected}/n'])
    assert len(found) == count
    np.testing.assert_array_equal(found.class_ids, golden[f'{expected}/class'] - 1)
    np.testing.assert_allclose(found.scores, golden[f'{expected}/score'], rtol=0, atol=1e-6)
    for name, key in (('boxes', 'bbox'), ('centers', 'ct'), ('displacements', 'tracking')):
        np.testing.assert_allclose(
            getattr(found, name), golden[f'{expected}/{key}'], rtol=0, atol=1e-3
        )
    assert found.embeddings is not None
    np.testing.assert_allclose(
        found.embeddings, golden['decode/embedding'][:count], rtol=0, atol=1e-6
    )


def one_cell(**values: list[float]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value).view(1, 1, -1) for name, value in values.items()}


def test_center_and_size_boxes_clip_negative_sizes() -> None:
    config = NetworkConfig(
        heads={'hm': 1, 'reg': 2, 'wh': 2}, box_coding='center_size', embedding_head=''
    )
    values = one_cell(reg=[0.25, 0.5], wh=[4.0, -3.0])
    described = peak_network.describe_peaks(config, torch.tensor([[[10.0, 20.0]]]), values)
    assert described['boxes'].flatten().tolist() == [8.25, 20.5, 12.25, 20.5]
    assert described['centers'].flatten().tolist() == [10.0, 20.0]
    assert set(described) == {'centers', 'boxes'}


def test_fairmot_boxes_have_their_own_middle() -> None:
    config = NetworkConfig(
        heads={'hm': 1, 'reg': 2, 'wh': 4, 'id': 3}, box_coding='center_ltrb', embedding_head='id'
    )
    values = one_cell(reg=[0.5, 0.0], wh=[1.0, 2.0, 3.0, 4.0], id=[3.0, 0.0, 4.0])
    described = peak_network.describe_peaks(config, torch.tensor([[[10.0, 20.0]]]), values)
    assert described['boxes'].flatten().tolist() == [9.5, 18.0, 13.5, 24.0]
    assert described['centers'].flatten().tolist() == [11.5, 21.0]
    np.testing.assert_allclose(described['embeddings'].flatten().numpy(), [0.6, 0.0, 0.8])


def test_unused_heads_are_omitted() -> None:
    config = NetworkConfig()
    assert peak_network.peak_heads(config) == ('embedding', 'tracking', 'ltrb_amodal')
    fairmot = NetworkConfig(
        heads={'hm': 1, 'wh': 4, 'id': 128, 'reg': 2},
        box_coding='center_ltrb',
        embedding_head='id',
    )
    assert peak_network.peak_heads(fairmot) == ('wh', 'id', 'reg')


def test_classes_share_the_k_peaks() -> None:
    heatmap = torch.zeros(1, 3, 4, 5)
    heatmap[0, 2, 1, 3], heatmap[0, 0, 3, 0], heatmap[0, 1, 1, 3] = 0.9, 0.8, 0.7
    scores, class_ids, indices = peak_network.find_peaks(heatmap, 4)
    np.testing.assert_allclose(scores[0], [0.9, 0.8, 0.7, 0.0])
    assert class_ids[0, :3].tolist() == [2, 0, 1]
    assert indices[0, :3].tolist() == [8, 15, 8]


def test_the_middle_lies_in_the_cell_of_the_peak() -> None:
    """It is the center of the box, except for a box that extends beyond the image."""
    boxes = np.array([[8.25, 18, 12.5, 23], [-6, 18, 3, 23]], np.float32)
    peaks = Peaks(
        scores=np.array([[0.9, 0.8]], np.float32),
        class_ids=np.zeros((1, 2), np.int32),
        centers=np.array([[(10, 20), (1, 20)]], np.float32),
        boxes=boxes[None],
        displacements=np.array([[(-1, 0.5), (0, 0)]], np.float32),
    )
    found = decode_peaks(peaks, Letterbox(2.0, 0.0, 8.0))
    assert found.middles is not None
    assert found.displacements is not None
    np.testing.assert_allclose(found.middles, [[20.75, 37.0], [2.0, 37.0]])
    moved = found.middles - found.centers - found.displacements
    np.testing.assert_allclose(moved, [(2.75, 0), (0, 1)])


def test_empty_rows_and_scores_at_the_threshold_are_dropped() -> None:
    peaks = Peaks(
        scores=np.array([[0.9, 0.5, 0.0]], np.float32),
        class_ids=np.zeros((1, 3), np.int32),
        centers=np.zeros((1, 3, 2), np.float32),
        boxes=np.zeros((1, 3, 4), np.float32),
    )
    _, letterbox = letterbox_image(np.zeros((10, 10, 3), np.uint8), 32, 32)
    assert decode_peaks(peaks, letterbox, threshold=0.5).scores.tolist() == [np.float32(0.9)]
    found = decode_peaks(peaks, letterbox, threshold=-1.0)
    assert len(found) == 2
    assert found.displacements is None
    assert found.embeddings is None
