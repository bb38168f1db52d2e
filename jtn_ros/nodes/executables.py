"""The executables of the package, one per node.

Importing a node takes seconds, during which Ctrl-C would produce a Python traceback. A process
that has not started its work exits silently instead.
"""

import ctypes
import os
import signal
import sys
from functools import partial
from importlib import import_module

# The process id of the launch that starts the node; set by the launch files.
LAUNCH_PID = 'JTN_LAUNCH_PID'

_PR_SET_PDEATHSIG = 1


def _run(module: str) -> int:
    """Import the module of a node and run it; return the exit code.

    A missing package is reported in one line, like later errors.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    if launch := os.environ.get(LAUNCH_PID, ''):
        _end_with(launch)
    try:
        node = import_module(f'{__package__}.{module}')
    except Exception as error:
        # Not before: until Ctrl-C is handled, nothing is imported that is not needed.
        from jtn_ros.errors import as_mistake
        from jtn_ros.errors import one_line

        if (mistake := as_mistake(error)) is None:
            raise
        print(f'{module.split(".")[-1]}: {one_line(mistake)}', file=sys.stderr)
        return mistake.exit_code
    return int(node.main())


def _end_with(launch: str) -> None:
    """Arrange that this process receives SIGTERM when the launch ends.

    After SIGTERM, SIGKILL or a closed terminal, a launch exits without terminating its processes.
    """
    if not sys.platform.startswith('linux'):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # It may have ended before. A debugger in between is another parent, so ask for the launch.
    if _has_ended(launch):
        os._exit(0)


def _has_ended(process: str) -> bool:
    """Return whether a process has ended; it may be a zombie that its parent has not reaped."""
    try:
        with open(f'/proc/{process}/stat', encoding='utf-8', errors='replace') as file:
            state = file.read().rpartition(')')[2].split()[0]
    except OSError:
        return True
    return state in ('Z', 'X')


tracker_node = partial(_run, 'tracker.tracker_node')
player_node = partial(_run, 'sources.player_node')
recorder_node = partial(_run, 'sources.recorder_node')
bag_player_node = partial(_run, 'sources.bag_player_node')
webcam_node = partial(_run, 'sources.webcam_node')
show_in_rviz = partial(_run, 'rviz.show_in_rviz')
