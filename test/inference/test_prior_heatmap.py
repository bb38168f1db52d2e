"""The prior heat map against the published rendering."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jtn_ros.gaussian import draw_gaussian
from jtn_ros.gaussian import gaussian_radius
from jtn_ros.geometry import Letterbox
from jtn_ros.inference.preprocess import letterbox_image
from jtn_ros.inference.prior_heatmap import render_prior_heatmap

GOLDENS = Path(__file__).parent / 'goldens'
SPEC = json.loads((GOLDENS / 'prior_heatmap.json').read_text())
ARRAYS = np.load(GOLDENS / 'prior_heatmap.npz')


@pytest.mark.parametrize('overlap', [0.5, 0.7, 0.9])
def test_the_radius_is_the_published_one(overlap: float) -> None:
    heights, widths = np.array(SPEC['gaussian_radius']['height_width']).T
    golden = SPEC['gaussian_radius']
    others = golden['other_min_overlap']
    expected = golden['min_overlap_0_7'] if overlap == 0.7 else others[str(overlap)]
    np.testing.assert_allclose(gaussian_radius(heights, widths, overlap), expected, rtol=1e-12)


@pytest.mark.parametrize('case', SPEC['draw_cases'], ids=lambda case: case['name'])
def test_spots_are_drawn_as_published(case: dict[str, Any]) -> None:
    heatmap = np.zeros((case['H'], case['W']), np.float32)
    for item in case['items']:
        x, y = map(int, item['center'])
        draw_gaussian(heatmap, x, y, item['radius'], item['k'])
    expected = ARRAYS[f'draw/{case["name"]}']
    np.testing.assert_allclose(heatmap, expected, rtol=0, atol=1e-6)


def test_a_spot_far_outside_draws_nothing() -> None:
    heatmap = np.zeros((8, 9), np.float32)
    draw_gaussian(heatmap, -40, 100, 3)
    assert not heatmap.any()


@pytest.mark.parametrize('case', SPEC['prior_cases'], ids=lambda case: case['key'])
def test_tracks_are_drawn_as_published(case: dict[str, Any]) -> None:
    height, width = case['input_hw']
    image = np.zeros((*case['orig_hw'], 3), np.uint8)
    _, letterbox = letterbox_image(image, height, width, 'published')
    tracks = [track for track in case['tracks'] if track['active']]
    heatmap = render_prior_heatmap(
        np.array([track['bbox'] for track in tracks], np.float32).reshape(-1, 4),
        np.array([track['score'] for track in tracks], np.float32),
        letterbox,
        height,
        width,
        case['pre_thresh'],
    )
    expected = ARRAYS[f'prior/{case["key"]}'][0]
    assert heatmap.shape == expected.shape
    np.testing.assert_allclose(heatmap, expected, rtol=0, atol=1e-6)


def test_invalid_boxes_are_skipped() -> None:
    boxes = np.array(
        [[np.nan, 0, 10, 10], [10, 10, 5, 20], [-1e30, -1e30, -1e29, -1e29]], np.float32
    )
    heatmap = render_prior_heatmap(boxes, np.ones(3), Letterbox(1.0, 0.0, 0.0), 32, 64, 0.5)
    assert not heatmap.any()
