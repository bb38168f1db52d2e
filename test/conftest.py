"""Common fixtures of all tests."""

import logging
import os
import signal
from pathlib import Path

import pytest

from places import ROOT

# A shell lets what it starts in the background ignore SIGINT, and so would what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# launch_testing keeps new loggers from propagating to pytest: let none of the project's be new.
for path in (ROOT / 'jtn_ros').rglob('*.py'):
    logging.getLogger('.'.join(path.relative_to(ROOT).with_suffix('').parts)).propagate = True

WITHOUT_ROS = not os.environ.get('ROS_DISTRO')
# What is imported or started there comes with ROS 2.
NEEDS_ROS = [
    'nodes',
    'cli/test_ros_launch.py',
    'cli/test_tracking_arguments.py',
    'tools/test_launch_verb.py',
    'tools/test_messages.py',
]
collect_ignore = NEEDS_ROS if WITHOUT_ROS else []


def pytest_report_header() -> str:
    """Say which ROS 2 the tests run with."""
    if WITHOUT_ROS:
        return f'ROS 2: none is sourced, so these are skipped: {", ".join(NEEDS_ROS)}'
    return f'ROS 2: {os.environ["ROS_DISTRO"]}'


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out single tests that need ROS 2 where there is none."""
    left_out = [item for item in items if WITHOUT_ROS and item.get_closest_marker('ros')]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> object:
    """Leave only launch tests to the plugin of launch_testing.

    To find out what is one, it would import every module a second time and by its bare name, so
    that two modules of the same name in different folders would clash.
    """
    if b'generate_test_description' in module_path.read_bytes():
        return None
    return pytest.Module.from_parent(parent, path=module_path)
