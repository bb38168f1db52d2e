"""The outcome of a task."""

import logging
import traceback
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace

from jtn_ros.errors import as_mistake
from jtn_ros.errors import describe_bug
from jtn_ros.errors import one_line

# Maximum number of repetitions of a task that loses its worker.
RETRIES = 2


@dataclass(frozen=True, kw_only=True)
class Outcome[R]:
    """A value, or the reason why there is none.

    Attributes:
        value: what the function returned; None after an error.
        error: one line with the cause; None where there is a value.
        trace: traceback of the error.
        warnings: what was logged meanwhile in another process.
    """

    value: R | None = None
    error: str | None = None
    trace: str = ''
    warnings: tuple[str, ...] = ()


def attempt[T, R](function: Callable[[T], R], task: T) -> Outcome[R]:
    """Run a task; an exception becomes its outcome, but an interruption is raised."""
    try:
        return Outcome(value=function(task))
    except Exception as error:
        mistake = as_mistake(error)
        bug = 'please report it with the output of `--debug`'
        said = describe_bug(error, bug) if mistake is None else one_line(mistake)
        return Outcome(error=said, trace=traceback.format_exc())


def attempt_elsewhere[T, R](function: Callable[[T], R], task: T) -> Outcome[R]:
    """Run a task in a separate process, and collect its log messages."""
    with _collected_warnings() as warnings:
        outcome = attempt(function, task)
    return replace(outcome, warnings=tuple(warnings))


class _Collector(logging.Handler):
    """Appends messages to a list."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        """Append a message."""
        self._lines.append(one_line(record.getMessage()))


@contextmanager
def _collected_warnings() -> Iterator[list[str]]:
    lines: list[str] = []
    handler = _Collector(lines)
    ours = logging.getLogger('jtn_ros')
    passed_on = ours.propagate
    ours.addHandler(handler)
    ours.propagate = False
    try:
        yield lines
    finally:
        ours.removeHandler(handler)
        ours.propagate = passed_on
