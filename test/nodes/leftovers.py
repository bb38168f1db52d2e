"""Processes and files that remain after processes were started and stopped."""

from pathlib import Path

import psutil

MARK = 'JTN_TEST_MARK'


def processes_marked(mark: str, *, end: bool = True) -> list[str]:
    """Return the commands of processes with a mark in their environment, and end them."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark:
                found.append(' '.join(process.cmdline()))
                if end:
                    process.kill()
        except psutil.Error:
            continue  # it ended, or is another user's
    return found


def unfinished_files(folder: Path) -> list[str]:
    """Return the files below a folder that are empty, or were not completed."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob('*')
        if path.is_file() and ('.part' in path.name or not path.stat().st_size)
    ]
