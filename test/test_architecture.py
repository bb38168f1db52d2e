"""Code for robots does not import torch; import-linter checks other rules (pyproject.toml)."""

import ast
import subprocess
import sys

from places import ROOT


def test_the_robot_side_runs_without_torch() -> None:
    rooms = ['pipeline', 'offline', 'inference', 'tracking', 'media', 'datasets', 'positions']
    code = 'import sys\nsys.modules["torch"] = None\n' + '\n'.join(
        f'import jtn_ros.{room}' for room in rooms
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_tests_import_shared_code_by_name() -> None:
    # pytest 7.4, the one of Ubuntu 24.04, collects nothing of a test with relative imports.
    relative = [
        str(path.relative_to(ROOT))
        for path in sorted((ROOT / 'test').rglob('*.py'))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []
