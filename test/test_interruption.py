"""The first signal interrupts, the others wait for the end."""

import signal
import subprocess
import sys

from jtn_ros.interruption import STOP_SIGNALS
from jtn_ros.interruption import interruptible


def run_program(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, timeout=30
    )


def test_the_first_signal_interrupts_and_the_others_are_ignored_to_the_end() -> None:
    program = (
        'import signal\n'
        'from jtn_ros.interruption import STOP_SIGNALS, interruptible\n'
        'def repeat():\n'
        '    for number in STOP_SIGNALS:\n'
        '        signal.raise_signal(number)\n'
        'try:\n'
        '    with interruptible():\n'
        '        try:\n'
        '            signal.raise_signal(signal.SIGTERM)\n'
        '        finally:\n'
        '            repeat()\n'
        'except KeyboardInterrupt:\n'
        '    repeat()\n'
        '    print("interrupted")\n'
    )
    done = run_program(program)
    assert (done.returncode, done.stdout, done.stderr) == (0, 'interrupted\n', '')


def test_signal_handlers_are_restored_without_an_interruption() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with interruptible():
        assert [signal.getsignal(number) for number in STOP_SIGNALS] != before
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_ignored_signals_remain_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_forked_processes_end_as_ever() -> None:
    program = (
        'import os, signal, time\n'
        'from jtn_ros.interruption import interruptible\n'
        'with interruptible():\n'
        '    ready, say_ready = os.pipe()\n'
        '    child = os.fork()\n'
        '    if child == 0:\n'
        '        os.write(say_ready, b"!")\n'
        '        time.sleep(20)\n'
        '        os._exit(0)\n'
        '    os.read(ready, 1)\n'
        '    os.kill(child, signal.SIGTERM)\n'
        '    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n'
    )
    done = run_program(program)
    assert (done.stdout, done.stderr) == (f'{-signal.SIGTERM}\n', '')
