"""The markers of tracks, as displayed by RViz."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from jtn_ros.media.drawing import Trails
from jtn_ros.media.messages.marker_shapes import DrawnObjects
from jtn_ros.media.messages.marker_shapes import thinned
from jtn_ros.media.messages.markers import image_plane_markers
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.outputs.position_markers import SpatialMarkers
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks
from jtn_ros.tracking.track import TrackState

from tables import tracks_of

HEADER = Header(stamp=Time(sec=3), frame_id='camera')
SIZE = (400, 320)  # one pixel is 1 cm


def moving_tracks(shift: float) -> Tracks:
    """Return a lost track that stands and a confirmed one that moves."""
    return tracks_of(
        [[10.0, 20.0, 30.0, 40.0], [100 + shift, 200, 140 + shift, 300]],
        ids=[8, 7],
        velocities=[[1, 0], [50, 0]],
        states=[TrackState.LOST, TrackState.CONFIRMED],
        unseen_ns=[10**9, 0],
        seen=[False, True],
    )


def draw(
    *frames: Tracks, size: tuple[int, int] = SIZE, class_names: tuple[str, ...] = ('person',)
) -> list[Marker]:
    trails = Trails(seconds=10)
    for second, tracks in enumerate(frames):
        trails.update(tracks, second * 10**9)
    return image_plane_markers(new_message, HEADER, size, frames[-1], trails, class_names).markers


def named(markers: list[Marker], namespace: str) -> list[Marker]:
    return [marker for marker in markers if marker.ns == namespace]


def points(marker: Marker) -> list[tuple[float, float, float]]:
    return [(p.x, p.y, p.z) for p in marker.points]


def test_old_markers_are_deleted_first() -> None:
    markers = draw(moving_tracks(0))
    assert len(markers) > 1
    assert [m.action for m in markers] == [Marker.DELETEALL] + [Marker.ADD] * (len(markers) - 1)
    assert all(m.header == HEADER for m in markers)
    assert all(m.lifetime.sec > 0 for m in markers[1:])


def test_boxes_are_lines_in_a_plane_around_the_middle_of_the_image() -> None:
    (boxes,) = named(draw(moving_tracks(0)), 'boxes')
    assert boxes.type == Marker.LINE_LIST
    assert len(boxes.points) == len(boxes.colors) == 16
    left, top, right, bottom = -1, 0.4, -0.6, 1.4
    np.testing.assert_allclose(
        points(boxes)[:8],
        [(left, top, 0), (right, top, 0), (right, top, 0), (right, bottom, 0),
         (right, bottom, 0), (left, bottom, 0), (left, bottom, 0), (left, top, 0)],
        atol=1e-6,
    )  # fmt: skip


def test_the_last_color_of_lines_is_the_palest_so_that_rviz_blends_them() -> None:
    for reverse in (False, True):
        tracks = moving_tracks(0)
        (boxes,) = named(draw(tracks.select(np.array([1, 0])) if reverse else tracks), 'boxes')
        assert [color.a for color in boxes.colors] == pytest.approx([1.0] * 8 + [0.3] * 8)
        # Each color is still that of its box.
        assert all(x < -1.5 for x, _, _ in points(boxes)[8:])


@pytest.mark.parametrize('size', [(640, 480), (1920, 1080), (1080, 1920), (64, 64)])
def test_the_border_of_any_image_is_four_metres_long(size: tuple[int, int]) -> None:
    nothing = moving_tracks(0).select(np.zeros(2, bool))
    (border,) = named(draw(nothing, size=size), 'image')
    corners = np.array(points(border))
    np.testing.assert_allclose(np.ptp(corners, axis=0).max(), 4)
    np.testing.assert_allclose(np.ptp(corners, axis=0)[:2] / 4, np.array(size) / max(size))
    np.testing.assert_allclose(corners.mean(axis=0), 0, atol=1e-9)


def test_every_track_has_its_id_above_the_box() -> None:
    texts = {t.id: t for t in named(draw(moving_tracks(0)), 'ids')}
    assert {key: text.text for key, text in texts.items()} == {7: '7', 8: '8'}
    assert texts[7].pose.position.x == pytest.approx(-0.8)
    assert 0.2 < texts[7].pose.position.y < 0.4 - texts[7].scale.z / 2


def test_the_class_is_written_where_there_are_several_with_a_space_before_it() -> None:
    texts = named(draw(moving_tracks(0), class_names=('person', 'car')), 'ids')
    assert {text.text for text in texts} == {'7 person', '8 person'}
    assert all(text.scale.x == pytest.approx(0.3 * text.scale.z) for text in texts)


def test_of_labels_that_overlap_the_nearest_is_written() -> None:
    tracks = moving_tracks(0).replace(
        boxes=np.array([[101, 195, 141, 260], [100, 200, 140, 300]], np.float32)
    )
    assert [t.id for t in named(draw(tracks), 'ids')] == [7]
    apart = tracks.replace(
        boxes=np.array([[111, 195, 151, 260], [100, 200, 140, 300]], np.float32)
    )
    assert [t.id for t in named(draw(apart), 'ids')] == [7, 8]


def test_arrows_lead_to_where_moving_tracks_will_be_in_half_a_second() -> None:
    (arrow,) = named(draw(moving_tracks(0)), 'velocities')
    assert (arrow.id, arrow.type) == (7, Marker.ARROW)
    np.testing.assert_allclose(points(arrow), [(-0.8, 0.9, 0), (-0.55, 0.9, 0)], atol=1e-6)


def test_trails_join_the_positions_of_the_feet() -> None:
    (trail,) = named(draw(moving_tracks(0), moving_tracks(10), moving_tracks(30)), 'trails')
    np.testing.assert_allclose(
        points(trail), [(-0.8, 1.4, 0), (-0.7, 1.4, 0), (-0.7, 1.4, 0), (-0.5, 1.4, 0)], atol=1e-6
    )
    assert len(trail.colors) == 4


def test_tracks_that_left_the_image_or_were_not_seen_for_a_second_are_not_drawn() -> None:
    tracks = moving_tracks(400)
    assert [t.id for t in named(draw(tracks), 'ids')] == [8]
    unseen = tracks.replace(unseen_ns=np.array([10**9 + 1, 0]))
    assert [m.ns for m in draw(unseen)] == ['', 'image']


@pytest.mark.parametrize('length', [0, 1, 19, 20, 21, 60, 61, 1000])
def test_long_trails_are_drawn_with_few_points_and_their_end(length: int) -> None:
    path = np.arange(3.0 * length).reshape(length, 3)
    thin = thinned(path)
    assert len(thin) <= 20
    assert len(thin) >= min(length, 10)
    assert length == 0 or thin[-1].tolist() == path[-1].tolist()
    assert len(set(np.diff(thin[:, 0]).tolist())) <= 1, 'evenly'


@pytest.mark.parametrize(
    ('frame_id', 'up'), [('camera', np.array([0, -1, 0])), ('map', np.array([0, 0, 1]))]
)
def test_in_space_labels_are_above_the_spheres_and_arrows_lead_half_a_second_ahead(
    frame_id: str, up: NDArray[np.int64]
) -> None:
    spatial, tracks = SpatialMarkers(2), moving_tracks(0)
    places = np.array([[1.0, 0.5, 8.0], [3.0, 0.5, 6.0]])
    positions = Positions(
        frame_id=frame_id,
        known=np.ones(2, bool),
        points=places,
        velocities=np.array([[0.0, 0.0, 0.1], [1.0, 0.0, 0.0]]),
        covariances=np.zeros((2, 6, 6)),
    )
    spatial.update(tracks.ids, positions, 0)
    objects, optical = DrawnObjects.of_tracks(tracks), frame_id == 'camera'
    markers = spatial.draw(HEADER.stamp, objects, positions, ('person',), optical=optical).markers
    assert {m.header.frame_id for m in markers} == {frame_id}
    (spheres,) = named(markers, 'positions')
    np.testing.assert_allclose(points(spheres), places)
    texts = {t.id: t for t in named(markers, 'ids')}
    for key, place in zip((8, 7), places, strict=True):
        at = texts[key].pose.position
        lift = np.array([at.x, at.y, at.z]) - place
        np.testing.assert_allclose(lift, 0.35 * up)
        assert texts[key].scale.z >= 0.35
        assert 0.35 - texts[key].scale.z / 2 > spheres.scale.z / 2, 'above the sphere'
    (arrow,) = named(markers, 'velocities')
    np.testing.assert_allclose(points(arrow), [(3, 0.5, 6), (3.5, 0.5, 6)])
