"""Loading a model opens no socket, starts no process and leaves nothing in the home folder."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from places import MODELS

# What Python itself announces (PEP 578), and what libraries may have opened behind its back. Only
# ctypes may start programs: those with which it looks for a library on this machine.
WATCHED = """
import json, os, sys, time
from pathlib import Path

seen = []
ORIGINS = ('socket.', 'subprocess.', 'os.fork', 'os.exec', 'os.spawn', 'os.posix_spawn',
           'os.system')
SEARCH = ('ldconfig', 'gcc', 'cc', 'ld', 'objdump')


def note(name, arguments):
    if name.startswith(ORIGINS):
        starts = name in ('subprocess.Popen', 'os.posix_spawn')
        program = Path(str(arguments[0])).name if starts else ''
        if program not in SEARCH:
            seen.append(f'{name} {program}')


sys.addaudithook(note)

from jtn_ros.inference import load_engine

engine = load_engine(sys.argv[1], sys.argv[2])
time.sleep(0.5)  # who reports does so on a thread
links = [os.readlink(f'/proc/self/fd/{number}') for number in os.listdir('/proc/self/fd')
         if os.path.exists(f'/proc/self/fd/{number}')]
children = ''.join(
    path.read_text() for path in Path('/proc/self/task').glob('*/children')
)
print(json.dumps({
    'engine': engine.description,
    'sockets': [link for link in links if link.startswith('socket:')],
    'children': children.split(),
    'events': seen,
}))
"""


def loaded(tmp_path: Path, model: str, backend: str, **variables: str) -> dict[str, Any]:
    """Load a model in a process with a separate home folder; return the observed events."""
    home = tmp_path / 'home'
    home.mkdir()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith('XDG_') and name != 'ORT_DISABLE_TELEMETRY'
    }
    done = subprocess.run(
        [sys.executable, '-c', WATCHED, str(MODELS / model), backend],
        capture_output=True,
        text=True,
        env=environment | {'HOME': str(home)} | variables,
    )
    assert done.returncode == 0, done.stderr
    left = sorted(str(path.relative_to(home)) for path in home.rglob('*'))
    return json.loads(done.stdout.splitlines()[-1]) | {'left': left}


@pytest.mark.parametrize(
    ('model', 'backend', 'name'),
    [
        ('jtn_people.onnx', 'openvino', 'OpenVINO'),
        ('jtn_people.onnx', 'onnxruntime', 'ONNX Runtime'),
        ('jtn_people.safetensors', 'torch', 'PyTorch'),
        ('jtn_people.onnx', 'auto', ''),
    ],
)
def test_loading_sends_no_telemetry(tmp_path: Path, model: str, backend: str, name: str) -> None:
    noticed = loaded(tmp_path, model, backend)
    assert noticed.pop('engine').startswith(name)
    assert noticed == {'sockets': [], 'children': [], 'events': [], 'left': []}


def test_telemetry_that_a_user_has_installed_is_not_imported(tmp_path: Path) -> None:
    package = tmp_path / 'installed' / 'openvino_telemetry'
    (package / 'backend').mkdir(parents=True)
    report = tmp_path / 'imported'
    (package / '__init__.py').write_text(f'open({str(report)!r}, "w").close()\n')
    paths = os.pathsep.join([str(package.parent), os.environ.get('PYTHONPATH', '')])
    loaded(tmp_path, 'jtn_people.onnx', 'openvino', PYTHONPATH=paths)
    assert not report.exists()


def test_the_requirements_bring_no_telemetry() -> None:
    folder = MODELS.parent / 'tools' / 'requirements'
    pins = [line for path in folder.glob('*.txt') for line in path.read_text().splitlines()]
    assert any(pin.startswith('openvino==') for pin in pins)
    assert [pin for pin in pins if 'telemetry' in pin] == []
