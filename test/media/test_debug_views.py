"""Debug views show the network outputs at their positions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from jtn_ros.detections import Detections
from jtn_ros.media.debug_views import LookColours
from jtn_ros.media.debug_views import View
from jtn_ros.media.debug_views import draw_displacements
from jtn_ros.media.debug_views import draw_heatmap
from jtn_ros.media.debug_views import draw_looks
from jtn_ros.tracking import Tracker

from tables import detections_of

GREY = np.full((240, 320, 3), 128, np.uint8)


def changed(image: np.ndarray) -> np.ndarray:
    return (image != GREY).any(axis=2)


def test_a_spot_is_bright_where_the_score_is_high() -> None:
    found = detections_of([[20, 40, 100, 200], [200, 40, 280, 200]], scores=[1.0, 0.3])
    image = draw_heatmap(GREY, found).astype(int)
    strength = abs(image - GREY).sum(axis=2)
    assert strength[120, 60] > 1.5 * strength[120, 240] > 0
    red_over_blue = image[..., 2] - image[..., 0]
    assert red_over_blue[120, 60] > 50
    assert red_over_blue[120, 240] < 0
    assert not changed(image)[:, 150:160].any()
    assert not changed(draw_heatmap(GREY, Detections.empty())).any()


def test_like_looks_have_like_colors() -> None:
    looks = np.eye(16, dtype=np.float32)[[0, 0, 5]]
    found = detections_of([[0, 0, 50, 50], [100, 0, 150, 50], [200, 0, 250, 50]], embeddings=looks)
    image = draw_looks(GREY, found, LookColours())
    np.testing.assert_array_equal(image[:50, :50], image[:50, 100:150])
    assert abs(image[10, 10].astype(int) - image[10, 210]).max() > 20
    assert not changed(image)[60:].any()
    np.testing.assert_array_equal(
        draw_looks(GREY, detections_of([[0, 0, 9, 9]], scores=1.0), LookColours()), GREY
    )


def test_an_arrow_points_to_where_it_was() -> None:
    image = GREY.copy()
    draw_displacements(image, detections_of([[90, 100, 110, 140]], displacements=[[60, 0]]))
    rows, columns = np.nonzero(changed(image))
    assert (columns.min(), columns.max()) == pytest.approx((98, 160), abs=2)
    assert abs(rows - 120).max() < 15
    image = GREY.copy()
    draw_displacements(image, detections_of([[90, 100, 110, 140]]))
    assert not changed(image).any()


def test_only_the_chosen_views_are_drawn() -> None:
    found = detections_of(
        [[90, 60, 130, 180]], displacements=[[80, 0]], embeddings=np.ones((1, 4)) / 2
    )
    tracker = Tracker()
    tracks = [tracker.update(found, stamp) for stamp in (0, 40_000_000)][-1]
    plain = View(()).draw(GREY, found, tracks, 0)
    inside, arrow = (slice(117, 124), slice(107, 114)), (slice(115, 125), slice(140, 180))
    assert not changed(plain)[arrow].any()
    assert changed(View(['displacement']).draw(GREY, found, tracks, 0))[arrow].any()
    picture = View(['heatmap']).draw(GREY, found, tracks, 0)
    assert (picture != plain)[inside].any(axis=2).mean() > 0.9
    np.testing.assert_array_equal(GREY, 128)  # the frame itself is untouched


@settings(max_examples=60, deadline=None)
@given(
    npst.arrays(np.float32, (3, 4), elements=st.floats(width=32)),
    npst.arrays(np.float32, (3, 2), elements=st.floats(width=32)),
)
@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_any_numbers_are_harmless(
    boxes: NDArray[np.float32], displacements: NDArray[np.float32]
) -> None:
    found = detections_of(
        boxes,
        scores=[0.5, 1, 0.1],
        centers=boxes[:, :2],
        displacements=displacements,
        embeddings=np.ones((3, 4), np.float32) / 2,
    )
    picture = View(['heatmap', 'displacement', 'embedding']).draw(GREY, found, Tracker().tracks, 0)
    assert picture.shape == GREY.shape
