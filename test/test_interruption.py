"""The first signal interrupts, the others wait for the end."""

import signal
import subprocess
import sys

import pytest

from jtn_ros.interruption import STOP_SIGNALS
from jtn_ros.interruption import interruptible


def test_the_first_signal_interrupts_and_handlers_come_back():
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    ended = False
    with pytest.raises(KeyboardInterrupt), interruptible():  # noqa: PT012
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            for number in STOP_SIGNALS:
                signal.raise_signal(number)
            ended = True
    assert ended
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_what_is_ignored_remains_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_forked_processes_end_as_ever():
    program = (
        'import os, signal, time\n'
        'from jtn_ros.interruption import interruptible\n'
        'with interruptible():\n'
        '    child = os.fork()\n'
        '    if child == 0:\n'
        '        time.sleep(30)\n'
        '    os.kill(child, signal.SIGTERM)\n'
        '    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=30
    )
    assert (done.stdout, done.stderr) == (f'{-signal.SIGTERM}\n', '')
