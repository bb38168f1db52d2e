"""Writes the parameter file and the parameter reference of the tracker node: `make docs`."""

import sys
import textwrap
from pathlib import Path

import yaml

from jtn_ros.nodes.common.parameters import ros_default
from jtn_ros.nodes.common.parameters import type_name
from jtn_ros.nodes.tracker.settings import TrackerNodeSettings
from jtn_ros.settings import Setting
from jtn_ros.settings import settings_of
from jtn_ros.tracking import TrackerSettings

_WIDTH = 98
_SET_BY_LAUNCH = 'autostart'
# A file without any value is not a parameter file to ROS.
_SHOWN = 'camera_name'

_FILE_HEAD = """\
# Parameters of jtn_tracker with their default values. Copy this file, uncomment and change what
# you need, and start the node with `ros2 launch jtn_ros tracker.launch.py params_file:=YOUR_FILE`.
# `ros2 param describe /jtn_tracker NAME` shows the range of each parameter.
/**/jtn_tracker:
  ros__parameters:
"""

_FILE_TAIL = """\
    # Quality of service of any topic, by its full name. Image subscriptions are best effort, as
    # usual for sensor data. Use reliable ones for a recording that must not lose a frame.
    #qos_overrides:
    #  /image:
    #    subscription:
    #      reliability: reliable
    #      depth: 10
"""

_REFERENCE_HEAD = """\
# Parameters of `jtn_tracker`

Set them in a parameter file (`ros2 launch jtn_ros tracker.launch.py params_file:=FILE`;
[`config/tracker.yaml`](../config/tracker.yaml) lists all of them) or with `ros2 param set`. A
parameter marked *live* takes effect at once. The others are read when the node is configured, and
a configured node refuses to change them. `make docs` generates this page.

"""

_THRESHOLDS_HEAD = """
## Further thresholds of the default tracker

The node does not have these. In a parameter file for `jtn` (`--params-file FILE`), they can be set
like the parameters above, and `jtn tune --parameters` searches for them. A *size* is the square
root of the area of a box.

"""


def parameter_file() -> str:
    """Return ``config/tracker.yaml``."""
    settings = settings_of(TrackerNodeSettings)
    entries = [_entry(entry) for entry in settings if entry.name != _SET_BY_LAUNCH]
    return _FILE_HEAD + ''.join(entries) + _FILE_TAIL


def parameter_reference() -> str:
    """Return ``docs/parameters.md``."""
    parameters = markdown_table(TrackerNodeSettings)
    return f'{_REFERENCE_HEAD}{parameters}\n{_THRESHOLDS_HEAD}{_threshold_table()}\n'


def markdown_table(kind: type) -> str:
    """Return the parameters of a node as a Markdown table."""
    rows = ['| parameter | type | default | values | live | |', '|---|---|---|---|---|---|']
    for entry in settings_of(kind):
        value = ros_default(entry)
        default = f'`{value}`' if value != '' else ''
        live = 'yes' if entry.constraints.live else ''
        rows.append(
            f'| `{entry.name}` | {type_name(entry)} | {default} | {entry.range_text} | {live} '
            f'| {entry.constraints.description} |'
        )
    return '\n'.join(rows)


def _threshold_table() -> str:
    """Return the thresholds that are no parameters of the node as a Markdown table."""
    known = {entry.name for entry in settings_of(TrackerNodeSettings)}
    rows = ['| threshold | default | values | |', '|---|---|---|---|']
    rows += [
        f'| `{entry.name}` | `{entry.default}` | {entry.range_text} '
        f'| {entry.constraints.description} |'
        for entry in settings_of(TrackerSettings)
        if entry.name not in known
    ]
    return '\n'.join(rows)


def _entry(entry: Setting) -> str:
    """Return a parameter as a commented line of YAML below its description."""
    text = entry.constraints.description
    if entry.choices:
        text += f' One of {entry.range_text}.'
    if entry.constraints.live:
        text += ' Can be changed at any time.'
    comment = textwrap.fill(text, _WIDTH, initial_indent='    # ', subsequent_indent='    # ')
    value = yaml.safe_dump([ros_default(entry)], default_flow_style=True).strip()[1:-1]
    return f'{comment}\n    {"" if entry.name == _SHOWN else "#"}{entry.name}: {value}\n'


def main() -> None:
    """Write both files below the folder that is given."""
    root = Path(sys.argv[1])
    (root / 'config' / 'tracker.yaml').write_text(parameter_file(), 'utf-8')
    (root / 'docs' / 'parameters.md').write_text(parameter_reference(), 'utf-8')


if __name__ == '__main__':
    main()
