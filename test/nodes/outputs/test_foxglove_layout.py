"""The layout for Lichtblick and Foxglove: every panel is visible and has valid data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from jtn_ros.media.messages.markers import PLANE_M

from nodes.harness import Harness
from nodes.outputs.foxglove_layout import placed_panels
from nodes.outputs.foxglove_layout import read_panels
from nodes.outputs.foxglove_layout import topics_of

pytestmark = pytest.mark.ros


def test_every_panel_is_shown_once_and_has_a_title_in_both_programs() -> None:
    panels = read_panels()
    assert sorted(placed_panels()) == sorted(panels)
    for identity, panel in panels.items():
        if identity.startswith(('Tab!', 'DiagnosticSummary!')):
            continue
        assert panel['foxglovePanelTitle'] == panel['lichtblickPanelTitle'] != '', identity


def test_latencies_and_counts_have_axes_of_their_own() -> None:
    latency, tracks = (read_panels()[f'Plot!{name}'] for name in ('latency', 'tracks'))
    assert all('latencies' in path['value'] for path in latency['paths'])
    assert not any('latencies' in path['value'] for path in tracks['paths'])
    assert latency['legendDisplay'] == tracks['legendDisplay'] == 'left'


def test_the_node_publishes_the_topics_of_the_panels_with_their_types(
    make: Callable[..., Harness], block_model: Path
) -> None:
    harness = make(model=str(block_model), positions='ground')
    assert harness.transit('configure')
    published = {p.topic_name: p.msg_type for p in harness.tracker.publishers}
    for identity in placed_panels():
        for topic, kind in topics_of(identity).items():
            if topic == '/image':
                continue  # the input
            package, _, name = kind.split('/')
            assert published[topic].__name__ == name, f'{identity}: {topic}'
            assert published[topic].__module__.startswith(package)


@pytest.mark.parametrize('size', [(16, 9), (4, 3), (1, 1), (9, 16)])
@pytest.mark.parametrize('aspect', [1.0, 16 / 9])
def test_the_image_plane_is_seen_from_the_front_and_as_a_whole(
    size: tuple[int, int], aspect: float
) -> None:
    """Spherical coordinates around the target: phi from z, and 180 degrees look along z."""
    panel = read_panels()['3D!plane']
    camera = panel['cameraState']
    assert panel['followMode'] == 'follow-pose'
    assert camera['thetaOffset'] == 0
    assert panel['layers'] == {}, 'no grid'
    phi = np.radians(camera['phi'])
    eye = np.array(camera['targetOffset']) + camera['distance'] * np.array(
        [0, np.sin(phi), np.cos(phi)]
    )
    half = PLANE_M / 2 * np.array(size) / max(size)
    corners = np.array([[x, y, 0] for x in (-half[0], half[0]) for y in (-half[1], half[1])])
    x, y, depth = (corners - eye).T
    assert (depth > camera['near']).all(), 'x to the right and y downward, as in the image'
    tangent = np.tan(np.radians(camera['fovy']) / 2)
    assert (np.abs(y) < tangent * depth).all()
    assert (np.abs(x) < aspect * tangent * depth).all()
    # Of a wide image, more than two thirds of the panel are used.
    if size == (16, 9) and aspect == 1.0:
        assert (np.abs(x) > 0.67 * aspect * tangent * depth).all()


def test_pale_tracks_stand_out_and_frames_are_not_joined() -> None:
    for identity in ('3D!plane', '3D!positions'):
        scene = read_panels()[identity]['scene']
        assert scene['backgroundColor'] == '#202020'
        assert scene['transforms']['lineWidth'] == 0
