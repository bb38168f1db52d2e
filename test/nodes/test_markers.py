import numpy as np
import pytest
from builtin_interfaces.msg import Time
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from jtn_ros.media.drawing import Trails
from jtn_ros.nodes.marker_shapes import thinned
from jtn_ros.nodes.markers import image_plane_markers
from jtn_ros.tracking.track import Tracks

HEADER = Header(stamp=Time(sec=3), frame_id='camera')


def moving_tracks(shift: float) -> Tracks:
    """Return a confirmed track that moves and a lost one that stands."""
    return Tracks(
        ids=np.array([7, 8]),
        boxes=np.array([[100 + shift, 200, 140 + shift, 300], [10, 20, 30, 40]], np.float32),
        scores=np.ones(2, np.float32),
        class_ids=np.zeros(2, np.int32),
        centers=np.array([[120 + shift, 250], [20, 30]], np.float32),
        velocities=np.array([[50, 0], [1, 0]], np.float32),
        velocity_covariances=np.zeros((2, 2, 2), np.float32),
        states=np.array([1, 2], np.uint8),
        ages=np.ones(2, np.int32),
        hits=np.ones(2, np.int32),
        unseen_ns=np.array([0, 10**9]),
        detection_indices=np.array([0, -1], np.int32),
    )


def draw(*frames: Tracks) -> list[Marker]:
    trails = Trails(seconds=10)
    for second, tracks in enumerate(frames):
        trails.update(tracks, second * 10**9)
    return image_plane_markers(HEADER, frames[-1], trails, lambda _: 'person', 0.01).markers


def named(markers: list[Marker], namespace: str) -> list[Marker]:
    return [marker for marker in markers if marker.ns == namespace]


def points(marker: Marker) -> list[tuple[float, float, float]]:
    return [(p.x, p.y, p.z) for p in marker.points]


def test_old_markers_are_deleted_first():
    markers = draw(moving_tracks(0))
    assert len(markers) > 1
    assert [m.action for m in markers] == [Marker.DELETEALL] + [Marker.ADD] * (len(markers) - 1)
    assert all(m.header == HEADER for m in markers)
    assert all(m.lifetime.sec > 0 for m in markers[1:])


def test_boxes_are_lines_in_the_image_plane():
    (boxes,) = named(draw(moving_tracks(0)), 'boxes')
    assert boxes.type == Marker.LINE_LIST
    assert len(boxes.points) == len(boxes.colors) == 16
    top_left, top_right, bottom_right, bottom_left = (1, 2, 0), (1.4, 2, 0), (1.4, 3, 0), (1, 3, 0)
    np.testing.assert_allclose(
        points(boxes)[:8],
        [top_left, top_right, top_right, bottom_right,
         bottom_right, bottom_left, bottom_left, top_left],
        atol=1e-6,
    )  # fmt: skip
    assert boxes.colors[0].a == 1
    assert boxes.colors[8].a == pytest.approx(0.3)
    assert boxes.colors[0] != boxes.colors[8]


def test_every_track_has_its_id_above_the_box():
    texts = named(draw(moving_tracks(0)), 'ids')
    assert [(t.id, t.text) for t in texts] == [(7, '7 person'), (8, '8 person')]
    assert texts[0].pose.position.x == pytest.approx(1.2)
    assert texts[0].pose.position.y < 2
    assert texts[0].scale.z > 0


def test_arrows_lead_to_where_moving_tracks_will_be():
    (arrow,) = named(draw(moving_tracks(0)), 'velocities')
    assert (arrow.id, arrow.type) == (7, Marker.ARROW)
    np.testing.assert_allclose(points(arrow), [(1.2, 2.5, 0), (1.7, 2.5, 0)], atol=1e-6)


def test_trails_join_the_positions_of_the_feet():
    (trail,) = named(draw(moving_tracks(0), moving_tracks(10), moving_tracks(30)), 'trails')
    np.testing.assert_allclose(
        points(trail), [(1.2, 3, 0), (1.3, 3, 0), (1.3, 3, 0), (1.5, 3, 0)], atol=1e-6
    )
    assert len(trail.colors) == 4


def test_without_tracks_only_the_deletion_remains():
    nothing = moving_tracks(0).select(np.zeros(2, bool))
    (only,) = draw(nothing)
    assert only.action == Marker.DELETEALL


@pytest.mark.parametrize('length', [0, 1, 19, 20, 21, 60, 61, 1000])
def test_long_trails_are_drawn_with_few_points_and_their_end(length):
    path = np.arange(3.0 * length).reshape(length, 3)
    thin = thinned(path)
    assert len(thin) <= 20
    assert len(thin) >= min(length, 10)
    assert length == 0 or thin[-1].tolist() == path[-1].tolist()
    assert len(set(np.diff(thin[:, 0]).tolist())) <= 1, 'evenly'
