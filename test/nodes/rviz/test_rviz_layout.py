"""The layouts in the format of RViz: keys, names, topics, docks, and visible contents."""

import struct
from collections.abc import Callable
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.qos import DurabilityPolicy
from rclpy.qos import HistoryPolicy
from rclpy.qos import LivelinessPolicy
from rclpy.qos import QoSCompatibility
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rclpy.qos import qos_check_compatible
from rclpy.qos import qos_profile_sensor_data
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from jtn_ros.media.drawing import Trails
from jtn_ros.media.messages.marker_shapes import DrawnObjects
from jtn_ros.media.messages.markers import image_plane_markers
from jtn_ros.nodes.common.conversions import new_message
from jtn_ros.nodes.outputs.position_markers import SpatialMarkers
from jtn_ros.nodes.rviz.docks import dock_state
from jtn_ros.nodes.rviz.layout import CameraTopics
from jtn_ros.nodes.rviz.layout import Layout
from jtn_ros.nodes.rviz.layout import tracker_layout
from jtn_ros.positions import Positions
from jtn_ros.tracking.track import Tracks

from nodes.harness import Harness
from places import ROOT
from tables import tracks_of

CONFIG = ROOT / 'config'
FILES = sorted(CONFIG.glob('*.rviz'))
TYPES = {
    'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/Camera': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
}
# The keys that displays, views and the rest load; RViz ignores any other without a word.
DISPLAY = {'Class', 'Enabled', 'Name', 'Value'}
DISPLAYS = {
    'rviz_common/Group': {'Class', 'Displays', 'Enabled', 'Name'},
    'rviz_default_plugins/Image': DISPLAY
    | {'Topic', 'Normalize Range', 'Min Value', 'Max Value', 'Median window'},
    'rviz_default_plugins/Camera': DISPLAY
    | {'Topic', 'Image Rendering', 'Overlay Alpha', 'Visibility', 'Zoom Factor'},
    'rviz_default_plugins/MarkerArray': DISPLAY | {'Topic', 'Namespaces'},
    'rviz_default_plugins/Grid': DISPLAY
    | {
        'Alpha',
        'Cell Size',
        'Color',
        'Line Style',
        'Normal Cell Count',
        'Offset',
        'Plane',
        'Plane Cell Count',
        'Reference Frame',
    },
    'rviz_default_plugins/TF': DISPLAY
    | {
        'Frame Timeout',
        'Frames',
        'Marker Scale',
        'Show Arrows',
        'Show Axes',
        'Show Names',
        'Tree',
        'Update Interval',
    },
}
TOPIC = {'Depth', 'Durability Policy', 'History Policy', 'Reliability Policy', 'Value'}
POLICIES = {
    'Durability Policy': {
        'Volatile': DurabilityPolicy.VOLATILE,
        'Transient Local': DurabilityPolicy.TRANSIENT_LOCAL,
    },
    'History Policy': {'Keep Last': HistoryPolicy.KEEP_LAST},
    'Reliability Policy': {
        'Reliable': ReliabilityPolicy.RELIABLE,
        'Best Effort': ReliabilityPolicy.BEST_EFFORT,
    },
}
ORBIT = {
    'Class', 'Distance', 'Focal Point', 'Focal Shape Fixed Size', 'Focal Shape Size',
    'Invert Z Axis', 'Name', 'Near Clip Distance', 'Pitch', 'Target Frame', 'Value', 'Yaw',
}  # fmt: skip
VIEWS = {
    'rviz_default_plugins/Orbit': ORBIT,
    'rviz_default_plugins/ThirdPersonFollower': ORBIT,
}
TOOLS = {f'rviz_default_plugins/{t}' for t in ('MoveCamera', 'Select', 'FocusCamera', 'Measure')}
PANES = {'rviz_default_plugins/Image', 'rviz_default_plugins/Camera'}
FOV_Y = np.pi / 4  # of Ogre's camera, which RViz leaves as it is


def cameras_of(*names: str, namespace: str = '') -> list[CameraTopics]:
    tracker = f'{namespace}/jtn_tracker'
    if not names:
        return [CameraTopics(name='', outputs=tracker, image=f'{namespace}/image')]
    return [
        CameraTopics(name=name, outputs=f'{tracker}/{name}', image=f'/{name}/image')
        for name in names
    ]


def layouts() -> Iterator[Layout]:
    """Yield the files, and the layouts generated from them."""
    for file in FILES:
        yield yaml.safe_load(file.read_text())
    for positions in (False, True):
        for names in ((), ('front', 'rear'), ('a', 'b', 'c')):
            for camera_frame in ('', 'lens'):
                yield tracker_layout(
                    cameras_of(*names),
                    positions=positions,
                    fixed_frame='map',
                    camera_frame=camera_frame,
                    world='/jtn_tracker/world_markers' if positions and names else '',
                )


def displays_of(tree: Layout) -> Iterator[Layout]:
    """Yield all displays below a layout's manager or a group, but for the groups."""
    for display in tree['Displays']:
        if display['Class'] == 'rviz_common/Group':
            yield from displays_of(display)
        else:
            yield display


@pytest.mark.parametrize('layout', layouts())
def test_layouts_have_only_keys_that_rviz_loads(layout: Layout) -> None:
    # As RViz gets it: written and read.
    layout = yaml.safe_load(yaml.safe_dump(layout))
    assert set(layout) == {'Panels', 'Visualization Manager', 'Window Geometry'}
    assert [panel['Class'] for panel in layout['Panels']] == ['rviz_common/Displays']
    manager = layout['Visualization Manager']
    assert set(manager['Global Options']) == {'Background Color', 'Fixed Frame', 'Frame Rate'}
    assert {tool['Class'] for tool in manager['Tools']} <= TOOLS
    groups = [d for d in manager['Displays'] if d['Class'] == 'rviz_common/Group']
    for display in [*groups, *displays_of(manager)]:
        assert set(display) <= DISPLAYS[display['Class']], display['Name']
        assert {'Class', 'Name', 'Enabled'} <= set(display)
        if 'Topic' in display:
            assert set(display['Topic']) == TOPIC
        if display['Class'] in PANES | {'rviz_default_plugins/MarkerArray'}:
            assert display['Topic']['Value'].startswith('/')
            assert display['Value'] == display['Enabled']
        if display['Class'].endswith('Camera'):
            assert display['Image Rendering'] in (
                'background',
                'overlay',
                'background and overlay',
            )
        if display['Class'].endswith('Grid'):
            assert display['Plane'] in ('XY', 'XZ', 'YZ')
            assert display['Line Style']['Value'] in ('Lines', 'Billboards')
    views = manager['Views']
    for view in [views['Current'], *(views['Saved'] or [])]:
        assert set(view) <= VIEWS[view['Class']]
        # Beyond that, the property is clamped.
        assert abs(view['Pitch']) < np.pi / 2 - 0.001
        assert view['Distance'] > 0.001
    geometry = layout['Window Geometry']
    # Without these two, RViz reads a boolean that was never set.
    assert geometry['Hide Left Dock'] is False
    assert geometry['Hide Right Dock'] is True
    assert {type(geometry[key]) for key in ('X', 'Y', 'Width', 'Height')} == {int}
    assert isinstance(geometry['QMainWindow State'], str)


def parse_docks(state: bytes) -> tuple[list[Any], tuple[int, int], tuple[int, int]]:
    """Return the docks as nested lists, the size of their area and that of the 3D view."""
    at = 0

    def take(code: str) -> Any:
        nonlocal at
        values = struct.unpack_from(f'>{code}', state, at)
        at += struct.calcsize(f'>{code}')
        return values[0] if len(values) == 1 else values

    def text() -> str:
        nonlocal at
        length = take('i')
        at += length
        return state[at - length : at].decode('utf-16-be')

    def sequence() -> list[Any]:
        assert take('B') == 0xFC
        orientation, count = take('B'), take('i')
        items: list[Any] = [orientation]
        for _ in range(count):
            if take('B') == 0xFB:
                name, visible = text(), take('B')
                assert visible == 1
                items.append((name, *take('ii')))
                take('ii')
            else:
                extent = take('iiii')[:2]
                items.append((sequence(), *extent))
        return items

    assert take('iiBi') == (0xFF, 0, 0xFD, 1)
    assert take('i') == 0, 'the left dock area'
    area = take('ii')
    docks = sequence()
    view = take('ii')
    assert take('iiii') == (4, 4, 8, 8)
    assert take('Biii') == (0xFC, 1, 2, 1)
    assert text() == 'Tools'
    assert take('Biiii') == (1, 0, -1, 0, 0)
    assert at == len(state)
    return docks, area, view


@pytest.mark.parametrize('layout', layouts())
def test_every_pane_has_a_dock_that_leaves_room_for_the_3d_view(layout: Layout) -> None:
    geometry = layout['Window Geometry']
    docks, area, view = parse_docks(bytes.fromhex(geometry['QMainWindow State']))
    assert area[0] + view[0] <= geometry['Width']
    assert view[0] > 0.5 * geometry['Width']
    assert area[1] == view[1] < geometry['Height']
    orientation, *rows = docks
    assert orientation == 2, 'one above the next'
    names = []
    end = rows[0][1]
    for row, start, size in rows:
        assert start >= end, 'rows do not overlap'
        end = start + size
        if isinstance(row, str):
            names.append(row)
            continue
        orientation, *columns = row
        assert orientation == 1, 'side by side'
        right = 0
        for name, left, width in columns:
            assert left >= right
            assert width > 100
            right = left + width
            names.append(name)
        assert right <= area[0]
    panes = [
        d['Name'] for d in displays_of(layout['Visualization Manager']) if d['Class'] in PANES
    ]
    assert sorted(names) == sorted([*panes, 'Displays'])
    assert len(set(names)) == len(names), 'RViz tells docks by their names'
    assert all(geometry[name] == {'collapsed': False} for name in names)


def test_docks_are_saved_as_qt_saves_them() -> None:
    # Saved by rviz2 14.1.5 itself.
    saved = yaml.safe_load((CONFIG / 'tracker.rviz').read_text())['Window Geometry']
    state = dock_state([['Image with tracks'], ['Displays']])
    assert state.hex() == saved['QMainWindow State']


def test_for_one_camera_the_layout_is_the_file() -> None:
    for name, positions in (('tracker', False), ('positions', True)):
        made = tracker_layout(cameras_of(), positions=positions, fixed_frame='camera')
        file = yaml.safe_load((CONFIG / f'{name}.rviz').read_text())
        for layout in (made, file):
            layout['Visualization Manager']['Displays'].sort(key=lambda display: display['Name'])
        assert made == file


def test_several_cameras_have_a_group_each() -> None:
    layout = tracker_layout(
        cameras_of('front', 'rear', namespace='/robot'), positions=True, fixed_frame='map'
    )
    displays = layout['Visualization Manager']['Displays']
    groups = [d for d in displays if d['Class'] == 'rviz_common/Group']
    assert [group['Name'] for group in groups] == ['front', 'rear']
    for group in groups:
        name = group['Name']
        assert [display['Topic']['Value'] for display in group['Displays']] == [
            f'/robot/jtn_tracker/{name}/debug_image',
            f'/{name}/image',
            f'/robot/jtn_tracker/{name}/markers_3d',
        ]
        assert all(display['Enabled'] for display in group['Displays'])


def test_the_world_replaces_the_objects_of_single_cameras() -> None:
    layout = tracker_layout(
        cameras_of('front', 'rear'),
        positions=True,
        fixed_frame='map',
        world='/jtn_tracker/world_markers',
    )
    displays = layout['Visualization Manager']['Displays']
    (world,) = [d for d in displays if d['Name'] == 'World']
    assert world['Topic']['Value'] == '/jtn_tracker/world_markers'
    assert (world['Enabled'], world['Value']) == (True, True)
    every = displays_of(layout['Visualization Manager'])
    shown = {d['Topic']['Value']: d['Enabled'] for d in every if 'Topic' in d}
    for name in ('front', 'rear'):
        assert not shown[f'/jtn_tracker/{name}/markers_3d']
        assert shown[f'/jtn_tracker/{name}/debug_image']


def test_only_the_first_image_plane_is_shown_because_others_need_tf() -> None:
    layout = tracker_layout(cameras_of('front', 'rear'), positions=False, fixed_frame='lens')
    enabled = {
        d['Topic']['Value']: d['Enabled'] for d in displays_of(layout['Visualization Manager'])
    }
    assert enabled == {
        '/jtn_tracker/front/debug_image': True,
        '/jtn_tracker/front/markers': True,
        '/jtn_tracker/rear/debug_image': True,
        '/jtn_tracker/rear/markers': False,
    }


@pytest.mark.ros
@pytest.mark.parametrize('positions', [False, True])
@pytest.mark.parametrize('names', [(), ('front', 'rear')])
def test_topics_are_published_with_a_quality_of_service_that_fits(
    make: Callable[..., Harness], block_model: Path, names: tuple[str, ...], positions: bool
) -> None:
    harness = make(
        model=str(block_model),
        cameras=list(names) or [''],
        publishing=False,
        positions='ground' if positions else 'off',
    )
    assert harness.transit('configure')
    cameras = cameras_of(*names)
    for camera in cameras:
        # As camera drivers publish.
        harness.user.create_publisher(Image, camera.image, qos_profile_sensor_data)
    layout = tracker_layout(cameras, positions=positions, fixed_frame='lens')
    shown = [d for d in displays_of(layout['Visualization Manager']) if 'Topic' in d]
    assert len(shown) == (3 if positions else 2) * len(cameras)

    def is_published(name: str) -> bool:
        return bool(harness.user.count_publishers(name) > 0)

    for display in shown:
        topic = display['Topic']
        name, kind = topic['Value'], TYPES[display['Class']]
        harness.wait(partial(is_published, name), name)
        (publisher,) = harness.user.get_publishers_info_by_topic(name)
        assert publisher.topic_type == kind
        profile = QoSProfile(
            depth=topic['Depth'],
            durability=POLICIES['Durability Policy'][topic['Durability Policy']],
            history=POLICIES['History Policy'][topic['History Policy']],
            reliability=POLICIES['Reliability Policy'][topic['Reliability Policy']],
            liveliness=LivelinessPolicy.AUTOMATIC,
        )
        compatibility, reason = qos_check_compatible(publisher.qos_profile, profile)
        assert compatibility == QoSCompatibility.OK, reason


type Pose = tuple[Rotation, NDArray[np.float64]]

UNMOVED: Pose = (Rotation.identity(), np.zeros(3))


def on_screen(
    layout: Layout, points: NDArray[np.float64], target: Pose = UNMOVED
) -> NDArray[np.float64]:
    """Return where points are in the 3D view, (N, 2): x and y are -1 to 1 where they are seen.

    Args:
        layout: with the view and the size of the 3D view.
        points: (N, 3) in the fixed frame.
        target: pose of the view's target frame in the fixed frame.
    """
    view = layout['Visualization Manager']['Views']['Current']
    rotation, translation = UNMOVED if view['Target Frame'] == '<Fixed Frame>' else target
    # An orbit view follows the position of its target, a follower also where its x axis leads.
    turn = Rotation.identity()
    if view['Class'].endswith('ThirdPersonFollower'):
        matrix = rotation.as_matrix()
        turn = Rotation.from_euler('z', np.arctan2(matrix[1, 0], matrix[0, 0]))
    yaw, pitch = view['Yaw'], view['Pitch']
    back = np.array([np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.cross((0, 0, 1), back)
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(back, right), back])
    focus = np.array([view['Focal Point'][axis] for axis in 'XYZ'], float)
    seen = (turn.inv().apply(points - translation) - focus) @ axes.T
    depth = view['Distance'] - seen[:, 2]
    assert (depth > view['Near Clip Distance']).all()
    state = bytes.fromhex(layout['Window Geometry']['QMainWindow State'])
    _, _, (width, height) = parse_docks(state)
    reach = np.tan(FOV_Y / 2) * np.array([width / height, 1])
    return seen[:, :2] / depth[:, None] / reach


def points_of(markers: list[Marker]) -> NDArray[np.float64]:
    """Return all points (N, 3) of markers; those of a text are its corners, in its plane."""
    points = []
    for marker in markers:
        points += [(p.x, p.y, p.z) for p in marker.points]
        if marker.type == Marker.TEXT_VIEW_FACING:
            middle, height = marker.pose.position, marker.scale.z
            for side in (-1, 1):
                x = middle.x + side * 0.3 * height * len(marker.text)
                points += [(x, middle.y + up * height / 2, middle.z) for up in (-1, 1)]
    return np.array(points)


def tracks_at(boxes: NDArray[np.float64]) -> Tracks:
    return tracks_of(boxes)


@pytest.mark.parametrize('names', [(), ('front', 'rear')])
@pytest.mark.parametrize('size', [(640, 480), (1920, 1080), (1080, 1920), (4096, 1024)])
def test_the_image_plane_is_in_view_upright_and_large_for_images_of_any_size(
    size: tuple[int, int], names: tuple[str, ...]
) -> None:
    layout = tracker_layout(cameras_of(*names), positions=False, fixed_frame='lens')
    width, height = size
    # A grid of people, of whom some touch the edges of the image.
    left, top = np.meshgrid(np.linspace(0, 0.9, 5) * width, np.linspace(0, 0.7, 3) * height)
    corners = np.column_stack([left.ravel(), top.ravel()])
    tracks = tracks_at(np.hstack([corners, corners + np.array([0.1 * width, 0.3 * height])]))
    markers = image_plane_markers(new_message, Header(), size, tracks, Trails(), ()).markers
    assert len([m for m in markers if m.ns == 'ids']) == 15
    seen = on_screen(layout, points_of(markers))
    assert np.abs(seen).max() < 1
    assert np.abs(seen).max() > 0.7
    (border,) = (m for m in markers if m.ns == 'image')
    (x1, y1), _, (x2, y2) = on_screen(layout, points_of([border]))[[0, 1, 4]]
    assert x1 < 0 < x2, 'not mirrored'
    assert y2 < 0 < y1, 'not upside down'


def located(frame_id: str, points: NDArray[np.float64]) -> list[Marker]:
    """Return the markers of people who stand at points (N, 3)."""
    n = len(points)
    tracks = tracks_at(np.tile([10.0, 10, 20, 40], (n, 1)))
    positions = Positions(
        frame_id=frame_id,
        known=np.ones(n, bool),
        points=points,
        velocities=np.full((n, 3), (1.0, 0, 0)),
        covariances=np.zeros((n, 6, 6)),
    )
    spatial = SpatialMarkers(2)
    spatial.update(tracks.ids, positions, 0)
    objects, optical = DrawnObjects.of_tracks(tracks), frame_id == 'lens'
    return spatial.draw(Time(), objects, positions, (), optical=optical).markers


def people() -> NDArray[np.float64]:
    """Return points (N, 3) on the ground before a camera, in its optical frame."""
    aside, ahead = np.meshgrid(np.linspace(-4, 4, 5), np.linspace(2, 15, 6))
    inside = np.abs(aside) < 0.6 * ahead  # of a field of view of 62 degrees
    return np.column_stack([aside[inside], np.ones(inside.sum()), ahead[inside]])


@pytest.mark.parametrize('names', [(), ('front', 'rear')])
def test_positions_in_the_optical_frame_are_in_view_and_upright(names: tuple[str, ...]) -> None:
    layout = tracker_layout(cameras_of(*names), positions=True, fixed_frame='lens')
    seen = on_screen(layout, points_of(located('lens', people())))
    assert np.abs(seen).max() < 1
    assert np.ptp(seen, axis=0).max() > 0.7
    assert_upright(layout, UNMOVED)
    (grid,) = grids_of(layout)
    assert (grid['Plane'], grid['Offset']) == ('XZ', {'X': 0, 'Y': 1, 'Z': 0})


@pytest.mark.parametrize('heading', [0, 100, -170])
@pytest.mark.parametrize('names', [(), ('front', 'rear')])
def test_positions_in_a_map_are_in_view_wherever_the_camera_looks(
    names: tuple[str, ...], heading: int
) -> None:
    layout = tracker_layout(
        cameras_of(*names), positions=True, fixed_frame='map', camera_frame='lens'
    )
    assert layout['Visualization Manager']['Views']['Current']['Target Frame'] == 'lens'
    # From the optical frame: z ahead and slightly downward, y down.
    optical = Rotation.from_matrix([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    turn = Rotation.from_euler('ZY', [heading, 10], degrees=True) * optical
    camera = turn, np.array([40.0, -7.0, 1.2])
    ground = turn.apply(people()) + camera[1]
    ground[:, 2] = 0
    seen = on_screen(layout, points_of(located('map', ground)), camera)
    assert np.abs(seen).max() < 1
    assert np.ptp(seen, axis=0).max() > 0.7
    assert_upright(layout, camera)
    (grid,) = grids_of(layout)
    assert (grid['Plane'], grid['Offset']) == ('XY', {'X': 0, 'Y': 0, 'Z': 0})


def grids_of(layout: Layout) -> list[Layout]:
    displays = displays_of(layout['Visualization Manager'])
    return [d for d in displays if d['Class'] == 'rviz_default_plugins/Grid']


def assert_upright(layout: Layout, camera: Pose) -> None:
    """Check that what is right, above or behind for the camera is right or higher on screen."""
    rotation, translation = camera
    points = np.array([[0, 1, 8], [1, 1, 8], [0, 0, 8], [0, 1, 9]], float)
    place, right, above, behind = on_screen(layout, rotation.apply(points) + translation, camera)
    assert right[0] > place[0] + 0.05
    assert above[1] > place[1] + 0.05
    assert behind[1] > place[1] + 0.02
