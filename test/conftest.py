"""What all tests share."""

import signal
from pathlib import Path

import pytest

# A shell lets what it starts in the background ignore SIGINT, and so would what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> object:
    """Leave only launch tests to the plugin of launch_testing.

    To find out what is one, it would import every module a second time and by its bare name, so
    that two modules of the same name in different folders would clash.
    """
    if b'generate_test_description' in module_path.read_bytes():
        return None
    return pytest.Module.from_parent(parent, path=module_path)
