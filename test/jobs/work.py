"""Functions that tests run in other processes."""

import logging
import os
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    """Return the square, with a warning; -1 is refused."""
    if number < 0:
        raise ValueError(f'{number} is negative')
    logging.getLogger('jtn_ros.test').warning('%d was here', number)
    return number * number


def process_id(_: int) -> int:
    """Return the process, after a moment in which another one could take a task."""
    time.sleep(0.2)
    return os.getpid()


def die(tries: Path) -> str:
    """Kill the process as often as specified by the file name, and count the attempts in it."""
    with tries.open('a') as file:
        file.write('x')
    if len(tries.read_text()) <= int(tries.stem):
        os.kill(os.getpid(), signal.SIGKILL)
    return tries.stem
