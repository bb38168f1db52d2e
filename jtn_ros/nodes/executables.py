"""The executables of the package, one a node.

Importing a node takes seconds, in which Python would answer Ctrl-C with a traceback; a process
that has begun nothing simply ends.
"""

import os
import signal
from functools import partial
from importlib import import_module


def _run(node: str) -> int:
    """Import a node and run it; return the exit code."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    return int(import_module(f'{__package__}.{node}').main())


tracker_node = partial(_run, 'tracker_node')
player_node = partial(_run, 'player_node')
recorder_node = partial(_run, 'recorder_node')
bag_player_node = partial(_run, 'bag_player_node')
webcam_node = partial(_run, 'webcam_node')
webcam_tracker_node = partial(_run, 'webcam_tracker_node')
show_in_rviz = partial(_run, 'show_in_rviz')
