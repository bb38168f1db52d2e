"""Writes the parameter file and the parameter reference of the tracker node: `make docs`."""

import sys
import textwrap
from pathlib import Path

import yaml

from jtn_ros.nodes.common.parameters import ParameterSpec
from jtn_ros.nodes.common.parameters import markdown_table
from jtn_ros.nodes.tracker.tracker_parameters import TRACKER_PARAMETERS

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


def parameter_file() -> str:
    """Return ``config/tracker.yaml``."""
    entries = [_entry(spec) for spec in TRACKER_PARAMETERS if spec.name != _SET_BY_LAUNCH]
    return _FILE_HEAD + ''.join(entries) + _FILE_TAIL


def parameter_reference() -> str:
    """Return ``docs/parameters.md``."""
    return _REFERENCE_HEAD + markdown_table(TRACKER_PARAMETERS) + '\n'


def _entry(spec: ParameterSpec) -> str:
    """Return a parameter as a commented line of YAML below its description."""
    text = spec.description
    if spec.choices:
        text += f' One of {spec.range_text}.'
    if spec.live:
        text += ' Can be changed at any time.'
    comment = textwrap.fill(text, _WIDTH, initial_indent='    # ', subsequent_indent='    # ')
    value = yaml.safe_dump([spec.default], default_flow_style=True).strip()[1:-1]
    return f'{comment}\n    {"" if spec.name == _SHOWN else "#"}{spec.name}: {value}\n'


def main() -> None:
    """Write both files below the folder that is given."""
    root = Path(sys.argv[1])
    (root / 'config' / 'tracker.yaml').write_text(parameter_file(), 'utf-8')
    (root / 'docs' / 'parameters.md').write_text(parameter_reference(), 'utf-8')


if __name__ == '__main__':
    main()
