"""RViz layouts for any number of cameras, derived from those in ``config/`` for one camera."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from jtn_ros.nodes.rviz.docks import dock_state
from jtn_ros.resources import resource_folder

type Layout = dict[str, Any]

# What the layouts in ``config/`` show.
_TRACKER = '/jtn_tracker'
_IMAGE = '/image'
_PANELS = ('Displays',)
_WITH_PANE = ('rviz_default_plugins/Image', 'rviz_default_plugins/Camera')


@dataclass(frozen=True, kw_only=True)
class CameraTopics:
    """The topics of one camera that RViz shows.

    Attributes:
        name: of the camera; empty if there is only one.
        outputs: full name that the topics of the tracker begin with.
        image: full name of the image topic.
    """

    name: str
    outputs: str
    image: str


def tracker_layout(
    cameras: Sequence[CameraTopics],
    *,
    positions: bool,
    fixed_frame: str,
    camera_frame: str = '',
    world: str = '',
) -> Layout:
    """Return an RViz layout with a group of displays for each camera.

    Args:
        cameras: at least one.
        positions: whether to show positions in space, else the image plane.
        fixed_frame: frame that everything is shown in.
        camera_frame: optical frame of the camera to look along, where that is not the fixed
            frame; then z is taken to point upward in the fixed frame.
        world: topic of the markers of what all cameras see together, which are then shown instead
            of those of single cameras; empty if there is none. Needs `positions`.
    """
    file = resource_folder('config') / ('positions.rviz' if positions else 'tracker.rviz')
    layout: Layout = yaml.safe_load(file.read_text('utf-8'))
    manager = layout['Visualization Manager']
    manager['Global Options']['Fixed Frame'] = fixed_frame
    if positions and camera_frame:
        _put_upright(manager, camera_frame)
    shared = [display for display in manager['Displays'] if 'Topic' not in display]
    templates = [display for display in manager['Displays'] if 'Topic' in display]
    own = {camera.name: [_shown(display, camera) for display in templates] for camera in cameras}
    if world:
        shared.append(_world_display(templates, world))
        for displays in own.values():
            _disable_markers(displays)
    if len(cameras) > 1:
        if not positions:
            # Without tf, RViz cannot place what is in the frames of the other cameras.
            for camera in cameras[1:]:
                _disable_markers(own[camera.name])
        groups = [_group(name, displays) for name, displays in own.items()]
        manager['Displays'] = [*groups, *shared]
    else:
        (displays,) = own.values()
        manager['Displays'] = [*displays, *shared]
    panes = [
        [display['Name'] for display in row]
        for row in zip(*own.values(), strict=True)
        if row[0]['Class'] in _WITH_PANE
    ]
    rows = [*panes, _PANELS]
    geometry = layout['Window Geometry']
    geometry['QMainWindow State'] = dock_state(rows).hex()
    for name in (name for row in rows for name in row):
        geometry[name] = {'collapsed': False}
    return layout


def _shown(template: Layout, camera: CameraTopics) -> Layout:
    """Return a display with the topic of a camera."""
    display = deepcopy(template)
    topic = display['Topic']['Value']
    if topic == _IMAGE:
        display['Topic']['Value'] = camera.image
    else:
        display['Topic']['Value'] = camera.outputs + topic.removeprefix(_TRACKER)
    if camera.name and display['Class'] in _WITH_PANE:
        # Panes are known by their names.
        display['Name'] = f'{camera.name}: {display["Name"]}'
    return display


def _world_display(templates: Sequence[Layout], topic: str) -> Layout:
    """Return a display like that of the positions of a camera."""
    (positions,) = (d for d in templates if d['Class'] == 'rviz_default_plugins/MarkerArray')
    display = deepcopy(positions)
    display['Name'], display['Topic']['Value'] = 'World', topic
    return display


def _group(name: str, displays: Sequence[Layout]) -> Layout:
    return {
        'Class': 'rviz_common/Group',
        'Displays': list(displays),
        'Enabled': True,
        'Name': name,
    }


def _disable_markers(displays: Sequence[Layout]) -> None:
    for display in displays:
        if display['Class'] not in _WITH_PANE:
            display['Enabled'] = display['Value'] = False


def _put_upright(manager: Layout, camera_frame: str) -> None:
    """Show positions in a frame whose z is upward, as seen from behind a camera."""
    (view,) = manager['Views']['Saved']
    manager['Views'] = {'Current': view | {'Target Frame': camera_frame}, 'Saved': None}
    (grid,) = (d for d in manager['Displays'] if d['Class'] == 'rviz_default_plugins/Grid')
    grid['Plane'] = 'XY'
    grid['Offset'] = {'X': 0, 'Y': 0, 'Z': 0}
