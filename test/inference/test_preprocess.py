"""Fitting of images to the network input: byte-exact for `published`, complete for `fit`."""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from jtn_ros.geometry import Letterboxing
from jtn_ros.inference.preprocess import LETTERBOXES
from jtn_ros.inference.preprocess import letterbox_image

GOLDENS = Path(__file__).parent / 'goldens'
CASES = json.loads((GOLDENS / 'preprocess_index.json').read_text())['cases']
MATRICES = np.load(GOLDENS / 'preprocess_matrices.npz')


def golden_image(seed: int, height: int, width: int) -> NDArray[np.uint8]:
    """Build the goldens' test image: three integer patterns minus a little noise."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    blue = (5 * x + 3 * y + 17 * seed) % 256
    green = (x**2 // 7 + 11 * y + 29 * seed) % 256
    checker = (x // 13 + y // 9 + seed) % 2
    red = np.where(checker == 1, 255, (x * y // 16 + seed) % 256)
    noise = np.random.default_rng([seed, height, width]).integers(0, 32, (height, width, 3))
    return np.clip(np.dstack([blue, green, red]) - noise, 0, 255).astype(np.uint8)


def parse_case(key: str) -> list[int]:
    size, name = key.split('/')
    seed, source = name.removeprefix('img').split('_')
    return [*map(int, size.split('x')), int(seed), *map(int, source.split('x'))]


@pytest.mark.parametrize('key', CASES)
def test_published_letterbox_is_byte_exact(key: str) -> None:
    height, width, seed, source_height, source_width = parse_case(key)
    source = golden_image(seed, source_height, source_width)
    assert hashlib.sha256(source.tobytes()).hexdigest()[:16] == CASES[key]['image_sha256']
    fitted, letterbox = letterbox_image(source, height, width, 'published')
    assert hashlib.sha256(fitted.tobytes()).hexdigest()[:16] == CASES[key]['warped_u8_sha256']
    golden = f'{key.split("/")[1]}|trans_input'
    if (height, width) == (544, 960):
        np.testing.assert_allclose(letterbox.matrix, MATRICES[golden], rtol=0, atol=1e-11)


@pytest.mark.parametrize('kind', LETTERBOXES)
@pytest.mark.parametrize(('source_height', 'source_width'), [(480, 640), (1080, 1920), (333, 517)])
def test_a_spot_lands_where_the_map_says(
    kind: Letterboxing, source_height: int, source_width: int
) -> None:
    source = np.zeros((source_height, source_width, 3), np.uint8)
    center = np.array([source_width * 0.6, source_height * 0.4])
    y, x = np.mgrid[:source_height, :source_width]
    spread = 2 * (source_height / 30) ** 2
    spot = np.exp(-((x - center[0]) ** 2 + (y - center[1]) ** 2) / spread)
    source[:] = (255 * spot).astype(np.uint8)[:, :, None]
    fitted, letterbox = letterbox_image(source, 288, 512, kind)
    expected = letterbox.to_network(center)
    weight = fitted[:, :, 0].astype(float)
    weight[(weight == 128) | (weight == 114)] = 0  # the borders of FairMOT and YOLOX
    weight[weight < 20] = 0
    y, x = np.mgrid[:288, :512]
    found = np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()
    # Half a pixel may separate the conventions of the published warp and of ours.
    np.testing.assert_allclose(found, expected, atol=0.6 if kind == 'published' else 0.3)
    np.testing.assert_allclose(letterbox.to_source(expected), center, atol=1e-3)


@pytest.mark.parametrize(
    ('source', 'bars'), [((480, 640), 'left'), ((1080, 1920), 'none'), ((400, 1920), 'top')]
)
def test_fit_keeps_the_whole_image_on_black(source: tuple[int, int], bars: str) -> None:
    fitted, letterbox = letterbox_image(np.full((*source, 3), 200, np.uint8), 288, 512)
    rows, columns = (fitted[:, 256, 0] > 0), (fitted[144, :, 0] > 0)
    assert rows.all() == (bars != 'top')
    assert columns.all() == (bars != 'left')
    corners = letterbox.to_network(np.array([[0, 0], [source[1] - 1, source[0] - 1]], float))
    assert (corners > -0.76).all()
    assert (corners < np.array([512, 288]) - 0.24).all()
    np.testing.assert_allclose(corners[0] + corners[1], [511, 287], atol=1.01)


def test_the_published_letterbox_crops_parts_that_fit_keeps() -> None:
    source = np.zeros((480, 640, 3), np.uint8)
    source[:40] = 255
    assert letterbox_image(source, 544, 960, 'fit')[0].any()
    assert not letterbox_image(source, 544, 960, 'published')[0].any()


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    source = np.zeros((1080, 1920, 3), np.uint8)
    source[:, ::2] = 200
    fitted, _ = letterbox_image(source, 288, 512)
    assert abs(fitted.mean() - 100) < 1
    assert fitted.std() < 2
    area = cv2.resize(source, (512, 288), interpolation=cv2.INTER_AREA)
    assert np.abs(area.astype(int) - fitted).max() <= 7


def test_fairmot_pads_with_gray() -> None:
    fitted, _ = letterbox_image(np.zeros((480, 640, 3), np.uint8), 608, 1088, 'fairmot')
    assert (fitted[:, 0] == 128).all()
    assert (fitted[:, 544] == 0).all()
    # 810.67 columns become 811; the odd one of the 277 that are left goes to the right.
    assert (fitted[300, :, 0] == 0).nonzero()[0].tolist() == list(range(138, 138 + 811))


def test_corner_pads_with_gray_on_the_right_and_below() -> None:
    source = np.zeros((480, 640, 3), np.uint8)
    fitted, letterbox = letterbox_image(source, 416, 416, 'corner')
    assert (fitted[312:] == 114).all()
    assert (fitted[:312] == 0).all()
    corners = letterbox.to_network(np.array([[-0.5, -0.5], [639.5, 479.5]]))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [415.5, 311.5]], atol=1e-4)


def test_stretch_fills_the_input() -> None:
    source = np.full((480, 640, 3), 7, np.uint8)
    fitted, letterbox = letterbox_image(source, 320, 320, 'stretch')
    assert (fitted == 7).all()
    corners = letterbox.to_network(np.array([[-0.5, -0.5], [639.5, 479.5]]))
    np.testing.assert_allclose(corners, [[-0.5, -0.5], [319.5, 319.5]], atol=1e-4)


@pytest.mark.parametrize(
    'bad',
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        [[1, 2, 3]],
    ],
)
def test_invalid_images_are_rejected(bad: Any) -> None:
    with pytest.raises(ValueError, match='expected'):
        letterbox_image(bad, 288, 512)


def test_an_unknown_letterbox_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"'crop'.*known: fit, published, fairmot"):
        letterbox_image(np.zeros((4, 4, 3), np.uint8), 288, 512, 'crop')  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 400),
    width=st.integers(1, 400),
    kind=st.sampled_from(list(LETTERBOXES)),
)
def test_any_size_fits_and_the_map_is_invertible(
    height: int, width: int, kind: Letterboxing
) -> None:
    source = np.full((height, width, 3), 9, np.uint8)
    fitted, letterbox = letterbox_image(source, 96, 160, kind)
    assert fitted.shape == (96, 160, 3)
    assert fitted.any()
    points = np.array([[0, 0], [width, height]], float)
    back = letterbox.to_source(letterbox.to_network(points))
    np.testing.assert_allclose(back, points, atol=1e-2)
