"""Progress bars of long commands on the terminal."""

import sys
from collections.abc import Iterable
from collections.abc import Iterator
from multiprocessing import parent_process

from rich.console import Console
from rich.progress import BarColumn
from rich.progress import MofNCompleteColumn
from rich.progress import Progress
from rich.progress import TextColumn
from rich.progress import TimeRemainingColumn


def show_progress[T](items: Iterable[T], title: str, total: int | None) -> Iterator[T]:
    """Yield the items; when stderr is a terminal, show a bar with the time left on it.

    In a worker process, no bar is shown; the parent process shows its own.
    """
    columns = (
        TextColumn('{task.description}'),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn('{task.fields[rate]}'),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    visible = sys.stderr.isatty() and parent_process() is None
    with Progress(*columns, console=console, disable=not visible) as progress:
        task = progress.add_task(title, total=total, rate='')
        for item in items:
            yield item
            speed = progress.tasks[task].speed
            progress.update(task, advance=1, rate=f'{speed:.1f}/s' if speed else '')
