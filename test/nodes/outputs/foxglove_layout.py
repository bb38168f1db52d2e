"""The layout for Lichtblick and Foxglove, as these programs read it."""

import json
import re
from collections.abc import Iterator
from typing import Any

from places import ROOT

LAYOUT = ROOT / 'config' / 'tracker.foxglove.json'
IMAGE, ANNOTATIONS = 'sensor_msgs/msg/Image', 'foxglove_msgs/msg/ImageAnnotations'
MARKERS, DIAGNOSTICS = (
    'visualization_msgs/msg/MarkerArray',
    'diagnostic_msgs/msg/DiagnosticArray',
)
TRACKS = 'jtn_msgs/msg/TrackedObjectArray'
_SELECTED = re.compile(r'(/[\w/]+)\.(\w+)\[:\]\{(\w+)=="(\w+)"\}\.(\w+)')
_LENGTH = re.compile(r'(/[\w/]+)\.(\w+)\.length')


def read_panels() -> dict[str, dict[str, Any]]:
    """Return the settings of all panels by their identities, such as ``3D!plane``."""
    return json.loads(LAYOUT.read_text())['configById']


def placed_panels() -> list[str]:
    """Return the identities of the panels that the layout shows, also in tabs."""
    layout = json.loads(LAYOUT.read_text())

    def leaves(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from leaves(node['first'])
            yield from leaves(node['second'])
            return
        yield node
        for tab in layout['configById'][node].get('tabs', ()):
            yield from leaves(tab['layout'])

    return list(leaves(layout['layout']))


def topics_of(identity: str) -> dict[str, str]:
    """Return the topics that a panel shows, and the types that it can show."""
    panel, kind = read_panels()[identity], identity.partition('!')[0]
    match kind:
        case 'Image':
            mode = panel['imageMode']
            return {mode['imageTopic']: IMAGE, **dict.fromkeys(mode['annotations'], ANNOTATIONS)}
        case '3D':
            return dict.fromkeys(panel['topics'], MARKERS)
        case 'DiagnosticSummary':
            return {panel['topicToRender']: DIAGNOSTICS}
        case 'Plot':
            return {path['value'].partition('.')[0]: TRACKS for path in panel['paths']}
        case 'Tab':
            return {}
    raise AssertionError(f'{identity} is a panel of an unknown kind')


def plotted(path: str, message: Any) -> list[float]:
    """Return the values of a message of tracks that a path of a plot takes."""
    if match := _LENGTH.fullmatch(path):
        return [len(getattr(message, match[2]))]
    match = _SELECTED.fullmatch(path)
    assert match, path
    return [
        getattr(item, match[5])
        for item in getattr(message, match[2])
        if getattr(item, match[3]) == match[4]
    ]
