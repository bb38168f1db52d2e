"""Every launch file and node, started and stopped at random moments, leaves nothing behind."""

import itertools
import os
import random
import re
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from nodes.launching.test_launch_files import write_bag
from nodes.leftovers import MARK
from nodes.leftovers import processes_marked
from nodes.leftovers import unfinished_files
from nodes.scene import picture
from places import ROOT

pytestmark = pytest.mark.ros

STARTS = int(os.environ.get('SOAK_STARTS', '1000'))
SEED = int(os.environ.get('SOAK_SEED', str(time.time_ns() % 10**6)))
LONGEST_DELAY_S = 8.0  # in which a launch imports, configures and tracks
LIMIT_S = 30.0

# Ctrl-C and the end of a terminal reach the whole group, the end of a service its first process.
Stop = Callable[[subprocess.Popen[bytes]], None]
WAYS: dict[str, Stop] = {
    'SIGINT': lambda process: os.killpg(process.pid, signal.SIGINT),
    'SIGINT twice': lambda process: _interrupt_twice(process),
    'SIGTERM': lambda process: process.terminate(),
    'SIGHUP': lambda process: os.killpg(process.pid, signal.SIGHUP),
}


def _interrupt_twice(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(random.uniform(0.02, 1))
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)


@dataclass(frozen=True)
class Inputs:
    """What is tracked: a folder of images, a video and a bag of the same, and a model."""

    clip: Path
    video: Path
    bag: Path
    model: Path

    @classmethod
    def write(cls, folder: Path, model: Path) -> 'Inputs':
        inputs = cls(folder / 'clip', folder / 'video.avi', folder / 'bag', model)
        inputs.clip.mkdir()
        writer = cv2.VideoWriter(
            str(inputs.video), cv2.VideoWriter.fourcc(*'MJPG'), 20, (320, 192)
        )
        for number in range(40):
            cv2.imwrite(str(inputs.clip / f'{number:03}.png'), picture(number % 20))
            writer.write(picture(number % 20))
        writer.release()
        write_bag(inputs.bag)
        return inputs

    def commands(self, output: Path) -> dict[str, list[str]]:
        """Return the commands that write below an output folder, by name."""
        model = {'model': self.model, 'backend': 'onnxruntime'}
        bag = output / 'bag'
        return {
            'tracker.launch.py': _launch('tracker', **model),
            'multi_camera.launch.py': _launch('multi_camera', cameras='front,rear', **model),
            'webcam.launch.py': _launch('webcam', device=self.video, **model),
            'demo.launch.py': _launch('demo', input=self.clip, output=output, **model),
            'replay.launch.py': _launch(
                'replay', bag=self.bag, output=bag, image='/front/image_raw', **model
            ),
            'tracker_node': _node('tracker_node', autostart='true', lazy='false', **model),
            'webcam_node': _node('webcam_node', device=self.video),
            'player_node': _node('player_node', input=self.clip),
            'bag_player_node': _node('bag_player_node', input=self.bag),
            'recorder_node': _node('recorder_node', output=bag, topics='[/diagnostics, /rosout]'),
            'show_in_rviz': _node('show_in_rviz'),
        }


def _launch(name: str, **arguments: object) -> list[str]:
    path = str(ROOT / 'launch' / f'{name}.launch.py')
    values = [f'{key}:={value}' for key, value in arguments.items()]
    return ['ros2', 'launch', '--noninteractive', path, *values]


def _node(name: str, **parameters: object) -> list[str]:
    program = f'import sys; from jtn_ros.nodes.executables import {name}; sys.exit({name}())'
    values = [word for key, value in parameters.items() for word in ('-p', f'{key}:={value}')]
    return [sys.executable, '-c', program, '--ros-args', *values]


# It may do so with any nodes, see docs/robustness.md; counted, not failed.
LAUNCH_HANGS = '`ros2 launch` itself hangs, although all its nodes have ended'
# What `ros2 launch` puts before the lines of a process.
PREFIX = re.compile(r'\[([\w.]+-\d+)\] ')
FAULT = re.compile(r'Traceback|this is a bug|terminate called|Segmentation')
# `ros2 launch`, after all its processes have ended.
LAUNCH_ABORTED = re.compile(
    r'user interrupted with ctrl-c \(SIGINT\) again'
    r'[\s\S]*terminate called without an active exception\s*$'
)
_ONE = r'Traceback \(most recent call last\):\n(?:[ \t].*\n|\n)*\S.*\n?'
_LINK = r'\n(?:During handling of|The above exception was the direct cause) .*:\n\n'
TRACEBACK = re.compile(rf'{_ONE}(?:{_LINK}{_ONE})*')


def texts_of_processes(output: str) -> list[str]:
    """Return the output of each process: first `ros2 launch`, or a separate node."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for line in output.splitlines(keepends=True):
        match = PREFIX.match(line)
        texts[match[1] if match else ''].append(line[match.end() :] if match else line)
    return [''.join(lines) for lines in texts.values()]


def without_early_interrupts(text: str) -> str:
    """Remove the tracebacks of Ctrl-C while Python itself, or `ros2 launch`, still started.

    From `_run` on, a node ends without one.
    """

    def keep(match: re.Match[str]) -> str:
        early = 'KeyboardInterrupt' in match[0] and ', in _run' not in match[0]
        return '' if early else match[0]

    return TRACEBACK.sub(keep, text)


def faults_in(output: str) -> list[str]:
    """Return the unexpected output of processes."""
    texts = [without_early_interrupts(text) for text in texts_of_processes(output)]
    return [
        f'{match[0]}: {text[-3000:]}'
        for text in texts
        if (match := FAULT.search(text)) and not LAUNCH_ABORTED.search(text)
    ]


def start_and_stop(command: Sequence[str], stop: Stop, delay: float, folder: Path) -> list[str]:
    """Return the errors after a process was stopped at some moment."""
    mark, output, logs = str(uuid.uuid4()), folder / 'output.txt', folder / 'log'
    problems = []
    with output.open('wb') as stream:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=os.environ | {MARK: mark, 'ROS_LOG_DIR': str(logs)},
        )
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            stop(process)
        stopped = time.monotonic()
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:
            if command[0] == 'ros2' and len(processes_marked(mark, end=False)) == 1:
                processes_marked(mark)
                problems.append(LAUNCH_HANGS)
            else:
                problems.append(f'it goes on {LIMIT_S:.0f} s after the signal')
    # A group that was signaled ends in any order.
    while left := processes_marked(mark, end=False):
        if time.monotonic() > stopped + LIMIT_S:
            problems += [f'still there: {text}' for text in left]
            processes_marked(mark)
            break
        time.sleep(0.1)
    process.wait()
    texts = [output, *(path for path in logs.rglob('*') if path.is_file())]
    for path in texts:
        problems += [
            f'{fault} in {path.name}' for fault in faults_in(path.read_text(errors='replace'))
        ]
    # What is logged before anything happens may be empty.
    problems += [f'unfinished: {name}' for name in unfinished_files(folder / 'results')]
    return problems


def test_every_launch_file_and_node_stops_at_any_moment(tmp_path: Path, block_model: Path) -> None:
    print(f'\nSOAK_SEED={SEED}')
    random.seed(SEED)
    inputs = Inputs.write(tmp_path, block_model)
    names = list(inputs.commands(tmp_path))
    failures: Counter[str] = Counter()
    hanging = 0
    for number, (name, way) in zip(
        range(STARTS), itertools.cycle(itertools.product(names, WAYS)), strict=False
    ):
        folder = tmp_path / f'{number:05}'
        (folder / 'results').mkdir(parents=True)
        command = inputs.commands(folder / 'results')[name]
        delay = random.uniform(0, LONGEST_DELAY_S)
        for problem in start_and_stop(command, WAYS[way], delay, folder):
            print(f'{number}: {name}, {way} after {delay:.2f} s: {problem}', flush=True)
            if problem == LAUNCH_HANGS:
                hanging += 1
            else:
                failures[f'{name}, {way}'] += 1
    print(
        f'{STARTS} starts and stops of {len(names)} commands, {failures.total()} failures, '
        f'{hanging} times `ros2 launch` itself hung'
    )
    assert not failures
