"""Archives of small recordings, and a way to kill the process that works on one of them."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path

import cv2

from cli.test_track_recordings import picture

BROKEN = 'cam2/broken.mp4'


def write_images(folder: Path, frames: int, first: int = 0) -> Path:
    """Write a folder of images in which a block goes to the right, again and again."""
    folder.mkdir(parents=True)
    for number in range(frames):
        image = picture((first + number) % 30)
        assert cv2.imwrite(str(folder / f'{number:04d}.png'), image)
    return folder


def write_archive(folder: Path, frames: int = 20) -> list[str]:
    """Write recordings, two of the same name and one that is broken; return the good ones."""
    write_images(folder / 'cam1' / 'walk', frames)
    write_images(folder / 'cam2' / 'walk', 12, first=5)
    write_images(folder / 'cam2' / 'late', 9, first=9)
    (folder / BROKEN).write_bytes(b'no video at all' * 50)
    return ['cam1/walk', 'cam2/late', 'cam2/walk']


@contextmanager
def first_worker_killed(part: Path) -> Iterator[list[int]]:
    """Kill the first process that writes a file; yield the list of those that were killed."""
    killed: list[int] = []
    over = threading.Event()

    def watch() -> None:
        while not over.is_set() and not killed:
            for pid in _writers(part):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            time.sleep(0.005)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def _writers(part: Path) -> list[int]:
    """Return the processes that have a file open, once there is something in it."""
    with suppress(OSError):
        if part.stat().st_size == 0:
            return []
        pids = [int(name) for name in os.listdir('/proc') if name.isdigit()]
        return [pid for pid in pids if _has(pid, part)]
    return []


def _has(pid: int, path: Path) -> bool:
    with suppress(OSError):
        folder = f'/proc/{pid}/fd'
        return any(os.readlink(f'{folder}/{name}') == str(path) for name in os.listdir(folder))
    return False
